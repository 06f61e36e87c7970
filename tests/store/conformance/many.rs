//! Many mutations at once, and writes that are only tried.

use serde_json::json;
use trine::model::{Answer, AnswerPlan, Mutation, Reason, Sight, Version, WriteSet};
use trine::store::WriteStore;

use super::fixture::{Factory, Fixture, deadline, options, users};
use super::idempotency::failure;
use super::lists::query;
use super::write_sets::{
    create, create_user, delete, set, update, user, user_key, with_key, with_operation, write_set,
};
use super::zoo::{beast, zoo};

fn thousand() -> Vec<Mutation> {
    let user_of = |number: u32| {
        let email = format!("{number}@example.com");
        create(user(&format!("u{number:04}")), json!({ "displayName": "x", "email": email }))
    };
    (0..1000).map(user_of).collect()
}

fn batch(mutations: Vec<Mutation>) -> WriteSet {
    WriteSet { answer: AnswerPlan::Resources, ..write_set(mutations) }
}

fn dry(write_set: WriteSet) -> WriteSet {
    WriteSet { validate_only: true, ..write_set }
}

async fn count(fixture: &Fixture) -> usize {
    fixture.read.list(users(), query(Some(""), 2000), deadline()).await.unwrap().value.len()
}

/// Given a thousand creates in one write set, then they commit together, answered in their order.
pub async fn a_batch_of_a_thousand_is_one_transaction(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let committed = fixture.commit(with_key(batch(thousand()), "k1", 1)).await.unwrap();
    let Answer::Resources(resources) = &committed.answer else { panic!("{:?}", committed.answer) };
    let keys: Vec<&str> = resources.iter().flatten().map(|stored| stored.key.as_str()).collect();
    assert_eq!((keys.len(), keys[0], keys[999]), (1000, "u0000", "u0999"));
    // One transaction has one time.
    assert!(
        resources
            .iter()
            .flatten()
            .all(|stored| stored.create_time == committed.results[0].as_ref().unwrap().create_time)
    );
    let again = fixture.commit(with_key(batch(thousand()), "k1", 1)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.answer, committed.answer);
    let gone = (0..1000).map(|number| delete(user(&format!("u{number:04}")))).collect();
    fixture.commit(batch(gone)).await.unwrap();
    assert_eq!(count(&fixture).await, 0);
}

/// Given a thousand of which the last takes a value that is taken, then it is named and none is there.
pub async fn one_violation_of_a_thousand_undoes_all(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    fixture
        .commit(write_set(vec![create(
            user("old"),
            json!({ "displayName": "o", "email": "999@example.com" }),
        )]))
        .await
        .unwrap();
    let error = fixture.commit(batch(thousand())).await.unwrap_err();
    assert_eq!(error.reason, Reason::UniqueViolation, "{error:?}");
    assert!(error.metadata.contains(&("mutation", "mutations[999]".to_owned())), "{error:?}");
    assert_eq!(count(&fixture).await, 1);
    let mut twins = thousand();
    twins[7] = create(user("twin"), json!({ "displayName": "t", "email": "6@example.com" }));
    twins.truncate(500);
    let error = fixture.commit(batch(twins)).await.unwrap_err();
    assert_eq!(error.reason, Reason::UniqueViolation, "{error:?}");
    // Of the two that want the same, one.
    let either = ["mutations[6]", "mutations[7]"];
    assert!(error.metadata.iter().any(|(_, value)| either.contains(&value.as_str())), "{error:?}");
    assert_eq!(count(&fixture).await, 1);
}

/// Given updates of which one takes a value that is taken, by a row outside or by one before it, then it is named.
pub async fn an_update_of_many_that_takes_a_value_is_named(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let people = ["a", "b", "c", "d"]
        .map(|id| create(user(id), json!({ "displayName": id, "email": format!("{id}@example.com") })));
    fixture.commit(batch(people.to_vec())).await.unwrap();
    let mail =
        |id: &str, mail: &str| update(user(id), vec![set("email", json!(format!("{mail}@example.com")))]);
    for (updates, culprit) in [
        (vec![mail("a", "x"), mail("b", "y"), mail("c", "d")], "mutations[2]"),
        (vec![mail("a", "x"), mail("b", "x"), mail("c", "z")], "mutations[1]"),
    ] {
        let error = fixture.commit(batch(updates)).await.unwrap_err();
        assert_eq!(error.reason, Reason::UniqueViolation, "{error:?}");
        assert!(error.metadata.contains(&("mutation", culprit.to_owned())), "{error:?}");
        assert!(error.metadata.contains(&("field", "email".to_owned())), "{error:?}");
    }
}

