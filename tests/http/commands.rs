//! A command over HTTP: its path, its body, its answer.

use serde_json::json;

use crate::client::request;
use crate::server::Server;

const PUBLISH: &str = "/blog/v1/users/alice:publish";

fn with_alice() -> Server {
    let server = Server::monolith();
    let body = "{\"displayName\":\"Alice\"}";
    let created = request("POST", "/blog/v1/users?userId=alice").json(body).send(server.address());
    assert_eq!(created.status, 201, "{created:?}");
    server
}

#[test]
fn publish_answers_the_entry_and_counts_it_once_per_key() {
    let server = with_alice();
    let publish = || {
        let body = json!({ "entry": { "title": "Hello" }, "entryId": "hello" }).to_string();
        request("POST", PUBLISH).header("Idempotency-Key", "k1").json(&body).send(server.address())
    };
    let (first, second) = (publish(), publish());
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(
        (&first.json()["name"], &second.json()["name"]),
        (&json!("users/alice/entries/hello"), &first.json()["name"])
    );
    let user = request("GET", "/blog/v1/users/alice").send(server.address());
    assert_eq!(user.json()["entryCount"], "1");
}

#[test]
fn bodies_that_are_no_request_are_refused() {
    let server = with_alice();
    for (body, reason) in [
        ("", "INVALID_BODY"),
        ("{", "INVALID_BODY"),
        ("{\"entry\":{\"title\":\"a\"},\"entry\":{\"title\":\"b\"}}", "INVALID_BODY"),
        ("{\"entry\":{\"title\":\"a\"},\"colour\":1}", "UNKNOWN_FIELD"),
        ("{\"entry\":{\"title\":\"a\",\"colour\":1}}", "UNKNOWN_FIELD"),
        ("{\"user\":\"users/bob\",\"entry\":{\"title\":\"a\"}}", "INVALID_FIELD"),
    ] {
        let refused = request("POST", PUBLISH).json(body).send(server.address());
        assert_eq!((refused.status, refused.reason().as_str()), (400, reason), "{body}: {refused:?}");
    }
    let get = request("GET", PUBLISH).send(server.address());
    assert_eq!((get.status, get.header("allow")), (405, Some("POST, OPTIONS")));
    let entries = request("GET", "/blog/v1/users/alice/entries").send(server.address());
    assert_eq!(entries.json()["entries"], json!([]));
}

/// A command's request is read as strictly as a resource, and its mistakes name their fields.
#[test]
fn requests_are_read_as_strictly_as_resources() {
    let server = with_alice();
    for (body, field) in [
        (r#"{"entry":{"title":"a"},"entryId":"a","entry_id":"b"}"#, "entryId"),
        (r#"{"entry":{"title":"a","publishTime":"2026-01-01T23:59:60Z"}}"#, "entry.publishTime"),
        (r#"{"entry":{"title":"a","publishTime":"2026-01-01T00:00:00.1234567891Z"}}"#, "entry.publishTime"),
        (r#"{"entry":{"title":"a","state":"NONE"}}"#, "entry.state"),
        (r#"{"entry":{"title":"a","tags":[null]}}"#, "entry.tags[0]"),
        (r#"{"entry":{"title":"a\u0000"}}"#, "entry.title"),
        (r#"{"entry":[]}"#, "entry"),
    ] {
        let refused = request("POST", PUBLISH).json(body).send(server.address());
        assert_eq!(
            (refused.status, refused.reason().as_str()),
            (400, "INVALID_FIELD"),
            "{body}: {refused:?}"
        );
        let violation = &refused.json()["error"]["details"][1]["fieldViolations"][0];
        assert_eq!(violation["field"], field, "{body}: {refused:?}");
    }
}

#[test]
fn binary_clients_send_and_get_messages() {
    let server = with_alice();
    // field 2, entry: { field 2, title: "Hi" }
    let published = request("POST", PUBLISH)
        .header("Content-Type", "application/x-protobuf")
        .header("Accept", "application/x-protobuf")
        .bytes(b"\x12\x04\x12\x02Hi")
        .send(server.address());
    assert_eq!((published.status, published.header("content-type")), (200, Some("application/x-protobuf")));
    assert!(published.body.windows(4).any(|window| window == b"\x12\x02Hi"), "{published:?}");
}
