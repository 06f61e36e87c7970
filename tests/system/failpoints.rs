//! A crash at every named point around a durable step, in whichever role passes it first.
//!
//! The names are read from the sources, so a point that is added is tested without a word here, and
//! one that no longer fires fails the test.
#![cfg(feature = "failpoints")]

use std::collections::BTreeSet;
use std::path::Path;

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

#[test]
fn crash_at_each_failpoint_loses_nothing() {
    let names = names();
    assert!(names.len() >= 5, "append, plan, push, inbox commit, acknowledgement; found {names:?}");
    let mut random = seed::generator("failpoints");
    for mode in ["async", "forward"] {
        let mut stack = Stack::start(&Options::default().method(blog::PUBLISH, mode));
        let users = create_users(&stack.api(), mode, 2);
        let load = Load::start(&[stack.api(), stack.api()], &users, &mut random);
        let progress = load.progress.clone();
        let mut fired = BTreeSet::new();
        for name in &names {
            arm(&mut stack.monolith, Some(name));
            arm(&mut stack.microservice, Some(name));
            let before = progress.safe();
            wait_until("a crash, or progress without one", PATIENCE, || {
                let crashed =
                    stack.monolith.process.ended().is_some() || stack.microservice.process.ended().is_some();
                if crashed {
                    fired.insert(name.clone());
                }
                crashed || progress.safe() > before + 30
            });
            arm(&mut stack.monolith, None);
            arm(&mut stack.microservice, None);
        }
        stack.wait_ready();
        println!("failpoints in {mode}: {fired:?} fired of {names:?}");
        assert!(!fired.is_empty(), "no failpoint fired in {mode}");
        let history = load.finish();
        let last = collect(&stack.api(), &stack.microservice.api(), &users, &history);
        let report = check(&history, &last, Demands { acknowledged: 0, accepted: 0 });
        println!("{mode}: {report}");
        assert!(report.violations.is_empty(), "{:#?}", report.violations);
        if mode == "async" {
            assert!(fired.len() >= 5, "only {fired:?} fired of {names:?}");
        }
    }
}
