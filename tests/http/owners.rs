//! Rows with owners over HTTP: in every method, on the monolith and on a nanoservice, in rules too.

use std::sync::atomic::{AtomicUsize, Ordering};

use prost::{Message, Name};
use serde_json::{Value, json};
use trine::commands::{Context, Registry};
use trine::model::{Error, Reason, Result, Scope};

use crate::client::{Answer, request};
use crate::credentials::tokens;
use crate::server::{Server, Setting};

#[derive(Clone, PartialEq, Message)]
pub struct Notebook {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub title: String,
    #[prost(string, tag = "3")]
    pub owner: String,
    #[prost(int32, tag = "5")]
    pub size: i32,
}

impl Name for Notebook {
    const NAME: &'static str = "Notebook";
    const PACKAGE: &'static str = "notes.v1";
}

#[derive(Clone, PartialEq, Message)]
pub struct GrowRequest {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int32, tag = "2")]
    pub by: i32,
}

impl Name for GrowRequest {
    const NAME: &'static str = "GrowRequest";
    const PACKAGE: &'static str = "notes.v1";
}

/// Reads a notebook and all of its neighbours, writes the notebook: what a rule of an owned type does.
fn grow(context: &mut Context, request: GrowRequest) -> Result<Notebook> {
    let missing = || Error::new(Reason::NotFound, format!("there is no `{}`", request.name));
    let mut notebook: Notebook = context.get(&request.name)?.ok_or_else(missing)?;
    let neighbours = context.list::<Notebook>("", 1000)?;
    if neighbours.iter().any(|neighbour| neighbour.owner != notebook.owner) {
        return Err(Error::internal("a rule saw what somebody else owns"));
    }
    notebook.size += request.by;
    context.update(notebook)
}

fn register(registry: &mut Registry) {
    registry.rule("notes.v1.NotesService.Grow", grow);
}

fn notes() -> Server {
    notes_with(register)
}

fn notes_with(register: fn(&mut Registry)) -> Server {
    let both = [Scope::Read, Scope::Write];
    let named: [(&str, &[Scope]); 3] =
        [("alice", &both), ("bob", &both), ("root", &[Scope::Read, Scope::Write, Scope::Admin])];
    let authenticator = tokens(&named);
    Server::monolith_of(Setting {
        proto: &["tests/fixtures/notes"],
        authenticator,
        register,
        ..Setting::default()
    })
}

struct Who<'a> {
    server: &'a Server,
    authorization: String,
}

impl Who<'_> {
    fn ask(&self, method: &str, target: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let body = body.map(|body| body.to_string());
        let mut asked = request(method, target).header("Authorization", &self.authorization);
        if let Some(body) = &body {
            asked = asked.json(body);
        }
        for (name, value) in headers {
            asked = asked.header(name, value);
        }
        asked.send(self.server.address())
    }

    fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, None, &[])
    }

    fn create(&self, id: &str, body: Value) -> Answer {
        self.ask("POST", &format!("/notes/v1/notebooks?notebookId={id}"), Some(body), &[])
    }

    /// Ids in a list.
    fn list(&self, target: &str) -> Vec<String> {
        let answer = self.get(target);
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        let found = answer.json();
        let names = found["notebooks"].as_array().or(found["pages"].as_array()).cloned().unwrap_or_default();
        names.iter().map(|row| row["name"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn who<'a>(server: &'a Server, name: &str) -> Who<'a> {
    Who { server, authorization: format!("Bearer token-for-{name}-only") }
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.reason())
}

