//! What the suite cannot see from outside: locks of other processes, a schema that moves.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::json;

use super::connection::{Mode, connect};
use super::database::SqliteDatabase;
use super::statement::statement;
use crate::model::{
    AnswerPlan, Change, Deadline, Document, Key, Mutation, Precondition, Reason, ResourceRef, TypeName,
    WriteSet,
};
use crate::schema::{Catalogue, load};
use crate::store::admission::Admission;
use crate::store::backend::{Database, Patience, Verdict};
use crate::store::handles::{OpenOptions, WriteStore};

const OPTIONS: OpenOptions = OpenOptions { connections: 2, lock_timeout_ms: 20, ..OpenOptions::SMALL };

/// A shop whose items have these fields.
fn shop(fields: &str) -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "syntax = \"proto3\"; package shop.v1;
         import \"google/api/resource.proto\"; import \"trine/v1/options.proto\";
         message Item {{
           option (google.api.resource) = {{ type: \"shop.example.com/Item\" pattern: \"items/{{item}}\" }};
           string name = 1; {fields}
         }}"
    );
    let package = directory.path().join("shop/v1");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("item.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["shop.v1".to_owned()]).unwrap()
}

fn create(id: &str, color: &str) -> WriteSet {
    let serde_json::Value::Object(fields) = json!({ "color": color }) else { unreachable!("an object") };
    let resource = ResourceRef { kind: TypeName::new("shop.v1.Item"), key: Key::new(id) };
    let change = Change::Create(Document(fields));
    WriteSet {
        mutations: vec![Mutation { resource, precondition: Precondition::None, change }],
        answer: AnswerPlan::Empty,
        idempotency: None,
        operation: None,
        principal: Default::default(),
        request_id: String::new(),
        traceparent: None,
        validate_only: false,
    }
}

fn commit(database: &SqliteDatabase, catalogue: &Catalogue, write_set: WriteSet) -> Verdict {
    let mut writer = database.writer().unwrap();
    writer
        .commit(
            catalogue,
            &[write_set],
            Patience::SkipLocked(Deadline::after(Duration::from_secs(30)).instant()),
        )
        .remove(0)
}

#[test]
fn an_added_index_is_filled_for_rows_that_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.db");
    let database = SqliteDatabase::new(&path, OPTIONS);
    let plain = shop("string color = 2;");
    database.prepare_primary(&plain, Admission::Permanent).unwrap();
    // More than one step of the backfill.
    let rows: Vec<WriteSet> = (0..1100).map(|number| create(&format!("i{number}"), "red")).collect();
    let verdicts = database.writer().unwrap().commit(
        &plain,
        &rows,
        Patience::SkipLocked(Deadline::after(Duration::from_secs(30)).instant()),
    );
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Committed(_))));
    let indexed =
        shop("string color = 2 [(trine.v1.index) = true]; int64 size = 3 [(trine.v1.index) = true];");
    let admitted = database.prepare_primary(&indexed, Admission::Permanent).unwrap();
    assert_eq!(admitted.digest, indexed.digest);
    let mut connection = connect(&path, Mode::Query, 100).unwrap();
    let filled = "SELECT count(*), sum(version) FROM \"shop.v1.Item\" WHERE f_color = 'red' AND f_size = 0";
    let filled: (i64, i64) =
        statement::<(BigInt, BigInt)>(filled, vec![]).get_result(&mut connection).unwrap();
    assert_eq!(filled, (1100, 1100 * 1101 / 2), "promoted, and no version changed");

    // The older binary comes back: nothing is applied, and the newest schema stays the storage schema.
    assert_eq!(database.prepare_primary(&plain, Admission::Permanent).unwrap().digest, indexed.digest);
}

#[test]
fn a_unique_field_over_equal_values_is_refused_and_nothing_is_admitted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.db");
    let database = SqliteDatabase::new(&path, OPTIONS);
    let plain = shop("string color = 2;");
    database.prepare_primary(&plain, Admission::Permanent).unwrap();
    for id in ["a", "b"] {
        assert!(matches!(commit(&database, &plain, create(id, "red")), Verdict::Committed(_)));
    }
    let error = database
        .prepare_primary(&shop("string color = 2 [(trine.v1.unique) = true];"), Admission::Permanent)
        .unwrap_err();
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert_eq!(database.storage_catalogue().unwrap().digest, plain.digest);
    let mut connection = connect(&path, Mode::Query, 100).unwrap();
    let columns = "SELECT name FROM pragma_table_info('shop.v1.Item') WHERE name = 'f_color'";
    let columns: Vec<String> = statement::<Text>(columns, vec![]).load(&mut connection).unwrap();
    assert!(columns.is_empty(), "{columns:?}");
}

#[test]
fn a_schema_that_takes_away_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let database = SqliteDatabase::new(&directory.path().join("shop.db"), OPTIONS);
    database.prepare_primary(&shop("string color = 2;"), Admission::Permanent).unwrap();
    let error = database.prepare_primary(&shop("int32 color = 2;"), Admission::Permanent).unwrap_err();
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("color"), "{}", error.message);
}

