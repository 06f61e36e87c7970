//! Get, List, Create, Update, Delete as a client sees them.

use serde_json::json;

use crate::client::request;
use crate::server::Server;

const ALICE: &str = "/blog/v1/users/alice";

fn with_alice() -> Server {
    let server = Server::monolith();
    let created = request("POST", "/blog/v1/users?userId=alice")
        .json("{\"displayName\":\"Alice\"}")
        .send(server.address());
    assert_eq!(created.status, 201, "{created:?}");
    server
}

#[test]
fn create_answers_201_with_location_and_etag() {
    let server = Server::monolith();
    let created = request("POST", "/blog/v1/users?user_id=alice")
        .json("{\"displayName\":\"Alice\"}")
        .send(server.address());
    assert_eq!((created.status, created.header("location")), (201, Some(ALICE)), "{created:?}");
    assert_eq!(created.json()["name"], "users/alice");
    assert_eq!(created.json()["etag"], json!(created.header("etag")));
    assert_eq!(created.header("vary"), Some("Accept"));
    let again =
        request("POST", "/blog/v1/users?userId=alice").json("{\"displayName\":\"B\"}").send(server.address());
    assert_eq!((again.status, again.reason().as_str()), (409, "ALREADY_EXISTS"));
}

#[test]
fn a_generated_id_is_a_lowercase_uuid_7() {
    let server = Server::monolith();
    let created = request("POST", "/blog/v1/users").json("{\"displayName\":\"A\"}").send(server.address());
    let location = created.header("location").expect("a location").to_owned();
    let id = uuid::Uuid::parse_str(location.rsplit('/').next().expect("an id")).expect("a UUID");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(request("GET", &location).send(server.address()).json(), created.json());
}

#[test]
fn get_honours_if_none_match_per_representation() {
    let server = with_alice();
    let get = request("GET", ALICE).send(server.address());
    let tag = get.header("etag").expect("a tag").to_owned();
    let same = request("GET", ALICE).header("If-None-Match", &tag).send(server.address());
    assert_eq!((same.status, same.header("etag"), same.body.len()), (304, Some(tag.as_str()), 0));
    let any = request("GET", ALICE).header("If-None-Match", "*").send(server.address());
    assert_eq!(any.status, 304);
    let binary = request("GET", ALICE)
        .header("If-None-Match", &tag)
        .header("Accept", "application/x-protobuf")
        .send(server.address());
    assert_eq!((binary.status, binary.header("content-type")), (200, Some("application/x-protobuf")));
    assert_eq!(
        binary.header("etag"),
        Some(tag.replace("\"", "").as_str()).map(|v| format!("\"{v}.p\"")).as_deref()
    );
}

#[test]
fn head_answers_as_get_without_a_body() {
    let server = with_alice();
    let get = request("GET", ALICE).send(server.address());
    let head = request("HEAD", ALICE).send(server.address());
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), get.header("etag"));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[test]
fn update_changes_the_masked_fields_alone() {
    let server = with_alice();
    let body = "{\"displayName\":\"Ally\",\"email\":\"a@example.com\"}";
    let updated =
        request("PATCH", "/blog/v1/users/alice?updateMask=display_name").json(body).send(server.address());
    assert_eq!((updated.status, &updated.json()["displayName"]), (200, &json!("Ally")), "{updated:?}");
    assert_eq!(updated.json().get("email"), None);
    let mask = request("PATCH", "/blog/v1/users/alice?updateMask=nothing").json(body).send(server.address());
    assert_eq!((mask.status, mask.reason().as_str()), (400, "INVALID_MASK"));
    let missing = request("PATCH", "/blog/v1/users/bob").json(body).send(server.address());
    assert_eq!((missing.status, missing.reason().as_str()), (404, "NOT_FOUND"));
}

#[test]
fn a_stale_condition_stops_an_update() {
    let server = with_alice();
    let tag = request("GET", ALICE).send(server.address()).header("etag").expect("a tag").to_owned();
    let body = "{\"displayName\":\"Ally\"}";
    let update = |condition: &str| {
        request("PATCH", ALICE).header("If-Match", condition).json(body).send(server.address())
    };
    assert_eq!(update(&format!("\"1\", {tag}")).status, 200);
    for stale in [tag.as_str(), "\"x\"", "W/\"1\""] {
        let refused = update(stale);
        assert_eq!((refused.status, refused.reason().as_str()), (412, "IF_MATCH"), "{stale}");
    }
    assert_eq!(update("*").status, 200);
    assert_eq!((update("\"8\", \"9\"").status, update("\"x\", \"y\"").status), (412, 412));
    // Beside an `etag` a list or `*` lets no other version pass.
    let current = request("GET", ALICE).send(server.address()).header("etag").expect("a tag").to_owned();
    for condition in [format!("{tag}, {current}"), "*".to_owned()] {
        let body = json!({ "displayName": "Al", "etag": tag }).to_string();
        let refused =
            request("PATCH", ALICE).header("If-Match", &condition).json(&body).send(server.address());
        assert_eq!((refused.status, refused.reason().as_str()), (409, "ETAG_MISMATCH"), "{condition}");
    }
    let body = json!({ "displayName": "Al", "etag": tag }).to_string();
    let same = request("PATCH", ALICE).header("If-Match", &tag).json(&body).send(server.address());
    assert_eq!((same.status, same.reason().as_str()), (412, "IF_MATCH"));
    let stale_field = json!({ "displayName": "Al", "etag": tag }).to_string();
    let refused = request("PATCH", ALICE).json(&stale_field).send(server.address());
    assert_eq!((refused.status, refused.reason().as_str()), (409, "ETAG_MISMATCH"));
}

