//! `kill -9` of every role and every database under load: nothing acknowledged is lost or doubled.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::checker::{Demands, Final, Report, Violation, Write, check};
use crate::load::{Load, collect, create_users};
use crate::support::blog;
use crate::support::postgres::Cluster;
use crate::support::seed;
use crate::support::stack::{Options, Stack};
use crate::support::trine::Launch;
use crate::support::wait::{PATIENCE, wait_until};

const VICTIMS: [&str; 6] = ["monolith", "nanoservice", "microservice", "primary", "replica", "events"];
/// Writes that must be safe again after each kill, so that every cycle tests something.
const PROGRESS: usize = 10;

/// The flag file decides the mode; each cycle flips it, so keys are retried across modes.
struct Flag {
    path: std::path::PathBuf,
    on: bool,
}

impl Flag {
    fn flip(&mut self) {
        self.on = !self.on;
        // Replaced as a whole: a reader never sees half a file.
        let next = self.path.with_extension("next");
        std::fs::write(&next, format!("publish-async = {}\n", self.on)).expect("flag file");
        std::fs::rename(&next, &self.path).expect("flag file");
    }
}

fn kill(victim: &str, stack: &mut Stack, events: &mut Cluster) {
    match victim {
        "monolith" => stack.monolith.crash_and_restart(),
        "nanoservice" => stack.nanoservice.crash_and_restart(),
        "microservice" => stack.microservice.crash_and_restart(),
        "primary" => restart(&mut stack.databases.primary),
        "replica" => restart(&mut stack.databases.replica),
        _ => restart(events),
    }
}

fn restart(cluster: &mut Cluster) {
    cluster.kill();
    cluster.restart();
}

/// All victims in a shuffled order, again and again.
fn schedule(cycles: u32, random: &mut StdRng) -> Vec<&'static str> {
    let mut order = Vec::new();
    while order.len() < cycles as usize {
        let mut round = VICTIMS.to_vec();
        while !round.is_empty() {
            order.push(round.swap_remove(random.random_range(0..round.len())));
        }
    }
    order.truncate(cycles as usize);
    order
}

#[test]
fn kill_of_each_role_and_database_under_load_loses_nothing() {
    let mut random = seed::generator("kills");
    let mut events = Cluster::start();
    let home = tempfile::tempdir().expect("temporary directory");
    let mut flag = Flag { path: home.path().join("flags.toml"), on: true };
    flag.flip();
    let options = Options {
        events: Some(events.create_database("requests")),
        ..Options::default()
            .method(blog::PUBLISH, "{ mode = \"async\", flag = \"publish-async\" }")
            .monolith("flags.provider", "file")
            .monolith("flags.file", flag.path.display().to_string())
            .monolith("flags.poll_interval_ms", "100")
    };
    let mut stack = Stack::start(&options);
    let users = create_users(&stack.api(), "kills", 3);
    let load = Load::start(&[stack.api(), stack.api(), stack.api()], &users, &mut random);
    let progress = load.progress.clone();

    let order = schedule(seed::cycles(), &mut random);
    for (cycle, victim) in order.iter().enumerate() {
        let before = progress.safe();
        wait_until("writes between two kills", PATIENCE * 2, || progress.safe() >= before + PROGRESS);
        flag.flip();
        println!("kills: cycle {cycle}, {victim}, {} writes safe", progress.safe());
        kill(victim, &mut stack, &mut events);
    }
    stack.wait_ready();
    let history = load.finish();
    let last = collect(&stack.api(), &stack.microservice.api(), &users, &history);
    let demands = Demands { acknowledged: 2 * order.len(), accepted: 2 * order.len() };
    let report = check(&history, &last, demands);
    println!("{report}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    spoiled_databases_are_found(&history, &last, demands);
}

/// The same run with a database that lost, doubled or miscounted must not pass.
fn spoiled_databases_are_found(history: &[Write], last: &Final, demands: Demands) {
    let spoil = |change: fn(&mut Final)| -> Report {
        let mut spoiled = last.clone();
        change(&mut spoiled);
        check(history, &spoiled, demands)
    };
    let lost = spoil(|last| drop(last.entries.pop()));
    assert!(lost.violations.iter().any(|violation| matches!(violation, Violation::WrongCounter { .. })));
    let doubled = spoil(|last| last.entries.push(last.entries[0].clone()));
    assert!(doubled.violations.iter().any(|violation| matches!(violation, Violation::WrittenTwice { .. })));
    let forgotten = spoil(|last| last.operations.clear());
    assert!(
        forgotten
            .violations
            .iter()
            .any(|violation| matches!(violation, Violation::OperationWithoutEnd { .. }))
    );
}

/// The monolith alone on SQLite: every answer before the kill is in the file after it.
#[test]
fn kill_of_a_monolith_on_sqlite_loses_nothing() {
    let mut random = seed::generator("kills on SQLite");
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("blog.db").display());
    let mut monolith = Launch::role("monolith").argument("--database", &url).ready();
    let users = create_users(&monolith.api(), "kills", 3);
    let load = Load::start(&[monolith.api(), monolith.api(), monolith.api()], &users, &mut random);
    let progress = load.progress.clone();
    for _ in 0..seed::cycles() {
        let wanted = progress.safe() + random.random_range(1..3 * PROGRESS);
        wait_until("writes between two kills", PATIENCE, || progress.safe() >= wanted);
        monolith.crash_and_restart();
    }
    monolith.wait_ready();
    let history = load.finish();
    let last = collect(&monolith.api(), &monolith.api(), &users, &history);
    let report = check(&history, &last, Demands { acknowledged: seed::cycles() as usize, accepted: 0 });
    println!("{report}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}

/// A server that is told to stop finishes what it has begun: no request fails while it drains.
#[test]
fn drain_finishes_what_was_begun() {
    let mut random = seed::generator("drain");
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("blog.db").display());
    let monolith = Launch::role("monolith").argument("--database", &url).ready();
    let users = create_users(&monolith.api(), "drain", 2);
    let load = Load::start(&[monolith.api(), monolith.api()], &users, &mut random);
    wait_until("the load runs", PATIENCE, || load.progress.safe() > 20);
    let launch = monolith.launch.clone();
    monolith.terminate();
    let monolith = launch.ready();
    wait_until("the load goes on", PATIENCE, || load.progress.safe() > 40);
    let history = load.finish();
    let last = collect(&monolith.api(), &monolith.api(), &users, &history);
    let report = check(&history, &last, Demands { acknowledged: 40, accepted: 0 });
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}
