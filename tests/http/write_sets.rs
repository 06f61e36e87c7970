//! `writeSets:commit` as a client sees it.

use serde_json::{Value, json};

use crate::client::{Answer, request};
use crate::server::Server;

const COMMIT: &str = "/trine/v1/writeSets:commit";

fn commit(server: &Server, body: &Value) -> Answer {
    request("POST", COMMIT).json(&body.to_string()).send(server.address())
}

fn get(server: &Server, target: &str) -> Answer {
    request("GET", target).send(server.address())
}

fn create(kind: &str, parent: &str, id: &str, resource: &Value) -> Value {
    json!({ "create": { "type": kind, "parent": parent, "id": id, "resource": resource } })
}

fn update(kind: &str, resource: &Value) -> Value {
    json!({ "update": { "type": kind, "resource": resource } })
}

fn delete(kind: &str, name: &str) -> Value {
    json!({ "delete": { "type": kind, "name": name } })
}

fn with(mut mutation: Value, precondition: Value) -> Value {
    mutation["precondition"] = precondition;
    mutation
}

/// Alice with entry e1.
fn with_alice() -> Server {
    let server = Server::monolith();
    let created = commit(
        &server,
        &json!({ "mutations": [
            create("blog.v1.User", "", "alice", &json!({ "displayName": "Alice", "email": "a@example.com" })),
            create("blog.v1.Entry", "users/alice", "e1", &json!({ "title": "One" })),
        ] }),
    );
    assert_eq!(created.status, 200, "{created:?}");
    assert_eq!(created.json()["results"][1]["resource"]["name"], "users/alice/entries/e1");
    server
}

fn refused(answer: &Answer, status: u16, reason: &str, field: &str) {
    assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "{answer:?}");
    assert_eq!(answer.json()["error"]["details"][1]["fieldViolations"][0]["field"], field, "{answer:?}");
}

/// Given mutations of several types, then all commit together and each result is in its place.
#[test]
fn mutations_of_several_types_commit_together() {
    let server = with_alice();
    let user = get(&server, "/blog/v1/users/alice").json();
    let version = user["etag"].as_str().expect("a tag").trim_matches('"').to_owned();
    let body = json!({ "mutations": [
        with(update("blog.v1.User", &json!({ "name": "users/alice", "displayName": "Al" })), json!({ "version": version })),
        delete("blog.v1.Entry", "users/alice/entries/e1"),
        with(create("blog.v1.Follow", "users/alice", "bob", &json!({ "note": "n" })), json!({ "absent": true })),
    ] });
    let committed = commit(&server, &body);
    assert_eq!(committed.status, 200, "{committed:?}");
    let results = committed.json()["results"].clone();
    assert_eq!(results[0]["resource"]["email"], "a@example.com");
    assert_eq!(results[1], json!({}));
    assert_eq!(results[2]["resource"], get(&server, "/blog/v1/users/alice/follows/bob").json());
    assert_eq!(get(&server, "/blog/v1/users/alice/entries/e1").status, 404);
    // The same once more: the version is gone, and nothing else of it happens.
    refused(&commit(&server, &body), 409, "CONFLICT", "mutations[0]");
}

/// Given one mutation that cannot be, then it is named and none has happened.
#[test]
fn one_refusal_refuses_all() {
    let server = with_alice();
    let kind = "blog.v1.User";
    let good = create(kind, "", "bob", &json!({ "displayName": "Bob" }));
    for (second, status, reason, field) in [
        (create(kind, "", "alice", &json!({ "displayName": "A" })), 409, "ALREADY_EXISTS", "mutations[1]"),
        (
            create(kind, "", "eve", &json!({ "displayName": "E", "email": "a@example.com" })),
            409,
            "UNIQUE_VIOLATION",
            "mutations[1].create.resource.email",
        ),
        (create(kind, "", "eve", &json!({})), 400, "REQUIRED", "mutations[1].create.resource.displayName"),
        (create(kind, "", "-", &json!({ "displayName": "E" })), 400, "INVALID_ID", "mutations[1].create.id"),
        (create("blog.v1.Nothing", "", "x", &json!({})), 400, "INVALID_FIELD", "mutations[1].create.type"),
        (
            create("blog.v1.Entry", "users", "x", &json!({ "title": "T" })),
            400,
            "INVALID_FIELD",
            "mutations[1].create.parent",
        ),
        (delete(kind, "users/nobody"), 404, "NOT_FOUND", "mutations[1]"),
        (delete(kind, "entries/nobody"), 400, "INVALID_FIELD", "mutations[1].delete.name"),
        (delete(kind, "users/alice"), 400, "FAILED_PRECONDITION", "mutations[1]"),
        (
            update(kind, &json!({ "name": "users/alice", "displayName": "", "etag": "\"1000\"" })),
            409,
            "ETAG_MISMATCH",
            "mutations[1]",
        ),
        (
            update(kind, &json!({ "name": "users/alice", "colour": 1 })),
            400,
            "UNKNOWN_FIELD",
            "mutations[1].update.resource.colour",
        ),
        (
            with(delete("blog.v1.Entry", "users/alice/entries/e1"), json!({ "absent": true })),
            409,
            "CONFLICT",
            "mutations[1]",
        ),
        (
            with(delete(kind, "users/x"), json!({ "version": "many" })),
            400,
            "INVALID_FIELD",
            "mutations[1].precondition.version",
        ),
        (with(delete(kind, "users/x"), json!({})), 400, "INVALID_FIELD", "mutations[1].precondition"),
        (with(good.clone(), json!({ "exists": true })), 400, "INVALID_FIELD", "mutations[1]"),
        (json!({}), 400, "INVALID_FIELD", "mutations[1]"),
        (json!({ "purge": {} }), 400, "INVALID_FIELD", "mutations[1]"),
        (good.clone(), 400, "INVALID_PARAMETER", "mutations[0]"),
    ] {
        refused(&commit(&server, &json!({ "mutations": [good, second] })), status, reason, field);
    }
    refused(&commit(&server, &json!({ "mutations": [] })), 400, "REQUIRED", "mutations");
    refused(&commit(&server, &json!({ "mutation": [] })), 400, "UNKNOWN_FIELD", "mutation");
    assert_eq!(get(&server, "/blog/v1/users/bob").status, 404);
}

