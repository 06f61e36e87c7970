//! `forward`: the rule runs beside the replica, the monolith commits while the client waits.

use futures_util::future::join_all;
use serde_json::json;
use trine::model::{Answer, Reason};

use super::deployments::{Pair, answered, publish};

const FORWARD: &str = "\"blog.v1.BlogService.Publish\" = \"forward\"";

#[tokio::test(flavor = "multi_thread")]
async fn the_microservice_plans_and_the_monolith_commits() {
    let pair = Pair::start(FORWARD, 0).await;
    let (answer, _) = answered(pair.monolith.invoke(publish("users/alice", "x", Some("k"))).await);
    let Answer::Resource { resource, .. } = &answer else { panic!("{answer:?}") };
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!((&entries[0], entries.len()), (resource, 1));
    assert_eq!(user["entryCount"], json!("1"));
    let (again, replayed) = answered(pair.monolith.invoke(publish("users/alice", "x", Some("k"))).await);
    assert!(replayed && again == answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn races_on_one_user_lose_nothing() {
    let pair = Pair::start(FORWARD, 1000).await;
    let writes = (0..24).map(|_| pair.monolith.invoke(publish("users/alice", "x", None)));
    join_all(writes).await.into_iter().for_each(|reply| drop(answered(reply)));
    let (user, entries) = pair.user_and_entries().await;
    assert_eq!((entries.len(), &user["entryCount"]), (24, &json!("24")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reads_as_if_it_were_sync() {
    let pair = Pair::start(FORWARD, 1).await;
    answered(pair.monolith.invoke(publish("users/alice", "x", None)).await);
    let forwarded = pair.monolith.invoke(publish("users/alice", "x", None)).await.unwrap_err();
    assert_eq!(forwarded.reason, Reason::FailedPrecondition);
    assert!(forwarded.metadata.contains(&("rule", "daily_entry_limit".to_owned())));
    let missing = pair.monolith.invoke(publish("users/bob", "x", None)).await.unwrap_err();
    assert_eq!(missing.reason, Reason::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microservice_that_is_away_is_a_503() {
    let pair = Pair::start(FORWARD, 0).await;
    pair.microservice_listener.stop().await;
    let error = pair.monolith.invoke(publish("users/alice", "x", None)).await.unwrap_err();
    assert_eq!(error.reason, Reason::DatabaseUnavailable);
    assert!(error.retry_after_s.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn straight_at_the_microservice_it_is_not_this_role() {
    let pair = Pair::start(FORWARD, 0).await;
    let error = pair.microservice.invoke(publish("users/alice", "x", Some("k"))).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotThisRole);
}
