//! Handing over: many requests in one call, each with an answer of its own.

use std::collections::HashSet;

use futures_util::future::join_all;
use trine::commands::Reply;
use trine::model::{OperationResult, Reason, Result};

use super::deployments::{Pair, accepted, publish};

const ASYNC: &str = "\"blog.v1.BlogService.Publish\" = \"async\"";
const MANY: usize = 40;

async fn invoke_at_once(pair: &Pair, titles: &[&str]) -> Vec<Result<Reply>> {
    let invoke = async |(number, title): (usize, &&str)| {
        pair.monolith.invoke(publish("users/alice", title, Some(&format!("k{number}")))).await
    };
    join_all(titles.iter().enumerate().map(invoke)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_at_once_share_calls() {
    let pair = Pair::start(ASYNC, 1000).await;
    let replies = invoke_at_once(&pair, &["x"; MANY]).await;
    let operations: Vec<_> = replies.into_iter().map(accepted).collect();
    let ids: HashSet<_> = operations.iter().map(|operation| &operation.id).collect();
    assert_eq!(ids.len(), MANY);
    let calls = pair.microservice_listener.slot.handed_over();
    assert_eq!(calls.iter().sum::<usize>(), MANY);
    assert!(calls.len() < MANY / 2, "{calls:?}");
    let ended = join_all(operations.iter().map(|operation| pair.ended(operation))).await;
    assert!(ended.iter().all(|ended| matches!(ended.result, Some(OperationResult::Response(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_request_costs_the_others_of_its_call_nothing() {
    let pair = Pair::start(ASYNC, 1000).await;
    let mut bad = publish("users/alice", "x", Some("bad"));
    bad.work = trine::store::request_log::Work::Rule("{\"colour\": 1}".to_owned());
    let good = ["x"; MANY];
    let (replies, refused) = tokio::join!(invoke_at_once(&pair, &good), pair.monolith.invoke(bad));
    assert_eq!(refused.expect_err("no such field").reason, Reason::UnknownField);
    assert!(pair.microservice_listener.slot.handed_over().iter().any(|carried| *carried > 1));
    replies.into_iter().for_each(|reply| drop(accepted(reply)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microservice_that_takes_them_one_by_one_is_given_them_one_by_one() {
    let pair = Pair::start(ASYNC, 1000).await;
    pair.microservice_listener.slot.refuse_lists();
    let replies = invoke_at_once(&pair, &["x"; MANY]).await;
    let operations: Vec<_> = replies.into_iter().map(accepted).collect();
    let ended = join_all(operations.iter().map(|operation| pair.ended(operation))).await;
    assert!(ended.iter().all(|ended| matches!(ended.result, Some(OperationResult::Response(_)))));
    assert!(pair.microservice_listener.slot.handed_over().iter().any(|carried| *carried > 1), "it was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microservice_that_is_away_is_a_503_for_each() {
    let pair = Pair::start(ASYNC, 1000).await;
    pair.microservice_listener.slot.put(None);
    for reply in invoke_at_once(&pair, &["x"; MANY]).await {
        let reason = reply.expect_err("nobody accepts").reason;
        assert!([Reason::DatabaseUnavailable, Reason::CommitOutcomeUnknown].contains(&reason), "{reason:?}");
    }
}
