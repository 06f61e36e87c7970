//! What goes wrong between the roles: pushes twice and late, answers lost, a replica that stands still.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use serde_json::json;

use crate::checker::{Demands, Write, check};
use crate::load::{Load, collect, create_users};
use crate::support::blog;
use crate::support::replayer::Replayer;
use crate::support::seed;
use crate::support::stack::{Addresses, Databases, Options, Stack};
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

/// The microservice decides on a replica that stands still while others write the same users at the
/// monolith: the guards fail, the rules run again on what is there, and nothing newer is overwritten.
#[test]
fn a_stalled_replica_delays_but_corrupts_nothing() {
    let mut random = seed::generator("stalled replica");
    let stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    let users = create_users(&stack.api(), "stalled", 2);
    let mut history = Vec::new();
    for round in 1..=ROUNDS {
        history.extend(publish_on_a_stalled_replica(round, &stack, &users, &mut random));
        let last = collect(&stack.api(), &stack.microservice.api(), &users, &history);
        let report = check(&history, &last, Demands { acknowledged: 0, accepted: 20 * round });
        println!("stalled replica: {report}, {} runs again", reruns(&stack));
        assert!(report.violations.is_empty(), "{:#?}", report.violations);
        assert!(report.applied > report.failed, "most must be applied: {report}");
        for user in &users {
            let user = stack.api().get(&format!("/blog/v1/users/{user}")).expect(200).json();
            assert_eq!(user["displayName"], format!("round {round}"), "an older value came back");
        }
    }
}

fn publish_on_a_stalled_replica(
    round: usize,
    stack: &Stack,
    users: &[String],
    random: &mut StdRng,
) -> Vec<Write> {
    let Databases { replica, .. } = &stack.databases;
    stack.databases.wait_caught_up();
    replica.sql("SELECT pg_wal_replay_pause()");
    replica.await_sql("SELECT pg_get_wal_replay_pause_state()", "paused");
    // What the microservice reads from here on is old, and it cannot know that by itself.
    for user in users {
        let body = json!({ "displayName": format!("round {round}") });
        stack.api().patch(&format!("/blog/v1/users/{user}?updateMask=displayName"), &body).expect(200);
    }
    let before = reruns(stack);
    // Straight to the microservice: what the monolith hands over says how new the replica must be.
    let direct = stack.microservice.api();
    let load = Load::start(&[direct.clone(), direct], users, random);
    wait_until("a guard fails on a stalled replica", PATIENCE, || reruns(stack) > before);
    wait_until("requests are accepted meanwhile", PATIENCE, || load.progress.safe() > 20);
    replica.sql("SELECT pg_wal_replay_resume()");
    load.finish()
}

const ROUNDS: usize = 3;

/// Rules that ran again because a guard had failed.
fn reruns(stack: &Stack) -> f64 {
    stack.microservice.metric("trine_rule_reruns_total", &[])
}
