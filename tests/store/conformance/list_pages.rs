//! Pages while others write, parents by pattern, totals, and filters that take too long.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use trine::model::{Deadline, Key, Reason, ResourceRef, Sight, Stored, TypeName};
use trine::query::{ListQuery, filter, order};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{OpenOptions, ReadStore, WriteStore};

use super::fixture::{Factory, Fixture, deadline, entries, options};
use super::lists::query;
use super::write_sets::{create, delete, entry, set, update, write_set};

/// Reads page after page as a client does.
async fn pages(read: &ReadStore, kind: &Arc<ResourceType>, mut query: ListQuery) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let page = read.list(kind, query.clone(), deadline()).await.unwrap().value;
        let Some(last) = page.last() else { return all };
        query.after = Some(query.after(kind, last).unwrap());
        all.extend(page);
    }
}

/// Creates, changes and deletes entries of its own, before, between and behind those that stay.
async fn churn(write: WriteStore, done: Arc<AtomicBool>) {
    for round in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let id = |number: u32| entry("alice", &format!("e{:03}x", number % 60));
        let text = |number: u32| json!({ "title": format!("t{}", number % 7), "body": "passing" });
        let creates = (0..5).map(|number| create(id(round * 5 + number), text(number + round)));
        write.commit(write_set(creates.collect()), deadline()).await.unwrap();
        let touch = |number: u32| {
            update(entry("alice", &format!("e{:03}", number % 60)), vec![set("body", json!(round))])
        };
        write
            .commit(write_set((0..5).map(|number| touch(round + number)).collect()), deadline())
            .await
            .unwrap();
        let deletes = (0..5).map(|number| delete(id(round * 5 + number)));
        write.commit(write_set(deletes.collect()), deadline()).await.unwrap();
    }
}

