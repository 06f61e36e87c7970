//! `/trine/v1/operations` as a client sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use trine::model::{
    AnswerPlan, Change, Deadline, Document, Key, Mutation, Precondition, Principal, ResourceRef, TypeName,
    WriteSet,
};
use trine::store::WriteStore;

use crate::client::request;
use crate::operation::finished;
use crate::server::{Server, Setting, database, options};

const IDS: [&str; 4] = [
    "0194d6f0-0000-7000-8000-000000000001",
    "0194d6f0-0000-7000-8000-000000000002",
    "0194d6f0-0000-7000-8000-000000000003",
    "0194d6f0-0000-7000-8000-000000000004",
];

/// Given operations of a type that only a newer deployment serves, when an older one reads them, then they are done
/// and tell what they were of; nothing of it is shown, and nothing fails.
#[test]
fn operations_of_unknown_types_are_told_without_their_content() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let answers = [
        (AnswerPlan::Resource { mutation: 0, created: true }, "notes.v1.Notebook.Create"),
        (AnswerPlan::Resources, "notes.v1.Notebook.BatchCreate"),
        (AnswerPlan::Resources, "trine.v1.WriteSets.Commit"),
        (AnswerPlan::Message("{\"grown\":3}".to_owned()), "notes.v1.NoteService.Grow"),
    ];
    let newer = Setting { proto: &["proto", "tests/fixtures/notes"], ..Setting::default() };
    drop(Server::monolith_in(directory.clone(), Setting::default()));
    record(directory.path(), &newer, answers);
    let server = Server::monolith_in(directory, Setting::default());
    let operation = |id: &str| {
        let read = request("GET", &format!("/trine/v1/operations/{id}")).send(server.address());
        assert_eq!(read.status, 200, "{read:?}");
        read.json()
    };
    let mut all: Vec<Value> = IDS.iter().map(|id| operation(id)).collect();
    let responses: Vec<&Value> = all.iter().map(|operation| &operation["response"]).collect();
    let object = "type.googleapis.com/google.protobuf.Struct";
    assert_eq!(responses[0], &json!({ "@type": "type.googleapis.com/notes.v1.Notebook" }));
    assert_eq!(responses[1], &json!({ "@type": object, "value": { "results": [{}] } }));
    assert_eq!(responses[2], &json!({ "@type": object, "value": { "results": [{}] } }));
    assert_eq!(responses[3], &json!({ "@type": object, "value": { "grown": 3 } }));
    assert!(all.iter().all(|operation| operation["done"] == json!(true)), "{all:?}");

    let listed = request("GET", "/trine/v1/operations").send(server.address());
    assert_eq!(listed.status, 200, "{listed:?}");
    // A list tells no tokens; the newest comes first.
    all.reverse();
    all.iter_mut().for_each(|operation| {
        drop(operation["metadata"].as_object_mut().map(|it| it.remove("consistencyToken")))
    });
    assert_eq!(listed.json()["operations"], json!(all));
}

/// What a deployment with one type more leaves behind.
fn record(directory: &Path, setting: &Setting, answers: [(AnswerPlan, &str); 4]) {
    let store = WriteStore::open(&database(directory), options(), &setting.catalogue()).expect("a primary");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for (id, (answer, method)) in IDS.into_iter().zip(answers) {
        let commit = store.commit(written(id, answer, method), Deadline::after(Duration::from_secs(5)));
        runtime.block_on(commit).expect("committed");
    }
}

fn written(id: &str, answer: AnswerPlan, method: &str) -> WriteSet {
    let document = json!({ "title": "T", "owner": "anonymous" }).as_object().expect("an object").clone();
    WriteSet { answer, operation: Some(finished(id, method)), ..write_set("notes.v1.Notebook", id, document) }
}

/// A create past the API's own checks.
pub fn write_set(kind: &str, id: &str, document: serde_json::Map<String, Value>) -> WriteSet {
    WriteSet {
        mutations: vec![Mutation {
            resource: ResourceRef { kind: TypeName::new(kind), key: Key::new(id) },
            precondition: Precondition::None,
            change: Change::Create(Document(document)),
        }],
        answer: AnswerPlan::Empty,
        idempotency: None,
        operation: None,
        principal: Principal::default(),
        request_id: "test".to_owned(),
        traceparent: None,
        validate_only: false,
    }
}
