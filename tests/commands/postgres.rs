//! The modes on a PostgreSQL primary, planned beside a streaming replica.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use trine::commands::Reply;
use trine::model::{Deadline, OperationResult, OperationState, Reason};

use super::Domain;
use super::deployments::{Pair, accepted, answered, create_user, deadline, publish};
use super::support::postgres::Cluster;

const FORWARD: &str = "\"blog.v1.BlogService.Publish\" = \"forward\"";
const ASYNC: &str = "\"blog.v1.BlogService.Publish\" = \"async\"";

impl Pair {
    fn replica(&self) -> &Cluster {
        &self.domain.databases.as_ref().expect("databases").replica
    }

    fn stall_replica(&self) {
        self.replica().sql("SELECT pg_wal_replay_pause()");
        self.replica().await_sql("SELECT pg_get_wal_replay_pause_state()", "paused");
    }

    async fn assert_counts(&self, expected: usize) {
        let (user, entries) = self.user_and_entries().await;
        assert_eq!((entries.len(), &user["entryCount"]), (expected, &json!(expected.to_string())));
    }
}

/// The user that the microservice reads is older than the one that the monolith guards.
#[tokio::test(flavor = "multi_thread")]
async fn forward_on_a_stalled_replica_answers_in_time_and_recovers() {
    let pair = Pair::start_on(Domain::on_postgres(), FORWARD, 0).await;
    answered(pair.monolith.invoke(publish("users/alice", "x", None)).await);
    pair.stall_replica();
    answered(pair.sync_monolith().invoke(publish("users/alice", "x", None)).await);
    let mut late = publish("users/alice", "x", Some("late"));
    late.deadline = Deadline::after(Duration::from_secs(1));
    let begun = Instant::now();
    let error = pair.monolith.invoke(late).await.expect_err("the replica stands still");
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert!(matches!(error.reason, Reason::DatabaseUnavailable | Reason::Deadline), "{error:?}");
    pair.assert_counts(2).await;
    pair.replica().sql("SELECT pg_wal_replay_resume()");
    answered(pair.monolith.invoke(publish("users/alice", "x", Some("late"))).await);
    pair.assert_counts(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn async_on_a_stalled_replica_waits_for_it() {
    let pair = Pair::start_on(Domain::on_postgres(), ASYNC, 0).await;
    let first = accepted(pair.monolith.invoke(publish("users/alice", "x", Some("a"))).await);
    pair.ended(&first).await;
    pair.stall_replica();
    answered(pair.sync_monolith().invoke(publish("users/alice", "x", None)).await);
    let second = accepted(pair.monolith.invoke(publish("users/alice", "x", Some("b"))).await);
    // Without a word of what it has seen: the replica does not know the user yet.
    answered(pair.sync_monolith().invoke(create_user("bob", 0)).await);
    let third = accepted(pair.monolith.invoke(publish("users/bob", "x", Some("c"))).await);
    let pending = pair.microservice.operation(&second.id, 300, deadline()).await.unwrap();
    assert_ne!(pending.state, OperationState::Done);
    pair.assert_counts(2).await;
    pair.replica().sql("SELECT pg_wal_replay_resume()");
    for operation in [second, third] {
        let ended = pair.ended(&operation).await;
        assert!(matches!(ended.result, Some(OperationResult::Response(_))), "{ended:?}");
    }
    pair.assert_counts(3).await;
}

/// `sync` and `async` write one user at once.
#[tokio::test(flavor = "multi_thread")]
async fn deployments_that_race_on_one_user_lose_nothing() {
    let pair = Pair::start_on(Domain::on_postgres(), ASYNC, 1000).await;
    let other = pair.sync_monolith();
    let replies = join_all((0..40).map(async |number: u32| {
        let key = format!("k{number}");
        let engine = if number.is_multiple_of(2) { &*pair.monolith } else { &other };
        engine.invoke(publish("users/alice", "x", Some(&key))).await.expect("done or accepted")
    }))
    .await;
    for reply in &replies {
        if let Reply::Accepted { operation } = reply {
            let ended = pair.ended(operation).await;
            assert!(matches!(ended.result, Some(OperationResult::Response(_))), "{ended:?}");
        }
    }
    pair.assert_counts(40).await;
}
