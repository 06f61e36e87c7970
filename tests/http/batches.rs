//! Batch methods and dry runs as a client sees them.

use serde_json::{Value, json};

use crate::client::{Answer, request};
use crate::server::Server;

pub const ENTRIES: &str = "/blog/v1/users/alice/entries";

fn post(server: &Server, target: &str, body: &Value) -> Answer {
    request("POST", target).json(&body.to_string()).send(server.address())
}

fn get(server: &Server, target: &str) -> Answer {
    request("GET", target).send(server.address())
}

/// Alice with entries a, b and c.
pub fn with_entries() -> Server {
    let server = Server::monolith();
    let users = json!({ "requests": [{ "userId": "alice", "user": { "displayName": "Alice" } }] });
    assert_eq!(post(&server, "/blog/v1/users:batchCreate", &users).status, 200);
    let entry = |id: &str| json!({ "entryId": id, "entry": { "title": format!("T{id}") } });
    let created = post(
        &server,
        &format!("{ENTRIES}:batchCreate"),
        &json!({ "parent": "users/alice", "requests": [entry("c"), entry("a"), entry("b")] }),
    );
    assert_eq!(created.status, 200, "{created:?}");
    assert_eq!(titles(&created), ["Tc", "Ta", "Tb"]);
    server
}

fn titles(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let entries = json["entries"].as_array().unwrap_or_else(|| panic!("entries: {answer:?}"));
    entries.iter().map(|entry| entry["title"].as_str().expect("a title").to_owned()).collect()
}

fn violations(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let fields = json["error"]["details"][1]["fieldViolations"].as_array().cloned().unwrap_or_default();
    fields.iter().map(|violation| violation["field"].as_str().expect("a field").to_owned()).collect()
}

fn refused(answer: &Answer, status: u16, reason: &str, fields: &[&str]) {
    assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "{answer:?}");
    assert_eq!(violations(answer), fields, "{answer:?}");
}

fn count(server: &Server, collection: &str) -> usize {
    let list = get(server, &format!("{collection}?pageSize=1000")).json();
    let name = collection.rsplit('/').next().expect("a collection");
    list[name].as_array().map_or(0, Vec::len)
}

/// Given names in any order, one of them twice, then the answer is in that order.
#[test]
fn a_batch_get_answers_in_the_order_asked() {
    let server = with_entries();
    let name = |id: &str| format!("names=users/alice/entries/{id}");
    let target = format!("{ENTRIES}:batchGet?{}&{}&{}", name("b"), name("c"), name("b"));
    let read = get(&server, &target);
    assert_eq!((read.status, titles(&read)), (200, vec!["Tb".to_owned(), "Tc".into(), "Tb".into()]));
    assert!(read.header("trine-consistency-token").is_some());
    let one = get(&server, &format!("{ENTRIES}/b")).json();
    assert_eq!(read.json()["entries"][0], one);
    let anywhere = get(&server, &format!("/blog/v1/users/-/entries:batchGet?{}", name("a")));
    assert_eq!(titles(&anywhere), ["Ta"]);
    let masked = get(&server, &format!("{ENTRIES}:batchGet?{}&readMask=title", name("a")));
    assert_eq!(masked.json()["entries"], json!([{ "title": "Ta" }]));
    let missing = get(&server, &format!("{ENTRIES}:batchGet?{}&{}", name("a"), name("x")));
    refused(&missing, 404, "NOT_FOUND", &["names[1]"]);
    assert!(
        missing.json()["error"]["message"].as_str().expect("a message").contains("users/alice/entries/x")
    );
}

