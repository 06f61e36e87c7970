//! Relational views: what analysts find in them.

use serde_json::{Value, json};
use trine::store::{Admission, WriteStore};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::write_sets::{create, write_set};
use super::zoo::{FIELDS, beast, zoo};
use crate::sql::Sql;

/// Stores one beast with this document.
async fn with_beast(database: &TestDatabase, document: Value) -> Sql {
    let catalogue = zoo("", FIELDS);
    let write = WriteStore::open(&database.url, options(), &catalogue).unwrap();
    write.commit(write_set(vec![create(beast("leo"), document)]), deadline()).await.unwrap();
    Sql::open(&database.url)
}

fn shown(sql: &mut Sql, columns: &[(&str, Option<&str>)]) {
    let view = format!("FROM {}", sql.view("zoo_v1", "beast"));
    for (column, expected) in columns {
        let found = sql.cell(column, &view);
        assert_eq!(found.as_deref(), *expected, "{column}");
    }
}

/// Given a resource with a field of every kind, when somebody selects from the view, then each column
/// shows it with a type of SQL.
pub async fn a_view_shows_every_kind_of_field(fresh: Factory) {
    let database = fresh();
    let document = json!({
        "title": "Leo", "code": "L1", "tame": true, "loud": true, "legs": -4,
        "weight": "-9223372036854775808", "height": "9223372036854775807", "cages": 4_294_967_295_u32,
        "number": "18446744073709551615", "rank": "18446744073709551615", "speed": 0.1, "bite": 2.5,
        "worth": "Infinity", "diet": "MEAT", "favourite": "PLANTS", "picture": "AP8=",
        "born": "1969-07-20T20:17:40.123456789Z", "seen": "9999-12-31T23:59:59.999999999Z",
        "sleep": "-1.500s", "ownerCount": "7", "age": 0, "nick": "", "tags": ["a"], "meals": { "noon": 1 },
        "home": { "city": "Bern", "area": "9" }, "caught": "Kruger", "version": "own"
    });
    let mut sql = with_beast(&database, document).await;
    let lite = sql.is_sqlite();
    let (yes, born, seen) = if lite {
        ("1", "1969-07-20T20:17:40.123456789Z", "9999-12-31T23:59:59.999999999Z")
    } else {
        sql.run("SET TimeZone TO 'UTC'").unwrap();
        ("true", "1969-07-20 20:17:40.123456+00", "9999-12-31 23:59:59.999999+00")
    };
    let (tags, meals) = if lite { (r#"["a"]"#, r#"{"noon":1}"#) } else { (r#"["a"]"#, r#"{"noon": 1}"#) };
    shown(
        &mut sql,
        &[
            ("key", Some("ann/leo")),
            ("parent_key", Some("ann")),
            ("name", Some("keepers/ann/beasts/leo")),
            ("title", Some("Leo")),
            ("code", Some("L1")),
            ("tame", Some(yes)),
            ("loud", Some(yes)),
            ("legs", Some("-4")),
            ("weight", Some("-9223372036854775808")),
            ("height", Some("9223372036854775807")),
            ("cages", Some("4294967295")),
            ("number", Some("18446744073709551615")),
            ("rank", Some("18446744073709551615")),
            ("speed", Some("0.1")),
            ("bite", Some("2.5")),
            ("worth", Some(if lite { "Inf" } else { "Infinity" })),
            ("diet", Some("MEAT")),
            ("favourite", Some("PLANTS")),
            ("picture", Some("AP8=")),
            ("born", Some(born)),
            ("seen", Some(seen)),
            ("sleep", Some("-1.500s")),
            ("owner_count", Some("7")),
            ("age", Some("0")),
            ("nick", Some("")),
            ("tags", Some(tags)),
            ("meals", Some(meals)),
            ("bred", None),
            ("caught", Some("Kruger")),
            ("version", Some("own")),
            ("etag = '\"' || version_ || '\"'", Some(yes)),
        ],
    );
    let view = sql.view("zoo_v1", "beast");
    assert_eq!(sql.cell("home ->> 'city'", &format!("FROM {view}")).as_deref(), Some("Bern"));
    assert!(sql.column("secret", &format!("FROM {view}")).is_err(), "INPUT_ONLY is not shown");
    let written =
        format!("FROM {view} WHERE version_ > 0 AND create_time IS NOT NULL AND update_time = create_time");
    assert_eq!(sql.cell("count(*)", &written).as_deref(), Some("1"));
}

/// Given a resource that holds nothing, then what has no presence shows its default and the rest is NULL.
pub async fn what_is_absent_is_the_default_or_null(fresh: Factory) {
    let database = fresh();
    let mut sql = with_beast(&database, json!({})).await;
    let (yes, no) = if sql.is_sqlite() { ("1", "0") } else { ("true", "false") };
    shown(
        &mut sql,
        &[
            ("title", Some("")),
            ("code", Some("")),
            ("tame", Some(no)),
            ("loud", Some(no)),
            ("legs", Some("0")),
            ("weight", Some("0")),
            ("height", Some("0")),
            ("cages", Some("0")),
            ("number", Some("0")),
            ("rank", Some("0")),
            ("speed = 0", Some(yes)),
            ("diet", Some("DIET_UNSPECIFIED")),
            ("favourite", Some("DIET_UNSPECIFIED")),
            ("picture", Some("")),
            ("born", None),
            ("seen", None),
            ("sleep", None),
            ("owner_count", None),
            ("age", None),
            ("nick", None),
            ("tags", Some("[]")),
            ("meals", Some("{}")),
            ("home", None),
            ("caught", None),
        ],
    );
}

/// Given a row that holds what no message could, when somebody selects, then the query does not fail.
pub async fn no_row_fails_a_query(fresh: Factory) {
    let database = fresh();
    let mut sql = with_beast(&database, json!({})).await;
    let table = if sql.is_sqlite() { "`zoo.v1.Beast`" } else { "trine.\"zoo.v1.Beast\"" };
    let fields = [
        "title",
        "tame",
        "legs",
        "weight",
        "cages",
        "number",
        "speed",
        "bite",
        "diet",
        "picture",
        "born",
        "sleep",
        "ownerCount",
        "age",
        "tags",
        "meals",
        "home",
    ];
    let values = [
        "null",
        "true",
        "\"x\"",
        "\"12 apples\"",
        "1e400",
        "1e-400",
        "1.5",
        "-1",
        "99999999999999999999999",
        "[]",
        "[1]",
        "{}",
        "{\"a\":1}",
        "\"2026-02-30T00:00:00Z\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"2026-13-01T00:00:00Z\"",
        "\"2026-01-01T00:00:00.1234567891Z\"",
        "\"NaN\"",
        "\"-Infinity\"",
    ];
    let view = sql.view("zoo_v1", "beast");
    for value in values {
        let members: Vec<String> = fields.iter().map(|field| format!("\"{field}\": {value}")).collect();
        sql.run(&format!("UPDATE {table} SET doc = '{{{}}}'", members.join(","))).unwrap();
        let whole = if sql.is_sqlite() { "count(*)" } else { "row_to_json(v)" };
        sql.column(whole, &format!("FROM (SELECT * FROM {view}) v"))
            .unwrap_or_else(|error| panic!("{value}: {error}"));
        for column in ["legs", "weight", "cages", "number", "speed", "bite", "born", "tame"] {
            sql.column(column, &format!("FROM {view}")).unwrap_or_else(|error| panic!("{value}: {error}"));
        }
    }
}

/// Given many rows, when somebody asks the view by a promoted field, then its index is used.
pub async fn an_index_serves_the_view(fresh: Factory) {
    let database = fresh();
    let mut sql = with_beast(&database, json!({})).await;
    let view = sql.view("zoo_v1", "beast");
    if !sql.is_sqlite() {
        sql.run("SET enable_seqscan = off").unwrap();
    }
    let seen = if sql.is_sqlite() { "seen" } else { "seen_text" };
    let rank = if sql.is_sqlite() { "rank_text" } else { "rank" };
    for condition in [
        "parent_key = 'ann' AND code = 'x'".to_owned(),
        "parent_key = 'ann' AND height > 5".to_owned(),
        format!("parent_key = 'ann' AND {seen} >= '2026-01-01'"),
        format!("parent_key = 'ann' AND {rank} = '5'"),
        "parent_key = 'ann' AND worth < 1".to_owned(),
        "key = 'ann/leo'".to_owned(),
    ] {
        let plan = sql.plan(&format!("SELECT title FROM {view} WHERE {condition}"));
        let used = plan.contains("Index Cond") || plan.contains("USING INDEX");
        assert!(used, "{condition}:\n{plan}");
    }
}

/// Given a schema that gained a field, a schema before it that starts again, and one that lost its view by
/// hand, then the view is that of the newest, and is made again.
pub async fn views_follow_the_newest_schema(fresh: Factory) {
    let database = fresh();
    let (old, new) = (zoo("", FIELDS), zoo("", &format!("{FIELDS} string colour = 34;")));
    let open = |catalogue| drop(WriteStore::open(&database.url, options(), catalogue).unwrap());
    open(&old);
    let mut sql = Sql::open(&database.url);
    let view = format!("FROM {}", sql.view("zoo_v1", "beast"));
    assert!(sql.column("colour", &view).is_err());
    open(&new);
    sql.column("colour", &view).unwrap();
    open(&old);
    sql.column("colour", &view).expect("an older schema that starts again takes no column away");
    let name = sql.view("zoo_v1", "beast");
    sql.run(&format!("DROP VIEW {name}")).unwrap();
    open(&old);
    sql.column("colour", &view).expect("made again");
}

/// Given something of the view's name that is not ours, then it stays and the table is served.
pub async fn what_is_not_ours_is_not_touched(fresh: Factory) {
    let database = fresh();
    let mut sql = Sql::open(&database.url);
    let view = sql.view("zoo_v1", "beast");
    if !sql.is_sqlite() {
        sql.run("CREATE SCHEMA zoo_v1").unwrap();
    }
    sql.run(&format!("CREATE VIEW {view} AS SELECT 'mine' AS whose")).unwrap();
    let mut again = with_beast(&database, json!({})).await;
    assert_eq!(again.cell("whose", &format!("FROM {view}")).as_deref(), Some("mine"));
}

/// Given a draft whose indexed field gets another type, then the view that reads its column is made anew.
pub async fn a_draft_may_change_the_type_of_a_column(fresh: Factory) {
    let database = fresh();
    let with = |kind: &str| zoo("", &format!("{FIELDS} {kind} colour = 34 [(trine.v1.index) = true];"));
    let write = WriteStore::open(&database.url, options(), &zoo("", FIELDS)).unwrap();
    write.admit(&with("string"), Admission::Draft).unwrap();
    write.admit(&with("int32"), Admission::Draft).unwrap();
    let mut sql = Sql::open(&database.url);
    let view = format!("FROM {} WHERE colour > 5", sql.view("zoo_v1", "beast"));
    assert_eq!(sql.cell("count(*)", &view).as_deref(), Some("0"));
}
