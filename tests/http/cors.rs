//! Pages of other origins: who may call, what they may see, and that nobody else's page gets anything done.

use crate::client::{Answer, request};
use crate::server::Server;

const LISTED: &str = "https://app.example.com";
const USERS: &str = "/blog/v1/users";
const BODY: &str = "{\"displayName\":\"Alice\"}";

fn varies(answer: &Answer, name: &str) -> bool {
    answer.headers("vary").any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(name)))
}

#[test]
fn a_listed_page_may_ask_first_and_then_write() {
    let server = Server::monolith();
    let asked = request("OPTIONS", USERS)
        .header("Origin", LISTED)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type, idempotency-key")
        .send(server.address());
    assert_eq!((asked.status, asked.body.len()), (204, 0), "{asked:?}");
    assert_eq!(asked.header("access-control-allow-origin"), Some(LISTED));
    assert_eq!(asked.header("access-control-allow-methods"), Some("GET, HEAD, POST, OPTIONS"));
    let allowed = asked.header("access-control-allow-headers").expect("headers").to_ascii_lowercase();
    for name in ["content-type", "idempotency-key", "if-match", "authorization", "trine-consistency-token"] {
        assert!(allowed.contains(name), "{allowed}");
    }
    assert_eq!(asked.header("access-control-max-age"), Some("600"));
    assert_eq!(asked.header("access-control-allow-credentials"), None);
    assert!(varies(&asked, "Origin") && varies(&asked, "Access-Control-Request-Method"));

    let created = request("POST", "/blog/v1/users?userId=alice").header("Origin", LISTED).json(BODY);
    let created = created.send(server.address());
    assert_eq!((created.status, created.header("access-control-allow-origin")), (201, Some(LISTED)));
    let exposed = created.header("access-control-expose-headers").expect("headers");
    for name in ["ETag", "Location", "Trine-Consistency-Token", "X-Request-Id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    assert!(varies(&created, "Origin") && varies(&created, "Accept"), "{created:?}");
    let refused = request("GET", "/blog/v1/users/nobody").header("Origin", LISTED).send(server.address());
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (404, Some(LISTED)));
}

#[test]
fn a_page_that_is_not_listed_gets_nothing_done() {
    let server = Server::monolith();
    for origin in
        ["https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"]
    {
        let asked = request("OPTIONS", USERS)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .send(server.address());
        let posted = request("POST", "/blog/v1/users?userId=alice").header("Origin", origin).json(BODY);
        let posted = posted.send(server.address());
        let read = request("GET", USERS).header("Origin", origin).send(server.address());
        for answer in [asked, posted, read] {
            assert_eq!((answer.status, answer.reason().as_str()), (403, "ORIGIN"), "{origin}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
            assert!(varies(&answer, "Origin"));
        }
    }
    assert_eq!(request("GET", "/blog/v1/users/alice").send(server.address()).status, 404);
    let twice = request("GET", USERS).header("Origin", LISTED).header("Origin", "null");
    assert_eq!(twice.send(server.address()).status, 400);
}

/// The page at `/docs`, and programs, which send no origin.
#[test]
fn own_pages_and_programs_need_no_entry() {
    let server = Server::monolith();
    let own = request("GET", USERS).header("Origin", "http://test").send(server.address());
    let behind_a_proxy = request("GET", USERS)
        .header("Origin", "https://public.example")
        .header("Sec-Fetch-Site", "same-origin")
        .send(server.address());
    let program = request("GET", USERS).send(server.address());
    for answer in [own, behind_a_proxy, program] {
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None), "{answer:?}");
        assert!(varies(&answer, "Origin"), "a cache could give it to a page");
    }
}
