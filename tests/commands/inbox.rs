//! The inbox alone: what is pushed twice, late or wrongly.

use serde_json::{Value, json};
use trine::commands::engine::PeerSignature;
use trine::events::cloud_event::{CloudEvent, Decided, INBOX_PATH};
use trine::model::{Idempotency, OperationId, Precondition, Timestamp, Version, WriteSet};
use trine::store::request_log::Work;

use super::deployments::{Pair, create_user, deadline, invocation, secrets};
use crate::support::operation::finished;

/// The decision to create a user, as the relay pushes it.
fn event(operation: &str, user: &str, key: &str) -> CloudEvent {
    let Work::WriteSet(write_set) = create_user(user, 0).work else { unreachable!("plain CRUD") };
    let idempotency: Option<Idempotency> = invocation("", Work::Rule(String::new()), Some(key)).idempotency;
    let operation = finished(operation, "blog.v1.User.Create");
    let id = operation.id.clone();
    let write_set = WriteSet { idempotency, operation: Some(operation), ..*write_set };
    CloudEvent::decided(id, Decided { write_set, replan: false })
}

async fn push(pair: &Pair, body: Value) -> Vec<Value> {
    let (body, timestamp) = (body.to_string(), jiff::Timestamp::now().as_second().to_string());
    let signature = secrets().sign("a", &timestamp, body.as_bytes());
    let signature = PeerSignature { id: "a", timestamp: &timestamp, signature: &signature };
    let answer = pair.monolith.peer_call(INBOX_PATH, signature, body.as_bytes(), deadline()).await;
    let answer: Value = serde_json::from_slice(&answer.expect("the batch is answered")).unwrap();
    answer["results"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_comes_again_changes_nothing() {
    let pair = Pair::start("", 0).await;
    let event = json!(event("op-1", "bob", "k"));
    // At once: the one that comes second is told to ask again.
    let at_once = push(&pair, json!([event, event])).await;
    let outcome = |result: &Value| result["outcome"].as_str().unwrap().to_owned();
    assert!(at_once.iter().map(outcome).all(|outcome| outcome == "APPLIED" || outcome == "RETRY"));
    let applied = at_once.iter().find(|result| outcome(result) == "APPLIED").expect("one is applied");
    let late = push(&pair, json!([event])).await;
    assert_eq!(outcome(&late[0]), "APPLIED");
    assert_eq!(late[0]["answer"], applied["answer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_operation_of_a_used_key_ends_with_its_answer() {
    let pair = Pair::start("", 0).await;
    let first = push(&pair, json!([event("op-1", "bob", "k")])).await;
    let second = push(&pair, json!([event("op-2", "carol", "k")])).await;
    assert_eq!(second[0]["answer"], first[0]["answer"]);
    let ended = pair.monolith.operation(&OperationId("op-2".to_owned()), 0, deadline()).await.unwrap();
    assert_eq!(json!(ended.result)["response"], first[0]["answer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_costs_the_others_nothing() {
    let pair = Pair::start("", 0).await;
    let strange = json!({ "id": "op-2", "type": "something.else" });
    let taken = event("op-3", "alice", "k3");
    let results = push(&pair, json!([event("op-1", "bob", "k1"), strange, taken])).await;
    let outcomes: Vec<_> = results.iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["APPLIED", "RETRY", "FAILED"]);
    assert_eq!(results[2]["error"]["details"][0]["reason"], json!("ALREADY_EXISTS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_decision_of_a_rule_is_sent_back_with_the_position_to_reach() {
    let pair = Pair::start("", 0).await;
    let mut event = event("op-1", "alice", "k");
    event.data.replan = true;
    event.data.write_set.mutations[0].precondition = Precondition::Version(Version(1_000_000));
    event.data.write_set.mutations[0].change = trine::model::Change::Check;
    let results = push(&pair, json!([event])).await;
    assert_eq!(results[0]["outcome"], json!("REPLAN"), "{results:?}");
    assert!(results[0]["position"]["offset"].is_u64());
    let unknown = pair.monolith.operation(&OperationId("op-1".to_owned()), 0, deadline()).await;
    assert!(unknown.is_err(), "nothing has ended");
}

/// Its key may have been used in another mode and forgotten since.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_has_outlived_its_key_fails() {
    let pair = Pair::start("", 0).await;
    let aged = |operation: &str, key: &str, hours: i64| {
        let mut event = event(operation, key, key);
        let accepted = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        let operation = event.data.write_set.operation.as_mut().unwrap();
        operation.accept_time = Timestamp::from_jiff(accepted);
        json!(event)
    };
    let results = push(&pair, json!([aged("op-1", "bob", 24), aged("op-2", "carol", 22)])).await;
    let outcomes: Vec<_> = results.iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["FAILED", "APPLIED"]);
    assert_eq!(results[0]["error"]["details"][0]["reason"], json!("DEADLINE"));
    // What was applied before stays applied, however late it is pushed again.
    let late = push(&pair, json!([aged("op-2", "carol", 48)])).await;
    assert_eq!(late[0]["outcome"], json!("APPLIED"));
}