/// Given resources that are too large to be answered together, then a batch that would read or answer them is
/// refused whole and says so, and smaller ones go on.
pub async fn a_batch_is_bounded_in_bytes(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let large = "x".repeat(300_000);
    let ids: Vec<String> = (0..70).map(|number| format!("u{number:02}")).collect();
    let people = ids
        .iter()
        .map(|id| create(user(id), json!({ "displayName": large, "email": format!("{id}@x.com") })));
    fixture.commit(write_set(people.collect())).await.unwrap();
    let reads = fixture.read.clone();
    let read = async |count: usize| {
        let keys = ids[..count].iter().map(|id| user_key(id)).collect();
        let read = reads.get_several(users(), keys, &Sight::All, deadline()).await;
        read.map(|read| {
            read.value.into_iter().flatten().map(|stored| stored.key.to_string()).collect::<Vec<_>>()
        })
    };
    assert_eq!(read(50).await.unwrap(), ids[..50]);
    for count in [60, 70] {
        let error = read(count).await.unwrap_err();
        assert_eq!(error.reason, Reason::InvalidParameter);
        assert!(error.message.contains("smaller batches"), "{error}");
    }
    let rename = |id: &String| update(user(id), vec![set("email", json!(format!("{id}@y.com")))]);
    let error = fixture.commit(batch(ids.iter().map(rename).collect())).await.unwrap_err();
    assert_eq!(error.reason, Reason::InvalidParameter);
    let first = fixture.get(users(), &user_key("u00")).await.unwrap();
    assert!(first.document.contains("u00@x.com"), "nothing was written");
    let shorten = |id: &String| update(user(id), vec![set("displayName", json!("x"))]);
    fixture.commit(batch(ids.iter().map(shorten).collect())).await.unwrap();
    assert_eq!(read(70).await.unwrap(), ids, "in several statements, in the order asked");
}

/// Given dry runs of every sort, then each is judged as the write would be and nothing is there, not even a version.
pub async fn a_dry_run_leaves_nothing_behind(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let alice = json!({ "displayName": "a", "email": "a@example.com" });
    let alice =
        fixture.commit(write_set(vec![create(user("alice"), alice)])).await.unwrap().results[0].clone();
    for (mutation, reason) in [
        (create(user("bob"), json!({ "displayName": "b" })), None),
        (create(user("alice"), json!({ "displayName": "b" })), Some(Reason::AlreadyExists)),
        (
            create(user("bob"), json!({ "displayName": "b", "email": "a@example.com" })),
            Some(Reason::UniqueViolation),
        ),
        (update(user("alice"), vec![set("displayName", json!("new"))]), None),
        (update(user("bob"), vec![set("displayName", json!("new"))]), Some(Reason::NotFound)),
        (delete(user("alice")), None),
        (delete(user("bob")), Some(Reason::NotFound)),
    ] {
        let outcome = fixture.commit(dry(batch(vec![mutation.clone()]))).await;
        assert_eq!(outcome.as_ref().err().map(|error| error.reason), reason, "{mutation:?}");
        let results = outcome.map(|committed| committed.results).unwrap_or_default();
        assert!(results.into_iter().flatten().all(|stored| stored.version == Version(0)), "{mutation:?}");
    }
    assert_eq!(fixture.get(users(), &user_key("alice")).await, alice);
    assert_eq!(count(&fixture).await, 1);
    let next = fixture.commit(create_user("bob")).await.unwrap().results[0].clone().unwrap();
    assert!(next.version > alice.unwrap().version);
}

/// Given dry runs among commits that want the same values, then none is in the way of another.
pub async fn dry_runs_cost_nobody_anything(fresh: Factory) {
    let fixture = Fixture::open(fresh());
    let with_mail = |id: String| {
        write_set(vec![create(user(&id), json!({ "displayName": "x", "email": "one@example.com" }))])
    };
    let mut write_sets: Vec<WriteSet> =
        (0..20).map(|number| dry(with_mail(format!("dry{number}")))).collect();
    write_sets.insert(10, create_user("real"));
    write_sets.push(dry(write_set(vec![delete(user("nobody"))])));
    let outcomes = fixture.write.commit_all(write_sets, deadline()).await;
    let refused: Vec<usize> = (0..22).filter(|at| outcomes[*at].is_err()).collect();
    assert_eq!(refused, [21], "{outcomes:?}");
    assert_eq!(count(&fixture).await, 1);
    fixture.write.commit(with_mail("taker".to_owned()), deadline()).await.unwrap();
    let late = fixture.write.commit(dry(with_mail("late".to_owned())), deadline()).await;
    assert_eq!(late.unwrap_err().reason, Reason::UniqueViolation);
}

