//! A crash at every named point around a durable step, in whichever role passes it first.
//!
//! The names are read from the sources, so a point that is added is tested without a word here, and
//! one that never fires fails the test.
#![cfg(feature = "failpoints")]

use std::collections::BTreeSet;
use std::path::Path;

use rand::rngs::StdRng;

use crate::checker::{Demands, check};
use crate::load::{Load, collect, create_users};
use crate::support::blog;
use crate::support::seed;
use crate::support::stack::{Options, Stack};
use crate::support::trine::Trine;
use crate::support::wait::{PATIENCE, wait_until};

const VARIABLE: &str = "TRINE_FAILPOINT";

/// Every `failpoint!("name")` under `src`, but for those of the database that the stack has not.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let uses = text.split("failpoint!(\"").skip(1).filter_map(|rest| rest.split('"').next());
                names.extend(uses.map(str::to_owned));
            }
        }
    }
    names
}

/// Restarts with (or without) the failpoint, which fires the third time.
fn arm(server: &mut Trine, name: Option<&str>) {
    server.launch = server.launch.clone().without_variable(VARIABLE);
    if let Some(name) = name {
        server.launch = server.launch.clone().variable(VARIABLE, &format!("{name}:3"));
    }
    server.process.kill();
    server.restart();
}

/// Points that only `forward` passes.
const FORWARD_ONLY: [&str; 1] = ["plan"];
/// Points that `forward` passes too, on another way than `async`.
const ALSO_IN_FORWARD: [&str; 2] = ["commit.before", "commit.after"];

#[test]
fn crash_at_each_failpoint_loses_nothing() {
    let names = names();
    for step in ["append", "decide", "plan", "push", "inbox.commit", "inbox.acknowledge", "settle", "commit"]
    {
        assert!(names.iter().any(|name| name.starts_with(step)), "no failpoint at {step}: {names:?}");
    }
    let (forward_only, asynchronous): (Vec<&str>, Vec<&str>) =
        names.iter().map(String::as_str).partition(|name| FORWARD_ONLY.contains(name));
    let forward: Vec<&str> = forward_only.into_iter().chain(ALSO_IN_FORWARD).collect();
    let mut random = seed::generator("failpoints");
    for (mode, names) in [("async", asynchronous), ("forward", forward)] {
        crash_at(mode, &names, &mut random);
        println!("failpoints: each of {} fired in {mode}: {names:?}", names.len());
    }
}

fn crash_at(mode: &str, names: &[&str], random: &mut StdRng) {
    let mut stack = Stack::start(&Options::default().method(blog::PUBLISH, mode));
    let users = create_users(&stack.api(), mode, 2);
    let load = Load::start(&[stack.api(), stack.api()], &users, random);
    let progress = load.progress.clone();
    for name in names {
        arm(&mut stack.monolith, Some(name));
        arm(&mut stack.microservice, Some(name));
        wait_until(&format!("a crash at {name} in {mode}"), PATIENCE * 2, || {
            stack.monolith.process.ended().is_some() || stack.microservice.process.ended().is_some()
        });
        arm(&mut stack.monolith, None);
        arm(&mut stack.microservice, None);
        stack.wait_ready();
        let before = progress.safe();
        wait_until("writes after the crash", PATIENCE * 2, || progress.safe() > before);
    }
    let history = load.finish();
    let last = collect(&stack.api(), &stack.microservice.api(), &users, &history);
    let (acknowledged, accepted) = if mode == "async" { (0, 30) } else { (10, 0) };
    let report = check(&history, &last, Demands { acknowledged, accepted });
    println!("{mode}: {report}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}
