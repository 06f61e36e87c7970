//! One key, one effect; one operation, one end.

use serde_json::{Value, json};
use trine::model::{Answer, AnswerPlan, OperationId, OperationResult, OperationState, Reason, WriteSet};

use super::fixture::{Factory, Fixture, deadline, users};
use super::write_sets::{
    create, create_user, idempotency, user, user_key, with_key, with_operation, write_set,
};

/// Given a write set that was committed under a key, when it comes again, then it is answered as before.
pub async fn a_repeated_key_is_answered_from_the_store(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let first = fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap();
    let again = fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap();
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.answer, first.answer);
    let kept = fixture.read.answer(&idempotency("k1", 1).key, deadline()).await.unwrap();
    assert_eq!(kept, Some((idempotency("k1", 1).fingerprint, first.answer)));
    assert_eq!(fixture.read.answer(&idempotency("k2", 1).key, deadline()).await.unwrap(), None);
}

/// Given a used key, when another request brings it, then 422 and nothing is written.
pub async fn a_key_reused_for_something_else_is_refused(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap();
    let error = fixture.commit(with_key(create_user("bob"), "k1", 2)).await.unwrap_err();
    assert_eq!(error.reason, Reason::IdempotencyKeyReused);
    assert_eq!(fixture.get(users(), &user_key("bob")).await, None);
}

/// Given a write set that was refused, then its key may be used for the corrected one.
pub async fn a_refused_write_set_leaves_its_key_free(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let error = fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap_err();
    assert_eq!(error.reason, Reason::AlreadyExists);
    assert!(!fixture.commit(with_key(create_user("bob"), "k1", 2)).await.unwrap().replayed);
}

/// Given an operation that was applied, when its write set is pushed again, then nothing is written.
pub async fn an_operation_ends_once(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let id = "01920000-0000-7000-8000-000000000001";
    let pushed = with_operation(create_user("alice"), id);
    let first = fixture.commit(pushed.clone()).await.unwrap();
    let again = fixture.commit(pushed).await.unwrap();
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.answer, first.answer);
    let recorded = fixture.read.operation(&OperationId(id.to_owned()), deadline()).await.unwrap().unwrap();
    assert_eq!(recorded.state, OperationState::Done);
    assert_eq!(recorded.result, Some(OperationResult::Response(first.answer)));
    assert!(recorded.apply_time.is_some());
}

/// Given a request that was done in one mode, when it is retried in another, then the operation ends as the first did.
pub async fn a_replayed_key_ends_the_operation_with_the_stored_answer(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let id = "01920000-0000-7000-8000-000000000002";
    let first = fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap();
    let pushed = with_operation(with_key(create_user("alice"), "k1", 1), id);
    let again = fixture.commit(pushed).await.unwrap();
    assert!(again.replayed);
    let recorded = fixture.read.operation(&OperationId(id.to_owned()), deadline()).await.unwrap().unwrap();
    assert_eq!(recorded.result, Some(OperationResult::Response(first.answer)));
}

/// Given an operation that failed, then the failure is recorded, its key is free, and a late push of it is refused.
pub async fn a_failure_is_recorded_without_taking_the_key(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let id = "01920000-0000-7000-8000-000000000003";
    let (failure, status) = (failure(id, 1), status());
    let recorded = fixture.commit(failure.clone()).await.unwrap();
    assert!(!recorded.replayed && fixture.commit(failure).await.unwrap().replayed);
    assert_eq!(recorded.answer, Answer::Empty);
    let read = fixture.read.operation(&OperationId(id.to_owned()), deadline()).await.unwrap().unwrap();
    assert_eq!(read.result, Some(OperationResult::Error(status)));

    let late = with_operation(write_set(vec![create(user("late"), json!({ "displayName": "l" }))]), id);
    assert_eq!(fixture.commit(late).await.unwrap_err().reason, Reason::FailedPrecondition);
    assert_eq!(fixture.get(users(), &user_key("late")).await, None);
    assert!(!fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap().replayed);
}

/// Given a key with an answer, when an operation under it is to end as failed, then it ends with that answer;
/// under another request's answer it ends as failed.
pub async fn a_failure_ends_with_the_answer_of_its_key(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let first = fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap();
    let twin = "01920000-0000-7000-8000-000000000004";
    let ended = fixture.commit(failure(twin, 1)).await.unwrap();
    assert!(ended.replayed);
    assert_eq!(ended.answer, first.answer);
    let other = "01920000-0000-7000-8000-000000000005";
    assert!(!fixture.commit(failure(other, 2)).await.unwrap().replayed);

    for (id, result) in
        [(twin, OperationResult::Response(first.answer.clone())), (other, OperationResult::Error(status()))]
    {
        let read = fixture.read.operation(&OperationId(id.to_owned()), deadline()).await.unwrap().unwrap();
        assert_eq!(read.result, Some(result), "{id}");
    }
    let kept = fixture.read.answer(&idempotency("k1", 1).key, deadline()).await.unwrap();
    assert_eq!(kept, Some((idempotency("k1", 1).fingerprint, first.answer)));
}

fn status() -> Value {
    json!({ "code": 9, "message": "the daily limit is reached", "details": [] })
}

/// The decision that an operation under the key `k1` has failed.
pub fn failure(id: &str, fingerprint: u8) -> WriteSet {
    let mut failure = with_operation(with_key(write_set(vec![]), "k1", fingerprint), id);
    failure.answer = AnswerPlan::Empty;
    if let Some(operation) = &mut failure.operation {
        operation.result = Some(OperationResult::Error(status()));
    }
    failure
}

/// Given three finished operations, then pages of one show each once, the newest first.
pub async fn finished_operations_are_listed_newest_first(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let ids: Vec<String> = (1..=3).map(|n| format!("01920000-0000-7000-8000-00000000000{n}")).collect();
    for id in &ids {
        fixture.commit(with_operation(create_user(&format!("u{id}")), id)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = fixture.read.list_operations(before.clone(), 1, deadline()).await.unwrap();
        let Some(operation) = page.into_iter().next() else { break };
        before = Some(operation.id.clone());
        seen.push(operation.id.0);
    }
    assert_eq!(seen, ids.into_iter().rev().collect::<Vec<_>>());
}
