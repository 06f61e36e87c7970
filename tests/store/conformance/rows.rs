//! Resources: creating, changing, deleting, and what refuses.

use serde_json::{Value, json};
use trine::model::{Answer, Change, Precondition, Reason, Sight, Version};

use super::fixture::{Factory, Fixture, users};
use super::write_sets::{
    create, create_user, delete, entry, mutation, set, update, update_version, user, user_key, write_set,
};

/// Given nothing, when a user is created, then the answer and a read show the same row.
pub async fn a_created_resource_reads_back(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let committed = fixture.commit(create_user("alice")).await.unwrap();
    let stored = fixture.get(users(), &user_key("alice")).await.unwrap();
    assert_eq!(committed.results, vec![Some(stored.clone())]);
    assert_eq!(committed.answer, Answer::Resource { resource: stored.clone(), created: true });
    assert!(!committed.replayed);
    assert_eq!(stored.create_time, stored.update_time);
    let document: Value = serde_json::from_str(&stored.document).unwrap();
    assert_eq!(document, json!({ "displayName": "alice" }));
    assert_eq!(fixture.get(users(), &user_key("bob")).await, None);
}

/// Given alice, when alice is created again, then it is refused and the first stays.
pub async fn a_taken_key_is_refused(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let before = fixture.get(users(), &user_key("alice")).await;
    let error = fixture.commit(create_user("alice")).await.unwrap_err();
    assert_eq!(error.reason, Reason::AlreadyExists);
    assert_eq!(fixture.get(users(), &user_key("alice")).await, before);
}

/// Given a version that was overtaken, when it guards an update, then the newer state stays.
pub async fn a_stale_version_is_refused_and_nothing_is_written(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let first = fixture.get(users(), &user_key("alice")).await.unwrap();
    let name = |text: &str| vec![set("displayName", json!(text))];
    let newer = write_set(vec![update_version(user("alice"), first.version, name("newer"))]);
    fixture.commit(newer).await.unwrap();
    let second = fixture.get(users(), &user_key("alice")).await.unwrap();
    assert!(second.version > first.version);
    assert_eq!(second.create_time, first.create_time);

    let stale = write_set(vec![update_version(user("alice"), first.version, name("stale"))]);
    let error = fixture.commit(stale).await.unwrap_err();
    assert_eq!(error.reason, Reason::Conflict);
    assert!(error.metadata.contains(&("resource", "users/alice".to_owned())), "{error:?}");
    assert_eq!(fixture.get(users(), &user_key("alice")).await, Some(second));

    let absent = write_set(vec![update(user("nobody"), name("x"))]);
    assert_eq!(fixture.commit(absent).await.unwrap_err().reason, Reason::NotFound);
}

/// Given a burst in which one takes another's e-mail address, then it alone is refused, by field.
pub async fn a_unique_violation_names_the_field_and_costs_nobody_else(fresh: Factory) {
    let fixture = Fixture::open(fresh());
    let with_email = |id: &str, email: &str| {
        write_set(vec![create(user(id), json!({ "displayName": id, "email": email }))])
    };
    let deadline = super::fixture::deadline();
    fixture.write.commit(with_email("first", "one@example.com"), deadline).await.unwrap();
    let burst = (0..20).map(|number| {
        let email = if number == 7 { "one@example.com".to_owned() } else { format!("{number}@example.com") };
        fixture.write.commit(with_email(&format!("u{number}"), &email), deadline)
    });
    let outcomes = futures_util::future::join_all(burst).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        if number != 7 {
            outcome.unwrap();
            continue;
        }
        let error = outcome.unwrap_err();
        assert_eq!(error.reason, Reason::UniqueViolation);
        assert_eq!(error.violations.first().map(|violation| violation.field.as_str()), Some("email"));
        assert!(error.metadata.contains(&("field", "email".to_owned())), "{error:?}");
    }
    assert_eq!(fixture.get(users(), &user_key("u7")).await, None);
    // Unset values do not collide.
    fixture.write.commit(create_user("no-address"), deadline).await.unwrap();
    fixture.write.commit(create_user("none-either"), deadline).await.unwrap();
}

