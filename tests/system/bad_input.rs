//! Bad input gets a clear 4xx and leaves nothing behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::support::blog;
use crate::support::http::Api;
use crate::support::trine::{Launch, Trine};

struct Server {
    trine: Trine,
    _home: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let url = format!("sqlite:{}", home.path().join("blog.db").display());
        let launch = Launch::role("monolith").argument("--database", &url);
        let trine = launch.set("http.max_body_bytes", 65536).ready();
        blog::create_user(&trine.api(), "ada").expect(201);
        Self { trine, _home: home }
    }

    fn api(&self) -> Api {
        self.trine.api()
    }
}

/// Method, path, content type, body, status, reason.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, u16, &'a str);

const JSON: &str = "application/json";
const USERS: &str = "/blog/v1/users";
const ADA: &str = "/blog/v1/users/ada";

const CASES: &[Case] = &[
    ("POST", USERS, JSON, "{", 400, "INVALID_BODY"),
    ("POST", USERS, JSON, "[]", 400, "INVALID_BODY"),
    ("POST", USERS, JSON, "null", 400, "INVALID_BODY"),
    ("POST", USERS, JSON, "", 400, "INVALID_BODY"),
    ("POST", USERS, JSON, "{\"displayName\":\"a\"} trailing", 400, "INVALID_BODY"),
    ("POST", USERS, JSON, "{\"displayName\":\"a\",\"displayName\":\"b\"}", 400, "INVALID_BODY"),
    ("POST", USERS, JSON, "{}", 400, "REQUIRED"),
    ("POST", USERS, JSON, "{\"displayName\":7}", 400, "INVALID_FIELD"),
    ("POST", USERS, JSON, "{\"displayName\":\"a\\u0000b\"}", 400, "INVALID_FIELD"),
    ("POST", USERS, JSON, "{\"displayName\":\"a\",\"dailyEntryLimit\":1e99}", 400, "INVALID_FIELD"),
    ("POST", USERS, JSON, "{\"displayName\":\"a\",\"nickname\":\"b\"}", 400, "UNKNOWN_FIELD"),
    ("POST", "/blog/v1/users?userId=-bad", JSON, "{\"displayName\":\"a\"}", 400, "INVALID_ID"),
    ("POST", "/blog/v1/users?userId=a%2Fb", JSON, "{\"displayName\":\"a\"}", 400, "INVALID_ID"),
    ("POST", "/blog/v1/users?userld=typo", JSON, "{\"displayName\":\"a\"}", 400, "INVALID_PARAMETER"),
    ("POST", "/blog/v1/users?userId=ada", JSON, "{\"displayName\":\"a\"}", 409, "ALREADY_EXISTS"),
    ("POST", USERS, "text/plain", "{\"displayName\":\"a\"}", 415, "MEDIA_TYPE"),
    ("PATCH", "/blog/v1/users/ada?updateMask=displayName", JSON, "{\"displayName\":\"\"}", 400, "REQUIRED"),
    ("PATCH", "/blog/v1/users/ada?updateMask=nonsense", JSON, "{}", 400, "INVALID_MASK"),
    ("PATCH", "/blog/v1/users/nobody", JSON, "{\"displayName\":\"a\"}", 404, "NOT_FOUND"),
    ("PUT", ADA, JSON, "{\"displayName\":\"a\"}", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "/blog/v1/users?pageSize=-1", JSON, "", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?pageSize=many", JSON, "", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users?pageToken=forged", JSON, "", 400, "PAGE_TOKEN_INVALID"),
    ("GET", "/blog/v1/users?orderBy=nonsense", JSON, "", 400, "INVALID_ORDER"),
    ("GET", "/blog/v1/users?filter=entry_count%20%3E%3E%203", JSON, "", 400, "INVALID_FILTER"),
    ("GET", "/blog/v1/users?filter=nonsense%3D1", JSON, "", 400, "INVALID_FILTER"),
    ("GET", "/blog/v1/users?colour=red", JSON, "", 400, "INVALID_PARAMETER"),
    ("GET", "/blog/v1/users/nobody", JSON, "", 404, "NOT_FOUND"),
    ("GET", "/blog/v1/nonsense", JSON, "", 404, "NOT_FOUND"),
    ("POST", "/blog/v1/users/ada:publish", JSON, "{}", 400, "REQUIRED"),
    ("POST", "/blog/v1/users/nobody:publish", JSON, "{\"entry\":{\"title\":\"t\"}}", 404, "NOT_FOUND"),
];