/// Given a batch that cannot be meant, then 400 says which member and why; nothing is read.
#[test]
fn a_batch_get_refuses_names_of_others() {
    let server = with_entries();
    for (query, field) in [
        ("names=users/bob/entries/a", "names[0]"),
        ("names=users/alice", "names[0]"),
        ("names=users/alice/entries/%2Fa", "names[0]"),
        ("", "names"),
    ] {
        let answer = get(&server, &format!("{ENTRIES}:batchGet?{query}"));
        assert_eq!((answer.status, violations(&answer)), (400, vec![field.to_owned()]), "{query} {answer:?}");
    }
    let names: Vec<String> = (0..1001).map(|id| format!("names=users/alice/entries/{id}")).collect();
    let many = get(&server, &format!("{ENTRIES}:batchGet?{}", names.join("&")));
    refused(&many, 400, "INVALID_PARAMETER", &["names"]);
    assert_eq!(get(&server, &format!("{ENTRIES}:batchGet?names=a&other=1")).status, 400);
}

/// Given a batch whose last member fails, then the member is named and none is there.
#[test]
fn a_batch_create_is_all_or_nothing() {
    let server = with_entries();
    let taken = json!({ "requests": [{ "entryId": "d", "entry": { "title": "D" } }, { "entryId": "a", "entry": { "title": "A" } }] });
    refused(
        &post(&server, &format!("{ENTRIES}:batchCreate"), &taken),
        409,
        "ALREADY_EXISTS",
        &["requests[1]"],
    );
    assert_eq!(count(&server, ENTRIES), 3);
    let user = |id: &str| json!({ "userId": id, "user": { "displayName": id, "email": "same@example.com" } });
    let twins = json!({ "requests": [user("bob"), user("carol")] });
    refused(
        &post(&server, "/blog/v1/users:batchCreate", &twins),
        409,
        "UNIQUE_VIOLATION",
        &["requests[1].user.email"],
    );
    assert_eq!(count(&server, "/blog/v1/users"), 1);
}

/// Given members that are wrong by themselves, then each mistake is told with its path.
#[test]
fn a_mistake_in_a_member_is_told_with_its_path() {
    let server = with_entries();
    let entry = json!({ "title": "T" });
    for (body, reason, fields) in [
        (
            json!({ "requests": [{ "entry": { "title": "T" } }, { "entry": { "body": "B" } }] }),
            "REQUIRED",
            &["requests[1].entry.title"][..],
        ),
        (json!({ "requests": [{ "entry": { "title": 7 } }] }), "INVALID_FIELD", &["requests[0].entry.title"]),
        (
            json!({ "requests": [{ "entry": { "colour": 7 } }] }),
            "UNKNOWN_FIELD",
            &["requests[0].entry.colour"],
        ),
        (json!({ "requests": [{ "entry": entry, "colour": 7 }] }), "UNKNOWN_FIELD", &["requests[0].colour"]),
        (
            json!({ "requests": [{ "entry": entry, "entryId": "a/b" }] }),
            "INVALID_ID",
            &["requests[0].entryId"],
        ),
        (
            json!({ "requests": [{ "entry": entry, "parent": "users/bob" }] }),
            "INVALID_FIELD",
            &["requests[0].parent"],
        ),
        (json!({ "requests": [{ "entryId": "x" }] }), "REQUIRED", &["requests[0].entry"]),
        (json!({ "requests": [], }), "REQUIRED", &["requests"]),
        (json!({ "requests": {} }), "INVALID_FIELD", &["requests"]),
        (json!({ "parent": "users/bob", "requests": [{ "entry": entry }] }), "INVALID_FIELD", &["parent"]),
        (json!({ "requests": [{ "entry": entry }], "colour": 7 }), "UNKNOWN_FIELD", &["colour"]),
        (
            json!({ "requests": [{ "entryId": "x", "entry": entry }, { "entry": entry }, { "entryId": "x", "entry": entry }] }),
            "INVALID_PARAMETER",
            &["requests[0]", "requests[2]"],
        ),
    ] {
        refused(&post(&server, &format!("{ENTRIES}:batchCreate"), &body), 400, reason, fields);
    }
    let many: Vec<Value> = (0..1001).map(|_| json!({ "entry": entry })).collect();
    let many = post(&server, &format!("{ENTRIES}:batchCreate"), &json!({ "requests": many }));
    refused(&many, 400, "INVALID_PARAMETER", &["requests"]);
    assert_eq!(count(&server, ENTRIES), 3);
}

