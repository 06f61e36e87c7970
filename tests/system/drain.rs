//! A process that leaves: what a balancer and its clients see of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::blog;
use crate::support::http::Api;
use crate::support::stack::{PEER_SECRET, method_key};
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

/// `COMMANDS_TIMEOUT` of the drain and what a busy machine adds; less than two time-outs of a push.
const ENDED_WITHIN: Duration = Duration::from_secs(16);
/// Batches of the relay that are under way at once.
const PUSHES: usize = 4;

/// Accepts connections and never answers; counts them.
fn hanging_monolith() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for connection in listener.incoming() {
            kept.push(connection);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, count)
}

/// A microservice with as many pushes under way as there may be, and another request behind them.
fn microservice_of_a_hanging_monolith(home: &tempfile::TempDir) -> (Trine, Trine) {
    let file = format!("sqlite:{}", home.path().join("blog.db").display());
    let monolith = Launch::role("monolith").argument("--database", &file).ready();
    blog::create_user(&monolith.api(), "ada").expect(201);
    let (address, pushes) = hanging_monolith();
    let microservice = Launch::role("microservice")
        .argument("--replica", &file)
        .argument("--events-database", &format!("sqlite:{}", home.path().join("events.db").display()))
        .set("peers.monolith", format!("http://{address}"))
        .set("peers.secret", PEER_SECRET)
        .set(&method_key(blog::PUBLISH), "async")
        .ready();
    for user in 0..=PUSHES {
        // Of users of their own, so that they do not wait for each other's turn.
        let user = format!("u{user}");
        blog::create_user(&monolith.api(), &user).expect(201);
        blog::publish(&microservice.api(), &user, &user, "title").send().expect(202);
        let wanted = PUSHES.min(pushes.load(Ordering::SeqCst) + 1);
        wait_until("it is pushed", PATIENCE, || pushes.load(Ordering::SeqCst) >= wanted);
    }
    (microservice, monolith)
}

/// Given a monolith that hangs, when its microservice is told to end, then it ends in time.
#[test]
fn a_hanging_monolith_holds_up_no_end() {
    let home = tempfile::tempdir().expect("temporary directory");
    let (mut microservice, _monolith) = microservice_of_a_hanging_monolith(&home);
    let begun = Instant::now();
    microservice.process.signal("TERM");
    microservice.wait_drained();
    println!("drained beside a hanging monolith in {:?}", begun.elapsed());
    assert!(begun.elapsed() < ENDED_WITHIN, "{:?}", begun.elapsed());
}

#[test]
fn who_insists_need_not_wait_for_a_hanging_monolith() {
    let home = tempfile::tempdir().expect("temporary directory");
    let (mut microservice, _monolith) = microservice_of_a_hanging_monolith(&home);
    let begun = Instant::now();
    microservice.process.signal("TERM");
    let refused = || TcpStream::connect_timeout(&microservice.public, Duration::from_secs(1)).is_err();
    wait_until("the listener is closed", PATIENCE, refused);
    microservice.process.signal("TERM");
    microservice.wait_drained();
    assert!(begun.elapsed() < ENDED_WITHIN / 2, "{:?}", begun.elapsed());
}
