//! Connections lost at COMMIT, under load: what happened is found out, or honestly said to be unknown.

use std::net::SocketAddr;

use crate::checker::{Demands, check};
use crate::load::{Load, collect, create_users};
use crate::support::commit_cutter::CommitCutter;
use crate::support::postgres::Cluster;
use crate::support::seed;
use crate::support::trine::Launch;
use crate::support::wait::{PATIENCE, wait_until};

const UNKNOWN: &str = "503 COMMIT_OUTCOME_UNKNOWN";

#[test]
fn a_connection_lost_at_commit_loses_and_doubles_nothing() {
    let mut random = seed::generator("lost commit");
    let cluster = Cluster::start();
    let server = SocketAddr::from(([127, 0, 0, 1], cluster.port()));
    let cutter = CommitCutter::start(server, &mut random);
    let url = cluster.create_database("blog").replace(&server.to_string(), &cutter.address.to_string());
    let monolith = Launch::role("monolith").argument("--database", &url).ready();
    let users = create_users(&monolith.api(), "cut", 4);
    let load = Load::start(&[(); 4].map(|()| monolith.api()), &users, &mut random);
    let progress = load.progress.clone();

    // The database can be asked at once: nothing is unknown.
    cutter.cut(20);
    wait_until("cuts on both sides of COMMIT", PATIENCE * 2, || {
        let (before, after) = cutter.counts();
        before >= 5 && after >= 5 && progress.safe() > 100
    });
    cutter.cut(0);
    println!("lost commit: {:?} cut before and after, {:?}", cutter.counts(), progress.troubles());
    assert_eq!(progress.troubles().get(UNKNOWN), None, "said unknown although it could be known");

    // It cannot be asked: that must be said, and a retry under the same key finds out.
    cutter.close_at_next_cut();
    cutter.cut(1);
    wait_until("the door closes at a COMMIT", PATIENCE, || cutter.is_closed());
    wait_until("the outcome is said to be unknown", PATIENCE, || progress.troubles().contains_key(UNKNOWN));
    cutter.cut(0);
    cutter.reopen();
    let before = progress.safe();
    wait_until("it goes on by itself", PATIENCE, || progress.safe() > before + 40);
    let history = load.finish();
    let last = collect(&monolith.api(), &monolith.api(), &users, &history);
    let report = check(&history, &last, Demands { acknowledged: 140, accepted: 0 });
    println!("lost commit: {report}, {:?}", progress.troubles());
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}