#[test]
fn bad_requests_are_refused_with_a_reason_and_write_nothing() {
    let server = Server::start();
    let before = server.api().get(USERS).expect(200).body;
    let mut wrong = Vec::new();
    for (method, path, media_type, body, status, reason) in CASES {
        let answer = server.api().request(method, path).body(media_type, *body).send();
        if (answer.status, answer.reason().as_str()) != (*status, *reason) {
            wrong.push(format!("{method} {path} {body}: {status} {reason} wanted, {}", answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(server.api().get(USERS).expect(200).body, before, "something was written");
}

#[test]
fn headers_that_contradict_are_refused() {
    let server = Server::start();
    let user = json!({ "displayName": "Ada" });
    let patch =
        |name: &str, value: &str| server.api().request("PATCH", ADA).header(name, value).json(&user).send();
    patch("If-Match", "\"999999\"").refused(412, "IF_MATCH");
    patch("Content-Encoding", "br").refused(415, "CONTENT_ENCODING");
    let long = "k".repeat(256);
    assert_eq!(patch("Idempotency-Key", &long).status, 400);

    let publish = |title: &str| blog::publish(&server.api(), "ada", "one-key", title).send();
    let first = publish("one");
    assert!([200, 201].contains(&first.status), "{}", first.text());
    let again = publish("one");
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
    publish("two").refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(blog::entry_count(&server.api(), "ada"), 1);
}

/// Sends bytes and answers what comes back before the server closes or `limit` passes.
fn raw(server: &Server, bytes: &[u8], limit: Duration) -> String {
    let mut stream = TcpStream::connect(server.trine.public).expect("connected");
    stream.set_read_timeout(Some(limit)).expect("time-out");
    // The server may close before it has read all of it.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..length]);
        if String::from_utf8_lossy(&answer).contains("\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST {USERS} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n{headers}\r\n{body}").into_bytes()
}

#[test]
fn bodies_that_are_huge_or_stall_do_not_hold_the_server() {
    let server = Server::start();
    let patience = Duration::from_secs(10);
    let huge = "x".repeat(70_000);
    let announced = raw(&server, &post("Content-Length: 99999999\r\n", "{"), patience);
    assert!(announced.starts_with("HTTP/1.1 413"), "announced: {announced}");
    let chunked = format!("{:x}\r\n{huge}\r\n0\r\n\r\n", huge.len());
    let sent = raw(&server, &post("Transfer-Encoding: chunked\r\n", &chunked), patience);
    assert!(sent.starts_with("HTTP/1.1 413"), "chunked: {sent}");
    // A body that never comes: an answer in the request's own time, or a closed connection.
    let stalled = raw(&server, &post("Content-Length: 20\r\n", "{\"disp"), patience);
    assert!(
        stalled.is_empty() || stalled.contains(" 408 ") || stalled.contains(" 504 "),
        "stalled: {stalled}"
    );
    let head = raw(&server, b"GET /blog/v1/users HTTP/1.1\r\nHos", patience);
    assert!(head.is_empty() || head.contains(" 408 "), "head: {head}");
    server.api().get(ADA).expect(200);
}

/// Random bytes and mutilated requests: an answer below 500 or a closed connection, and a live server.
#[test]
fn noise_is_never_an_internal_error() {
    use rand::RngExt;
    let server = Server::start();
    let mut random = crate::support::seed::generator("noise");
    let good = post("Content-Length: 21\r\n", "{\"displayName\":\"noise\"");
    for _ in 0..200 {
        let mut bytes = good.clone();
        for _ in 0..random.random_range(1..6) {
            let index = random.random_range(0..bytes.len());
            bytes[index] = random.random();
        }
        let answer = raw(&server, &bytes, Duration::from_millis(1500));
        let status = answer.get(9..12).unwrap_or("closed");
        assert!(!status.starts_with('5') || status == "504" || status == "501", "{answer}\n{bytes:?}");
    }
    server.api().get(ADA).expect(200);
}