#[test]
fn delete_answers_an_empty_object_once() {
    let server = with_alice();
    let stale = request("DELETE", "/blog/v1/users/alice?etag=999").send(server.address());
    assert_eq!((stale.status, stale.reason().as_str()), (409, "ETAG_MISMATCH"), "{stale:?}");
    let deleted = request("DELETE", ALICE).send(server.address());
    assert_eq!((deleted.status, deleted.body.as_slice()), (200, b"{}".as_slice()));
    assert_eq!(request("DELETE", ALICE).send(server.address()).status, 404);
    assert_eq!(request("GET", ALICE).send(server.address()).status, 404);
}

#[test]
fn lists_page_through_filtered_and_ordered_rows() {
    let server = with_alice();
    for number in 0..7 {
        let target = format!("/blog/v1/users/alice/entries?entryId=e{number}");
        let state = if number % 2 == 0 { "PUBLISHED" } else { "DRAFT" };
        let body = json!({ "title": format!("T{number}"), "state": state }).to_string();
        assert_eq!(request("POST", &target).json(&body).send(server.address()).status, 201);
    }
    let base = "/blog/v1/users/alice/entries?orderBy=title%20desc&filter=state%3DPUBLISHED&pageSize=3";
    let first = request("GET", base).send(server.address());
    assert_eq!(titles(&first.json()), ["T6", "T4", "T2"], "{first:?}");
    let token = first.json()["nextPageToken"].as_str().expect("a token").to_owned();
    let second = request("GET", &format!("{base}&pageToken={token}")).send(server.address());
    assert_eq!(titles(&second.json()), ["T0"]);
    assert_eq!(second.json().get("nextPageToken"), None);
    let other = format!("/blog/v1/users/alice/entries?orderBy=title&pageToken={token}");
    let refused = request("GET", &other).send(server.address());
    assert_eq!((refused.status, refused.reason().as_str()), (400, "PAGE_TOKEN_INVALID"));
    let everywhere = request("GET", "/blog/v1/users/-/entries").send(server.address());
    assert_eq!(everywhere.json()["entries"].as_array().map(Vec::len), Some(7));
}

fn titles(page: &serde_json::Value) -> Vec<String> {
    let entries = page["entries"].as_array().expect("entries");
    entries.iter().map(|entry| entry["title"].as_str().expect("a title").to_owned()).collect()
}

#[test]
fn binary_clients_send_and_get_messages() {
    let server = with_alice();
    let bytes = request("GET", ALICE).header("Accept", "application/protobuf").send(server.address()).body;
    // field 2, display_name: "Alice"
    assert!(bytes.windows(7).any(|window| window == b"\x12\x05Alice"), "{bytes:?}");
    let created = request("POST", "/blog/v1/users?userId=bob")
        .header("Content-Type", "application/x-protobuf")
        .bytes(b"\x12\x03Bob")
        .send(server.address());
    assert_eq!((created.status, &created.json()["displayName"]), (201, &json!("Bob")), "{created:?}");
    let unknown = request("POST", "/blog/v1/users?userId=eve")
        .header("Content-Type", "application/x-protobuf")
        .bytes(b"\x12\x03Eve\xa0\x06\x01")
        .send(server.address());
    assert_eq!((unknown.status, unknown.reason().as_str()), (400, "UNKNOWN_FIELD"));
    let broken = request("POST", "/blog/v1/users?userId=eve")
        .header("Content-Type", "application/x-protobuf")
        .bytes(b"\x12\xffE")
        .send(server.address());
    assert_eq!((broken.status, broken.reason().as_str()), (400, "INVALID_BODY"));
}

#[test]
fn a_key_has_one_effect_and_one_answer() {
    let server = Server::monolith();
    let create = |key: &str, name: &str| {
        let body = json!({ "displayName": name }).to_string();
        request("POST", "/blog/v1/users").header("Idempotency-Key", key).json(&body).send(server.address())
    };
    let first = create("\"k 1\"", "A");
    let second = create("\"k 1\"", "A");
    assert_eq!((first.status, second.status), (201, 201), "{second:?}");
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.json(), second.json());
    let other = create("\"k 1\"", "B");
    assert_eq!((other.status, other.reason().as_str()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let list = request("GET", "/blog/v1/users").send(server.address());
    assert_eq!(list.json()["users"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_read_carries_a_token_that_a_later_read_may_send() {
    let server = with_alice();
    let read = request("GET", ALICE).send(server.address());
    let token = read.header("trine-consistency-token").expect("a token").to_owned();
    let again = request("GET", ALICE).header("Trine-Consistency-Token", &token).send(server.address());
    assert_eq!(again.status, 200, "{again:?}");
    let missing = request("GET", "/blog/v1/users/bob").send(server.address());
    assert!(missing.header("trine-consistency-token").is_some());
}
