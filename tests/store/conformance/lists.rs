//! Lists: complete pages, filters, parents.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use trine::model::{Key, ResourceRef, Sight, Stored, TypeName};
use trine::query::{After, ListQuery, OrderBy, Scalar, filter};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{ReadStore, WriteStore};

use super::fixture::{Factory, Fixture, deadline, entries, options, users};
use super::write_sets::{create, entry, user, write_set};

pub fn column(kind: &ResourceType, field: &str) -> usize {
    kind.columns.iter().position(|column| column.field == field).unwrap()
}

pub fn query(parent: Option<&str>, limit: u32) -> ListQuery {
    ListQuery::new(parent.map(str::to_owned), Sight::All, limit)
}

fn values(kind: &ResourceType, order: &[OrderBy], row: &Stored) -> Vec<Scalar> {
    let document = serde_json::from_str(&row.document).unwrap();
    let all = kind.column_values(&document, &row.create_time, &row.update_time);
    order.iter().map(|order| all[order.column].clone()).collect()
}

/// Reads page after page until there is none.
async fn pages(fixture: &Fixture, kind: &Arc<ResourceType>, mut query: ListQuery) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let page = fixture.read.list(kind, query.clone(), deadline()).await.unwrap().value;
        assert!(page.len() <= query.limit as usize);
        let Some(last) = page.last() else { return all };
        query.after = Some(After { values: values(kind, &query.order, last), key: last.key.clone() });
        all.extend(page);
    }
}

/// Thirty entries of alice's and ten of al's, with ties and, in one field, absent values.
async fn filled(fresh: Factory) -> Fixture {
    let mut fixture = Fixture::open(fresh());
    let mut mutations = vec![create(user("alice"), json!({ "displayName": "a" }))];
    for number in 0..40u32 {
        let (owner, id) = if number < 30 { ("alice", number) } else { ("al", number - 30) };
        let mut fields = Map::from_iter([("title".to_owned(), json!(format!("t{}", number % 4)))]);
        if number % 3 != 0 {
            fields
                .insert("publishTime".to_owned(), json!(format!("2026-11-{:02}T00:00:00Z", 10 + number % 5)));
        }
        if number % 2 == 0 {
            fields.insert("state".to_owned(), json!("PUBLISHED"));
        }
        mutations.push(create(entry(owner, &format!("e{id:02}")), Value::Object(fields)));
    }
    fixture.commit(write_set(mutations)).await.unwrap();
    fixture
}

/// Given ties and absent values, when pages follow each other in any order, then each row comes once, in order.
pub async fn pages_are_complete_under_ties_and_nulls(fresh: Factory) {
    let fixture = filled(fresh).await;
    let kind = entries();
    let (title, publish) = (column(kind, "title"), column(kind, "publish_time"));
    let by = |column, descending| OrderBy { column, descending };
    let orders = [
        vec![],
        vec![by(title, false)],
        vec![by(title, true)],
        vec![by(publish, false)],
        vec![by(publish, true)],
        vec![by(title, true), by(publish, false)],
        vec![by(publish, true), by(title, false)],
        vec![by(column(kind, "create_time"), true)],
    ];
    for order in orders {
        let wanted = ListQuery { order: order.clone(), ..query(Some("alice"), 7) };
        let rows = pages(&fixture, kind, wanted).await;
        let keys: BTreeSet<&Key> = rows.iter().map(|row| &row.key).collect();
        assert_eq!((rows.len(), keys.len()), (30, 30), "{order:?}");
        for pair in rows.windows(2) {
            assert!(precedes(kind, &order, &pair[0], &pair[1]), "{order:?}: {pair:?}");
        }
    }
}

/// Nulls are smallest; the key decides ties, ascending.
fn precedes(kind: &ResourceType, order: &[OrderBy], first: &Stored, second: &Stored) -> bool {
    let text = |value: &Scalar| match value {
        Scalar::Null => None,
        Scalar::Text(text) => Some(text.clone()),
        other => panic!("{other:?} is not ordered here"),
    };
    let pairs = values(kind, order, first).into_iter().zip(values(kind, order, second));
    for (order, (a, b)) in order.iter().zip(pairs) {
        let ordering = text(&a).cmp(&text(&b));
        let ordering = if order.descending { ordering.reverse() } else { ordering };
        if ordering.is_ne() {
            return ordering.is_lt();
        }
    }
    first.key < second.key
}

