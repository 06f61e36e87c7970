//! A process that leaves: what a balancer and its clients see of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::blog;
use crate::support::http::Api;
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};

const USER: &str = "/blog/v1/users/ada";

/// A monolith whose drain would outlast the test, so that nothing here is a matter of time.
fn monolith(home: &tempfile::TempDir) -> Trine {
    let server = Launch::role("monolith")
        .argument("--database", &format!("sqlite:{}", home.path().join("blog.db").display()))
        .set("http.drain_ms", 600_000)
        .set("http.request_timeout_ms", 30_000)
        .ready();
    blog::create_user(&server.api(), "ada").expect(201);
    server
}

/// Sends requests for as long as the balancer has the server in rotation; every one must be answered.
fn client(api: Api, in_rotation: Arc<AtomicBool>, begun: Arc<Barrier>) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut answered = 0;
        while in_rotation.load(Ordering::SeqCst) {
            api.get(USER).expect(200);
            answered += 1;
            if answered == 1 {
                begun.wait();
            }
        }
        answered
    })
}

#[test]
fn who_is_sent_here_before_the_balancer_has_looked_is_answered() {
    let home = tempfile::tempdir().expect("temporary directory");
    let mut server = monolith(&home);
    let (in_rotation, begun) = (Arc::new(AtomicBool::new(true)), Arc::new(Barrier::new(4)));
    let clients: Vec<_> = (0..3).map(|_| client(server.api(), in_rotation.clone(), begun.clone())).collect();
    begun.wait();
    server.process.signal("TERM");
    // The balancer's look.
    wait_until("the server says that it leaves", PATIENCE, || !server.is_ready());
    for _ in 0..20 {
        let answer = server.api().get(USER).expect(200);
        assert_eq!(answer.header("Connection"), Some("close"), "{:?}", answer.headers);
    }
    in_rotation.store(false, Ordering::SeqCst);
    let answered: usize = clients.into_iter().map(|client| client.join().expect("all answered")).sum();
    println!("{answered} requests over the drain, all answered");

    let mut open = TcpStream::connect(server.public).expect("still accepting");
    open.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let body = "{\"displayName\": \"Eve\"}";
    let length = body.len();
    let head = format!(
        "POST /blog/v1/users?userId=eve HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    open.write_all(head.as_bytes()).expect("the head is sent");
    let mut go_on = [0; 25];
    // From here on the request runs.
    open.read_exact(&mut go_on).expect("an interim answer");
    assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&go_on));
    server.process.signal("TERM");
    let refused = || TcpStream::connect_timeout(&server.public, Duration::from_secs(1)).is_err();
    wait_until("the listener is closed", PATIENCE, refused);
    open.write_all(body.as_bytes()).expect("the body is sent");
    let mut answer = String::new();
    open.read_to_string(&mut answer).expect("the request is finished");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    server.wait_drained();
}
