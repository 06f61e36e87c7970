//! Bad input of every kind: a clear 4xx or 501 of the contract's form, and nothing written.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::client::{raw, request};
use crate::server::Server;

/// Method, target, status, reason; no body.
const WITHOUT_BODY: &[(&str, &str, u16, &str)] = &[
    ("GET", "/nothing", 404, "NOT_FOUND"),
    ("GET", "/", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/users/", 404, "NOT_FOUND"),
    ("GET", "/blog/v1//users", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/users/../users", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/users/%2e%2e", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/users/a%2Fb", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/a%00", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/a%zz", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/%ff", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/a%20b", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/a%253A", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/-", 400, "INVALID_ID"),
    ("GET", "/blog/v1/users/nobody", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/users:batchGet", 400, "REQUIRED"),
    ("POST", "/blog/v1/users:batchCreate", 415, "MEDIA_TYPE"),
    ("POST", "/blog/v1/users:batchUpdate", 415, "MEDIA_TYPE"),
    ("POST", "/blog/v1/users/alice/entries:batchDelete", 415, "MEDIA_TYPE"),
    // Users are deleted for good, so there is no such method.
    ("POST", "/blog/v1/users/alice:undelete", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/users/alice:unknown", 404, "NOT_FOUND"),
    ("PUT", "/blog/v1/users/alice", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/blog/v1/users/alice", 405, "METHOD_NOT_ALLOWED"),
    ("DELETE", "/blog/v1/users", 405, "METHOD_NOT_ALLOWED"),
    ("BREW", "/blog/v1/users", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "/blog/v1/users?page=1", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?pageSize=-1", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?pageSize=many", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?pageSize=1&page_size=2", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?filter=%00", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?pageToken=x", 400, "PAGE_TOKEN_INVALID"),
    ("GET", "/blog/v1/users?orderBy=nothing", 400, "INVALID_ORDER"),
    ("GET", "/blog/v1/users?filter=nothing%3D1", 400, "INVALID_FILTER"),
    ("GET", "/blog/v1/users?filter=%3D%3D", 400, "INVALID_FILTER"),
    ("GET", "/blog/v1/users?showDeleted=yes", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users/alice?readMask=nothing", 400, "INVALID_MASK"),
    ("DELETE", "/blog/v1/users/nobody", 404, "NOT_FOUND"),
    ("DELETE", "/blog/v1/users/nobody?force=true", 404, "NOT_FOUND"),
    ("DELETE", "/blog/v1/users/nobody?force=perhaps", 400, "INVALID_PARAMETER"),
    ("GET", "/trine/v1/operations/x", 404, "NOT_FOUND"),
    ("GET", "/trine/v1/operations?pageToken=x", 400, "PAGE_TOKEN_INVALID"),
    // No secret is shared with anybody here, so there is no such call.
    ("POST", "/trine/v1/inbox", 404, "NOT_FOUND"),
    ("POST", "/trine/v1/commands:plan", 404, "NOT_FOUND"),
    ("POST", "/trine/v1/writeSets:commit", 415, "MEDIA_TYPE"),
    ("GET", "/openapi.json?pretty=true", 400, "INVALID_PARAMETER"),
    ("POST", "/openapi.json", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/docs", 405, "METHOD_NOT_ALLOWED"),
];

#[test]
fn requests_without_a_body() {
    let server = Server::monolith();
    for (method, target, status, reason) in WITHOUT_BODY {
        let answer = request(method, target).send(server.address());
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (*status, *reason),
            "{method} {target}: {answer:?}"
        );
        assert_eq!(answer.json()["error"]["code"], *status, "{method} {target}");
        assert_eq!(answer.header("trine-role"), Some("monolith"));
        assert!(answer.header("x-request-id").is_some() && answer.header("traceparent").is_some());
    }
}

/// Target, body, status, reason; a POST of JSON.
const CREATES: &[(&str, &str, u16, &str)] = &[
    ("/blog/v1/users", "", 400, "INVALID_BODY"),
    ("/blog/v1/users", "{", 400, "INVALID_BODY"),
    ("/blog/v1/users", "[]", 400, "INVALID_BODY"),
    ("/blog/v1/users", "{\"displayName\":\"A\"} x", 400, "INVALID_BODY"),
    ("/blog/v1/users", "{}", 400, "REQUIRED"),
    ("/blog/v1/users", "{\"displayName\":7}", 400, "INVALID_FIELD"),
    ("/blog/v1/users", "{\"displayName\":\"A\",\"colour\":1}", 400, "UNKNOWN_FIELD"),
    ("/blog/v1/users?userId=-", "{\"displayName\":\"A\"}", 400, "INVALID_ID"),
    ("/blog/v1/users?userId=a/b", "{\"displayName\":\"A\"}", 400, "INVALID_ID"),
    ("/blog/v1/users?entryId=a", "{\"displayName\":\"A\"}", 400, "INVALID_PARAMETER"),
    ("/blog/v1/users?requestId=7", "{\"displayName\":\"A\"}", 400, "INVALID_PARAMETER"),
    ("/blog/v1/users?validateOnly=maybe", "{\"displayName\":\"A\"}", 400, "INVALID_PARAMETER"),
    ("/blog/v1/users", "{\"name\":\"users/x\",\"displayName\":\"A\"}", 400, "INVALID_FIELD"),
    ("/blog/v1/users/-/entries", "{\"title\":\"T\"}", 400, "INVALID_ID"),
];

#[test]
fn creates_that_write_nothing() {
    let server = Server::monolith();
    for (target, body, status, reason) in CREATES {
        let answer = request("POST", target).json(body).send(server.address());
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (*status, *reason),
            "{target} {body}: {answer:?}"
        );
    }
    let list = request("GET", "/blog/v1/users").send(server.address());
    assert_eq!(list.json()["users"], serde_json::json!([]));
}

#[test]
fn headers_that_contradict_or_ask_for_what_is_not_served() {
    let server = Server::monolith();
    let body = "{\"displayName\":\"A\"}";
    let post = || request("POST", "/blog/v1/users?userId=h");
    let id = "0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01";
    let with_id = format!("/blog/v1/users?requestId={id}");
    let cases = [
        (post().bytes(body.as_bytes()), 415, "MEDIA_TYPE"),
        (post().header("Content-Type", "text/plain").bytes(body.as_bytes()), 415, "MEDIA_TYPE"),
        (post().json(body).header("Accept", "text/html"), 406, "NOT_ACCEPTABLE"),
        (post().json(body).header("Content-Encoding", "gzip"), 415, "CONTENT_ENCODING"),
        (post().json(body).header("Content-Type", "application/json"), 400, "INVALID_PARAMETER"),
        (
            post().json(body).header("Idempotency-Key", "a").header("Idempotency-Key", "b"),
            400,
            "INVALID_PARAMETER",
        ),
        (post().json(body).header("Idempotency-Key", "\"open"), 400, "INVALID_PARAMETER"),
        (request("POST", &with_id).json(body).header("Idempotency-Key", "other"), 400, "INVALID_PARAMETER"),
        (post().json(body).header("Trine-Consistency-Token", "forged"), 400, "CONSISTENCY_TOKEN_INVALID"),
        (post().json(body).header("If-Match", "\"1\""), 400, "INVALID_PARAMETER"),
        (post().json(body).header("Grpc-Timeout", "0n"), 504, "DEADLINE"),
        (request("GET", "/blog/v1/users/h").header("X-Envoy-Expected-Rq-Timeout-Ms", "0"), 504, "DEADLINE"),
        (post().json(body).header("Grpc-Timeout", "soon"), 400, "INVALID_PARAMETER"),
        (request("GET", "/blog/v1/users").bytes(b"x"), 400, "INVALID_BODY"),
    ];
    for (number, (request, status, reason)) in cases.into_iter().enumerate() {
        let answer = request.send(server.address());
        assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "case {number}: {answer:?}");
    }
    assert_eq!(request("GET", "/blog/v1/users/h").send(server.address()).status, 404);
}

#[test]
fn methods_that_are_not_served_say_which_are() {
    let server = Server::monolith();
    let put = request("PUT", "/blog/v1/users/alice").send(server.address());
    assert_eq!(put.header("allow"), Some("GET, HEAD, PATCH, DELETE, OPTIONS"));
    let options = request("OPTIONS", "/blog/v1/users").send(server.address());
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
}

#[test]
fn a_huge_body_is_refused_unread() {
    let server = Server::monolith();
    let head = "POST /blog/v1/users HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n";
    let answer = raw(server.address(), head.as_bytes());
    assert_eq!((answer.status, answer.reason().as_str()), (413, "BODY_TOO_LARGE"));
}

#[test]
fn an_endless_chunked_body_is_refused_at_the_limit() {
    let server = Server::monolith();
    let mut bytes = b"POST /blog/v1/users HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..80 {
        bytes.extend(format!("{:x}\r\n{}\r\n", 16_384, " ".repeat(16_384)).into_bytes());
    }
    // `raw` reads until the server closes: it must not go on reading what it refused.
    let answer = raw(server.address(), &bytes);
    assert_eq!((answer.status, answer.reason().as_str()), (413, "BODY_TOO_LARGE"));
}

#[test]
fn a_chunked_body_to_nowhere_does_not_keep_the_connection() {
    let server = Server::monolith();
    let head = "POST /nowhere HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let answer = raw(server.address(), head.as_bytes());
    assert_eq!((answer.status, answer.reason().as_str()), (404, "NOT_FOUND"));
}

#[test]
fn a_body_that_stalls_is_given_up() {
    let server = Server::monolith();
    let head = "POST /blog/v1/users HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"dis";
    let answer = raw(server.address(), head.as_bytes());
    assert_eq!((answer.status, answer.reason().as_str()), (408, "BODY_TIMEOUT"));
}

#[test]
fn smuggled_requests_are_not_served() {
    let server = Server::monolith();
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let bytes = format!(
            "POST /blog/v1/users HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n{framing}\r\n0\r\n\r\nGET /blog/v1/users/h HTTP/1.1\r\nHost: t\r\n\r\n"
        );
        let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
        stream.write_all(bytes.as_bytes()).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("half closed");
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        assert!(text.starts_with("HTTP/1.1 4") && !text.contains("HTTP/1.1 2"), "{framing}: {text}");
        assert!(text.matches("HTTP/1.1 ").count() == 1, "{framing}: {text}");
    }
}
