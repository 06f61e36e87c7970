//! Starts that are refused because of the database that they were given, by the name of its key.

use crate::support::postgres::Cluster;
use crate::support::stack::PEER_SECRET;
use crate::support::trine::{Launch, Refusal};

#[track_caller]
fn assert_told(refusal: &Refusal, words: &[&str]) {
    assert_eq!(refusal.code, Some(2), "{refusal:?}");
    for word in words {
        assert!(refusal.output.contains(word), "`{word}` is missing: {refusal:?}");
    }
}

#[test]
fn a_database_of_the_other_kind() {
    let home = tempfile::tempdir().expect("temporary directory");
    let file = |name: &str| format!("sqlite:{}", home.path().join(name).display());
    let (blog, events) = (file("blog.db"), file("events.db"));
    let microservice = |events: &str| {
        let launch =
            Launch::role("microservice").argument("--replica", &blog).argument("--events-database", events);
        launch.set("peers.monolith", "http://127.0.0.1:1").set("peers.secret", PEER_SECRET)
    };
    let monolith = |primary: &str| Launch::role("monolith").argument("--database", primary);
    monolith(&blog).ready().terminate();
    microservice(&events).ready().terminate();
    assert_told(&microservice(&blog).refusal(), &["database.events: ", "blog.db is a monolith's database"]);
    assert_told(&monolith(&events).refusal(), &["database.primary: ", "events.db is a microservice's"]);
    monolith(&blog).ready().terminate();
}

#[test]
fn a_file_of_two_names() {
    let home = tempfile::tempdir().expect("temporary directory");
    let (one, other) = (home.path().join("one.db"), home.path().join("other.db"));
    let monolith = |file: &std::path::Path| {
        Launch::role("monolith").argument("--database", &format!("sqlite:{}", file.display()))
    };
    let _first = monolith(&one).ready();
    std::fs::hard_link(&one, &other).expect("a hard link");
    assert_told(
        &monolith(&other).refusal(),
        &["database.primary: ", "2 names (hard links)", "find -samefile"],
    );
}

#[test]
fn a_standby_as_primary() {
    let primary = Cluster::start();
    let standby = primary.replica();
    let monolith = Launch::role("monolith").argument("--database", &standby.url());
    assert_told(&monolith.refusal(), &["database.primary: ", "standby", "`database.replica`"]);
}
