//! Random filters on random resources: each database answers what an evaluator says that was written
//! for this test alone, on typed values, and knows neither JSON nor SQL.

mod questions;
mod things;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use trine::model::{Change, Key, Precondition, Reason, ResourceRef, Sight, TypeName};
use trine::query::{ListQuery, filter};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{ReadStore, WriteStore};

use self::questions::Question;
use self::things::Node;
use super::fixture::{Factory, Fixture, deadline, options};
use super::write_sets::{mutation, write_set};
use crate::seed::generator;

const THINGS: usize = 150;

/// Given resources with every kind of field, when filtered by anything, then exactly the right ones come.
pub async fn random_filters_agree_with_an_evaluator(fresh: Factory) {
    let mut random = generator("filters");
    let catalogue = catalogue();
    let kind = catalogue.resource(&TypeName::new("zoo.v1.Thing")).unwrap();
    let things: BTreeMap<String, Node> =
        (0..THINGS).map(|number| (format!("t{number:03}"), Node::random(&mut random, 2, true))).collect();
    let fixture = filled(fresh, &catalogue, kind, &things).await;
    let mut telling = 0;
    for _ in 0..questions() {
        let question = Question::random(&mut random, 2);
        let found = ask(&fixture, kind, &things, &question).await;
        telling += usize::from((1..THINGS).contains(&found));
    }
    assert!(telling > questions() / 3, "most questions had all or nothing for an answer: {telling} had not");
}

/// Given paths, parentheses and NOTs as deep and as many as they may be, when asked, then the database
/// can; given one more, then it is not asked.
pub async fn the_deepest_filter_is_answered(fresh: Factory) {
    let catalogue = catalogue();
    let kind = catalogue.resource(&TypeName::new("zoo.v1.Thing")).unwrap();
    let mut random = generator("filters");
    let things = BTreeMap::from([("t0".to_owned(), Node::random(&mut random, 2, true))]);
    let fixture = filled(fresh, &catalogue, kind, &things).await;
    let lists = |depth: usize| format!("{}span<3s", "parts.".repeat(depth));
    let fields = |depth: usize| format!("{}text=a", "part.".repeat(depth));
    let entries = |depth: usize| format!("{}text:a", r#"rooms."\""."#.repeat(depth));
    let lists_have = |depth: usize| lists(depth).replace('<', ":");
    let negated = |term: String| format!("{}{term}{}", "NOT (".repeat(5), ")".repeat(5));
    for text in [
        negated(lists_have(10)),
        negated(vec![lists_have(10); 50].join(" ")),
        negated(vec![lists_have(10); 45].join(" OR ")),
        negated(fields(99)),
        negated(entries(10)),
    ] {
        let filter = filter::parse(kind, &text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let query = ListQuery { filter, ..ListQuery::new(Some(String::new()), Sight::All, 1000) };
        let found = fixture.read.list(kind, query, deadline()).await;
        assert!(found.is_ok(), "{text}: {found:?}");
    }
    for text in [lists_have(11), fields(100), entries(11), fields(700), "parts.".repeat(680) + "text:a"] {
        let error = filter::parse(kind, &text).expect_err(&text);
        assert!(error.reason == Reason::InvalidFilter && error.message.contains("end it earlier"), "{error}");
    }
}

/// How many resources it found.
async fn ask(
    fixture: &Fixture,
    kind: &Arc<ResourceType>,
    things: &BTreeMap<String, Node>,
    question: &Question,
) -> usize {
    let text = question.text();
    let filter = filter::parse(kind, &text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let query = ListQuery { filter, ..ListQuery::new(Some(String::new()), Sight::All, 1000) };
    let rows =
        fixture.read.list(kind, query, deadline()).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let found: BTreeSet<String> = rows.value.iter().map(|row| row.key.as_str().to_owned()).collect();
    let expected: BTreeSet<String> =
        things.iter().filter(|(_, thing)| question.holds(thing)).map(|(key, _)| key.clone()).collect();
    if let Some(key) = found.symmetric_difference(&expected).next() {
        let (is, should) = (found.contains(key), expected.contains(key));
        let document = things[key].json();
        panic!("{text}\n{key} found: {is}, should be: {should}\n{document}");
    }
    found.len()
}

async fn filled(
    fresh: Factory,
    catalogue: &Catalogue,
    kind: &ResourceType,
    things: &BTreeMap<String, Node>,
) -> Fixture {
    let database = fresh();
    let write = WriteStore::open(&database.url, options(), catalogue).unwrap();
    let read = ReadStore::open(&database.url, options(), false).unwrap();
    let mut fixture = Fixture { write, read, database };
    let create = |(key, thing): (&String, &Node)| {
        let input = kind.input_from_json(thing.json().to_string().as_bytes());
        let document = input.unwrap_or_else(|error| panic!("{error}: {}", thing.json())).document;
        let resource = ResourceRef { kind: kind.name.clone(), key: Key::new(key) };
        mutation(resource, Precondition::None, Change::Create(document))
    };
    fixture.commit(write_set(things.iter().map(create).collect())).await.unwrap();
    fixture
}

/// 400, or as many as `TRINE_TEST_QUESTIONS` says.
fn questions() -> usize {
    std::env::var("TRINE_TEST_QUESTIONS").map_or(400, |text| text.parse().unwrap())
}

fn catalogue() -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("zoo.proto"), things::proto()).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["zoo.v1".to_owned()]).unwrap()
}
