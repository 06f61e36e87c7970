//! The same file served by a deployment that only reads.

use trine::events::signature::Secrets;

use crate::client::{raw, request};
use crate::server::Server;

#[test]
fn a_nanoservice_reads_what_the_monolith_wrote() {
    let monolith = Server::monolith();
    let nanoservice = monolith.nanoservice();
    let body = "{\"displayName\":\"Alice\"}";
    let created = request("POST", "/blog/v1/users?userId=alice").json(body).send(monolith.address());
    let token = created.header("trine-consistency-token").expect("a token").to_owned();
    let read = request("GET", "/blog/v1/users/alice")
        .header("Trine-Consistency-Token", &token)
        .send(nanoservice.address());
    assert_eq!((read.status, read.header("trine-role")), (200, Some("nanoservice")), "{read:?}");
    assert_eq!(read.body, created.body);
}

#[test]
fn a_nanoservice_has_no_write_routes() {
    let monolith = Server::monolith();
    let nanoservice = monolith.nanoservice();
    let body = "{\"displayName\":\"Alice\"}";
    for (method, target, allow) in [
        ("POST", "/blog/v1/users?userId=alice", "GET, HEAD, OPTIONS"),
        ("PATCH", "/blog/v1/users/alice", "GET, HEAD, OPTIONS"),
        ("DELETE", "/blog/v1/users/alice", "GET, HEAD, OPTIONS"),
        ("POST", "/blog/v1/users/alice:publish", "OPTIONS"),
        ("POST", "/trine/v1/inbox", "OPTIONS"),
    ] {
        let refused = request(method, target).json(body).send(nanoservice.address());
        assert_eq!((refused.status, refused.reason().as_str()), (405, "READ_ONLY_ROLE"), "{method} {target}");
        assert_eq!(refused.header("allow"), Some(allow), "{method} {target}");
    }
    assert_eq!(request("GET", "/blog/v1/users/alice").send(monolith.address()).status, 404);
}

/// Given calls that can be refused by their heads, then they are, while their bodies are still to come.
#[test]
fn a_peer_without_a_right_head_is_refused_before_its_body() {
    let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let monolith = Server::monolith_of_peers(Some(secrets));
    let now = jiff::Timestamp::now().as_second();
    let head = |length: usize, sent: Option<i64>| {
        let sent = sent.map(|sent| {
            format!("webhook-id: a\r\nwebhook-timestamp: {sent}\r\nwebhook-signature: v1,AAAA\r\n")
        });
        let sent = sent.unwrap_or_default();
        format!(
            "POST /trine/v1/inbox HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/cloudevents-batch+json\r\nContent-Length: {length}\r\n{sent}\r\n"
        )
    };
    for (length, sent, status, reason) in [
        (1_000_000_000, None, 401, "NO_CREDENTIALS"),
        (1_000_000_000, Some(now - 3600), 401, "BAD_CREDENTIALS"),
        (1_000_000_000, Some(now), 413, "BODY_TOO_LARGE"),
        (0, Some(now), 401, "BAD_CREDENTIALS"),
    ] {
        let refused = raw(monolith.address(), head(length, sent).as_bytes());
        assert_eq!((refused.status, refused.reason().as_str()), (status, reason), "{length} {sent:?}");
    }
}

/// Given signed calls of one media type each, then another one, or none, is refused.
#[test]
fn a_peer_says_what_it_sends() {
    let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let monolith = Server::monolith_of_peers(Some(secrets.clone()));
    let now = jiff::Timestamp::now().as_second().to_string();
    let call = |path: &str, media: Option<&str>| {
        let signature = secrets.sign("a", &now, b"[]");
        let signed = request("POST", path).header("webhook-id", "a").header("webhook-timestamp", &now);
        let signed = signed.header("webhook-signature", &signature).bytes(b"[]");
        let answer = match media {
            Some(media) => signed.header("Content-Type", media).send(monolith.address()),
            None => signed.send(monolith.address()),
        };
        (answer.status, answer.json()["error"]["details"][0]["reason"].as_str().map(str::to_owned))
    };
    let refused = (415, Some("MEDIA_TYPE".to_owned()));
    const INBOX: &str = "/trine/v1/inbox";
    for media in [None, Some("application/json"), Some("application/cloudevents+json"), Some("")] {
        assert_eq!(call(INBOX, media), refused, "{media:?}");
    }
    assert_eq!(call(INBOX, Some("application/cloudevents-batch+json")), (200, None));
    assert_eq!(call(INBOX, Some("Application/CloudEvents-Batch+JSON ; charset=utf-8")), (200, None));
    for path in ["/trine/v1/commands:plan", "/trine/v1/commands:operations"] {
        assert_eq!(call(path, Some("application/cloudevents-batch+json")), refused, "{path}");
        assert_ne!(call(path, Some("application/json")).0, 415, "{path}");
    }
}
