//! Rows with owners in a whole deployment: on a streaming replica, and where writes are accepted first and
//! applied later. Each role has the tokens; who asks is known wherever the write is at last carried out.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{Answer, Request};
use crate::support::stack::{Options, Stack};
use crate::support::trine::Trine;

const NOTES: &str = r#"syntax = "proto3"; package notes.v1;
import "google/api/resource.proto"; import "trine/v1/options.proto";
message Note {
  option (google.api.resource) = { type: "notes.example.com/Note" pattern: "notes/{note}" };
  option (trine.v1.owner_field) = "owner";
  string name = 1;
  string title = 2 [(trine.v1.index) = true];
  string owner = 3;
}"#;
const COLLECTION: &str = "/notes/v1/notes";

fn tree() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    std::fs::write(directory.path().join("notes.proto"), NOTES).expect("written");
    directory
}

/// What every role is told: the schema, and the tokens of alice, bob and an admin.
fn settings(proto: &TempDir) -> Vec<(&'static str, String)> {
    let token = |name: &str, scopes: &str| {
        format!("{{ token = \"token-of-{name}-alone\", subject = \"{name}\", scopes = [{scopes}] }}")
    };
    let both = "\"read\", \"write\"";
    vec![
        ("schema.paths", format!("[{:?}]", proto.path().display().to_string())),
        ("auth.mode", "tokens".to_owned()),
        ("auth.tokens.alice", token("alice", both)),
        ("auth.tokens.bob", token("bob", both)),
        ("auth.tokens.root", token("root", &format!("{both}, \"admin\""))),
    ]
}

/// The three roles, with these methods asynchronous.
fn stack(proto: &TempDir, methods: &[&'static str]) -> Stack {
    let settings = settings(proto);
    let options = Options { monolith: settings.clone(), readers: settings, ..Options::default() };
    Stack::start(&methods.iter().fold(options, |options, method| options.method(method, "async")))
}

struct Who<'a> {
    server: &'a Trine,
    name: &'static str,
}

impl Who<'_> {
    fn request(&self, method: &str, path: &str) -> Request {
        let authorization = format!("Bearer token-of-{}-alone", self.name);
        self.server.api().request(method, path).header("Authorization", &authorization)
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// With a key that no other write through this server has.
    fn keyed(&self, method: &str, path: &str, what: &str) -> Request {
        self.request(method, path)
            .key(&format!("{} {} {method} {path} {what}", self.name, self.server.public))
    }

    fn write(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.keyed(method, path, &body.to_string()).json(body).send()
    }

    fn create(&self, id: &str, title: &str) -> Answer {
        self.write("POST", &format!("{COLLECTION}?noteId={id}"), &json!({ "title": title }))
    }

    /// Ids in the answer to this list.
    fn ids(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("{COLLECTION}{query}")).expect(200).json();
        let notes = list["notes"].as_array().cloned().unwrap_or_default();
        notes.iter().map(|note| note["name"].as_str().expect("a name").replace("notes/", "")).collect()
    }

    /// How the accepted write ended: its resource, or why it failed.
    fn end(&self, accepted: &Answer) -> Result<Value, String> {
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        let location = accepted.header("Location").expect("a location");
        let ended = self.request("GET", location).header("Prefer", "wait=20").send().expect(200).json();
        assert_eq!(ended["done"], json!(true), "{ended}");
        match ended["error"]["details"][0]["reason"].as_str() {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(ended["response"].clone()),
        }
    }
}

fn who<'a>(server: &'a Trine, name: &'static str) -> Who<'a> {
    Who { server, name }
}

/// Given rows of two owners, then a nanoservice on a streaming replica shows each of them his own alone.
#[test]
fn a_replica_shows_each_owner_his_own() {
    let proto = tree();
    let stack = stack(&proto, &["notes.v1.Note.Create"]);
    let hers = who(&stack.monolith, "alice");
    for (name, id) in [("alice", "a1"), ("bob", "b1"), ("alice", "a2"), ("bob", "b2")] {
        let created = who(&stack.monolith, name).create(id, "same");
        assert_eq!(who(&stack.microservice, name).end(&created).expect("applied")["owner"], json!(name));
    }
    stack.databases.wait_caught_up();
    for server in [&stack.nanoservice, &stack.monolith] {
        let (alice, bob, root) = (who(server, "alice"), who(server, "bob"), who(server, "root"));
        for query in ["", "?filter=title%3D%22same%22", "?orderBy=title%20desc,name", "?filter=NOT%20title:x"]
        {
            let count = alice.get(&format!("{COLLECTION}{query}")).expect(200);
            assert_eq!(sorted(alice.ids(query)), ["a1", "a2"], "{query}: {}", count.text());
            assert_eq!(sorted(bob.ids(query)), ["b1", "b2"], "{query}");
            assert_eq!(sorted(root.ids(query)), ["a1", "a2", "b1", "b2"], "{query}");
        }
        let total = bob.get(&format!("{COLLECTION}?showTotalSize=true&pageSize=1")).expect(200).json();
        assert_eq!(total["totalSize"], json!(2));
        bob.get(&format!("{COLLECTION}/a1")).refused(404, "NOT_FOUND");
        bob.get(&format!("{COLLECTION}:batchGet?names=notes/b1&names=notes/a1")).refused(404, "NOT_FOUND");
    }
    hers.get(&format!("{COLLECTION}/b1")).refused(404, "NOT_FOUND");
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// Given a write that is accepted before it is decided, then it is decided as its principal: it finds nothing of
/// others, and says no more of what it found to anybody else.
#[test]
fn an_accepted_write_is_applied_as_whoever_asked() {
    let proto = tree();
    let methods = ["notes.v1.Note.Create", "notes.v1.Note.Update", "notes.v1.Note.Delete"];
    let stack = stack(&proto, &methods);
    for entrance in [&stack.monolith, &stack.microservice] {
        let (alice, bob) = (who(entrance, "alice"), who(entrance, "bob"));
        let (operations, others) = (who(&stack.microservice, "alice"), who(&stack.microservice, "bob"));
        let created = alice.create("n", "mine");
        let note = operations.end(&created).expect("applied");
        assert_eq!((&note["title"], &note["owner"]), (&json!("mine"), &json!("alice")));
        let location = created.header("Location").expect("a location");
        others.get(location).refused(404, "NOT_FOUND");

        let path = format!("{COLLECTION}/n");
        let stolen = bob.write("PATCH", &path, &json!({ "title": "stolen" }));
        assert_eq!(others.end(&stolen), Err("NOT_FOUND".to_owned()));
        let gone = bob.keyed("DELETE", &path, "").send();
        assert_eq!(others.end(&gone), Err("NOT_FOUND".to_owned()));
        // The row is there, and whoever takes the id is told so and not by whom.
        assert_eq!(others.end(&bob.create("n", "other")), Err("ALREADY_EXISTS".to_owned()));
        let foreign = json!({ "title": "t", "owner": "alice" });
        let given = bob.write("POST", &format!("{COLLECTION}?noteId=g"), &foreign);
        assert!(given.status == 403 || others.end(&given) == Err("OWNER".to_owned()), "{}", given.text());

        let kept = who(&stack.monolith, "alice").get(&path).expect(200).json();
        assert_eq!(kept["title"], json!("mine"));
        let changed = alice.write("PATCH", &path, &json!({ "title": "changed" }));
        assert_eq!(operations.end(&changed).expect("applied")["title"], json!("changed"));
        operations.end(&alice.keyed("DELETE", &path, "").send()).expect("applied");
        who(&stack.monolith, "root").get(&path).refused(404, "NOT_FOUND");
    }
}