/// Given `-` as parent, then each member says its own.
#[test]
fn members_of_any_parent_name_it() {
    let server = with_entries();
    let entry = json!({ "title": "T" });
    let body = json!({ "requests": [{ "parent": "users/bob", "entryId": "x", "entry": entry }] });
    let created = post(&server, "/blog/v1/users/-/entries:batchCreate", &body);
    assert_eq!(created.json()["entries"][0]["name"], "users/bob/entries/x", "{created:?}");
    let nameless = json!({ "requests": [{ "entry": entry }] });
    let answer = post(&server, "/blog/v1/users/-/entries:batchCreate", &nameless);
    refused(&answer, 400, "INVALID_FIELD", &["requests[0].parent"]);
    let deleted = json!({ "names": ["users/bob/entries/x", "users/alice/entries/a"] });
    assert_eq!(post(&server, "/blog/v1/users/-/entries:batchDelete", &deleted).json(), json!({}));
    assert_eq!(count(&server, ENTRIES), 2);
}

/// Given names alone, then what the batch says of its deletions is said of each; members that say it themselves do so
/// alone.
#[test]
fn a_batch_of_names_is_forced_as_a_whole() {
    let server = with_entries();
    let delete = |target: &str, body: Value| post(&server, target, &body);
    let users = "/blog/v1/users:batchDelete";
    let alice = "users/alice";
    refused(&delete(users, json!({ "names": [alice] })), 400, "FAILED_PRECONDITION", &["names[0]"]);
    let missing = json!({ "names": [alice, "users/nobody"], "force": true });
    refused(&delete(users, missing), 404, "NOT_FOUND", &["names[1]"]);
    let both = json!({ "requests": [{ "name": alice }], "force": true });
    refused(&delete(users, both), 400, "INVALID_FIELD", &["requests"]);
    assert_eq!(count(&server, ENTRIES), 3);
    let all = json!({ "names": [alice, "users/nobody"], "force": true, "allowMissing": true });
    assert_eq!(delete(users, all).status, 200);
    assert_eq!(get(&server, "/blog/v1/users/alice").status, 404);
}

/// Given names and parents in the wrong place, then what is said names the field that is there.
#[test]
fn what_is_said_fits_where_it_was_written() {
    let server = with_entries();
    let named = json!({ "userId": "bob", "user": { "displayName": "Bob", "name": "users/rob" } });
    let batch = post(&server, "/blog/v1/users:batchCreate", &json!({ "requests": [named] }));
    let create = json!({ "type": "blog.v1.User", "id": "bob", "resource": { "displayName": "B", "name": "users/rob" } });
    let set = post(&server, "/trine/v1/writeSets:commit", &json!({ "mutations": [{ "create": create }] }));
    let parent = json!({ "parent": "users/x", "requests": [{ "user": { "displayName": "Bob" } }] });
    let parent = post(&server, "/blog/v1/users:batchCreate", &parent);
    for (answer, words) in [(batch, "use `userId`"), (set, "use `id`"), (parent, "must be left out")] {
        assert_eq!(answer.status, 400, "{answer:?}");
        let message = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
        assert!(message.contains(words), "{message}");
    }
}

