//! What goes wrong between the roles: pushes twice and late, answers lost, a replica that stands still.

use std::collections::BTreeSet;

use crate::checker::{Demands, check};
use crate::load::{Load, collect, create_users};
use crate::support::blog;
use crate::support::replayer::Replayer;
use crate::support::seed;
use crate::support::stack::{Addresses, Options, Stack};
use crate::support::wait::{PATIENCE, wait_until};

#[test]
fn duplicate_and_late_pushes_have_one_effect() {
    let mut random = seed::generator("duplicates");
    let addresses = Addresses::choose();
    let replayer = Replayer::start(addresses.monolith.0, &mut random);
    let options = Options {
        addresses: Some(addresses),
        monolith_seen_by_microservice: Some(replayer.address),
        ..Options::default().method(blog::PUBLISH, "async")
    };
    let stack = Stack::start(&options);
    let users = create_users(&stack.api(), "twice", 2);
    let load = Load::start(&[stack.api(), stack.api()], &users, &mut random);
    let progress = load.progress.clone();
    wait_until("enough went wrong", PATIENCE * 2, || {
        let (duplicated, withheld) = replayer.counts();
        progress.safe() > 100 && duplicated > 5 && withheld > 3
    });
    let history = load.finish();
    replayer.behave();
    let demands = Demands { acknowledged: 0, accepted: 100 };
    for round in ["in time", "replayed at the end"] {
        let last = collect(&stack.api(), &stack.microservice.api(), &users, &history);
        let report = check(&history, &last, demands);
        println!("pushes {round}: {report}, {:?} duplicated and withheld", replayer.counts());
        assert!(report.violations.is_empty(), "{round}: {:#?}", report.violations);
        let statuses: BTreeSet<u16> = replayer.replay_all().into_iter().collect();
        assert!(statuses.iter().all(|status| (200..500).contains(status)), "{statuses:?}");
    }
    // Without a signature, or with another's, nothing enters.
    let inbox = stack.api().request("POST", "/trine/v1/inbox").header("webhook-id", "m1");
    let unsigned = inbox.body("application/cloudevents-batch+json", b"[]".as_slice()).send();
    assert!([400, 401, 403].contains(&unsigned.status), "{}", unsigned.text());
}

/// The microservice decides on a replica that stands still; the guards see to it that nothing newer
/// is overwritten, and every operation ends.
#[test]
fn a_stalled_replica_delays_but_corrupts_nothing() {
    let mut random = seed::generator("stalled replica");
    let stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    let users = create_users(&stack.api(), "stalled", 2);
    stack.databases.wait_caught_up();
    let load = Load::start(&[stack.api(), stack.api()], &users, &mut random);
    let progress = load.progress.clone();
    for round in 1..=3 {
        stack.databases.replica.sql("SELECT pg_wal_replay_pause()");
        wait_until("writes on a stalled replica", PATIENCE, || progress.safe() > round * 20);
        stack.databases.replica.sql("SELECT pg_wal_replay_resume()");
        wait_until("writes on a moving replica", PATIENCE, || progress.safe() > round * 20 + 10);
    }
    let history = load.finish();
    let last = collect(&stack.api(), &stack.microservice.api(), &users, &history);
    let report = check(&history, &last, Demands { acknowledged: 0, accepted: 60 });
    println!("stalled replica: {report}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert!(report.applied > report.failed, "most must be applied: {report}");
}