#[tokio::test]
async fn a_schema_that_moved_is_reloaded_and_the_commit_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.db");
    let database = Arc::new(SqliteDatabase::new(&path, OPTIONS));
    let plain = shop("string color = 2;");
    let store =
        WriteStore::with_database(database.clone(), OPTIONS, &plain, Admission::Permanent, 1).unwrap();
    let newer = shop("string color = 2 [(trine.v1.index) = true];");
    database.prepare_primary(&newer, Admission::Permanent).unwrap();
    assert!(matches!(commit(&database, &plain, create("a", "red")), Verdict::StaleCatalogue));

    store.commit(create("b", "blue"), Deadline::after(Duration::from_secs(10))).await.unwrap();
    let mut connection = connect(&path, Mode::Query, 100).unwrap();
    let promoted = "SELECT f_color FROM \"shop.v1.Item\" WHERE key = 'b'";
    let promoted: Vec<String> = statement::<Text>(promoted, vec![]).load(&mut connection).unwrap();
    assert_eq!(promoted, ["blue"], "an older binary fills a column it has never heard of");
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_until_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.db");
    let database = Arc::new(SqliteDatabase::new(&path, OPTIONS));
    let store =
        WriteStore::with_database(database, OPTIONS, &shop("string color = 2;"), Admission::Permanent, 1)
            .unwrap();
    let mut other = connect(&path, Mode::Write, 100).unwrap();

    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(300));
    let error = store.commit(create("late", "red"), deadline).await.unwrap_err();
    assert_eq!(error.reason, Reason::Deadline, "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(250), "the slow lane waited");

    let patient = store.commit(create("patient", "red"), Deadline::after(Duration::from_secs(20)));
    let release = tokio::task::spawn_blocking(move || {
        // Two lock time-outs of the ordinary lane pass before the other process lets go.
        let until = Instant::now() + Duration::from_millis(60);
        while Instant::now() < until {
            std::thread::yield_now();
        }
        other.batch_execute("COMMIT").unwrap();
    });
    let (committed, released) = tokio::join!(patient, release);
    released.unwrap();
    committed.unwrap();
}

#[test]
fn retention_drops_old_answers_and_operations_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.db");
    let database = SqliteDatabase::new(&path, OPTIONS);
    database.prepare_primary(&shop("string color = 2;"), Admission::Permanent).unwrap();
    let mut connection = connect(&path, Mode::Write, 100).unwrap();
    let hour = crate::model::Timestamp::now().seconds_and_nanos().0 / 3600;
    for number in 0..1200i64 {
        let age = if number == 0 { 0 } else { 30 };
        connection
            .batch_execute(&format!(
                "INSERT INTO trine_idempotency VALUES ('p', 's', 'k{number}', x'00', '', {})",
                hour - age
            ))
            .unwrap();
    }
    connection
        .batch_execute(
            "INSERT INTO trine_operations VALUES ('old', '', '2020-01-01T00:00:00.000000000Z'), \
             ('new', '', '2200-01-01T00:00:00.000000000Z')",
        )
        .unwrap();
    super::retention::retain(&path, &OPTIONS, 24).unwrap();
    let keys = "SELECT key FROM trine_idempotency UNION ALL SELECT id FROM trine_operations";
    let kept: Vec<String> = statement::<Text>(keys, vec![]).load(&mut connection).unwrap();
    assert_eq!(kept, ["k0", "new"]);
}

/// RAISE takes a literal alone before SQLite 3.47, and a trigger that cannot be parsed makes the file unreadable.
#[test]
fn triggers_are_understood_by_older_programs() {
    let directory = tempfile::tempdir().unwrap();
    let text = "syntax = \"proto3\"; package shop.v1; import \"google/protobuf/timestamp.proto\";
         import \"google/api/resource.proto\"; import \"trine/v1/options.proto\";
         message Item {
           option (google.api.resource) = { type: \"shop.example.com/Item\" pattern: \"items/{item}\" };
           option (trine.v1.sql_writable) = true;
           string name = 1; string code = 2 [(trine.v1.unique) = true];
           google.protobuf.Timestamp delete_time = 3;
         }";
    std::fs::write(directory.path().join("item.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let catalogue = load(&[directory.path().to_owned(), own], &["shop.v1".to_owned()]).unwrap();
    let script = super::definitions(&catalogue).join(";\n");
    let raised: Vec<&str> = script.split("RAISE(ABORT, ").skip(1).collect();
    assert!(raised.len() > 5, "{script}");
    for rest in raised {
        let literal = rest.strip_prefix('\'').and_then(|rest| {
            rest.replace("\'\'", "").split_once('\'').map(|(_, rest)| rest.starts_with(')'))
        });
        assert_eq!(literal, Some(true), "RAISE takes a literal: {}", &rest[..60]);
    }
}

/// Given a file that is removed, or replaced by another, while it is served, then nothing more is acknowledged, and
/// the other file is left alone.
#[tokio::test]
async fn a_file_that_is_gone_is_written_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let (path, aside) = (directory.path().join("shop.db"), directory.path().join("aside.db"));
    let plain = shop("string color = 2;");
    let database = Arc::new(SqliteDatabase::new(&path, OPTIONS));
    let store = WriteStore::with_database(database, OPTIONS, &plain, Admission::Permanent, 1).unwrap();
    let commit =
        async |id: &str| store.commit(create(id, "red"), Deadline::after(Duration::from_secs(2))).await;
    commit("a").await.unwrap();
    std::fs::rename(&path, &aside).unwrap();
    for id in ["b", "c"] {
        assert_eq!(commit(id).await.unwrap_err().reason, Reason::DatabaseUnavailable);
    }
    std::fs::copy(&aside, &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(commit("d").await.unwrap_err().reason, Reason::DatabaseUnavailable);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // It is back: what was opened has its name again.
    std::fs::rename(&aside, &path).unwrap();
    let begin = Instant::now();
    while commit("e").await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it stays refused");
    }
}