/// Given masks and etags, then each member changes what its mask names, under its own condition.
#[test]
fn a_batch_update_masks_and_guards_each_member() {
    let server = with_entries();
    let etag = get(&server, &format!("{ENTRIES}/a")).json()["etag"].as_str().expect("a tag").to_owned();
    let bare = etag.trim_matches('"').to_owned();
    let update = |etag: &str, title: &str| {
        json!({ "requests": [
            { "entry": { "name": "users/alice/entries/b", "title": "B2", "body": "new" }, "updateMask": "title" },
            { "entry": { "name": "users/alice/entries/a", "title": title, "etag": etag } },
        ] })
    };
    let target = format!("{ENTRIES}:batchUpdate");
    let updated = post(&server, &target, &update(&bare, "A2"));
    assert_eq!(titles(&updated), ["B2", "A2"], "{updated:?}");
    assert_eq!(updated.json()["entries"][0].get("body"), None);
    refused(&post(&server, &target, &update(&etag, "A3")), 409, "ETAG_MISMATCH", &["requests[1]"]);
    assert_eq!(get(&server, &format!("{ENTRIES}/b")).json(), updated.json()["entries"][0]);
    let nameless = json!({ "requests": [{ "entry": { "title": "T" } }] });
    refused(&post(&server, &target, &nameless), 400, "REQUIRED", &["requests[0].entry.name"]);
    let masked =
        json!({ "requests": [{ "entry": { "name": "users/alice/entries/a" }, "updateMask": "nothing" }] });
    refused(&post(&server, &target, &masked), 400, "INVALID_MASK", &["requests[0].entry.nothing"]);
    let missing = json!({ "requests": [{ "entry": { "name": "users/alice/entries/x", "title": "T" } }] });
    refused(&post(&server, &target, &missing), 404, "NOT_FOUND", &["requests[0]"]);
}

/// Given names or requests with etags, then all go or none.
#[test]
fn a_batch_delete_is_all_or_nothing() {
    let server = with_entries();
    let target = format!("{ENTRIES}:batchDelete");
    let stale = json!({ "requests": [{ "name": "users/alice/entries/a" }, { "name": "users/alice/entries/b", "etag": "1" }] });
    refused(&post(&server, &target, &stale), 409, "ETAG_MISMATCH", &["requests[1]"]);
    let missing = json!({ "names": ["users/alice/entries/a", "users/alice/entries/x"] });
    refused(&post(&server, &target, &missing), 404, "NOT_FOUND", &["names[1]"]);
    let twice = json!({ "names": ["users/alice/entries/a", "users/alice/entries/a"] });
    refused(&post(&server, &target, &twice), 400, "INVALID_PARAMETER", &["names[0]", "names[1]"]);
    assert_eq!(count(&server, ENTRIES), 3);
    let parents = post(&server, "/blog/v1/users:batchDelete", &json!({ "names": ["users/alice"] }));
    refused(&parents, 400, "FAILED_PRECONDITION", &["names[0]"]);
    let both = json!({ "names": ["users/alice/entries/a", "users/alice/entries/b"] });
    let deleted = post(&server, &target, &both);
    assert_eq!((deleted.status, deleted.json()), (200, json!({})), "{deleted:?}");
    assert_eq!(count(&server, ENTRIES), 1);
}