/// Given rows that stay while others come, change and go, when paged in any order, then each of them comes once.
pub async fn pages_are_complete_while_others_write(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let stays = |number: u32| {
        create(
            entry("alice", &format!("e{number:03}")),
            json!({ "title": format!("t{}", number % 7), "body": "stays" }),
        )
    };
    fixture.commit(write_set((0..60).map(stays).collect())).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(churn(fixture.write.clone(), done.clone()));
    let kind = entries();
    for round in 0..6 {
        for by in ["", "title", "title desc", "name desc", "state, title desc, name desc", "create_time desc"]
        {
            let order = order::parse(kind, by).unwrap();
            let wanted = ListQuery {
                order: order.columns,
                key_descending: order.key_descending,
                ..query(Some("alice"), 7 + round)
            };
            let mut seen: BTreeMap<Key, u32> = BTreeMap::new();
            for row in pages(&fixture.read, kind, wanted).await {
                *seen.entry(row.key).or_default() += 1;
            }
            for number in 0..60 {
                let key = Key::child("alice", &format!("e{number:03}"));
                assert_eq!(seen.get(&key), Some(&1), "ordered by `{by}`: {key}");
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

/// Given ties, when ordered downwards by name, then the keys go down within each of them.
pub async fn names_go_down_too(fresh: Factory) {
    let mut fixture = Fixture::open(fresh());
    let row = |number: u32| {
        create(entry("alice", &format!("e{number}")), json!({ "title": format!("t{}", number % 2) }))
    };
    fixture.commit(write_set((0..6).map(row).collect())).await.unwrap();
    for (by, expected) in [
        ("name desc", ["e5", "e4", "e3", "e2", "e1", "e0"]),
        ("title, name desc", ["e4", "e2", "e0", "e5", "e3", "e1"]),
        ("title desc, name", ["e1", "e3", "e5", "e0", "e2", "e4"]),
    ] {
        let order = order::parse(entries(), by).unwrap();
        let wanted = ListQuery {
            order: order.columns,
            key_descending: order.key_descending,
            ..query(Some("alice"), 2)
        };
        let rows = pages(&fixture.read, entries(), wanted).await;
        let ids: Vec<&str> = rows.iter().map(|row| row.key.id()).collect();
        assert_eq!(ids, expected, "{by}");
    }
}

/// Given three levels, when some of them are open, then the children of fitting parents come, and are counted.
pub async fn parents_may_be_open_at_any_level(fresh: Factory) {
    let (fixture, catalogue) = shelves(fresh).await;
    let kind = catalogue.resource(&TypeName::new("stock.v1.Box")).unwrap();
    for (parent, expected) in [("h1/r1", 2), ("h1/-", 6), ("-/r1", 6), ("-/-", 18), ("-/r_1", 0), ("h-/-", 0)]
    {
        for (filter, share) in [("", 1), ("label = \"1\"", 2), ("NOT size = 1", 2)] {
            for by in ["", "label", "name desc"] {
                let order = order::parse(kind, by).unwrap();
                let wanted = ListQuery {
                    filter: filter::parse(kind, filter).unwrap(),
                    order: order.columns,
                    key_descending: order.key_descending,
                    ..ListQuery::new(Some(parent.to_owned()), Sight::All, 4)
                };
                let counted = fixture.read.count(kind, wanted.clone(), deadline()).await.unwrap().value;
                let rows = pages(&fixture.read, kind, wanted).await;
                assert_eq!(rows.len(), expected / share, "{parent} {filter} {by}");
                assert_eq!(counted as usize, rows.len(), "{parent} {filter} {by}");
            }
        }
    }
}

/// Three houses of three rooms with two boxes each.
async fn shelves(fresh: Factory) -> (Fixture, Catalogue) {
    let directory = tempfile::tempdir().unwrap();
    let text = r#"syntax = "proto3"; package stock.v1;
        import "google/api/resource.proto"; import "trine/v1/options.proto";
        message Box {
          option (google.api.resource) = { type: "stock.example.com/Box" pattern: "houses/{house}/rooms/{room}/boxes/{box}" };
          string name = 1;
          string label = 2 [(trine.v1.index) = true];
          int32 size = 3;
        }"#;
    std::fs::write(directory.path().join("stock.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let catalogue = load(&[directory.path().to_owned(), own], &["stock.v1".to_owned()]).unwrap();
    let database = fresh();
    let write = WriteStore::open(&database.url, options(), &catalogue).unwrap();
    let read = ReadStore::open(&database.url, options(), false).unwrap();
    let mut fixture = Fixture { write, read, database };
    let mut boxes = Vec::new();
    for number in 0..18 {
        let key = Key::new(&format!("h{}/r{}/b{}", number / 6, number / 2 % 3, number % 2));
        let resource = ResourceRef { kind: TypeName::new("stock.v1.Box"), key };
        boxes.push(create(resource, json!({ "label": (number % 2).to_string(), "size": number % 2 })));
    }
    fixture.commit(write_set(boxes)).await.unwrap();
    (fixture, catalogue)
}

/// Given a filter that must look into many documents, when its time is over, then the field to index is named,
/// and the connection serves on.
pub async fn a_filter_that_takes_too_long_names_its_field(fresh: Factory) {
    let database = fresh();
    let mut fixture = Fixture::open(database);
    let body = "a".repeat(2000);
    for part in 0..8 {
        let row = |number: u32| {
            create(entry("alice", &format!("e{part}{number:03}")), json!({ "title": "t", "body": body }))
        };
        fixture.commit(write_set((0..500).map(row).collect())).await.unwrap();
    }
    let patient = ReadStore::open(&fixture.database.url, options(), false).unwrap();
    let impatient = OpenOptions { read_timeout_ms: 40, connections: 1, ..options() };
    let read = ReadStore::open(&fixture.database.url, impatient, false).unwrap();
    let heavy = filter::parse(entries(), &"NOT body:\"*b*\" ".repeat(49)).unwrap();
    let soon = Duration::from_millis(20);
    let heavy = ListQuery { filter: filter_and_none(heavy), ..query(Some("alice"), 10) };
    for error in [
        read.list(entries(), heavy.clone(), deadline()).await.map(|_| ()).unwrap_err(),
        read.count(entries(), heavy.clone(), deadline()).await.map(|_| ()).unwrap_err(),
        // Also where the request's own time is over before the statement's.
        patient.list(entries(), heavy, Deadline::after(soon)).await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.reason, Reason::StatementTimeout, "{error:?}");
        assert!(
            error.message.contains("`(trine.v1.index) = true") || error.message.contains("`body`"),
            "{error}"
        );
        assert_eq!(error.metadata, [("field", "body".to_owned())]);
    }
    assert_eq!(read.list(entries(), query(Some("alice"), 10), deadline()).await.unwrap().value.len(), 10);
}

/// And nothing passes, so that no page ends early.
fn filter_and_none(heavy: filter::Filter) -> filter::Filter {
    let none = filter::parse(entries(), "body:\"*b\"").unwrap();
    filter::Filter::All(vec![heavy, none])
}
