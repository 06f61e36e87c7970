//! What each role serves, and what no configuration may make it do.

use serde_json::json;

use crate::support::blog;
use crate::support::stack::{Databases, Options, PEER_SECRET, Stack};
use crate::support::trine::Launch;
use crate::support::wait::{PATIENCE, wait_until};

#[test]
fn each_role_answers_what_its_plan_says() {
    let stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    let (monolith, nanoservice) = (stack.monolith.api(), stack.nanoservice.api());
    let created = blog::create_user(&monolith, "ada").expect(201);
    assert_eq!(created.role(), "monolith");

    stack.databases.wait_caught_up();
    let read = nanoservice.request("GET", "/blog/v1/users/ada").token(&created.token()).send().expect(200);
    assert_eq!(read.role(), "nanoservice");
    assert_eq!(read.json()["displayName"], "ada");
    assert_eq!(read.header("ETag"), created.header("ETag"));
    let list = nanoservice.get("/blog/v1/users").expect(200).json();
    assert_eq!(list["users"].as_array().map(Vec::len), Some(1));

    let user = json!({ "displayName": "eve" });
    let writes = [
        nanoservice.post("/blog/v1/users?userId=eve", &user),
        nanoservice.patch("/blog/v1/users/ada", &user),
        nanoservice.delete("/blog/v1/users/ada"),
        blog::publish(&nanoservice, "ada", "k", "t").send(),
    ];
    for answer in writes {
        let answer = answer.refused(405, "READ_ONLY_ROLE");
        assert!(
            answer.header("Allow").is_some_and(|allow| allow.contains("OPTIONS") && !allow.contains("POST"))
        );
    }
    // A microservice serves the methods listed for it and nothing else.
    let microservice = stack.microservice.api();
    microservice.post("/blog/v1/users?userId=eve", &user).refused(421, "NOT_THIS_ROLE");
    let write_set = json!({ "mutations": [{ "delete": { "type": "blog.v1.User", "name": "users/ada" } }] });
    microservice.post("/trine/v1/writeSets:commit", &write_set).refused(421, "NOT_THIS_ROLE");
    blog::publish(&microservice, "ada", "k", "t").send().expect(202);
    // A dry run promises nothing, so nothing is accepted: it is the monolith's to answer.
    let request = json!({ "entry": { "title": "t" } });
    let dry = microservice.post("/blog/v1/users/ada:publish?validateOnly=true", &request);
    dry.refused(421, "NOT_THIS_ROLE");
    assert_eq!(monolith.get("/blog/v1/users/eve").status, 404);
    assert_eq!(monolith.get("/blog/v1/users/ada").expect(200).json()["displayName"], "ada");
    for server in [stack.monolith, stack.nanoservice, stack.microservice] {
        server.terminate();
    }
}

/// A login that may write is refused even on a replica, where it could not: the next failover makes
/// the replica a primary.
#[test]
fn nanoservice_refuses_a_login_that_could_write() {
    let databases = Databases::start();
    let _monolith = Launch::role("monolith").argument("--database", &databases.primary_url()).ready();
    databases.wait_caught_up();
    for url in [databases.replica_url_of_owner(), databases.primary_url()] {
        let refusal = Launch::role("nanoservice").argument("--replica", &url).refusal();
        assert_eq!(refusal.code, Some(2), "{refusal:?}");
        for words in ["database.replica", "can write", "trine grants"] {
            assert!(refusal.output.contains(words), "`{words}` is missing: {refusal:?}");
        }
    }
}

#[test]
fn nanoservice_serves_a_sqlite_file_that_it_may_only_read() {
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("blog.db").display());
    let nanoservice = Launch::role("nanoservice").argument("--replica", &url).start();
    // A missing file is not ready, but no reason to exit.
    assert!(!nanoservice.is_ready());
    let monolith = Launch::role("monolith").argument("--database", &url).ready();
    nanoservice.wait_ready();

    for number in 0..20 {
        let created = blog::create_user(&monolith.api(), &format!("u{number}")).expect(201);
        let path = format!("/blog/v1/users/u{number}");
        let read = nanoservice.api().request("GET", &path).token(&created.token()).send().expect(200);
        assert_eq!(read.role(), "nanoservice");
        assert_eq!(read.body, monolith.api().get(&path).body);
    }
    blog::create_user(&nanoservice.api(), "eve").refused(405, "READ_ONLY_ROLE");

    let second = Launch::role("monolith").argument("--database", &url).refusal();
    assert_ne!(second.code, Some(0), "two writers on one file: {second:?}");
}

/// Each role with a database that it may not have, or without one that it needs.
#[test]
fn configuration_that_contradicts_the_role_is_refused() {
    let home = tempfile::tempdir().expect("temporary directory");
    let file = |name: &str| format!("sqlite:{}", home.path().join(name).display());
    let (one, two) = (file("one.db"), file("two.db"));
    let nanoservice = || Launch::role("nanoservice");
    let microservice = || Launch::role("microservice").set("peers.secret", PEER_SECRET);
    let cases = [
        ("database.replica", nanoservice()),
        ("database.primary", nanoservice().argument("--replica", &one).argument("--database", &two)),
        ("database.events", nanoservice().argument("--replica", &one).argument("--events-database", &two)),
        ("database.events", Launch::role("monolith").argument("--events-database", &two)),
        ("database.events", microservice().argument("--replica", &one)),
        ("database.replica", microservice().argument("--events-database", &one)),
        ("peers.monolith", microservice().argument("--replica", &one).argument("--events-database", &two)),
        (
            "peers.microservice",
            Launch::role("monolith").set("writes.methods.\"blog.v1.Entry.Create\"", "async"),
        ),
        ("database.conections", Launch::role("monolith").set("database.conections", 4)),
        ("database.connections", Launch::role("monolith").set("database.connections", 0)),
        ("role", Launch::role("monolith").set("role", "nanoservcie")),
    ];
    for (key, launch) in cases {
        let refusal = launch.refusal();
        assert_eq!(refusal.code, Some(2), "{key}: {refusal:?}");
        assert!(refusal.output.contains(key), "{key} is not named: {refusal:?}");
    }
}

#[test]
fn nanoservice_is_not_ready_while_its_replica_is_away_and_comes_back_by_itself() {
    let mut stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    blog::create_user(&stack.api(), "ada").expect(201);
    stack.databases.replica.kill();
    wait_until("the nanoservice notices", PATIENCE, || !stack.nanoservice.is_ready());
    stack.nanoservice.api().get("/blog/v1/users/ada").refused(503, "DATABASE_UNAVAILABLE");
    // Reads of the monolith do not care.
    stack.api().get("/blog/v1/users/ada").expect(200);
    stack.databases.replica.restart();
    stack.nanoservice.wait_ready();
    stack.nanoservice.api().get("/blog/v1/users/ada").expect(200);
}
