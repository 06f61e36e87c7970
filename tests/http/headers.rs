//! What clients ask for in headers, and what every answer carries.

use serde_json::json;

use crate::client::{Answer, raw, request};
use crate::server::Server;

const ALICE: &str = "/blog/v1/users/alice";
const BODY: &str = "{\"displayName\":\"Alice\"}";

fn minimal(server: &Server, method: &str, target: &str, body: Option<&str>) -> Answer {
    let asked = request(method, target).header("Prefer", "return=minimal");
    body.map_or(request(method, target).header("Prefer", "return=minimal"), |body| asked.json(body))
        .send(server.address())
}

#[test]
fn a_client_that_needs_no_body_gets_none() {
    let server = Server::monolith();
    let created = minimal(&server, "POST", "/blog/v1/users?userId=alice", Some(BODY));
    assert_eq!((created.status, created.body.len()), (201, 0), "{created:?}");
    assert_eq!(created.header("location"), Some(ALICE));
    assert_eq!(created.header("preference-applied"), Some("return=minimal"));
    let tag = created.header("etag").expect("a tag").to_owned();
    assert_eq!(request("GET", ALICE).send(server.address()).header("etag"), Some(tag.as_str()));
    let updated = minimal(&server, "PATCH", ALICE, Some("{\"displayName\":\"A\"}"));
    assert_eq!((updated.status, updated.body.len()), (204, 0), "{updated:?}");
    assert!(updated.header("etag").is_some_and(|new| new != tag) && updated.header("content-type").is_none());
    let refused = minimal(&server, "PATCH", ALICE, Some("{\"nothing\":1}"));
    assert_eq!((refused.status, refused.reason().as_str()), (400, "UNKNOWN_FIELD"));
    let deleted = minimal(&server, "DELETE", ALICE, None);
    assert_eq!((deleted.status, deleted.body.len()), (204, 0), "{deleted:?}");
    assert_eq!(request("GET", ALICE).send(server.address()).status, 404);
}

#[test]
fn a_command_answers_its_message_whatever_is_preferred() {
    let server = Server::monolith();
    assert_eq!(request("POST", "/blog/v1/users?userId=alice").json(BODY).send(server.address()).status, 201);
    let body = json!({ "entry": { "title": "T" } }).to_string();
    let answer = minimal(&server, "POST", "/blog/v1/users/alice:publish", Some(&body));
    assert_eq!((answer.status, answer.header("preference-applied")), (200, None), "{answer:?}");
    assert!(!answer.body.is_empty());
}

#[test]
fn a_replay_honours_what_the_retry_prefers() {
    let server = Server::monolith();
    let create = |prefer: &str| {
        let asked = request("POST", "/blog/v1/users?userId=alice").header("Idempotency-Key", "k");
        asked.header("Prefer", prefer).json(BODY).send(server.address())
    };
    let (first, second) = (create("return=minimal"), create("return=representation"));
    assert_eq!((first.status, first.body.len()), (201, 0), "{first:?}");
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, Some("true")), "{second:?}");
    assert_eq!(second.json()["name"], "users/alice");
}

#[test]
fn every_answer_says_which_request_it_was_and_who_answered() {
    let server = Server::monolith();
    let with = |id: &str| request("GET", ALICE).header("X-Request-Id", id).send(server.address());
    let long = "a".repeat(128);
    for id in ["my.id_1:2-3", long.as_str()] {
        assert_eq!(with(id).header("x-request-id"), Some(id));
    }
    for id in ["a b", "a;b", "", &"a".repeat(129)] {
        let made = with(id);
        let made = made.header("x-request-id").expect("an id");
        assert!(uuid::Uuid::parse_str(made).is_ok(), "{made}");
    }
    let refused = request("BREW", "/nowhere").send(server.address());
    assert_eq!((refused.status, refused.header("trine-role")), (404, Some("monolith")));
    assert!(refused.header("x-request-id").is_some() && refused.header("traceparent").is_some());
}