/// Given a write set whose last mutation fails, then its first is not there either.
pub async fn a_write_set_is_all_or_nothing(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let half = write_set(vec![
        create(user("alice"), json!({ "displayName": "alice" })),
        create(entry("alice", "e1"), json!({ "title": "one" })),
        delete(user("nobody")),
    ]);
    let error = fixture.commit(half).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    assert_eq!(fixture.get(users(), &user_key("alice")).await, None);
}

/// Given a field that a newer binary stored, when an older one updates another, then it survives.
pub async fn an_update_keeps_keys_this_binary_does_not_know(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let newer = json!({ "displayName": "alice", "fromTheFuture": { "a": [1, 2] } });
    fixture.commit(write_set(vec![create(user("alice"), newer)])).await.unwrap();
    let edit = update(user("alice"), vec![set("displayName", json!("Alice"))]);
    fixture.commit(write_set(vec![edit])).await.unwrap();
    let stored = fixture.get(users(), &user_key("alice")).await.unwrap();
    let document: Value = serde_json::from_str(&stored.document).unwrap();
    assert_eq!(document, json!({ "displayName": "Alice", "fromTheFuture": { "a": [1, 2] } }));
}

/// Given a deleted and recreated resource, then its version is new and an old guard fails.
pub async fn a_deleted_resource_is_gone_and_its_version_is_not_given_again(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let first = fixture.get(users(), &user_key("alice")).await.unwrap();
    let deleted = fixture.commit(write_set(vec![delete(user("alice"))])).await.unwrap();
    assert_eq!(deleted.results, vec![None]);
    assert_eq!(fixture.get(users(), &user_key("alice")).await, None);
    assert_eq!(
        fixture.commit(write_set(vec![delete(user("alice"))])).await.unwrap_err().reason,
        Reason::NotFound
    );
    fixture.commit(create_user("alice")).await.unwrap();
    let again = fixture.get(users(), &user_key("alice")).await.unwrap();
    assert!(again.version > first.version);
    let old_guard = mutation(user("alice"), Precondition::Version(first.version), Change::Delete);
    assert_eq!(fixture.commit(write_set(vec![old_guard])).await.unwrap_err().reason, Reason::Conflict);
}

/// Given what a rule read, when it no longer holds, then nothing that rests on it is written.
pub async fn checks_hold_or_refuse(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let version = fixture.get(users(), &user_key("alice")).await.unwrap().version;
    let check = |id: &str, precondition| mutation(user(id), precondition, Change::Check);
    for (number, (guard, holds)) in [
        (check("alice", Precondition::Exists), true),
        (check("alice", Precondition::Version(version)), true),
        (check("alice", Precondition::Version(Version(version.0 + 1))), false),
        (check("alice", Precondition::Absent), false),
        (check("nobody", Precondition::Absent), true),
        (check("nobody", Precondition::Exists), false),
    ]
    .into_iter()
    .enumerate()
    {
        let title = json!({ "title": "t" });
        let outcome = fixture
            .commit(write_set(vec![create(entry("alice", &format!("e{number}")), title), guard]))
            .await;
        match outcome {
            Ok(committed) => assert!(holds && committed.results[1].is_none(), "guard {number}"),
            Err(error) => assert!(!holds && error.reason == Reason::Conflict, "guard {number}: {error}"),
        }
    }
    assert_eq!(fixture.get(users(), &user_key("alice")).await.unwrap().version, version);
}

/// Given commits one after the other, then their positions grow and reads are at least as new.
pub async fn positions_grow(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let mut last = 0;
    for id in ["a", "b", "c"] {
        let committed = fixture.commit(create_user(id)).await.unwrap();
        assert!(committed.position.unwrap().offset > last);
        last = committed.position.unwrap().offset;
        let read =
            fixture.read.get(users(), &user_key(id), &Sight::All, super::fixture::deadline()).await.unwrap();
        assert!(read.position.offset >= last);
        assert_eq!(read.position.cluster, committed.position.unwrap().cluster);
    }
}
