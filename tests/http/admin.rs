//! The admin listener, and what it tells about the public one.

use crate::client::request;
use crate::server::Server;

#[test]
fn probes_tell_what_was_just_seen() {
    let server = Server::monolith();
    let alive = request("GET", "/livez").send(server.admin());
    assert_eq!(alive.status, 200);
    let ready = request("GET", "/readyz").send(server.admin());
    // The watcher may not have looked yet: then it must say so, with a reason.
    let database = ready.json()["checks"]["database"].clone();
    let told = (ready.status, database["ready"].as_bool(), database["message"].is_string());
    assert!(matches!(told, (200, Some(true), false) | (503, Some(false), true)), "{ready:?}");
    let version = request("GET", "/version").send(server.admin());
    assert_eq!(version.json()["role"], "monolith");
    assert_eq!(request("POST", "/livez").send(server.admin()).header("allow"), Some("GET, HEAD"));
    assert_eq!(request("GET", "/blog/v1/users").send(server.admin()).status, 404);
    assert_eq!(request("GET", "/metrics").send(server.address()).status, 404);
}

#[test]
fn requests_are_counted_by_route_pattern() {
    let server = Server::monolith();
    assert_eq!(request("GET", "/blog/v1/users/somebody").send(server.address()).status, 404);
    let text = String::from_utf8(request("GET", "/metrics").send(server.admin()).body).expect("text");
    let wanted =
        "http_route=\"/blog/v1/users/{user}\",http_request_method=\"GET\",http_response_status_code=\"404\"";
    assert!(text.contains(wanted), "{text}");
    assert!(!text.contains("somebody"));
}

#[test]
fn a_drained_server_answers_what_it_took_and_takes_no_more() {
    let mut server = Server::monolith();
    let address = server.address();
    assert_eq!(request("GET", "/blog/v1/users").send(address).status, 200);
    server.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_draining_server_is_not_ready_and_still_answers() {
    let server = Server::monolith();
    server.probes.drain();
    let ready = request("GET", "/readyz").send(server.admin());
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &false.into()), "{ready:?}");
    assert!(ready.json()["checks"]["draining"]["message"].is_string(), "{ready:?}");
    assert_eq!(request("GET", "/livez").send(server.admin()).status, 200);
    assert_eq!(request("GET", "/blog/v1/users").send(server.address()).status, 200);
}
