//! The suite on SQLite, and what only a file has.

use serde_json::{Value, json};
use trine::model::{Change, Key, Precondition, Reason, ResourceRef, Sight, Stored, TypeName};
use trine::query::{Filter, ListQuery, Operator, Scalar};
use trine::schema::ColumnKind;
use trine::store::{DatabaseUrl, Health, OpenOptions, ReadStore, WriteStore};

use crate::conformance::fixture::{Fixture, TestDatabase, catalogue, deadline, options};
use crate::conformance::owners::{Notes, kind};
use crate::conformance::write_sets::{
    create, create_user, document, mutation, set, update, user_key, write_set,
};
use crate::conformance::zoo::{FIELDS, beast, zoo};
use crate::postgres::evolution::shop;
use crate::sql::Sql;

fn fresh() -> TestDatabase {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(directory.path().join("test.db"));
    TestDatabase { url, keep: Box::new(directory) }
}

conformance!(crate::sqlite::fresh);

/// Given a file that one monolith serves, when a second opens it, then it is refused by name.
#[tokio::test]
async fn a_second_monolith_is_refused() {
    let fixture = Fixture::open(fresh());
    let error = WriteStore::open(&fixture.database.url, options(), catalogue()).err().expect("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("another monolith"), "{}", error.message);
}

/// Given a reader of a file that is not there, when the file appears, then the reader becomes ready by itself.
#[tokio::test]
async fn a_missing_file_is_not_ready_and_comes_back() {
    let database = fresh();
    let read = ReadStore::open(&database.url, options(), true).unwrap();
    assert!(matches!(read.health(), Health::NotReady(_)));
    let kind = catalogue().resource(&create_user("alice").mutations[0].resource.kind).unwrap().clone();
    let error = read.get(&kind, &user_key("alice"), &Sight::All, deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::DatabaseUnavailable);

    let write = WriteStore::open(&database.url, options(), catalogue()).unwrap();
    let committed = write.commit(create_user("alice"), deadline()).await.unwrap();
    assert!(read.caught_up(committed.position.unwrap(), 10_000).await);
    crate::conformance::fixture::until_ready(&read).await;
    assert!(read.get(&kind, &user_key("alice"), &Sight::All, deadline()).await.unwrap().value.is_some());
}

/// Given a monolith that has gone, when a reader that may only read opens the file, then it reads.
#[tokio::test]
async fn a_read_only_reader_needs_no_monolith() {
    let mut fixture = Fixture::open(fresh());
    fixture.commit(create_user("alice")).await.unwrap();
    let database = fixture.close();
    let DatabaseUrl::Sqlite(path) = &database.url else { unreachable!("a file") };
    assert!(path.with_extension("db-shm").exists(), "the shared memory file stays for later readers");
    let read = ReadStore::open(&database.url, options(), true).unwrap();
    crate::conformance::fixture::until_ready(&read).await;
    let kind = catalogue().resource(&create_user("alice").mutations[0].resource.kind).unwrap().clone();
    assert!(read.get(&kind, &user_key("alice"), &Sight::All, deadline()).await.unwrap().value.is_some());
}

/// Given texts that are no UTF-8, written by SQL through a view and past it, then their fields are left out of gets
/// and lists, neighbours are as they were, and the API updates and deletes the rows.
#[tokio::test]
async fn a_text_that_is_no_utf8_harms_nobody_else() {
    let database = fresh();
    let catalogue = zoo("option (trine.v1.sql_writable) = true;", FIELDS);
    let write = WriteStore::open(&database.url, options(), &catalogue).unwrap();
    let beasts = ["leo", "tom", "max"].map(|id| create(beast(id), json!({ "title": "\u{e9}", "legs": 4 })));
    write.commit(write_set(beasts.to_vec()), deadline()).await.unwrap();
    let mut sql = Sql::open(&database.url);
    sql.run(
        "UPDATE zoo_v1_beast SET version = replace(hex(zeroblob(3000)), '0', 'a') || CAST(x'ff' AS TEXT) WHERE key = 'ann/leo';
         UPDATE `zoo.v1.Beast` SET doc = replace(doc, 'legs', CAST(x'80' AS TEXT)) WHERE key = 'ann/tom';",
    )
    .unwrap();

    let kind = catalogue.resource(&TypeName::new("zoo.v1.Beast")).unwrap();
    let read = ReadStore::open(&database.url, options(), false).unwrap();
    let shown = |stored: &Stored| {
        let shown: Value = serde_json::from_str(&kind.render_json(stored)).unwrap();
        (shown["title"].clone(), shown.get("legs").cloned(), shown.get("version").cloned())
    };
    let whole = (json!("\u{e9}"), Some(json!(4)), None);
    for (id, expected) in [("leo", &whole), ("tom", &(json!("\u{e9}"), None, None)), ("max", &whole)] {
        let found = read.get(kind, &Key::child("ann", id), &Sight::All, deadline()).await.unwrap().value;
        assert_eq!(&shown(&found.expect("it is there")), expected, "{id}");
    }
    let query = ListQuery::new(Some("ann".to_owned()), Sight::All, 10);
    assert_eq!(read.list(kind, query, deadline()).await.unwrap().value.len(), 3);

    let legs = update(beast("leo"), vec![set("legs", json!(3))]);
    let committed = write.commit(write_set(vec![legs]), deadline()).await.unwrap();
    assert_eq!(shown(committed.results[0].as_ref().unwrap()), (json!("\u{e9}"), Some(json!(3)), None));
    let deletions = ["leo", "tom"].map(|id| mutation(beast(id), Precondition::None, Change::Delete));
    write.commit(write_set(deletions.to_vec()), deadline()).await.unwrap();
}

/// Given a file with an older schema, when a reader of a newer one filters by a column that is not there
/// yet, then it is told so: SQLite could take the column's name for a text and compare that.
#[tokio::test]
async fn a_column_that_is_not_there_yet_is_no_text() {
    let database = fresh();
    let write = WriteStore::open(&database.url, options(), &shop("string code = 2;")).unwrap();
    let item = ResourceRef { kind: TypeName::new("shop.v1.Item"), key: user_key("one") };
    let create = mutation(item, Precondition::None, Change::Create(document(json!({ "code": "c" }))));
    write.commit(write_set(vec![create]), deadline()).await.unwrap();

    let newer = shop("string code = 2; string color = 3 [(trine.v1.index) = true];");
    let read = ReadStore::open(&database.url, options(), true).unwrap();
    let kind = newer.resource(&TypeName::new("shop.v1.Item")).unwrap();
    let column = kind.columns.iter().position(|column| column.field == "color").unwrap();
    for value in ["", "f_color"] {
        let value = Scalar::Text(value.to_owned());
        let filter = Filter::column(column, ColumnKind::Text, Operator::Equal, value);
        let query = ListQuery { filter, ..ListQuery::new(Some(String::new()), Sight::All, 10) };
        let error = read.list(kind, query, deadline()).await.expect_err("no such column");
        assert_eq!(error.reason, Reason::DatabaseUnavailable);
        assert!(error.message.contains("has not this schema yet"), "{error}");
    }
}

/// Given very many deleted rows and none that lives, when rows are listed without a filter, then that ends in
/// time too.
#[tokio::test]
async fn a_list_without_a_filter_ends_in_time() {
    let notes = Notes::open(fresh());
    let impatient = OpenOptions { read_timeout_ms: 5, connections: 1, ..options() };
    let read = ReadStore::open(&notes.database.url, impatient, false).unwrap();
    let deleted = "INSERT INTO `notes.v1.Notebook` \
                   (key, parent, doc, version, schema_id, create_time, update_time, delete_time, f_owner) \
                   WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
                   SELECT 'n' || i, '', '{}', i, 1, '', '', '', 'bob' FROM n";
    Sql::open(&notes.database.url).run(deleted).unwrap();
    for sight in [Sight::All, Sight::Own("bob".into())] {
        let query = ListQuery::new(None, sight, 10);
        let error = read.list(kind("notes.v1.Notebook"), query, deadline()).await.unwrap_err();
        assert_eq!(error.reason, Reason::StatementTimeout);
    }
}
