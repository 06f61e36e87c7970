//! A schema that grows over stored rows.

use std::path::Path;

use serde_json::json;
use trine::model::{Key, Precondition, Reason, ResourceRef, Sight, TypeName};
use trine::query::{Filter, ListQuery, Operator, Scalar};
use trine::schema::{Catalogue, ColumnKind, load};
use trine::store::backend::Reading;
use trine::store::{Admission, Patience, Verdict};

use super::{committed, fresh_url};
use crate::conformance::fixture::{deadline, options};
use crate::conformance::write_sets::{document, mutation, write_set};
use crate::support::shared;

/// A shop whose item has these fields beside its name.
pub fn shop(fields: &str) -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        r#"syntax = "proto3";
        package shop.v1;
        import "google/api/resource.proto";
        import "trine/v1/options.proto";
        message Item {{
          option (google.api.resource) = {{ type: "shop.example.com/Item" pattern: "items/{{item}}" singular: "item" plural: "items" }};
          string name = 1;
          {fields}
        }}"#
    );
    std::fs::create_dir_all(directory.path().join("shop/v1")).unwrap();
    std::fs::write(directory.path().join("shop/v1/shop.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["shop.v1".to_owned()]).unwrap()
}

fn item(id: &str, value: serde_json::Value) -> trine::model::WriteSet {
    let resource = ResourceRef { kind: TypeName::new("shop.v1.Item"), key: Key::new(id) };
    write_set(vec![mutation(resource, Precondition::None, trine::model::Change::Create(document(value)))])
}

const PLAIN: &str = "string code = 2; int64 price = 3;";
const INDEXED: &str = "string code = 2; int64 price = 3 [(trine.v1.index) = true];";
const UNIQUE: &str = "string code = 2 [(trine.v1.unique) = true]; int64 price = 3 [(trine.v1.index) = true];";

/// Given rows stored under an older schema, when a field becomes indexed, then they are found by it; commits
/// prepared with the old schema are told; the old binary's schema still starts, without DDL.
#[test]
fn an_index_on_an_old_field_covers_old_rows() {
    let url = fresh_url();
    let database = trine::store::postgres::open(&url, options()).unwrap();
    let plain = database.prepare_primary(&shop(PLAIN), trine::store::Admission::Permanent).unwrap();
    let mut writer = database.writer().unwrap();
    let batch: Vec<_> = (0..2500)
        .map(|number| item(&format!("i{number}"), json!({ "code": "c", "price": number.to_string() })))
        .collect();
    assert!(
        writer
            .commit(&plain, &batch, Patience::SkipLocked(deadline().instant()))
            .iter()
            .all(|verdict| !committed(verdict).replayed)
    );

    let indexed = database.prepare_primary(&shop(INDEXED), trine::store::Admission::Permanent).unwrap();
    let one = [item("new", json!({ "code": "c", "price": "2499" }))];
    assert!(matches!(
        writer.commit(&plain, &one, Patience::SkipLocked(deadline().instant()))[0],
        Verdict::StaleCatalogue
    ));
    committed(&writer.commit(&indexed, &one, Patience::SkipLocked(deadline().instant()))[0]);

    let kind = indexed.resource(&TypeName::new("shop.v1.Item")).unwrap();
    let column = kind.columns.iter().position(|column| column.field == "price").unwrap();
    let value = Scalar::Integer(2498);
    let filter = Filter::column(column, ColumnKind::Integer, Operator::GreaterOrEqual, value);
    let query = ListQuery { filter, ..ListQuery::new(Some(String::new()), Sight::All, 10) };
    let found = database.reader(Reading::Lists, false).unwrap().list(kind, &query).unwrap().value;
    let keys: Vec<&str> = found.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["i2498", "i2499", "new"]);

    let error = database
        .prepare_primary(&shop("string code = 2;"), trine::store::Admission::Permanent)
        .expect_err("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("price"), "{error}");
    let again = database.prepare_primary(&shop(PLAIN), trine::store::Admission::Permanent).unwrap();
    assert_eq!(again.digest, indexed.digest, "the storage catalogue stays the newest");
}

/// Given a schema that was admitted, when the monolith starts again, then nothing is changed and it is quick.
#[test]
fn a_second_start_changes_nothing() {
    let url = fresh_url();
    let state = "SELECT (SELECT generation FROM trine.generation) || ' ' || (SELECT count(*) FROM trine.schema_history) \
                 || ' ' || (SELECT max(oid) FROM pg_class)";
    trine::store::postgres::open(&url, options())
        .unwrap()
        .prepare_primary(&shop(INDEXED), trine::store::Admission::Permanent)
        .unwrap();
    let before = shared().sql_in(&url, state);
    let catalogue = shop(INDEXED);
    let begin = std::time::Instant::now();
    let database = trine::store::postgres::open(&url, options()).unwrap();
    database.prepare_primary(&catalogue, trine::store::Admission::Permanent).unwrap();
    println!("second start: {:?}", begin.elapsed());
    assert_eq!(shared().sql_in(&url, state), before);
}

/// Given stored duplicates, when a field becomes unique, then the schema is refused and the old one goes on.
#[test]
fn duplicates_refuse_a_unique_field() {
    let url = fresh_url();
    let database = trine::store::postgres::open(&url, options()).unwrap();
    let indexed = database.prepare_primary(&shop(INDEXED), trine::store::Admission::Permanent).unwrap();
    let mut writer = database.writer().unwrap();
    let twins = [item("a", json!({ "code": "same" })), item("b", json!({ "code": "same" }))];
    writer.commit(&indexed, &twins, Patience::SkipLocked(deadline().instant())).iter().for_each(|verdict| {
        committed(verdict);
    });

    let error =
        database.prepare_primary(&shop(UNIQUE), trine::store::Admission::Permanent).expect_err("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("shop.v1.Item") && error.message.contains("unique"), "{error}");
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(shared().sql_in(&url, invalid), "0");

    let other = [item("c", json!({ "code": "other" }))];
    committed(&writer.commit(&indexed, &other, Patience::SkipLocked(deadline().instant()))[0]);
    shared().sql_in(&url, r#"DELETE FROM trine."shop.v1.Item" WHERE key = 'b'"#);
    let unique = database.prepare_primary(&shop(UNIQUE), trine::store::Admission::Permanent).unwrap();
    // Written while the column was there but not yet admitted: found all the same.
    let twin = [item("d", json!({ "code": "other" }))];
    match &writer.commit(&unique, &twin, Patience::SkipLocked(deadline().instant()))[0] {
        Verdict::Rejected(error) => assert_eq!(error.reason, Reason::UniqueViolation),
        other => panic!("{other:?}"),
    }
}

/// Given somebody who writes under the old schema all the while, when a field becomes indexed, then every row is
/// found by the value that it has at last.
#[test]
fn what_is_written_while_columns_are_filled_is_caught() {
    let url = fresh_url();
    let database = trine::store::postgres::open(&url, options()).unwrap();
    let plain = database.prepare_primary(&shop(PLAIN), Admission::Permanent).unwrap();
    let mut writer = database.writer().unwrap();
    let items: Vec<_> = (0..3000)
        .map(|number| item(&format!("i{number:04}"), json!({ "price": number.to_string() })))
        .collect();
    writer.commit(&plain, &items, Patience::SkipLocked(deadline().instant())).iter().for_each(|verdict| {
        committed(verdict);
    });
    let hammer = std::thread::spawn(move || {
        for number in 0.. {
            let resource = ResourceRef {
                kind: TypeName::new("shop.v1.Item"),
                key: Key::new(&format!("i{:04}", number % 3000)),
            };
            let price = crate::conformance::write_sets::set("price", json!((100_000 + number).to_string()));
            let change = trine::model::Change::Update(vec![price]);
            let update = [write_set(vec![mutation(resource, Precondition::None, change)])];
            match &writer.commit(&plain, &update, Patience::SkipLocked(deadline().instant()))[0] {
                Verdict::StaleCatalogue => return number,
                Verdict::Committed(_) | Verdict::Busy => {}
                other => panic!("{other:?}"),
            }
        }
        unreachable!("the schema moves")
    });
    database.prepare_primary(&shop(INDEXED), Admission::Permanent).unwrap();
    assert!(hammer.join().unwrap() > 0);
    let wrong = r#"SELECT count(*) FROM trine."shop.v1.Item" WHERE f_price IS DISTINCT FROM (doc->>'price')::bigint
                   AND (doc ? 'price' OR f_price <> 0)"#;
    assert_eq!(shared().sql_in(&url, wrong), "0");
}

/// Given a unique index that a draft left behind, and nobody came to drop it after the draft had ended, then the next start
/// drops it: it would refuse what no schema forbids.
#[test]
fn a_start_drops_a_unique_index_of_no_schema() {
    let url = fresh_url();
    let catalogue =
        shop("string code = 2 [(trine.v1.index) = true]; string mark = 3 [(trine.v1.unique) = true];");
    let start = || {
        let database = trine::store::postgres::open(&url, options()).unwrap();
        database.prepare_primary(&catalogue, Admission::Permanent).unwrap();
    };
    start();
    let database = trine::store::DatabaseUrl::Postgres(url.clone());
    let mut sql = crate::sql::Sql::open(&database);
    sql.run("CREATE UNIQUE INDEX \"shop.v1.Item:unique:code\" ON trine.\"shop.v1.Item\" (f_code)").unwrap();
    start();
    let of_table = "FROM pg_indexes WHERE tablename = 'shop.v1.Item' AND indexname LIKE '%:%:%' ORDER BY 1";
    let left: Vec<_> = sql.column("indexname", of_table).unwrap().into_iter().flatten().collect();
    assert_eq!(left, ["shop.v1.Item:index:code", "shop.v1.Item:unique:mark"]);
}
