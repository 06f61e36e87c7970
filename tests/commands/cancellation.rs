//! Cancelling: the primary has the last word, and knows of every end.

use serde_json::json;
use trine::model::{OperationResult, OperationState};

use super::deployments::{Pair, accepted, answered, deadline, publish};

const ASYNC: &str = "\"blog.v1.BlogService.Publish\" = \"async\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_ends_on_the_primary_and_writes_nothing() {
    let pair = Pair::start(ASYNC, 0).await;
    pair.monolith_listener.slot.put(None);
    let operation = accepted(pair.microservice.invoke(publish("users/alice", "x", Some("k"))).await);
    let soon = trine::model::Deadline::after(std::time::Duration::from_millis(300));
    let pending = pair.microservice.cancel(&operation.id, soon).await.unwrap();
    assert_ne!(pending.state, OperationState::Done, "nobody knows yet whether it was applied");
    // A second time is as good as once.
    pair.microservice.cancel(&operation.id, soon).await.unwrap();
    pair.monolith_listener.slot.put(Some(pair.monolith.clone()));
    let ended = pair.ended(&operation).await;
    let Some(OperationResult::Error(status)) = &ended.result else { panic!("{ended:?}") };
    assert_eq!(status["code"], json!(1), "{status}");
    let logged = pair.microservice.operation(&operation.id, 0, deadline()).await.unwrap();
    assert_eq!(logged.result, ended.result, "both sides tell the same");
    assert!(pair.user_and_entries().await.1.is_empty());
    // A failed request does not keep its key.
    let again = accepted(pair.monolith.invoke(publish("users/alice", "x", Some("k"))).await);
    assert_ne!(again.id, operation.id);
    assert!(matches!(pair.ended(&again).await.result, Some(OperationResult::Response(_))));
}

/// Given cancellations that race with what they cancel, then both sides tell the same end, and what
/// the primary holds is what was not cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_comes_late_changes_nothing() {
    let pair = Pair::start(ASYNC, 1000).await;
    let mut applied = 0;
    for number in 0..20 {
        let key = format!("k{number}");
        let operation = accepted(pair.microservice.invoke(publish("users/alice", "x", Some(&key))).await);
        for _ in 0..number * 3 {
            tokio::task::yield_now().await;
        }
        pair.monolith.cancel(&operation.id, deadline()).await.unwrap();
        let ended = pair.ended(&operation).await;
        let logged = pair.microservice.operation(&operation.id, 0, deadline()).await.unwrap();
        assert_eq!(logged.result, ended.result);
        applied += usize::from(matches!(ended.result, Some(OperationResult::Response(_))));
    }
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!(entries.len(), applied);
    assert_eq!(user.get("entryCount").cloned().unwrap_or(json!("0")), json!(applied.to_string()));
    let done = accepted(pair.microservice.invoke(publish("users/alice", "x", Some("last"))).await);
    pair.ended(&done).await;
    let cancelled = pair.microservice.cancel(&done.id, deadline()).await.unwrap();
    assert!(matches!(cancelled.result, Some(OperationResult::Response(_))), "what is done stays done");
    drop(answered(pair.sync_monolith().invoke(publish("users/alice", "x", None)).await));
}
