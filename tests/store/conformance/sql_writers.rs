//! `sql_writable`: what somebody writes through a view, and what may not be written.

use std::sync::Arc;

use serde_json::{Value, json};
use trine::model::{Key, Reason, Sight, TypeName};
use trine::schema::{Catalogue, ResourceType};
use trine::store::{ReadStore, WriteStore};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::write_sets::{create, set, update, update_version, write_set};
use super::zoo::{FIELDS, beast, zoo};
use crate::sql::Sql;

const WRITABLE: &str = "option (trine.v1.sql_writable) = true;";

pub struct Zoo {
    pub database: TestDatabase,
    pub write: WriteStore,
    pub kind: Arc<ResourceType>,
    pub sql: Sql,
    pub view: String,
}

impl Zoo {
    pub fn open(fresh: Factory, fields: &str) -> Self {
        Self::of(fresh(), &zoo(WRITABLE, fields))
    }

    fn of(database: TestDatabase, catalogue: &Catalogue) -> Self {
        let write = WriteStore::open(&database.url, options(), catalogue).unwrap();
        let kind = catalogue.resource(&TypeName::new("zoo.v1.Beast")).unwrap().clone();
        let sql = Sql::open(&database.url);
        let view = sql.view("zoo_v1", "beast");
        Self { database, write, kind, sql, view }
    }

    fn insert(&mut self, columns: &str, values: &str) -> Result<(), String> {
        let view = &self.view;
        self.sql
            .run(&format!("INSERT INTO {view} (name, {columns}) VALUES ('keepers/ann/beasts/leo', {values})"))
    }

    fn update(&mut self, sets: &str) -> Result<(), String> {
        self.sql.run(&format!("UPDATE {} SET {sets}", self.view))
    }

    /// What the API shows, without what the chassis fills in.
    async fn shown(&self) -> Value {
        let read = ReadStore::open(&self.database.url, options(), false).unwrap();
        let key = Key::child("ann", "leo");
        let Some(stored) = read.get(&self.kind, &key, &Sight::All, deadline()).await.unwrap().value else {
            return Value::Null;
        };
        let mut shown: Value = serde_json::from_str(&self.kind.render_json(&stored)).unwrap();
        for own in ["name", "createTime", "updateTime", "etag"] {
            shown.as_object_mut().unwrap().remove(own).unwrap();
        }
        shown
    }

    fn version(&mut self) -> i64 {
        self.sql.cell("version_", &format!("FROM {}", self.view)).unwrap().parse().unwrap()
    }
}

/// Given a writable view, when somebody inserts a row with a column of every scalar kind, then the API shows
/// it in canonical JSON, and its promoted fields are found by index.
pub async fn an_inserted_row_is_a_resource(fresh: Factory) {
    let mut zoo = Zoo::open(fresh, FIELDS);
    zoo.insert(
        "title, code, tame, legs, weight, height, cages, number, rank, speed, bite, worth, diet, favourite, \
         picture, born, seen, owner_count, age, nick, caught, version",
        "'L\"eo', 'L1', true, -4, -9223372036854775808, 9223372036854775807, 4294967295, \
         '18446744073709551615', '18446744073709551615', 0.1, 2.5, 3, 'FLESH', 'PLANTS', '_-8', \
         '1969-07-20T20:17:40.12Z', '9999-12-31T23:59:59Z', 7, 0, '', 'Kruger', 'own'",
    )
    .unwrap();
    let expected = json!({
        "title": "L\"eo", "code": "L1", "tame": true, "legs": -4, "weight": "-9223372036854775808",
        "height": "9223372036854775807", "cages": 4_294_967_295_u32, "number": "18446744073709551615",
        "rank": "18446744073709551615", "speed": 0.1, "bite": 2.5, "worth": 3, "diet": "MEAT",
        "favourite": "PLANTS", "picture": "/+8=", "born": "1969-07-20T20:17:40.120Z",
        "seen": "9999-12-31T23:59:59Z", "ownerCount": "7", "age": 0, "nick": "", "caught": "Kruger",
        "version": "own"
    });
    assert_eq!(zoo.shown().await, expected);
    let view = zoo.view.clone();
    let seen = if zoo.sql.is_sqlite() { "seen" } else { "seen_text" };
    for condition in [
        "code = 'L1'".to_owned(),
        "height = 9223372036854775807".to_owned(),
        "worth = 3".to_owned(),
        "caught = 'Kruger'".to_owned(),
        format!("{seen} = '9999-12-31T23:59:59.000000000Z'"),
        "key = 'ann/leo' AND parent_key = 'ann'".to_owned(),
    ] {
        let found = zoo.sql.cell("count(*)", &format!("FROM {view} WHERE {condition}"));
        assert_eq!(found.as_deref(), Some("1"), "{condition}");
    }
    // Taken is taken.
    zoo.insert("title", "'again'").unwrap_err();
}

