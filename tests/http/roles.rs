//! The same file served by a deployment that only reads.

use crate::client::request;
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
