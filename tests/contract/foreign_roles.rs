//! The foreign tree in each role, on both databases: a push of it needs no role to know it.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::support::http::Api;
use crate::support::process::free_address;
use crate::support::stack::{Databases, PEER_SECRET};
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_for, wait_until};

const TREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/library");
/// Created by way of the microservice.
const SLOW: &str = "writes.methods.\"example.library.v1.Publisher.Create\"";

struct Library {
    monolith: Trine,
    nanoservice: Trine,
    microservice: Trine,
}

#[test]
fn a_library_is_served_by_every_role_on_postgresql() {
    let home = TempDir::new().expect("a directory");
    let databases = Databases::start();
    let library = start(&home, &databases.primary_url(), &databases.replica_url(), || {
        databases.grant("nanoservice");
    });
    serve(&library);
}

#[test]
fn a_library_is_served_by_every_role_on_sqlite() {
    let home = TempDir::new().expect("a directory");
    let file = format!("sqlite:{}", home.path().join("library.db").display());
    let library = start(&home, &file, &file, || {});
    serve(&library);
}

fn start(home: &TempDir, primary: &str, replica: &str, grant: impl Fn()) -> Library {
    let (monolith, microservice) = ((free_address(), free_address()), (free_address(), free_address()));
    let events = events_in(home.path());
    let launch = |role: &str| Launch::role(role).argument("--proto", TREE).set("peers.secret", PEER_SECRET);
    let first = launch("monolith").listen(monolith.0, monolith.1).argument("--database", primary);
    let first =
        first.set("peers.microservice", format!("http://{}", microservice.0)).set(SLOW, "async").ready();
    grant();
    let second = Launch::role("nanoservice").argument("--proto", TREE).argument("--replica", replica).ready();
    let third = launch("microservice").listen(microservice.0, microservice.1).argument("--replica", replica);
    let third = third.argument("--events-database", &events);
    let third = third.set("peers.monolith", format!("http://{}", monolith.0)).set(SLOW, "async").ready();
    Library { monolith: first, nanoservice: second, microservice: third }
}

fn events_in(home: &Path) -> String {
    format!("sqlite:{}", home.join("events.db").display())
}

fn serve(library: &Library) {
    let (monolith, nanoservice) = (library.monolith.api(), library.nanoservice.api());
    let book =
        json!({ "title": "Il nome della rosa", "tags": ["crime"], "sales": { "it": "5" }, "amount": 2 });
    let books = "/v1/publishers/acme/books";
    let created = monolith.post(&format!("{books}?bookId=rose"), &book).expect(201);
    let read = read_when_there(&nanoservice, &format!("{books}/rose"), &created.token());
    assert_eq!(read, created.json());
    nanoservice.post(books, &book).refused(405, "READ_ONLY_ROLE");
    let member = json!({ "displayName": "Ada", "grade": "GRADE_PATRON", "barcode": "12345678" });
    let created = monolith.post("/v1/members?memberId=ada", &member).expect(201);
    let read = read_when_there(&nanoservice, "/v1/members/ada", &created.token());
    assert_eq!(read["grade"], "GRADE_PATRON");
    written_later(&monolith, &library.microservice.api());
}

fn read_when_there(api: &Api, path: &str, token: &str) -> serde_json::Value {
    wait_for("the replica has it", PATIENCE, || {
        let answer = api.request("GET", path).token(token).send();
        (answer.status == 200).then(|| answer.json())
    })
}

/// The microservice answers at once and the monolith commits.
fn written_later(monolith: &Api, microservice: &Api) {
    let publishers = "/example/library/v1/publishers";
    let path = format!("{publishers}?publisherId=acme");
    let ask =
        |api: &Api| api.request("POST", &path).key("acme").json(&json!({ "displayName": "Acme" })).send();
    ask(monolith).expect(202);
    // The same request once more: under way still, or replayed.
    let again = ask(microservice);
    assert!(matches!(again.status, 201 | 202), "{} {}", again.status, again.text());
    wait_until("the publisher is there", PATIENCE, || {
        monolith.get(&format!("{publishers}/acme")).status == 200
    });
    let unknown = monolith.request("POST", publishers).key("b").json(&json!({ "display": "Acme" }));
    unknown.send().refused(400, "UNKNOWN_FIELD");
}
