//! `/openapi.json` and `/docs` as they are sent.

use crate::client::request;
use crate::server::Server;

#[test]
fn the_document_is_revalidated_not_sent_again() {
    let server = Server::monolith();
    for target in ["/openapi.json", "/docs"] {
        let first = request("GET", target).send(server.address());
        assert_eq!((first.status, first.header("cache-control")), (200, Some("no-cache")), "{target}");
        let tag = first.header("etag").expect("a tag").to_owned();
        let again = request("GET", target).header("If-None-Match", &tag).send(server.address());
        assert_eq!((again.status, again.body.len()), (304, 0), "{target}");
        let head = request("HEAD", target).send(server.address());
        assert_eq!((head.status, head.body.len()), (200, 0), "{target}");
        assert_eq!(head.header("content-length"), first.header("content-length"), "{target}");
    }
}

#[test]
fn each_role_tells_what_it_serves() {
    let monolith = Server::monolith();
    let nanoservice = monolith.nanoservice();
    let verbs = |server: &Server| {
        let document = request("GET", "/openapi.json").send(server.address()).json();
        let user = document["paths"]["/blog/v1/users/{user}"].clone();
        user.as_object().expect("a path").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(verbs(&monolith), ["delete", "get", "patch"]);
    assert_eq!(verbs(&nanoservice), ["get"]);
}

/// A browser may ask for HTML alone, and what it gets can reach no other host.
#[test]
fn the_page_may_run_its_own_script_and_nothing_else() {
    let server = Server::monolith();
    let page = request("GET", "/docs").header("Accept", "text/html").send(server.address());
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").expect("a policy");
    for part in ["default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "connect-src 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    let text = String::from_utf8(page.body).expect("UTF-8");
    assert!(!text.contains("http://") && !text.contains("https://"), "it names another host");
}
