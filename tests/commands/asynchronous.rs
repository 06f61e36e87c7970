//! `async`: 202 first, the effect later, once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use trine::commands::engine::PeerSignature;
use trine::commands::{Invocation, Reply};
use trine::model::{
    Answer, AnswerPlan, Change, Edit, OperationResult, OperationState, Position, Reason, Result, WriteSet,
};
use trine::store::request_log::Work;

use super::deployments::{Pair, accepted, answered, create_user, deadline, invocation, publish};

const ASYNC: &str = r#"
    "blog.v1.BlogService.Publish" = "async"
    "blog.v1.User.Create" = "async"
"#;
/// Allowed, but off: a client may prefer it, nobody else gets it.
const ASYNC_OFF: &str = "\"blog.v1.BlogService.Publish\" = { mode = \"async\", flag = \"off\" }";

#[tokio::test(flavor = "multi_thread")]
async fn accepted_then_applied() {
    let pair = Pair::start(ASYNC, 0).await;
    let operation = accepted(pair.monolith.invoke(publish("users/alice", "x", Some("k"))).await);
    assert_eq!(operation.state, OperationState::Accepted);
    let ended = pair.ended(&operation).await;
    let Some(OperationResult::Response(Answer::Resource { resource, .. })) = ended.result else {
        panic!("{ended:?}")
    };
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!(entries, [resource]);
    assert_eq!(user["entryCount"], json!("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_on_one_user_count_right() {
    let pair = Pair::start(ASYNC, 1000).await;
    let operations = join_all((0..40).map(async |number: u32| {
        let key = format!("k{number}");
        accepted(pair.monolith.invoke(publish("users/alice", "x", Some(&key))).await)
    }))
    .await;
    join_all(operations.iter().map(|operation| pair.ended(operation))).await;
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!((entries.len(), &user["entryCount"]), (40, &json!("40")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_ends_as_failed_on_the_primary() {
    let pair = Pair::start(ASYNC, 0).await;
    let operation = accepted(pair.microservice.invoke(publish("users/bob", "x", Some("k"))).await);
    let ended = pair.ended(&operation).await;
    let Some(OperationResult::Error(status)) = ended.result else { panic!("{ended:?}") };
    assert_eq!(status["details"][0]["reason"], json!("NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_crud_too_and_its_refusals_are_final() {
    let pair = Pair::start(ASYNC, 0).await;
    let mut create = create_user("bob", 0);
    create.idempotency = invocation("", create.work.clone(), Some("one")).idempotency;
    let operation = accepted(pair.monolith.invoke(create.clone()).await);
    let ended = pair.ended(&operation).await;
    assert!(matches!(ended.result, Some(OperationResult::Response(_))), "{ended:?}");
    create.idempotency = invocation("", create.work.clone(), Some("two")).idempotency;
    let ended = pair.ended(&accepted(pair.monolith.invoke(create).await)).await;
    let Some(OperationResult::Error(status)) = ended.result else { panic!("{ended:?}") };
    assert_eq!(status["details"][0]["reason"], json!("ALREADY_EXISTS"));
}

/// `PATCH users/alice` with another display name.
fn rename(name: &str) -> Invocation {
    let Work::WriteSet(mut write_set) = create_user("alice", 0).work else { unreachable!("plain CRUD") };
    let edit = Edit { path: vec!["displayName".to_owned()], value: Some(json!(name)) };
    write_set.mutations[0].change = Change::Update(vec![edit]);
    let answer = AnswerPlan::Resource { mutation: 0, created: false };
    let write_set = WriteSet { answer, ..*write_set };
    invocation("blog.v1.User.Update", Work::WriteSet(Box::new(write_set)), Some(name))
}

/// Given a write that went back to the log because the monolith was away, when a later one to the same resource
/// finds it there again, then it still is applied after the older one.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_write_never_overwrites_a_newer_one() {
    let pair = Pair::start("\"blog.v1.User.Update\" = \"async\"", 0).await;
    for round in 0..3 {
        pair.monolith_listener.slot.put(None);
        let older = accepted(pair.microservice.invoke(rename(&format!("older {round}"))).await);
        let (id, engine) = (&older.id, &pair.microservice);
        let waits_in_the_log = async {
            loop {
                let seen = engine.operation(id, 0, deadline()).await.expect("the operation is known");
                if seen.attempts >= 3 && seen.state == OperationState::Accepted {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waits_in_the_log).await.expect("it is tried again");
        pair.monolith_listener.slot.put(Some(pair.monolith.clone()));
        let newer_name = format!("newer {round}");
        let newer = accepted(pair.microservice.invoke(rename(&newer_name)).await);
        for operation in [&newer, &older] {
            let ended = pair.ended(operation).await;
            assert!(matches!(ended.result, Some(OperationResult::Response(_))), "{ended:?}");
        }
        assert_eq!(pair.user_and_entries().await.0["displayName"], json!(newer_name));
    }
}

/// The answer to the key's synchronous twin, which is refused while the asynchronous one commits.
async fn once_not_in_progress(pair: &Pair, key: &str) -> Result<Reply> {
    let deadline = deadline();
    loop {
        let reply = pair.monolith.invoke(publish("users/alice", "x", Some(key))).await;
        let in_progress = reply.as_ref().is_err_and(|error| error.reason == Reason::InProgress);
        if !in_progress || deadline.remaining().is_zero() {
            return reply;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_one_effect_across_modes() {
    let pair = Pair::start(ASYNC_OFF, 0).await;
    let asynchronous = |key: &str| {
        let mut invocation = publish("users/alice", "x", Some(key));
        invocation.prefers_async = true;
        invocation
    };
    // First async, then sync while it may still be under way.
    let operation = accepted(pair.monolith.invoke(asynchronous("a")).await);
    let (answer, _) = answered(once_not_in_progress(&pair, "a").await);
    let ended = pair.ended(&operation).await;
    assert_eq!(ended.result, Some(OperationResult::Response(answer)));
    // First sync, then async: answered from the store.
    let (first, _) = answered(pair.monolith.invoke(publish("users/alice", "x", Some("b"))).await);
    let (second, replayed) = answered(pair.monolith.invoke(asynchronous("b")).await);
    assert!(replayed && first == second);
    // Twice async is one operation.
    let one = accepted(pair.microservice.invoke(asynchronous("c")).await);
    pair.ended(&one).await;
    let two = pair.microservice.invoke(asynchronous("c")).await;
    assert!(two.is_ok_and(|reply| matches!(reply, trine::commands::Reply::Done { replayed: true, .. })));
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!((entries.len(), &user["entryCount"]), (3, &json!("3")));
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_and_async_race_on_one_user_and_nothing_is_lost() {
    let pair = Pair::start(ASYNC_OFF, 1000).await;
    let replies = join_all((0..40).map(async |number: u32| {
        let key = format!("k{number}");
        let mut invocation = publish("users/alice", "x", Some(&key));
        invocation.prefers_async = number.is_multiple_of(2);
        pair.monolith.invoke(invocation).await.expect("done or accepted")
    }))
    .await;
    for reply in &replies {
        if let trine::commands::Reply::Accepted { operation } = reply {
            let ended = pair.ended(operation).await;
            assert!(matches!(ended.result, Some(OperationResult::Response(_))), "{ended:?}");
            assert!(ended.consistency_token.is_some());
        }
    }
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!((entries.len(), &user["entryCount"]), (40, &json!("40")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_survives_both_sides_being_away() {
    let mut pair = Pair::start(ASYNC, 1000).await;
    pair.monolith_listener.slot.put(None);
    let operations = join_all((0..8).map(async |number: u32| {
        let key = format!("k{number}");
        accepted(pair.microservice.invoke(publish("users/alice", "x", Some(&key))).await)
    }))
    .await;
    pair = pair.restart_microservice().await;
    assert!(pair.user_and_entries().await.1.is_empty());
    pair.monolith_listener.slot.put(Some(pair.monolith.clone()));
    join_all(operations.iter().map(|operation| pair.ended(operation))).await;
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!((entries.len(), &user["entryCount"]), (8, &json!("8")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_needed_and_an_unlisted_method_is_never_async() {
    let pair = Pair::start(ASYNC_OFF, 0).await;
    let mut keyless = publish("users/alice", "x", None);
    keyless.prefers_async = true;
    for engine in [&pair.monolith, &pair.microservice] {
        let error = engine.invoke(keyless.clone()).await.unwrap_err();
        assert_eq!(error.reason, Reason::IdempotencyKeyRequired);
    }
    let error = pair.microservice.invoke(create_user("bob", 0)).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotThisRole);
    let error = pair.microservice.invoke(publish("users/alice", "x", Some("k"))).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotThisRole);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_call_is_refused() {
    let pair = Pair::start(ASYNC, 0).await;
    let unsigned = PeerSignature { id: "a", timestamp: "1", signature: "v1,AAAA" };
    let error = pair.monolith.peer_call("/trine/v1/inbox", unsigned, b"[]", deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::BadCredentials);
    let closed = trine::commands::Engine::new(pair.domain.parts(&pair.reads, ""));
    let error = closed.peer_call("/trine/v1/inbox", unsigned, b"[]", deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotImplemented);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_can_be_cancelled_and_listed() {
    let pair = Pair::start(ASYNC, 0).await;
    let operation = accepted(pair.monolith.invoke(publish("users/alice", "x", Some("k"))).await);
    pair.ended(&operation).await;
    let listed = pair.monolith.list_operations(None, 10, deadline()).await.unwrap();
    assert_eq!(listed.iter().map(|listed| &listed.id).collect::<Vec<_>>(), [&operation.id]);
    let cancelled = pair.monolith.cancel(&operation.id, deadline()).await.unwrap();
    assert!(matches!(cancelled.result, Some(OperationResult::Response(_))), "what is done stays done");
}

/// A position of the history before a failover is never reached again.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_from_before_a_failover_holds_nobody_up() {
    let pair = Pair::start(ASYNC, 0).await;
    let cluster = pair.reads.identity().expect("the primary was reached").cluster;
    let position = Some(Position { cluster, timeline: 0, offset: u64::MAX });
    let ask = Invocation { position, ..publish("users/alice", "x", Some("k")) };
    let operation = accepted(pair.monolith.invoke(ask).await);
    let ended = pair.ended(&operation).await;
    assert!(matches!(ended.result, Some(OperationResult::Response(_))), "{ended:?}");
}

/// Whoever lost the first answer may read its own write too.
#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_answer_says_where_it_can_be_read() {
    let pair = Pair::start(ASYNC, 0).await;
    let operation = accepted(pair.monolith.invoke(publish("users/alice", "x", Some("k"))).await);
    pair.ended(&operation).await;
    for engine in [&pair.monolith, &pair.microservice] {
        let reply = engine.invoke(publish("users/alice", "x", Some("k"))).await.unwrap();
        let Reply::Done { replayed: true, position: Some(position), .. } = reply else { panic!("{reply:?}") };
        assert!(pair.reads.caught_up(position, 0).await);
    }
}