/// Given a notebook of alice's, then whatever bob does to it is answered as where nothing is.
#[test]
fn what_another_owns_is_404_in_every_method() {
    let server = notes();
    let (alice, bob, root) = (who(&server, "alice"), who(&server, "bob"), who(&server, "root"));
    let created = alice.create("n", json!({ "title": "mine" }));
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json()["owner"], "alice");
    let tag = created.header("etag").expect("a tag").to_owned();
    let title = || Some(json!({ "title": "stolen" }));
    const N: &str = "/notes/v1/notebooks/n";
    for (method, target, body, headers) in [
        ("GET", N, None, vec![]),
        ("HEAD", N, None, vec![]),
        ("GET", N, None, vec![("If-None-Match", tag.as_str())]),
        ("GET", N, None, vec![("If-Match", tag.as_str())]),
        ("PATCH", N, title(), vec![]),
        ("PATCH", N, title(), vec![("If-Match", tag.as_str())]),
        ("PATCH", N, title(), vec![("If-Match", "*")]),
        ("PATCH", N, title(), vec![("If-Match", "\"1\", \"2\"")]),
        ("PATCH", "/notes/v1/notebooks/n?updateMask=*", title(), vec![]),
        ("DELETE", N, None, vec![]),
        ("DELETE", "/notes/v1/notebooks/n?force=true", None, vec![("If-Match", "*")]),
        ("POST", "/notes/v1/notebooks/n:undelete", Some(json!({})), vec![]),
        ("POST", "/notes/v1/notebooks/n:grow", Some(json!({ "by": 1 })), vec![]),
    ] {
        let answer = bob.ask(method, target, body.clone(), &headers);
        let nowhere = bob.ask(method, &target.replace("notebooks/n", "notebooks/x"), body, &headers);
        assert_eq!(answer.status, nowhere.status, "{method} {target} {headers:?}: {answer:?}");
        assert!(matches!(answer.status, 404 | 412), "{method} {target}: {answer:?}");
        if method != "HEAD" {
            assert_eq!(answer.reason(), nowhere.reason(), "{method} {target}");
        }
    }
    assert_eq!(alice.get(N).body, created.body, "nothing happened to it");
    assert_eq!(root.get(N).body, created.body, "an admin sees all");
    assert_eq!(refusal(&bob.create("n", json!({}))), (409, "ALREADY_EXISTS".to_owned()));
    assert_eq!(refusal(&bob.create("m", json!({ "owner": "alice" }))), (403, "OWNER".to_owned()));
}

/// Given rows of two owners, then lists, their filters, orders, pages and totals know only one's own, on a
/// nanoservice as on the monolith.
#[test]
fn lists_hold_ones_own_rows_only() {
    let monolith = notes();
    let mut token = String::new();
    for number in 0..12 {
        let owner = who(&monolith, ["alice", "bob"][number % 2]);
        let created = owner.create(&format!("n{number:02}"), json!({ "title": format!("t{}", number % 3) }));
        assert_eq!(created.status, 201, "{created:?}");
        token = created.header("trine-consistency-token").expect("a token").to_owned();
        let page = json!({ "number": number });
        let target = "/notes/v1/notebooks/shared/pages";
        assert_eq!(owner.ask("POST", target, Some(page), &[]).status, 201);
    }
    let nanoservice = monolith.nanoservice();
    let read = who(&nanoservice, "alice").ask(
        "GET",
        "/notes/v1/notebooks/n00",
        None,
        &[("Trine-Consistency-Token", &token)],
    );
    assert_eq!(read.status, 200, "{read:?}");
    for server in [&monolith, &nanoservice] {
        let (alice, bob) = (who(server, "alice"), who(server, "bob"));
        for (target, own, all) in [
            ("/notes/v1/notebooks?pageSize=100", 6, 12),
            ("/notes/v1/notebooks?filter=title%3D%22t0%22", 2, 4),
            ("/notes/v1/notebooks?filter=owner%3D%22alice%22%20OR%20title%3A*", 6, 12),
            ("/notes/v1/notebooks?orderBy=title%20desc", 6, 12),
            ("/notes/v1/notebooks/shared/pages?orderBy=number", 6, 12),
            ("/notes/v1/notebooks/-/pages", 6, 12),
        ] {
            let (hers, his) = (alice.list(target), bob.list(target));
            assert_eq!((hers.len(), his.len()), (own, own), "{target}");
            assert!(hers.iter().all(|name| !his.contains(name)), "{target}");
            assert_eq!(who(server, "root").list(target).len(), all, "{target}");
        }
        assert_eq!(alice.list("/notes/v1/notebooks?filter=owner%3D%22bob%22"), Vec::<String>::new());
        pages_do_not_mix(&alice, &bob);
        let answer = bob.get("/notes/v1/notebooks/n00");
        assert_eq!(refusal(&answer), (404, "NOT_FOUND".to_owned()));
    }
}

