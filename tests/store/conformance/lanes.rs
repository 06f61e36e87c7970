//! What concurrency and limits may and may not do.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use trine::model::{Deadline, Reason, Sight, TypeName};
use trine::store::{OpenOptions, ReadStore};

use super::fixture::{Factory, Fixture, deadline, options, until_ready, users};
use super::write_sets::{create_user, set, update, user, user_key, with_key, write_set};

/// Given fifty updates of one resource sent at once, then each is applied, the last one last.
pub async fn write_sets_on_one_resource_apply_in_order(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let burst = (0..50).map(|number| {
        let edit = set("displayName", json!(format!("n{number}")));
        fixture.write.commit(write_set(vec![update(user("alice"), vec![edit])]), deadline())
    });
    let versions: Vec<i64> = join_all(burst)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap().results[0].as_ref().unwrap().version.0)
        .collect();
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "{versions:?}");
    let stored = fixture.get(users(), &user_key("alice")).await.unwrap();
    let document: Value = serde_json::from_str(&stored.document).unwrap();
    assert_eq!(document["displayName"], "n49");
}

/// Given a thousand creates at once, then all are acknowledged and all are there.
pub async fn a_thousand_concurrent_commits_are_all_there(fresh: Factory) {
    let fixture = Fixture::open(fresh());
    let burst = (0..1000).map(|number| fixture.write.commit(create_user(&format!("u{number}")), deadline()));
    for outcome in join_all(burst).await {
        outcome.unwrap();
    }
    let keys: Vec<_> = (0..1000).map(|number| user_key(&format!("u{number}"))).collect();
    let reads = keys.iter().map(|key| fixture.read.get(users(), key, &Sight::All, deadline()));
    assert!(join_all(reads).await.into_iter().all(|read| read.unwrap().value.is_some()));
}

/// Given a queue of two, when many come at once, then the rest are told to come again, and none half-done.
pub async fn a_full_queue_refuses(fresh: Factory) {
    let small = OpenOptions { queue_length_max: 2, batch_length_max: 1, ..options() };
    let fixture = Fixture::with_options(fresh(), small);
    let burst = (0..200).map(|number| fixture.write.commit(create_user(&format!("u{number}")), deadline()));
    let outcomes = join_all(burst).await;
    assert!(outcomes.iter().any(Result::is_err), "two hundred do not fit into two");
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let key = user_key(&format!("u{number}"));
        match outcome {
            Ok(_) => assert!(fixture.get(users(), &key).await.is_some()),
            Err(error) => {
                assert_eq!(error.reason, Reason::Overloaded);
                assert_eq!(error.retry_after_s, Some(1));
                assert_eq!(fixture.get(users(), &key).await, None);
            }
        }
    }
}

/// Given a reader with a resource type that the database was never given, then it is told who goes first.
pub async fn a_newer_schema_is_told_so(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let newer = crate::postgres::evolution::shop("string code = 2;");
    let item = newer.resource(&TypeName::new("shop.v1.Item")).unwrap();
    let error = fixture.read.get(item, &user_key("alice"), &Sight::All, deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::DatabaseUnavailable);
    assert!(error.message.contains("start the monolith with the new schema first"), "{error}");
    assert!(fixture.get(users(), &user_key("alice")).await.is_some());
}

/// Given a deadline that has passed, then nothing is begun.
pub async fn a_passed_deadline_writes_nothing(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let passed = Deadline::after(Duration::ZERO);
    let error = fixture.write.commit(create_user("late"), passed).await.unwrap_err();
    assert_eq!(error.reason, Reason::Deadline);
    fixture.commit(create_user("after")).await.unwrap();
    assert_eq!(fixture.get(users(), &user_key("late")).await, None);
    let error = fixture.read.get(users(), &user_key("after"), &Sight::All, passed).await.unwrap_err();
    assert_eq!(error.reason, Reason::Deadline);
}

/// Given the same key many times at once, then one has the effect and the others say so.
pub async fn the_same_key_twice_at_once_is_in_progress_or_replayed(fresh: Factory) {
    let fixture = Fixture::open(fresh());
    let burst = (0..20).map(|_| fixture.write.commit(with_key(create_user("alice"), "k1", 1), deadline()));
    let outcomes = join_all(burst).await;
    let effects = outcomes.iter().filter(|outcome| outcome.as_ref().is_ok_and(|done| !done.replayed)).count();
    assert_eq!(effects, 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(error.reason, Reason::InProgress);
    }
}

/// Given a commit, then a store that may only read has it once it has caught up.
pub async fn a_read_only_store_sees_what_was_committed(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let position = fixture.commit(create_user("alice")).await.unwrap().position.unwrap();
    let Ok(read) = ReadStore::open(&fixture.database.url, options(), true) else {
        // A login that may write is refused where logins exist; that is another story.
        return;
    };
    until_ready(&read).await;
    assert!(read.caught_up(position, 10_000).await);
    assert!(read.get(users(), &user_key("alice"), &Sight::All, deadline()).await.unwrap().value.is_some());
    let identity = read.identity().unwrap();
    assert_eq!(identity.cluster, position.cluster);
    assert_eq!(Some(identity), fixture.read.identity());
}