/// Given a dry run under a key, then the key stays free; under a key that is taken it is refused as a commit is.
pub async fn a_dry_run_keeps_no_key_and_obeys_one(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let keyed = |fingerprint| with_key(create_user("alice"), "k1", fingerprint);
    assert!(!fixture.commit(dry(keyed(1))).await.unwrap().replayed);
    assert!(!fixture.commit(keyed(2)).await.unwrap().replayed);
    assert_eq!(fixture.commit(dry(keyed(1))).await.unwrap_err().reason, Reason::IdempotencyKeyReused);
}

/// Given keys, some of which are not there, then what is there comes in the order asked.
pub async fn several_are_read_in_the_order_asked(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    for id in ["a", "b", "c"] {
        fixture.commit(create_user(id)).await.unwrap();
    }
    let keys = ["c", "nobody", "a"].map(user_key).to_vec();
    let read = fixture.read.get_several(users(), keys, &Sight::All, deadline()).await.unwrap();
    let found: Vec<_> =
        read.value.iter().map(|stored| stored.as_ref().map(|stored| stored.key.as_str())).collect();
    assert_eq!(found, [Some("c"), None, Some("a")]);
}

/// Given answers that take what they may, then new keys are refused, kept ones are answered, and what has no key
/// is written.
pub async fn at_the_limit_new_keys_are_refused_and_kept_ones_answered(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let kept = |fixture: &Fixture| {
        let url = fixture.database.url.clone();
        fixture.write.kept_answers().measure(|| url.kept_answer_bytes(options())).unwrap();
        fixture.write.kept_answers().bytes()
    };
    let empty = kept(&fixture);
    fixture.commit(with_key(create_user("alice"), "k1", 1)).await.unwrap();
    let counted = fixture.write.kept_answers().bytes();
    assert!(counted > empty, "{counted} {empty}");
    assert!(kept(&fixture) > 0);
    fixture.write.kept_answers().limit(1);
    let refused = fixture.commit(with_key(create_user("bob"), "k2", 1)).await.unwrap_err();
    assert_eq!((refused.reason, refused.retry_after_s), (Reason::Overloaded, Some(60)));
    fixture.commit(create_user("carol")).await.unwrap();
    // What was accepted ends, well or badly, and may be told twice.
    let ends = [
        with_operation(with_key(create_user("dave"), "k3", 1), "01920000-0000-7000-8000-000000000001"),
        failure("01920000-0000-7000-8000-000000000002", 2),
    ];
    for end in ends {
        assert!(!fixture.commit(end.clone()).await.unwrap().replayed);
        assert!(fixture.commit(end).await.unwrap().replayed);
    }
    let key = super::write_sets::idempotency("k1", 1).key;
    assert!(fixture.read.answer(&key, deadline()).await.unwrap().is_some());
    fixture.write.kept_answers().limit(u64::MAX);
    fixture.commit(with_key(create_user("bob"), "k2", 1)).await.unwrap();
    assert_eq!(count(&fixture).await, 4);
}

/// Given a unique field with a name longer than a database's, when one write set gives two rows the same value,
/// then the field is named as one of a short name is.
pub async fn a_violation_names_its_field_however_long(fresh: Factory) {
    // One whose index is called as a primary key is, and one that is cut.
    let (long, other) = ("a".repeat(60), "user_pkey".to_owned());
    let unique = "[(trine.v1.unique) = true]";
    let fields = format!("string {long} = 2 {unique}; string title = 3; string {other} = 4 {unique};");
    let database = fresh();
    let catalogue = zoo("", &fields);
    let write = WriteStore::open(&database.url, options(), &catalogue).unwrap();
    let rows = ["a", "b", "c"].map(|id| create(beast(id), json!({ "title": id })));
    write.commit(write_set(rows.into()), deadline()).await.unwrap();
    for field in [&long, &other] {
        violations_name(&write, field).await;
    }
}

async fn violations_name(write: &WriteStore, field: &str) {
    let give = |id: &str, value: &str| update(beast(id), vec![set(&camel(field), json!(value))]);
    write.commit(write_set(vec![give("c", "old")]), deadline()).await.unwrap();
    for twins in [vec![give("a", "x"), give("b", "x")], vec![give("a", "old"), give("c", "new")]] {
        let error = write.commit(write_set(twins), deadline()).await.unwrap_err();
        assert_eq!(error.reason, Reason::UniqueViolation, "{error:?}");
        assert_eq!(error.violations.first().map(|violation| violation.field.as_str()), Some(field));
    }
}

fn camel(field: &str) -> String {
    field.replace("_p", "P")
}
