//! A monolith that is away for a while: what the microservice's log says of it.

use crate::support::blog;
use crate::support::stack::{Options, Stack};
use crate::support::wait::{PATIENCE, wait_until};

#[test]
fn an_outage_of_the_monolith_is_two_lines_in_the_log() {
    let mut stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    blog::create_user(&stack.api(), "ada").expect(201);
    stack.databases.wait_caught_up();
    stack.monolith.process.kill();
    let microservice = stack.microservice.api();
    let publish = |number: usize| {
        let accepted = blog::publish(&microservice, "ada", &format!("k{number}"), "t").send().expect(202);
        accepted.header("Location").expect("an operation").to_owned()
    };
    let operations: Vec<String> = (0..5).map(publish).collect();
    let failures = || stack.microservice.metric("trine_peer_failures_total", &[]);
    wait_until("several pushes fail", PATIENCE, || failures() >= 4.0);
    let lines = |words: &str| stack.microservice.process.log.text().matches(words).count();
    assert_eq!((lines("a peer does not answer"), lines("a peer answers again")), (1, 0));
    stack.monolith.restart();
    for operation in operations {
        wait_until("the operation ends", PATIENCE, || {
            microservice.get(&operation).expect(200).json()["done"] == true
        });
    }
    // The line may be written after the operation's end is durable.
    wait_until("the return is told", PATIENCE, || lines("a peer answers again") == 1);
    assert_eq!(lines("a peer does not answer"), 1);
}
