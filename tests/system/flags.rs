//! A flag in a real Unleash moves a running monolith from one mode to another.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::checker::{Demands, check};
use crate::load::{Load, collect, create_users};
use crate::support::blog;
use crate::support::http::Api;
use crate::support::seed;
use crate::support::stack::{Options, Stack};
use crate::support::unleash::{CLIENT_TOKEN, Unleash};
use crate::support::wait::{PATIENCE, wait_for, wait_until};

pub const FLAG: &str = "publish-async";
const POLL: Duration = Duration::from_millis(1000);
/// Unleash itself needs a second to see a change; the contract gives two beyond the poll interval.
const MARGIN: Duration = Duration::from_secs(2);

/// `Publish` is asynchronous where the flag is on.
pub fn options(unleash: &Unleash, state: &std::path::Path) -> Options {
    Options::default()
        .method(blog::PUBLISH, &format!("{{ mode = \"async\", flag = \"{FLAG}\" }}"))
        .monolith("flags.provider", "unleash")
        .monolith("flags.url", unleash.url())
        .monolith("flags.token", CLIENT_TOKEN)
        .monolith("flags.poll_interval_ms", POLL.as_millis().to_string())
        .monolith("flags.file", state.display().to_string())
        // What is looked at is the flag, not how a busy machine meets its deadlines.
        .monolith("http.request_timeout_ms", "10000")
        .monolith("database.write_timeout_ms", "5000")
}

fn status(api: &Api, user: &str, key: &str) -> u16 {
    blog::publish(api, user, key, key).send().status
}

#[test]
fn a_flag_moves_a_running_monolith_under_load_without_an_error() {
    let cluster = crate::support::postgres::shared();
    let mut unleash = Unleash::start(&cluster.create_database("unleash_flags"));
    unleash.create_flag(FLAG);
    let home = tempfile::tempdir().expect("temporary directory");
    let mut stack = Stack::start(&options(&unleash, &home.path().join("flags.json")));
    let users = create_users(&stack.api(), "flags", 4);
    let mut random = seed::generator("flags");
    let load = Load::start(&[stack.api(), stack.api()], &users, &mut random);
    let progress = load.progress.clone();
    wait_until("the load runs", PATIENCE, || progress.acknowledged.load(Ordering::Relaxed) > 20);
    assert_eq!(progress.accepted.load(Ordering::Relaxed), 0, "asynchronous although the flag is off");

    let mut took = Vec::new();
    for on in [true, false, true] {
        let wanted = if on { &progress.accepted } else { &progress.acknowledged };
        let flipped = Instant::now();
        unleash.switch(FLAG, on);
        wait_for("the mode follows the flag", POLL + MARGIN + PATIENCE, || {
            let before = wanted.load(Ordering::Relaxed);
            let key = format!("probe-{on}-{:?}", flipped.elapsed());
            let seen = status(&stack.api(), &users[0], &key);
            ((seen == 202) == on && wanted.load(Ordering::Relaxed) >= before).then_some(())
        });
        took.push(flipped.elapsed());
    }
    println!("flags: the flips were seen after {took:?}");
    // The median: one of them may meet a busy moment of the machine.
    took.sort();
    assert!(took[1] <= POLL + MARGIN, "the flips took {took:?}");
    let history = load.finish();
    assert_eq!(progress.troubles(), [].into(), "requests failed while the flag moved");
    // The probes are not in the history; their user is judged by the others alone.
    let others = &users[1..];
    let history: Vec<_> = history.into_iter().filter(|write| others.contains(&write.user)).collect();
    let last = collect(&stack.api(), &stack.microservice.api(), others, &history);
    let report = check(&history, &last, Demands { acknowledged: 10, accepted: 10 });
    println!("{report}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);

    last_known_state_survives(&mut unleash, &mut stack, &users[0]);
}

/// With Unleash gone, the last state stays: while running, and through a restart.
fn last_known_state_survives(unleash: &mut Unleash, stack: &mut Stack, user: &str) {
    unleash.process.kill();
    let gone = Instant::now();
    let mut number = 0;
    wait_until("three polls have failed", PATIENCE, || {
        number += 1;
        assert_eq!(status(&stack.api(), user, &format!("gone-{number}")), 202);
        gone.elapsed() > 3 * POLL
    });
    assert!(stack.monolith.is_ready(), "an absent flag server is no outage");
    stack.monolith.crash_and_restart();
    stack.monolith.wait_ready();
    assert_eq!(status(&stack.api(), user, "after-restart"), 202, "the state on disk was not used");
    unleash.restart();
    unleash.switch(FLAG, false);
    wait_until("the flag is followed again", PATIENCE, || {
        number += 1;
        status(&stack.api(), user, &format!("back-{number}")) != 202
    });
}