/// The token of alice's page shows bob rows of his own alone.
fn pages_do_not_mix(alice: &Who<'_>, bob: &Who<'_>) {
    let first = alice.get("/notes/v1/notebooks?pageSize=2").json();
    let token = first["nextPageToken"].as_str().expect("a second page").to_owned();
    let target = format!("/notes/v1/notebooks?pageSize=100&pageToken={token}");
    assert_eq!(alice.list(&target).len(), 4);
    let his = bob.list("/notes/v1/notebooks?pageSize=100");
    assert!(bob.list(&target).iter().all(|name| his.contains(name)));
}

/// Given a rule that reads and writes owned rows, then it sees and writes as whoever asked.
#[test]
fn a_rule_acts_as_whoever_asked() {
    let server = notes();
    let (alice, bob) = (who(&server, "alice"), who(&server, "bob"));
    assert_eq!(alice.create("a", json!({ "size": 1 })).status, 201);
    assert_eq!(bob.create("b", json!({ "size": 1 })).status, 201);
    let grow = |who: &Who<'_>, id: &str| {
        who.ask("POST", &format!("/notes/v1/notebooks/{id}:grow"), Some(json!({ "by": 4 })), &[])
    };
    let grown = grow(&alice, "a");
    assert_eq!((grown.status, grown.json()["size"].as_i64()), (200, Some(5)), "{grown:?}");
    assert_eq!(refusal(&grow(&bob, "a")), (404, "NOT_FOUND".to_owned()));
    assert_eq!(alice.get("/notes/v1/notebooks/a").json()["size"], 5);
}

/// Runs of [`claim`]; one test counts them.
static CLAIMS: AtomicUsize = AtomicUsize::new(0);

/// Creates a notebook of a name that somebody else has taken.
fn claim(context: &mut Context, _request: GrowRequest) -> Result<Notebook> {
    CLAIMS.fetch_add(1, Ordering::Relaxed);
    if let Some(notebook) = context.get::<Notebook>("notebooks/taken")? {
        return Ok(notebook);
    }
    context.create("", "taken", Notebook::default())
}

/// Given a rule that creates what somebody else has, whom it may not see, then it is told so after one run.
#[test]
fn a_rule_is_not_run_again_for_what_it_cannot_see() {
    let server = notes_with(|registry| registry.rule("notes.v1.NotesService.Grow", claim));
    let (alice, bob) = (who(&server, "alice"), who(&server, "bob"));
    assert_eq!(bob.create("taken", json!({})).status, 201);
    let claimed =
        |who: &Who<'_>| who.ask("POST", "/notes/v1/notebooks/any:grow", Some(json!({ "by": 1 })), &[]);
    assert_eq!(refusal(&claimed(&alice)), (409, "ALREADY_EXISTS".to_owned()));
    assert_eq!(CLAIMS.load(Ordering::Relaxed), 1);
    assert_eq!(claimed(&bob).status, 200);
}

/// Given a setting in which nobody says who he is, then everybody shares the rows of one owner.
#[test]
fn without_credentials_all_are_one_owner() {
    let setting = Setting { proto: &["tests/fixtures/notes"], register, ..Setting::default() };
    let server = Server::monolith_of(setting);
    let created = request("POST", "/notes/v1/notebooks?notebookId=n").json("{}").send(server.address());
    assert_eq!((created.status, created.json()["owner"].as_str()), (201, Some("anonymous")));
    let foreign = request("POST", "/notes/v1/notebooks").json("{\"owner\":\"alice\"}").send(server.address());
    assert_eq!(refusal(&foreign), (403, "OWNER".to_owned()));
}
