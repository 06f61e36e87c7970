//! `/readyz` tells whether a role can do its work, not whether everything around it is well.

use crate::support::blog;
use crate::support::stack::{Options, Stack};
use crate::support::trine::Trine;
use crate::support::wait::{PATIENCE, wait_until};

const STREAMING: &str = "trine_replica_streaming";

fn wait_streaming(server: &Trine, streaming: f64) {
    wait_until("the stream's state is seen", PATIENCE, || server.metric(STREAMING, &[]) == streaming);
}

#[test]
fn who_reads_a_replica_is_ready_while_the_primary_is_gone() {
    let mut stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    blog::create_user(&stack.api(), "ada").expect(201);
    stack.databases.wait_caught_up();
    for server in [&stack.nanoservice, &stack.microservice] {
        wait_streaming(server, 1.0);
    }
    stack.databases.primary.kill();
    wait_until("the monolith notices", PATIENCE, || !stack.monolith.is_ready());
    for server in [&stack.nanoservice, &stack.microservice] {
        wait_streaming(server, 0.0);
        assert!(server.is_ready(), "{}", server.admin().get("/readyz").text());
    }
    stack.nanoservice.api().get("/blog/v1/users/ada").expect(200);
    // Accepted now, carried out when there is a primary again.
    let accepted = blog::publish(&stack.microservice.api(), "ada", "k", "t").send().expect(202);
    stack.databases.primary.restart();
    for server in [&stack.nanoservice, &stack.microservice] {
        wait_streaming(server, 1.0);
    }
    let operation = accepted.header("Location").expect("an operation").to_owned();
    wait_until("the operation ends", PATIENCE, || {
        stack.microservice.api().get(&operation).expect(200).json()["done"] == true
    });
    assert_eq!(blog::entry_count(&stack.api(), "ada"), 1);
}
