//! A database that hangs: it accepts everything and answers nothing.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::blog;
use crate::support::http::Request;
use crate::support::postgres::Cluster;
use crate::support::stack::{Options, Stack};
use crate::support::trine::{Launch, Trine};
use crate::support::wait::wait_until;

/// What balancers may still send to a server whose database hangs.
const NOTICED_WITHIN: Duration = Duration::from_secs(4);
/// `http.request_timeout_ms` and what a busy machine adds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1800);

/// `/readyz` of each says that it is not ready while `cluster` hangs, and that it is afterwards.
fn hangs_and_goes_on(cluster: &Cluster, servers: &[&Trine], meanwhile: impl FnOnce()) {
    let frozen = cluster.freeze();
    let begun = Instant::now();
    for server in servers {
        wait_until("not ready while the database hangs", NOTICED_WITHIN, || !server.is_ready());
        let told = server.admin().get("/readyz").expect(503).text();
        assert!(told.contains("has not answered for"), "{told}");
    }
    let noticed = begun.elapsed();
    meanwhile();
    drop(frozen);
    let begun = Instant::now();
    servers.iter().for_each(|server| server.wait_ready());
    println!("hung database: noticed after {noticed:?}, ready again after {:?}", begun.elapsed());
}

#[test]
fn every_role_says_so_and_comes_back() {
    let events = Cluster::start();
    let options = Options {
        events: Some(events.create_database("events")),
        ..Options::default().method(blog::PUBLISH, "async")
    };
    let stack = Stack::start(&options);
    blog::create_user(&stack.api(), "ada").expect(201);
    stack.databases.wait_caught_up();

    hangs_and_goes_on(&events, &[&stack.microservice], || {
        let begun = Instant::now();
        let answer = blog::publish(&stack.microservice.api(), "ada", "hung", "title").send();
        answer.refused(503, "COMMIT_OUTCOME_UNKNOWN");
        assert!(begun.elapsed() < ANSWERED_WITHIN, "{:?}", begun.elapsed());
    });
    hangs_and_goes_on(&stack.databases.replica, &[&stack.nanoservice, &stack.microservice], || {
        let begun = Instant::now();
        stack.nanoservice.api().get("/blog/v1/users/ada").refused(504, "DEADLINE");
        assert!(begun.elapsed() < ANSWERED_WITHIN, "{:?}", begun.elapsed());
    });
    hangs_and_goes_on(&stack.databases.primary, &[&stack.monolith], || writes_are_answered_in_time(&stack));
    // Of the answer under the key nothing was heard, so nothing was begun.
    stack.api().get("/blog/v1/users/keyed").expect(404);
    create(&stack, "keyed").key("k1").send().expect(201);
    let again = create(&stack, "keyed").key("k1").send().expect(201);
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
}

fn create(stack: &Stack, user: &str) -> Request {
    let request = stack.api().request("POST", &format!("/blog/v1/users?userId={user}"));
    request.json(&json!({ "displayName": user }))
}

fn writes_are_answered_in_time(stack: &Stack) {
    let begun = Instant::now();
    create(stack, "keyed").key("k1").send().refused(504, "DEADLINE");
    assert!(begun.elapsed() < ANSWERED_WITHIN, "{:?}", begun.elapsed());
    // What a thread has taken up may still be written; what waits for a thread will not be.
    let mut told = Vec::new();
    for number in 0..4 {
        let begun = Instant::now();
        let answer = create(stack, &format!("u{number}")).send();
        assert!(begun.elapsed() < ANSWERED_WITHIN, "{:?}", begun.elapsed());
        told.push((answer.status, answer.reason()));
    }
    let told: Vec<(u16, &str)> = told.iter().map(|(status, reason)| (*status, reason.as_str())).collect();
    let (unknown, late) = ((503, "COMMIT_OUTCOME_UNKNOWN"), (504, "DEADLINE"));
    assert_eq!(told, [unknown, unknown, late, late]);
}

/// Given a database that hangs under a write, when the monolith is told to end, then it ends.
#[test]
fn a_hung_database_holds_up_no_end() {
    let cluster = Cluster::start();
    let mut monolith = Launch::role("monolith").argument("--database", &cluster.url()).ready();
    blog::create_user(&monolith.api(), "ada").expect(201);
    let _frozen = cluster.freeze();
    blog::create_user(&monolith.api(), "bob").refused(503, "COMMIT_OUTCOME_UNKNOWN");
    monolith.process.signal("TERM");
    assert_eq!(monolith.process.wait().code(), Some(0));
}