/// Given a resource of the API's, when somebody changes columns, then only these change: NULL clears, defaults do
/// not appear, nested and unknown fields stay, the version grows.
pub async fn an_update_touches_what_it_changes(fresh: Factory) {
    let mut zoo = Zoo::open(fresh, FIELDS);
    let document = json!({
        "title": "Leo", "legs": 4, "born": "2020-01-01T00:00:00.123456789Z", "tags": ["a"],
        "home": { "city": "Bern" }, "nick": "L", "bred": "here", "colour": "red", "worth": "NaN"
    });
    zoo.write.commit(write_set(vec![create(beast("leo"), document)]), deadline()).await.unwrap();
    let before = zoo.version();
    zoo.update("legs = 0, nick = NULL, height = 5, tame = tame").unwrap();
    let expected = json!({
        "title": "Leo", "born": "2020-01-01T00:00:00.123456789Z", "tags": ["a"], "home": { "city": "Bern" },
        "bred": "here", "height": "5", "worth": "NaN"
    });
    assert_eq!(zoo.shown().await, expected);
    assert!(zoo.version() > before);
    let view = format!("FROM {}", zoo.view);
    assert_eq!(zoo.sql.cell("nick", &view), None);
    let table = if zoo.sql.is_sqlite() { "`zoo.v1.Beast`" } else { "trine.\"zoo.v1.Beast\"" };
    let kept = zoo.sql.cell("doc ->> 'colour'", &format!("FROM {table}"));
    assert_eq!(kept.as_deref(), Some("red"), "a field of a newer schema");

    zoo.update("caught = 'there'").unwrap();
    let shown = zoo.shown().await;
    assert_eq!((shown.get("bred"), &shown["caught"]), (None, &json!("there")), "one member of a oneof");
    assert_eq!(zoo.sql.cell("bred", &view), None);
}

/// Given a writer by SQL and one by the API on one resource, then neither overwrites what it has not seen.
pub async fn writers_by_sql_and_by_the_api_do_not_overwrite_each_other(fresh: Factory) {
    let mut zoo = Zoo::open(fresh, FIELDS);
    let created =
        zoo.write.commit(write_set(vec![create(beast("leo"), json!({}))]), deadline()).await.unwrap();
    let first = created.results[0].clone().unwrap().version;
    zoo.update("title = 'by SQL'").unwrap();
    let stale = write_set(vec![update_version(beast("leo"), first, vec![set("title", json!("stale"))])]);
    let error = zoo.write.commit(stale, deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::Conflict);
    let legs = write_set(vec![update(beast("leo"), vec![set("legs", json!(4))])]);
    zoo.write.commit(legs, deadline()).await.unwrap();
    assert_eq!(zoo.shown().await, json!({ "title": "by SQL", "legs": 4 }));
    let version = zoo.version();
    zoo.update(&format!("legs = CASE version_ WHEN {} THEN 9 ELSE legs END, title = 'two'", first.0))
        .unwrap();
    assert_eq!(zoo.shown().await, json!({ "title": "two", "legs": 4 }));
    assert!(zoo.version() > version);

    let view = zoo.view.clone();
    zoo.sql.run(&format!("DELETE FROM {view} WHERE key = 'ann/leo'")).unwrap();
    assert_eq!(zoo.shown().await, Value::Null);
    zoo.write.commit(write_set(vec![create(beast("leo"), json!({}))]), deadline()).await.unwrap();
    assert!(zoo.version() > version, "a version is never given again");
}

