//! Schemas that follow one another over the same rows, with binaries of each of them at work.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use trine::model::{Change, Key, Precondition, Reason, ResourceRef, Result, Sight, Stored, TypeName};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{Admission, Committed, DatabaseUrl, ReadStore, WriteStore};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::write_sets::{document, mutation, set, update, write_set};
use crate::sql::Sql;

/// A shop with these fields in its items and these declarations around them.
pub fn shop(fields: &str, around: &str) -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        r#"syntax = "proto3";
        package shop.v1;
        import "google/api/resource.proto";
        import "trine/v1/options.proto";
        {around}
        message Item {{
          option (google.api.resource) = {{ type: "shop.example.com/Item" pattern: "items/{{item}}" singular: "item" plural: "items" }};
          string name = 1;
          {fields}
        }}"#
    );
    std::fs::create_dir_all(directory.path().join("shop/v1")).unwrap();
    std::fs::write(directory.path().join("shop/v1/shop.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["shop.v1".to_owned()])
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub fn items(catalogue: &Catalogue) -> &Arc<ResourceType> {
    catalogue.resource(&TypeName::new("shop.v1.Item")).unwrap()
}

pub fn item(id: &str) -> ResourceRef {
    ResourceRef { kind: TypeName::new("shop.v1.Item"), key: Key::new(id) }
}

/// A monolith of one schema on a database; one at a time.
pub struct Monolith {
    pub write: WriteStore,
    pub read: ReadStore,
    pub catalogue: Catalogue,
}

impl Monolith {
    pub fn start(url: &DatabaseUrl, catalogue: Catalogue) -> Self {
        Self::try_start(url, catalogue, Admission::Permanent).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_start(url: &DatabaseUrl, catalogue: Catalogue, admission: Admission) -> Result<Self> {
        let write = WriteStore::open_as(url, options(), &catalogue, admission)?;
        Ok(Self { write, read: ReadStore::open(url, options(), false)?, catalogue })
    }

    pub async fn create(&self, id: &str, value: Value) -> Result<Committed> {
        let change = Change::Create(document(value));
        self.write.commit(write_set(vec![mutation(item(id), Precondition::None, change)]), deadline()).await
    }

    async fn set(&self, id: &str, field: &str, value: Value) -> Result<Committed> {
        self.write.commit(write_set(vec![update(item(id), vec![set(field, value)])]), deadline()).await
    }

    async fn stored(&self, id: &str) -> Stored {
        let kind = items(&self.catalogue);
        self.read.get(kind, &Key::new(id), &Sight::All, deadline()).await.unwrap().value.unwrap()
    }

    /// What a client of this schema sees.
    async fn shown(&self, id: &str) -> Value {
        let stored = self.stored(id).await;
        let kind = items(&self.catalogue);
        kind.to_message(&stored).expect("binary clients can read it");
        serde_json::from_str(&kind.render_json(&stored)).unwrap()
    }

    pub async fn found(&self, filter: &str) -> Vec<String> {
        let kind = items(&self.catalogue);
        let filter = trine::query::filter::parse(kind, filter).unwrap();
        let query = trine::query::ListQuery { filter, ..super::lists::query(Some(""), 100) };
        let rows = self.read.list(kind, query, deadline()).await.unwrap().value;
        rows.iter().map(|row| row.key.as_str().to_owned()).collect()
    }
}

pub fn refusal(url: &DatabaseUrl, catalogue: Catalogue) -> String {
    let error = Monolith::try_start(url, catalogue, Admission::Permanent).err().expect("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition, "{error}");
    error.message
}

const CODE: &str = "string code = 2 [(trine.v1.index) = true];";
const GONE: &str = "reserved 2; reserved \"code\"; string title = 3;";

/// Given rows with a field, when a newer schema deletes and reserves it, then the newer one reads them without
/// it, an older binary still finds, writes and reads it, and neither loses what the other wrote.
pub async fn a_deleted_field_is_hidden_and_kept_for_older_binaries(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let old = Monolith::start(&url, shop(CODE, ""));
    old.create("a", json!({ "code": "x" })).await.unwrap();
    drop(old);
    let new = Monolith::start(&url, shop(GONE, ""));
    assert_eq!(new.shown("a").await, json!({ "name": "items/a" }));
    new.set("a", "title", json!("t")).await.unwrap();
    assert_eq!(new.shown("a").await, json!({ "name": "items/a", "title": "t" }));
    drop(new);

    let old = Monolith::start(&url, shop(CODE, ""));
    assert_eq!(old.shown("a").await, json!({ "name": "items/a", "code": "x" }));
    old.create("b", json!({ "code": "y" })).await.unwrap();
    old.set("a", "code", json!("z")).await.unwrap();
    assert_eq!(
        (old.found("code = \"z\"").await, old.found("code = \"y\"").await),
        (vec!["a".into()], vec!["b".into()])
    );
    drop(old);
    let new = Monolith::start(&url, shop(GONE, ""));
    assert_eq!(new.shown("a").await, json!({ "name": "items/a", "title": "t" }));
    drop(new);
    let refused = refusal(&url, shop("string title = 3;", ""));
    assert!(
        refused.contains("is reserved no longer") && refused.contains("without being reserved"),
        "{refused}"
    );
}

/// Given rows with a field, when a newer schema makes it INPUT_ONLY, then the newer one neither shows it nor filters by it,
/// an older binary does as before, and a prune removes what is hidden.
pub async fn what_becomes_input_only_is_shown_by_older_binaries_only(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let plain = || shop("Lock lock = 2; string title = 3;", "message Lock { string pin = 1; }");
    let hidden = || {
        let option = "[(google.api.field_behavior) = INPUT_ONLY]";
        let lock = format!("message Lock {{ string pin = 1 {option}; }}");
        shop(
            "Lock lock = 2; string title = 3;",
            &format!("import \"google/api/field_behavior.proto\"; {lock}"),
        )
    };
    let old = Monolith::start(&url, plain());
    old.create("a", json!({ "lock": { "pin": "1234" } })).await.unwrap();
    drop(old);
    let new = Monolith::start(&url, hidden());
    new.set("a", "title", json!("t")).await.unwrap();
    let shown = json!({ "name": "items/a", "lock": {}, "title": "t" });
    assert_eq!(new.shown("a").await, shown);
    let refused = trine::query::filter::parse(items(&new.catalogue), "lock.pin = \"1234\"").unwrap_err();
    assert!(refused.message.contains("INPUT_ONLY"), "{refused}");
    drop(new);

    let old = Monolith::start(&url, plain());
    assert_eq!(old.shown("a").await["lock"], json!({ "pin": "1234" }));
    assert_eq!(old.found("lock.pin = \"1234\"").await, ["a"]);
    drop(old);
    let lines = url.prune(options(), &hidden(), true).unwrap();
    assert!(
        lines.iter().any(|line| line == "values of hidden fields in 1 rows of `shop.v1.Item`"),
        "{lines:?}"
    );
    let new = Monolith::start(&url, hidden());
    assert_eq!((new.shown("a").await, new.stored("a").await.document.contains("1234")), (shown, false));
}

/// Given a row whose oneof holds a member that an older binary does not know, when that binary sets another one,
/// then the unknown one is cleared; and the other way round with a member that the newer one has deleted.
pub async fn a_oneof_has_one_member_whoever_writes(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let older = || shop("oneof choice { string a = 2; string gone = 3; }", "");
    let newer = || shop("oneof choice { string a = 2; string b = 4; } reserved 3; reserved \"gone\";", "");
    drop(Monolith::start(&url, older()));
    let new = Monolith::start(&url, newer());
    new.create("i", json!({ "b": "new" })).await.unwrap();
    drop(new);
    let old = Monolith::start(&url, older());
    old.set("i", "gone", json!("old")).await.unwrap();
    assert_eq!(old.shown("i").await, json!({ "name": "items/i", "gone": "old" }));
    drop(old);
    let new = Monolith::start(&url, newer());
    assert_eq!(new.shown("i").await, json!({ "name": "items/i" }));
    new.set("i", "b", json!("again")).await.unwrap();
    let stored: Value = serde_json::from_str(&new.stored("i").await.document).unwrap();
    assert_eq!(stored, json!({ "b": "again" }));
}

const COLORS: &str = "repeated Part parts = 2; map<string, Part> by_name = 3;";

/// Given rows that hold an enum's value deep inside, when it is deleted and reserved, then the start is refused
/// with their names and number; when no row holds it any more, it is admitted.
pub async fn an_enum_value_goes_when_no_row_holds_it(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let colors = |rest| {
        format!("enum Color {{ NONE = 0; RED = 1; {rest} }} message Part {{ repeated Color colors = 1; }}")
    };
    let old = Monolith::start(&url, shop(COLORS, &colors("BLUE = 2;")));
    old.create("a", json!({ "parts": [{ "colors": ["RED"] }, { "colors": ["RED", "BLUE"] }] }))
        .await
        .unwrap();
    old.create("b", json!({ "byName": { "BLUE": { "colors": ["RED"] } } })).await.unwrap();
    old.create("c", json!({ "byName": { "x": { "colors": ["BLUE"] } } })).await.unwrap();
    let without = || shop(COLORS, &colors("reserved 2; reserved \"BLUE\";"));
    let found = url.check_schema(options(), &without()).unwrap().breaks;
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("(hold it: 2 rows: `items/a`, `items/c`)"), "{found:?}");
    drop(old);
    let refused = refusal(&url, without());
    assert!(refused.contains(&found[0].to_string()), "the same words: {refused}");

    let old = Monolith::start(&url, shop(COLORS, &colors("BLUE = 2;")));
    old.set("a", "parts", json!([])).await.unwrap();
    old.set("c", "byName", json!({})).await.unwrap();
    drop(old);
    Monolith::start(&url, without());
}

/// Given a row whose `Any` holds an enum's value that no pbtable names, when the value is deleted and reserved, then the
/// row stands against it; without it the value may go.
pub async fn an_enum_value_within_an_any_is_held_too(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let shop = |rest| {
        let paint = format!("enum Color {{ NONE = 0; {rest} }} message Paint {{ Color color = 1; }}");
        let note = "message Note { string color = 1; }";
        let around = format!("import \"google/protobuf/any.proto\"; {paint} {note}");
        shop("repeated google.protobuf.Any details = 2;", &around)
    };
    let old = Monolith::start(&url, shop("BLUE = 2;"));
    let paint = json!([{ "@type": "type.googleapis.com/shop.v1.Paint", "color": "BLUE" }]);
    old.create("a", json!({ "details": paint })).await.unwrap();
    drop(old);
    let without = "reserved 2; reserved \"BLUE\";";
    let refused = refusal(&url, shop(without));
    assert!(refused.contains("(hold it: 1 row: `items/a`)"), "{refused}");

    let old = Monolith::start(&url, shop("BLUE = 2;"));
    // A text that only reads like it is none.
    let note = json!([{ "@type": "type.googleapis.com/shop.v1.Note", "color": "BLUE" }]);
    old.set("a", "details", note).await.unwrap();
    drop(old);
    Monolith::start(&url, shop(without));
}

/// Given rows that agree in a field, when it becomes unique, then the start is refused and names them; texts that
/// no index can hold refuse an index, and a binary that knows of none may not store one.
pub async fn rows_decide_whether_a_field_may_be_unique_or_indexed(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let plain = || shop("string code = 2; string text = 3;", "");
    let unique = || shop("string code = 2 [(trine.v1.unique) = true]; string text = 3;", "");
    let indexed = || shop("string code = 2; string text = 3 [(trine.v1.index) = true];", "");
    let old = Monolith::start(&url, plain());
    for (id, code) in [("a", "same"), ("b", "same"), ("c", "other"), ("d", ""), ("e", "")] {
        old.create(id, json!({ "code": code })).await.unwrap();
    }
    old.set("e", "text", json!("x".repeat(5000))).await.unwrap();
    drop(old);
    let refused = refusal(&url, unique());
    assert!(
        refused.contains("is now unique") && refused.contains("2 rows: `items/a`, `items/b`"),
        "{refused}"
    );
    let refused = refusal(&url, indexed());
    assert!(refused.contains("(are too long: 1 row: `items/e`)"), "{refused}");

    let old = Monolith::start(&url, plain());
    old.set("a", "code", json!("first")).await.unwrap();
    old.set("e", "text", json!("short")).await.unwrap();
    drop(old);
    drop(Monolith::start(&url, unique()));
    let old = Monolith::start(&url, plain());
    assert_eq!(old.set("c", "code", json!("first")).await.unwrap_err().reason, Reason::UniqueViolation);
    drop(old);
    let both = "string code = 2 [(trine.v1.unique) = true]; string text = 3 [(trine.v1.index) = true];";
    drop(Monolith::start(&url, shop(both, "")));
    let old = Monolith::start(&url, plain());
    let error = old.set("d", "text", json!("x".repeat(5000))).await.unwrap_err();
    assert_eq!(error.reason, Reason::InvalidField, "{error}");
}

/// Given a field with an index that the table's options declare again, when the schema starts on an empty database and
/// then once more, then there is the one index.
pub async fn an_index_that_is_declared_twice_is_there_once(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    for _ in 0..2 {
        let twice = "option (trine.v1.indexes) = { fields: \"code\" };";
        drop(Monolith::start(&url, shop(&format!("{twice} {CODE}"), "")));
        let names = match &url {
            DatabaseUrl::Postgres(_) => "SELECT indexname AS name FROM pg_indexes",
            DatabaseUrl::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'index'",
        };
        let of_items = format!("FROM ({names}) AS indexes WHERE name LIKE 'shop.v1.Item:%'");
        let found = Sql::open(&url).column("name", &of_items).unwrap();
        assert_eq!(found, [Some("shop.v1.Item:index:code".to_owned())]);
    }
}

/// Given two schemas that extend one in different ways, when the second comes, then it is refused and told what it
/// lacks; a schema that has both is admitted, and each older one still starts.
pub async fn branches_are_merged_before_they_are_admitted(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let (base, left) = ("string a = 2;", "string a = 2; string b = 3 [(trine.v1.index) = true];");
    drop(Monolith::start(&url, shop(base, "")));
    drop(Monolith::start(&url, shop(left, "")));
    let refused = refusal(&url, shop("string a = 2; string c = 4;", ""));
    assert!(refused.contains("`shop.v1.Item.b` = 3 is gone without being reserved"), "{refused}");
    drop(Monolith::start(&url, shop(&format!("{left} string c = 4;"), "")));
    for known in [base, left] {
        let old = Monolith::start(&url, shop(known, ""));
        let id = format!("i{}", known.len());
        old.create(&id, json!({ "a": "x" })).await.unwrap();
    }
}

const SECOND: &str = "message Shelf { OPTION option (google.api.resource) = { type: \"shop.example.com/Shelf\" pattern: \"shelves/{shelf}\" }; string name = 1; string label = 2; }";

/// Given a pbtable with rows, when it is dropped by a tombstone and pruned, then its rows stay until the prune, older
/// binaries can be started until then, and the tombstone may go after it.
pub async fn a_dropped_pbtable_stays_until_it_is_pruned(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let with = |option: &str, fields: &str| shop(fields, &SECOND.replace("OPTION", option));
    let old = Monolith::start(&url, with("", CODE));
    let shelf = ResourceRef { kind: TypeName::new("shop.v1.Shelf"), key: Key::new("s") };
    let create = Change::Create(document(json!({ "label": "l" })));
    let shelves = write_set(vec![mutation(shelf.clone(), Precondition::None, create)]);
    old.write.commit(shelves, deadline()).await.unwrap();
    old.create("a", json!({ "code": "x" })).await.unwrap();
    drop(old);

    let dropped = || with("option (trine.v1.dropped) = true;", GONE);
    assert_eq!(dropped().types.len(), 1, "it is served no longer");
    drop(Monolith::start(&url, dropped()));
    let without = refusal(&url, shop(GONE, ""));
    assert!(without.contains("(are stored: 1 row: `shelves/s`)"), "{without}");
    let old = Monolith::start(&url, with("", CODE));
    let kind = old.catalogue.resource(&shelf.kind).unwrap();
    assert!(old.read.get(kind, &shelf.key, &Sight::All, deadline()).await.unwrap().value.is_some());
    let touched = write_set(vec![update(shelf.clone(), vec![set("label", json!("m"))])]);
    old.write.commit(touched, deadline()).await.unwrap();
    drop(old);

    let lines = url.prune(options(), &dropped(), false).unwrap();
    for part in
        ["binaries cannot be started", "`shop.v1.Shelf` with all", "index", "column `f_code`", "1 rows of"]
    {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:?}");
    }
    assert_eq!(url.prune(options(), &dropped(), true).unwrap(), lines, "what was announced");
    assert_eq!(url.prune(options(), &dropped(), true).unwrap(), Vec::<String>::new());
    let error = Monolith::try_start(&url, with("", CODE), Admission::Permanent).err().expect("refused");
    assert!(error.message.contains("trine schema prune"), "{error}");
    let new = Monolith::start(&url, dropped());
    let stored: Value = serde_json::from_str(&new.stored("a").await.document).unwrap();
    assert_eq!(stored, json!({}), "the deleted field's value is gone");
    drop(new);
    drop(Monolith::start(&url, shop(GONE, "")));
}

/// Given a draft, when the next one contradicts it, then it is admitted as long as no row stands against it; drafts
/// never contradict what is permanent; the first permanent start makes the latest permanent.
pub async fn drafts_answer_to_rows_only(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let draft = |fields: &str| Monolith::try_start(&url, shop(fields, ""), Admission::Draft);
    drop(Monolith::start(&url, shop("string title = 2;", "")));
    drop(draft("string title = 2; int64 code = 3 [(trine.v1.unique) = true];").unwrap());
    let second = draft("string title = 2; string code = 3 [(trine.v1.index) = true];").unwrap();
    second.create("a", json!({ "code": "x" })).await.unwrap();
    second.create("b", json!({ "code": "x" })).await.unwrap();
    assert_eq!(second.found("code = \"x\"").await, ["a", "b"]);
    drop(second);
    let refused = draft("string title = 2; int64 code = 3;").err().expect("rows hold texts");
    assert!(refused.message.contains("was string and is int64"), "{refused}");
    let refused = draft("string code = 3 [(trine.v1.index) = true];").err().expect("title is permanent");
    assert!(refused.message.contains("shop.v1.Item.title"), "{refused}");

    let latest = || shop("string title = 2; string code = 3 [(trine.v1.index) = true];", "");
    let refused = url.prune(options(), &latest(), true).unwrap_err();
    assert!(refused.message.contains("is a draft"), "{refused}");
    drop(Monolith::start(&url, latest()));
    let refused = draft("string title = 2; bool other = 3;").err().expect("it is permanent now");
    assert!(refused.message.contains("shop.v1.Item.code"), "{refused}");
}