/// Given promoted values, when compared, then the rows that hold them come, and absent defaults count.
pub async fn filters_compare_promoted_columns(fresh: Factory) {
    let fixture = filled(fresh).await;
    let kind = entries();
    for (text, expected) in [
        ("title = t1", 8),
        ("title != t1", 22),
        ("state = PUBLISHED", 15),
        ("state = STATE_UNSPECIFIED", 15),
        ("publish_time >= 2026-11-12T00:00:00Z", 12),
        ("publish_time < 2026-11-12T00:00:00Z", 8),
        ("title > t0 AND title <= t2 AND state = PUBLISHED", 7),
    ] {
        let filter = filter::parse(kind, text).unwrap();
        let by_title = vec![OrderBy { column: column(kind, "title"), descending: true }];
        let wanted = ListQuery { filter, order: by_title, ..query(Some("alice"), 4) };
        assert_eq!(pages(&fixture, kind, wanted).await.len(), expected, "{text}");
    }
    let filter = filter::parse(users(), "entry_count = 0").unwrap();
    let wanted = ListQuery { filter, ..query(Some(""), 10) };
    assert_eq!(pages(&fixture, users(), wanted).await.len(), 1);
}

/// Given `al` and `alice`, then each sees its own entries, and `-` sees all.
pub async fn parents_do_not_mix(fresh: Factory) {
    let fixture = filled(fresh).await;
    let by_title = OrderBy { column: column(entries(), "title"), descending: false };
    for order in [vec![], vec![by_title]] {
        for (parent, expected) in [(Some("al"), 10), (Some("alice"), 30), (Some("ali"), 0), (None, 40)] {
            let wanted = ListQuery { order: order.clone(), ..query(parent, 9) };
            let rows = pages(&fixture, entries(), wanted).await;
            assert_eq!(rows.len(), expected, "{parent:?}");
            assert!(rows.iter().all(|row| parent.is_none_or(|parent| row.key.parent() == parent)));
        }
    }
}

/// Given a number that is in no order, when pages go down, then its row comes last and is not left out.
pub async fn pages_in_descending_order_end_with_nan(fresh: Factory) {
    let catalogue = scores();
    let database = fresh();
    let write = WriteStore::open(&database.url, options(), &catalogue).unwrap();
    let read = ReadStore::open(&database.url, options(), false).unwrap();
    let mut fixture = Fixture { write, read, database };
    let kind = catalogue.resource(&TypeName::new("game.v1.Score")).unwrap();
    let score = |id: &str, points: Value| {
        let resource = ResourceRef { kind: kind.name.clone(), key: Key::new(id) };
        create(resource, json!({ "points": points }))
    };
    let rows =
        [("a", json!("NaN")), ("b", json!(2)), ("c", json!(1)), ("d", json!("-Infinity")), ("e", json!(0.5))];
    fixture.commit(write_set(rows.map(|(id, points)| score(id, points)).to_vec())).await.unwrap();
    for (descending, expected) in [(true, ["b", "c", "e", "d", "a"]), (false, ["a", "d", "e", "c", "b"])] {
        let order = vec![OrderBy { column: column(kind, "points"), descending }];
        let rows = pages(&fixture, kind, ListQuery { order, ..query(Some(""), 2) }).await;
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, expected, "descending: {descending}");
    }
}

fn scores() -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let text = r#"syntax = "proto3"; package game.v1;
        import "google/api/resource.proto"; import "trine/v1/options.proto";
        message Score {
          option (google.api.resource) = { type: "game.example.com/Score" pattern: "scores/{score}" };
          string name = 1;
          double points = 2 [(trine.v1.index) = true];
        }"#;
    std::fs::write(directory.path().join("game.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["game.v1".to_owned()]).unwrap()
}