/// Given values and columns that may not be, then each is refused by what is wrong, and nothing is written.
pub async fn what_may_not_be_written_is_refused(fresh: Factory) {
    let fields = format!(
        "{FIELDS} string chip = 40 [(google.api.field_behavior) = IMMUTABLE]; \
         string owner = 41 [(google.api.field_behavior) = REQUIRED]; \
         int32 visits = 42 [(google.api.field_behavior) = OUTPUT_ONLY];"
    );
    let mut zoo = Zoo::open(fresh, &fields);
    let bad_name = format!("INSERT INTO {} (name, owner) VALUES ('keepers/ann/cats/leo', 'o')", zoo.view);
    assert!(zoo.sql.run(&bad_name).unwrap_err().contains("name must be keepers/{keeper}/beasts/{beast}"));
    let bad_id = format!("INSERT INTO {} (name, owner) VALUES ('keepers/a b/beasts/leo', 'o')", zoo.view);
    assert!(zoo.sql.run(&bad_id).unwrap_err().contains("name must be"));
    assert!(zoo.insert("title", "'no owner'").unwrap_err().contains("owner is required"));
    assert_eq!(zoo.shown().await, Value::Null);

    zoo.insert("owner, chip", "'o', 'c'").unwrap();
    let (version, before) = (zoo.version(), zoo.shown().await);
    let mut refusals = vec![
        ("legs = 2147483648", "legs must be"),
        ("cages = -1", "cages must be"),
        ("cages = 4294967296", "cages must be"),
        ("diet = 'STONES'", "diet must be one of DIET_UNSPECIFIED, PLANTS, MEAT, FLESH"),
        ("favourite = ''", "favourite must be one of"),
        ("bite = 1e39", "bite must be"),
        ("picture = 'not base64!'", "picture must be"),
        ("owner = ''", "owner is required"),
        ("owner = NULL", "owner is required"),
        ("chip = 'd'", "chip is IMMUTABLE"),
        ("visits = 1", "visits is OUTPUT_ONLY"),
        ("name = 'keepers/ann/beasts/leonie'", "keeps its name"),
        ("key = 'ann/leonie'", "key is kept by the server"),
        ("version_ = -1", "version_ is kept by the server"),
        ("etag = 'x'", "etag is kept by the server"),
        ("create_time = NULL", "create_time is kept by the server"),
        ("bred = 'a', caught = 'b'", "one member of a oneof"),
        ("tags = '[\"a\"]'", "tags is JSON"),
        ("meals = '{}', home = '{}'", "home is JSON"),
        ("sleep = '1s'", "sleep is JSON"),
    ];
    if zoo.sql.is_sqlite() {
        refusals.extend([
            ("title = 5", "title must be text"),
            ("title = 'a' || char(0)", "title must be text without NUL"),
            ("code = CAST(x'eda080' AS TEXT)", "code must be text without NUL, in UTF-8"),
            ("nick = CAST(x'4ce9' AS TEXT)", "nick must be text without NUL, in UTF-8"),
            ("legs = 'four'", "legs must be"),
            ("legs = 1.5", "legs must be"),
            ("tame = 2", "tame must be"),
            ("number = '18446744073709551616'", "number must be"),
            ("born = '2026-02-30T00:00:00Z'", "born must be"),
            ("born = '0000-01-01T00:00:00Z'", "born must be"),
            ("born = 'yesterday'", "born must be"),
            ("speed = 'fast'", "speed must be"),
        ]);
    } else {
        refusals.extend([
            ("number = 18446744073709551616", "number must be"),
            ("speed = 'NaN'", "speed must be"),
            ("born = 'infinity'", "born must be a time"),
            ("born = '0001-01-01 00:00:00+00 BC'", "born must be a time"),
            ("seen = '10000-01-01 00:00:00+00'", "seen must be a time"),
        ]);
    }
    for (sets, message) in refusals {
        let error = zoo.update(sets).expect_err(sets);
        assert!(error.contains(message), "{sets}: {error}");
    }
    let long = format!("code = '{}'", "x".repeat(2000));
    assert!(zoo.update(&long).unwrap_err().contains("code must be"), "too long for its index");
    assert_eq!((zoo.version(), zoo.shown().await), (version, before));
}