/// Given a type or a parent that cannot be, then it is told what is wrong with it and what to write.
#[test]
fn a_wrong_type_or_parent_is_told_what_to_write() {
    let server = Server::monolith();
    let title = json!({ "title": "T" });
    for (mutation, told) in [
        (
            create("blog.v1.Nope", "", "x", &title),
            "create.type`: `blog.v1.Nope` is unknown; give the full name",
        ),
        (create("", "", "x", &title), "create.type`: is missing; give the full name"),
        (
            create("blog.v1.Entry", "", "x", &title),
            "create.parent` is missing: a blog.v1.Entry has a parent, `users/{user}`",
        ),
        (
            create("blog.v1.Entry", "teams/a", "x", &title),
            "`teams/a` is not a parent in `users/-`; write `users/{user}`",
        ),
        (
            create("blog.v1.User", "users/a", "x", &title),
            "create.parent` must be left out: a blog.v1.User has no parent",
        ),
    ] {
        let answer = commit(&server, &json!({ "mutations": [mutation] }));
        assert_eq!(answer.status, 400, "{answer:?}");
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(told), "{message}");
    }
}

/// Given a parent that goes with its children, then it may.
#[test]
fn a_parent_goes_with_its_children() {
    let server = with_alice();
    let body = json!({ "mutations": [
        delete("blog.v1.User", "users/alice"),
        delete("blog.v1.Entry", "users/alice/entries/e1"),
    ] });
    let gone = commit(&server, &body);
    assert_eq!((gone.status, gone.json()), (200, json!({ "results": [{}, {}] })), "{gone:?}");
    assert_eq!(get(&server, "/blog/v1/users/alice").status, 404);
}

/// Given a dry run, then it answers as the commit would and nothing is there.
#[test]
fn a_dry_run_writes_nothing() {
    let server = with_alice();
    let mutations = json!([create("blog.v1.User", "", "bob", &json!({ "displayName": "Bob" }))]);
    let dry = commit(&server, &json!({ "mutations": mutations, "validateOnly": true }));
    assert_eq!((dry.status, &dry.json()["results"][0]["resource"]["name"]), (200, &json!("users/bob")));
    assert_eq!(get(&server, "/blog/v1/users/bob").status, 404);
    assert_eq!(commit(&server, &json!({ "mutations": mutations })).status, 200);
    let again = commit(&server, &json!({ "mutations": mutations, "validateOnly": true }));
    refused(&again, 409, "ALREADY_EXISTS", "mutations[0]");
}

/// Given keys, preferences and media types, then write sets honour them as other writes do.
#[test]
fn write_sets_have_keys_preferences_and_one_media_type() {
    let server = with_alice();
    let send = |name: &'static str, value: &'static str, user: &str| {
        let mutations = json!([create("blog.v1.User", "", user, &json!({ "displayName": "x" }))]);
        let body = json!({ "mutations": mutations }).to_string();
        request("POST", COMMIT).header(name, value).json(&body).send(server.address())
    };
    let first = send("Idempotency-Key", "k1", "bob");
    let again = send("Idempotency-Key", "k1", "bob");
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")), "{again:?}");
    assert_eq!(first.body, again.body);
    assert_eq!(send("Idempotency-Key", "k1", "eve").status, 422);
    let minimal = send("Prefer", "return=minimal", "carol");
    assert_eq!((minimal.status, minimal.body.len()), (204, 0));
    let unacceptable = send("Accept", "application/x-protobuf", "dave");
    assert_eq!((unacceptable.status, unacceptable.reason().as_str()), (406, "NOT_ACCEPTABLE"));
    let conditional = send("If-Match", "*", "dave");
    assert_eq!((conditional.status, conditional.reason().as_str()), (400, "INVALID_PARAMETER"));
    let binary = request("POST", COMMIT)
        .header("Content-Type", "application/protobuf")
        .bytes(b"")
        .send(server.address());
    assert_eq!((binary.status, binary.reason().as_str()), (415, "MEDIA_TYPE"));
    assert_eq!(get(&server, "/blog/v1/users/dave").status, 404);
    let nano = server.nanoservice();
    let read_only = commit(&nano, &json!({ "mutations": [] }));
    assert_eq!((read_only.status, read_only.reason().as_str()), (405, "READ_ONLY_ROLE"));
}
