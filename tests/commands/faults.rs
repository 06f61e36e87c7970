//! Our own bugs: a rule that panics, a decision that the primary never takes.

use futures_util::future::join_all;
use serde_json::json;
use trine::commands::{Context, Registry};
use trine::domains::blog::v1::{Entry, PublishRequest};
use trine::model::{OperationResult, Reason, Result};

use super::Domain;
use super::deployments::{PUBLISH, Pair, accepted, answered, create_user, deadline, invocation, publish};

fn breaks(context: &mut Context, request: PublishRequest) -> Result<Entry> {
    let entry = request.entry.unwrap_or_default();
    assert!(entry.title != "panic", "a bug in a rule");
    context.create(&request.user, &request.entry_id, entry)
}

fn broken_rules(registry: &mut Registry) {
    registry.rule(PUBLISH, breaks);
}

async fn pair(methods: &str) -> Pair {
    Pair::start_on(Domain { rules: broken_rules, ..Domain::new() }, methods, 0).await
}

/// More panics than there are threads for rules: none of them costs a thread.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_panics_costs_its_request_alone() {
    for methods in ["", "\"blog.v1.BlogService.Publish\" = \"forward\""] {
        let pair = pair(methods).await;
        let outcomes =
            join_all((0..100).map(|_| pair.monolith.invoke(publish("users/alice", "panic", None)))).await;
        for outcome in outcomes {
            let reason = outcome.expect_err("a panic is no answer").reason;
            let expected = if methods.is_empty() { Reason::Internal } else { Reason::DatabaseUnavailable };
            assert_eq!(reason, expected);
        }
        answered(pair.monolith.invoke(publish("users/alice", "fine", None)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_rule_panics_fails_for_good() {
    let pair = pair("\"blog.v1.BlogService.Publish\" = \"async\"").await;
    let broken = accepted(pair.monolith.invoke(publish("users/alice", "panic", Some("a"))).await);
    let fine = accepted(pair.monolith.invoke(publish("users/alice", "fine", Some("b"))).await);
    assert!(matches!(pair.ended(&fine).await.result, Some(OperationResult::Response(_))));
    let ended = pair.ended(&broken).await;
    let Some(OperationResult::Error(status)) = ended.result else { panic!("{ended:?}") };
    assert_eq!(status["details"][0]["reason"], json!("INTERNAL"));
    assert!(!status.to_string().contains("a bug in a rule"), "{status}");
}

/// Constraints that nobody here knows of stand for a bug of the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_the_primary_never_takes_is_given_up() {
    let pair = Pair::start_on(Domain::on_postgres(), "\"blog.v1.User.Create\" = \"async\"", 0).await;
    let databases = pair.domain.databases.as_ref().expect("databases");
    let sql = |sql: &str| databases.primary.sql_in(&databases.primary_url(), sql);
    sql("ALTER TABLE trine.\"blog.v1.User\" ADD CHECK (key NOT LIKE 'poison%')");
    let create = async |name: &str| {
        let mut create = create_user(name, 0);
        create.idempotency = invocation("", create.work.clone(), Some(name)).idempotency;
        accepted(pair.monolith.invoke(create).await)
    };
    let (poison, fine) = (create("poison").await, create("fine").await);
    assert!(matches!(pair.ended(&fine).await.result, Some(OperationResult::Response(_))));
    let ended = pair.ended(&poison).await;
    let Some(OperationResult::Error(status)) = ended.result else { panic!("{ended:?}") };
    assert_eq!(status["details"][0]["reason"], json!("INTERNAL"));
    // Not even its failure can be recorded: then the log here ends it.
    sql("ALTER TABLE trine.operations ADD CHECK (operation::text NOT LIKE '%INTERNAL%') NOT VALID");
    let poison = create("poison2").await;
    let ended = pair.microservice.operation(&poison.id, 30_000, deadline()).await.unwrap();
    assert!(matches!(ended.result, Some(OperationResult::Error(_))), "{ended:?}");
}