/// Given rows that hold a unique value or a name, when SQL writes the same, with whatever clause against
/// conflicts, then it is refused and no row is replaced.
pub async fn no_row_replaces_another(fresh: Factory) {
    let fields = format!("{FIELDS} string chip = 40 [(trine.v1.unique) = true];");
    let mut zoo = Zoo::open(fresh, &fields);
    let view = zoo.view.clone();
    for (id, chip) in [("leo", "c1"), ("mia", "c2"), ("tom", ""), ("kit", "")] {
        let row = format!("INTO {view} (name, chip) VALUES ('keepers/ann/beasts/{id}', '{chip}')");
        zoo.sql.run(&format!("INSERT {row}")).unwrap();
    }
    let clauses: &[&str] =
        if zoo.sql.is_sqlite() { &["", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ABORT"] } else { &[""] };
    let rows = zoo.sql.column("name || chip || version_", &format!("FROM {view} ORDER BY 1")).unwrap();
    for clause in clauses {
        for (id, chip, word) in [("leo", "c3", "name"), ("new", "c1", "chip"), ("leo", "c1", "")] {
            let row = format!("INTO {view} (name, chip) VALUES ('keepers/ann/beasts/{id}', '{chip}')");
            let error = zoo.sql.run(&format!("INSERT {clause} {row}")).expect_err(clause);
            assert!(!zoo.sql.is_sqlite() || error.contains(word), "{clause}: {error}");
        }
        let taken = zoo.sql.run(&format!("UPDATE {clause} {view} SET chip = 'c1' WHERE key = 'ann/mia'"));
        assert!(taken.expect_err(clause).contains("chip"), "{clause}");
    }
    let after = zoo.sql.column("name || chip || version_", &format!("FROM {view} ORDER BY 1")).unwrap();
    assert_eq!(after, rows, "something was written");
    zoo.sql.run(&format!("UPDATE {view} SET chip = chip, title = 'same'")).unwrap();
    zoo.sql.run(&format!("UPDATE {view} SET chip = 'c9' WHERE key = 'ann/mia'")).unwrap();
}

/// Given a oneof of which SQL may not write one member, when it sets another, then the index forgets the first.
pub async fn a_member_that_is_set_clears_the_others_from_their_index(fresh: Factory) {
    let fields = format!(
        "{FIELDS} oneof state {{ string judged = 40 [(google.api.field_behavior) = OUTPUT_ONLY, \
         (trine.v1.index) = true]; string wished = 41; }}"
    );
    let mut zoo = Zoo::open(fresh, &fields);
    zoo.write
        .commit(write_set(vec![create(beast("leo"), json!({ "judged": "old" }))]), deadline())
        .await
        .unwrap();
    zoo.update("title = 'x'").unwrap();
    // The view shows an indexed field as its column has it.
    let judged = |zoo: &mut Zoo| zoo.sql.cell("judged", &format!("FROM {}", zoo.view));
    assert_eq!(judged(&mut zoo).as_deref(), Some("old"));
    zoo.update("wished = 'new'").unwrap();
    assert_eq!(zoo.shown().await, json!({ "title": "x", "wished": "new" }));
    assert_eq!(judged(&mut zoo), None);
}

/// Given a text far longer than any that a request may carry, when SQL writes it, then what it takes grows with its
/// length alone. (With its square, this test would not end.)
pub async fn a_long_text_is_written_by_sql(fresh: Factory) {
    let mut zoo = Zoo::open(fresh, FIELDS);
    zoo.insert("title", "'Leo'").unwrap();
    for (letter, length) in [("a", 5_000_000), ("é", 2_000_000)] {
        let text = letter.repeat(length);
        zoo.update(&format!("title = '{text}'")).unwrap();
        assert_eq!(zoo.shown().await, json!({ "title": text }));
    }
}

/// Given a parent with children, when somebody deletes it by SQL, then it is refused; without them it goes. Where
/// deletion is soft, the row stays and tells when.
pub async fn a_deletion_by_sql_follows_the_rules(fresh: Factory) {
    let fields = format!(
        "{FIELDS} google.protobuf.Timestamp delete_time = 50; google.protobuf.Timestamp purge_time = 51;"
    );
    let mut zoo = Zoo::open(fresh, &fields);
    let keepers = zoo.sql.view("zoo_v1", "keeper");
    zoo.sql.run(&format!("INSERT INTO {keepers} (name) VALUES ('keepers/ann')")).unwrap();
    zoo.insert("title", "'Leo'").unwrap();
    let delete_parent = format!("DELETE FROM {keepers} WHERE key = 'ann'");
    assert!(zoo.sql.run(&delete_parent).unwrap_err().contains("children"));
    let view = zoo.view.clone();
    zoo.sql.run(&format!("DELETE FROM {view}")).unwrap();
    let gone = format!("FROM {view} WHERE delete_time IS NOT NULL AND purge_time > delete_time");
    assert_eq!(zoo.sql.cell("count(*)", &gone).as_deref(), Some("1"));
    assert!(zoo.update("title = 'x'").unwrap_err().contains("deleted"));
    zoo.sql.run(&delete_parent).unwrap();
}

/// Given a table whose option is not set, then nobody writes through its view.
pub async fn a_view_is_read_only_unless_asked(fresh: Factory) {
    let mut zoo = Zoo::of(fresh(), &super::zoo::zoo("", FIELDS));
    zoo.insert("title", "'Leo'").unwrap_err();
}

/// Given a writable view, when a newer schema takes the option away, then nobody writes through it any more.
pub async fn a_view_that_was_writable_is_read_only_again(fresh: Factory) {
    let mut zoo = Zoo::open(fresh, FIELDS);
    zoo.insert("title", "'Leo'").unwrap();
    let Zoo { database, write, .. } = zoo;
    drop(write);
    let mut zoo = Zoo::of(database, &super::zoo::zoo("", FIELDS));
    zoo.update("title = 'x'").unwrap_err();
    let view = zoo.view.clone();
    zoo.sql.run(&format!("DELETE FROM {view}")).unwrap_err();
    assert_eq!(zoo.shown().await, json!({ "title": "Leo" }));
}

/// Given a type with an owner, when SQL writes its rows, then each has the owner that was named: none is without,
/// and an update that names none leaves it.
pub async fn a_row_that_sql_writes_has_an_owner(fresh: Factory) {
    for presence in ["", "optional "] {
        let options = format!("{WRITABLE} option (trine.v1.owner_field) = \"display_name\";");
        let catalogue = super::zoo::zoo(&options, &format!("{FIELDS} {presence}string display_name = 41;"));
        let mut zoo = Zoo::of(fresh(), &catalogue);
        for (columns, values) in [("title", "'Leo'"), ("display_name", "''"), ("display_name", "NULL")] {
            assert!(
                zoo.insert(columns, values).unwrap_err().contains("display_name is the owner, and required")
            );
        }
        zoo.insert("display_name, title", "'ann', 'Leo'").unwrap();
        zoo.update("title = 'two'").unwrap();
        for sets in ["display_name = ''", "display_name = NULL"] {
            assert!(zoo.update(sets).unwrap_err().contains("display_name is the owner, and required"));
        }
        assert_eq!(zoo.shown().await, json!({ "title": "two", "displayName": "ann" }));
        zoo.update("display_name = 'bob'").unwrap();
        assert_eq!(zoo.shown().await, json!({ "title": "two", "displayName": "bob" }));
    }
}