/// Given a key, then a repeated batch answers the same bytes and does nothing again.
#[test]
fn a_replayed_batch_answers_the_same_bytes() {
    let server = with_entries();
    let body = json!({ "requests": [{ "entry": { "title": "X" } }, { "entry": { "title": "Y" } }] });
    let send = |key: &str, body: &Value| {
        let target = format!("{ENTRIES}:batchCreate");
        request("POST", &target).header("Idempotency-Key", key).json(&body.to_string()).send(server.address())
    };
    let first = send("k1", &body);
    let again = send("k1", &body);
    assert_eq!((first.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(first.body, again.body);
    assert_eq!(count(&server, ENTRIES), 5);
    let id = "0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01";
    let named = json!({ "requestId": id, "requests": [{ "entry": { "title": "Z" } }] });
    let target = format!("{ENTRIES}:batchCreate");
    assert_eq!(post(&server, &target, &named).body, post(&server, &target, &named).body);
    assert_eq!(count(&server, ENTRIES), 6);
    let other = send("k2", &named);
    assert_eq!((other.status, other.reason().as_str()), (400, "INVALID_PARAMETER"));
}

/// Given a dry run of any write, then its answer is that of the write, and nothing has changed.
#[test]
fn a_dry_run_is_checked_and_undone() {
    let server = with_entries();
    let before = get(&server, "/blog/v1/users/-/entries").body;
    let created = post(&server, &format!("{ENTRIES}?entryId=d&validateOnly=true"), &json!({ "title": "D" }));
    assert_eq!((created.status, created.json()["title"].as_str()), (201, Some("D")), "{created:?}");
    assert_eq!(created.header("etag"), None);
    let taken = post(&server, &format!("{ENTRIES}?entryId=a&validateOnly=true"), &json!({ "title": "D" }));
    refused(&taken, 409, "ALREADY_EXISTS", &[]);
    let updated = request("PATCH", &format!("{ENTRIES}/a?validate_only=true"))
        .json("{\"title\":\"A2\"}")
        .send(server.address());
    assert_eq!((updated.status, updated.json()["title"].as_str()), (200, Some("A2")));
    let deleted = request("DELETE", &format!("{ENTRIES}/a?validateOnly=true")).send(server.address());
    assert_eq!((deleted.status, deleted.json()), (200, json!({})));
    let missing = request("DELETE", &format!("{ENTRIES}/x?validateOnly=true")).send(server.address());
    assert_eq!(missing.status, 404);
    let batch = json!({ "validateOnly": true, "requests": [{ "entry": { "title": "X" } }] });
    assert_eq!(titles(&post(&server, &format!("{ENTRIES}:batchCreate"), &batch)), ["X"]);
    let publish = json!({ "entry": { "title": "P" }, "entryId": "p" });
    let published = post(&server, "/blog/v1/users/alice:publish?validateOnly=true", &publish);
    assert_eq!((published.status, published.json()["title"].as_str()), (200, Some("P")), "{published:?}");
    assert_eq!(get(&server, "/blog/v1/users/-/entries").body, before);
    let real = post(&server, "/blog/v1/users/alice:publish", &publish);
    assert_eq!(real.status, 200, "{real:?}");
}

/// Given a dry run under a key, then the key is as new as before.
#[test]
fn a_dry_run_keeps_no_key() {
    let server = with_entries();
    let send = |target: &str| {
        let body = json!({ "title": "K" }).to_string();
        request("POST", target).header("Idempotency-Key", "k1").json(&body).send(server.address())
    };
    let dry = format!("{ENTRIES}?validateOnly=true");
    assert_eq!((send(&dry).status, send(&dry).header("idempotency-replayed")), (201, None));
    assert_eq!((send(ENTRIES).status, send(ENTRIES).header("idempotency-replayed")), (201, Some("true")));
    let reused = send(&dry);
    assert_eq!((reused.status, reused.reason().as_str()), (422, "IDEMPOTENCY_KEY_REUSED"));
}

/// Given what batches do not serve, then it is refused by name.
#[test]
fn batches_refuse_what_they_would_ignore() {
    let server = with_entries();
    let target = format!("{ENTRIES}:batchCreate");
    let body = json!({ "requests": [{ "entry": { "title": "T" } }] }).to_string();
    let conditional = request("POST", &target).header("If-Match", "\"1\"").json(&body).send(server.address());
    assert_eq!((conditional.status, conditional.reason().as_str()), (400, "INVALID_PARAMETER"));
    let text =
        request("POST", &target).header("Content-Type", "text/plain").bytes(b"{}").send(server.address());
    assert_eq!((text.status, text.reason().as_str()), (415, "MEDIA_TYPE"));
    let html = request("POST", &target).header("Accept", "text/html").json(&body).send(server.address());
    assert_eq!((html.status, html.reason().as_str()), (406, "NOT_ACCEPTABLE"));
    assert_eq!(get(&server, &target).header("allow"), Some("POST, OPTIONS"));
    let minimal =
        request("POST", &target).header("Prefer", "return=minimal").json(&body).send(server.address());
    assert_eq!((minimal.status, minimal.body.len()), (204, 0));
    assert_eq!(minimal.header("preference-applied"), Some("return=minimal"));
    let nano = server.nanoservice();
    assert_eq!(get(&nano, &format!("{ENTRIES}:batchGet?names=users/alice/entries/a")).status, 200);
    let write = post(&nano, &target, &json!({ "requests": [] }));
    assert_eq!((write.status, write.reason().as_str()), (405, "READ_ONLY_ROLE"));
}
