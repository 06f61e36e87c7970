//! `sync`: the rule runs where it is asked and commits there.

use futures_util::future::join_all;
use serde_json::json;
use trine::commands::{Engine, EngineParts, Invocation};
use trine::model::{Answer, Reason};
use trine::store::request_log::Work;

use super::Domain;
use super::deployments::{PUBLISH, answered, invocation, monolith, publish, user_and_entries};

async fn refused(engine: &Engine, invocation: Invocation) -> trine::model::Error {
    engine.invoke(invocation).await.expect_err("the write is refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_writes_the_entry_and_counts_it() {
    let domain = Domain::new();
    let (engine, reads) = monolith(&domain, 0).await;
    let (answer, replayed) = answered(engine.invoke(publish("users/alice", "first", None)).await);
    let Answer::Resource { resource, created: false } = answer else { panic!("{answer:?}") };
    assert!(!replayed);
    let (user, entries) = user_and_entries(&domain, &reads, "alice").await;
    assert_eq!(entries, [resource]);
    assert_eq!(user["entryCount"], json!("1"));
    assert_eq!(user["dailyEntryCount"], json!(1));
    let entry: serde_json::Value = serde_json::from_str(&entries[0].document).unwrap();
    assert_eq!(entry["state"], json!("PUBLISHED"));
    assert_eq!(entry["publishTime"], user["lastEntryTime"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_never_lose_an_update() {
    let domain = Domain::new();
    let (engine, reads) = monolith(&domain, 1000).await;
    let writes = (0..64).map(|number| {
        let title = format!("entry {number}");
        let engine = &engine;
        async move { answered(engine.invoke(publish("users/alice", &title, None)).await) }
    });
    join_all(writes).await;
    let (user, entries) = user_and_entries(&domain, &reads, "alice").await;
    assert_eq!(entries.len(), 64);
    assert_eq!(user["entryCount"], json!("64"));
    assert_eq!(user["dailyEntryCount"], json!(64));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daily_limit_holds_under_concurrency() {
    let domain = Domain::new();
    let (engine, reads) = monolith(&domain, 3).await;
    let outcomes = join_all((0..12).map(|_| engine.invoke(publish("users/alice", "x", None)))).await;
    let refusals: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(refusals.len(), 9);
    for error in refusals {
        assert_eq!(error.reason, Reason::FailedPrecondition);
        assert!(error.metadata.contains(&("limit", "3".to_owned())), "{error:?}");
    }
    assert_eq!(user_and_entries(&domain, &reads, "alice").await.1.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_has_one_effect() {
    let domain = Domain::new();
    let (engine, reads) = monolith(&domain, 0).await;
    let (first, _) = answered(engine.invoke(publish("users/alice", "x", Some("k"))).await);
    let (second, replayed) = answered(engine.invoke(publish("users/alice", "x", Some("k"))).await);
    assert!(replayed);
    assert_eq!(first, second);
    let mut other = publish("users/alice", "y", Some("k"));
    other.idempotency.as_mut().unwrap().fingerprint.0[0] += 1;
    assert_eq!(refused(&engine, other).await.reason, Reason::IdempotencyKeyReused);
    assert_eq!(user_and_entries(&domain, &reads, "alice").await.1.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_a_sentence_and_write_nothing() {
    let domain = Domain::new();
    let (engine, reads) = monolith(&domain, 0).await;
    let cases = [
        (json!({ "user": "users/alice", "entry": { "title": "x" }, "colour": 1 }), Reason::UnknownField),
        (json!({ "user": "users/alice" }), Reason::Required),
        (json!({ "user": "users/alice", "entry": {} }), Reason::Required),
        (json!({ "user": "users/nobody", "entry": { "title": "x" } }), Reason::NotFound),
        (json!({ "user": "people/alice", "entry": { "title": "x" } }), Reason::InvalidField),
        (json!({ "user": "users/alice", "entry": { "title": 1 } }), Reason::InvalidField),
        (json!({ "user": "users/alice", "entry": { "title": "x" }, "entryId": "/" }), Reason::InvalidId),
    ];
    for (request, reason) in cases {
        let error = refused(&engine, invocation(PUBLISH, Work::Rule(request.to_string()), None)).await;
        assert_eq!(error.reason, reason, "{request}: {error:?}");
    }
    assert!(user_and_entries(&domain, &reads, "alice").await.1.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_can_be_chosen_once() {
    let domain = Domain::new();
    let (engine, reads) = monolith(&domain, 0).await;
    let request = json!({ "user": "users/alice", "entry": { "title": "x" }, "entryId": "hello" }).to_string();
    let ask = || invocation(PUBLISH, Work::Rule(request.clone()), None);
    answered(engine.invoke(ask()).await);
    assert_eq!(refused(&engine, ask()).await.reason, Reason::AlreadyExists);
    let (user, entries) = user_and_entries(&domain, &reads, "alice").await;
    assert_eq!((entries.len(), &user["entryCount"]), (1, &json!("1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_write_store_nothing_is_written() {
    let domain = Domain::new();
    let (_, reads) = monolith(&domain, 0).await;
    let engine = Engine::new(EngineParts { ..domain.parts(&reads, "") });
    let error = refused(&engine, publish("users/alice", "x", None)).await;
    assert_eq!(error.reason, Reason::ReadOnlyRole);
}