#[test]
fn a_trace_is_continued() {
    let server = Server::monolith();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = request("GET", ALICE).header("traceparent", parent).send(server.address());
    let told = answer.header("traceparent").expect("a trace");
    assert!(told.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && told != parent, "{told}");
}

#[test]
fn deadlines_of_callers_are_kept() {
    let server = Server::monolith();
    for (name, value, status, reason) in [
        ("Grpc-Timeout", "0n", 504, "DEADLINE"),
        ("X-Envoy-Expected-Rq-Timeout-Ms", "0", 504, "DEADLINE"),
        ("Grpc-Timeout", "soon", 400, "INVALID_PARAMETER"),
        ("X-Envoy-Expected-Rq-Timeout-Ms", "-1", 400, "INVALID_PARAMETER"),
        ("Grpc-Timeout", "99999999H", 404, "NOT_FOUND"),
    ] {
        let answer = request("GET", ALICE).header(name, value).send(server.address());
        assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "{name}: {value}");
    }
    let late = request("POST", "/blog/v1/users?userId=alice").header("Grpc-Timeout", "0n").json(BODY);
    assert_eq!(late.send(server.address()).status, 504);
    assert_eq!(request("GET", ALICE).send(server.address()).status, 404, "nothing was written");
}

#[test]
fn options_tell_what_may_be_done() {
    let server = Server::monolith();
    for (target, allow) in [
        (ALICE, "GET, HEAD, PATCH, DELETE, OPTIONS"),
        ("/blog/v1/users", "GET, HEAD, POST, OPTIONS"),
        ("/blog/v1/users/alice:publish", "POST, OPTIONS"),
    ] {
        let answer = request("OPTIONS", target).send(server.address());
        assert_eq!((answer.status, answer.header("allow")), (204, Some(allow)), "{target}");
    }
    let reader = server.nanoservice();
    let answer = request("OPTIONS", ALICE).send(reader.address());
    assert_eq!((answer.status, answer.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
}

/// Conditions are lists, which proxies may split into lines (RFC 9110, 5.3).
#[test]
fn conditions_in_several_lines_are_one_list() {
    let server = Server::monolith();
    let created = request("POST", "/blog/v1/users?userId=alice").json(BODY).send(server.address());
    let tag = created.header("etag").expect("a tag").to_owned();
    let get = |lines: [(&'static str, &str); 2]| {
        let asked = request("GET", ALICE).header(lines[0].0, lines[0].1).header(lines[1].0, lines[1].1);
        asked.send(server.address()).status
    };
    assert_eq!(get([("If-None-Match", "\"999\""), ("If-None-Match", &tag)]), 304);
    assert_eq!(get([("If-None-Match", "\"999\""), ("If-None-Match", "\"998\"")]), 200);
    assert_eq!(get([("If-Match", "\"999\""), ("If-Match", &tag)]), 200);
    assert_eq!(get([("If-Match", "\"999\""), ("If-Match", "\"998\"")]), 412);
    let patch = |first: &str, second: &str| {
        let asked = request("PATCH", ALICE).header("If-Match", first).header("If-Match", second);
        asked.json(BODY).send(server.address()).status
    };
    assert_eq!((patch("\"999\"", "\"998\""), patch("\"999\"", &tag)), (412, 200));
    // A line that cannot be read is a condition all the same.
    let head = "PATCH /blog/v1/users/alice HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\nIf-Match: \"";
    let unreadable = raw(server.address(), &[head.as_bytes(), b"\xe9\"\r\n\r\n{}"].concat());
    assert_eq!((unreadable.status, unreadable.reason().as_str()), (400, "INVALID_PARAMETER"));
}

/// Given a head that says enough, then nobody waits for the body.
#[test]
fn a_body_of_the_wrong_media_type_is_not_waited_for() {
    let server = Server::monolith();
    for (method, path) in
        [("POST", "/blog/v1/users"), ("PATCH", ALICE), ("POST", "/blog/v1/users/alice:publish")]
    {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n"
        );
        let refused = raw(server.address(), head.as_bytes());
        assert_eq!((refused.status, refused.reason().as_str()), (415, "MEDIA_TYPE"), "{method} {path}");
    }
}
