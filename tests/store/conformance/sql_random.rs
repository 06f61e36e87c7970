//! Random statements through a writable view, between random writes of the API, beside a model of a few lines
//! that knows neither triggers nor documents.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use trine::store::ReadStore;

use super::fixture::{Factory, deadline, options};
use super::lists::query;
use super::sql_writers::Zoo;
use super::write_sets::{create, delete, set, update, write_set};
use super::zoo::{FIELDS, beast};
use crate::seed::generator;

const STEPS: usize = 300;
const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// The first is what absence means.
const CHIPS: [&str; 4] = ["", "c1", "c2", "c3"];

/// Fields of a row, `None` where there is nothing.
type Row = BTreeMap<&'static str, Option<Value>>;
type Model = BTreeMap<&'static str, Row>;

/// Given a table that SQL may write, when SQL and the API write in turn, then each statement succeeds or fails as
/// the model says, what fails changes nothing, and the API shows the model.
pub async fn random_statements_agree_with_a_model(fresh: Factory) {
    let mut random = generator("statements");
    let fields = format!("{FIELDS} string chip = 40 [(trine.v1.unique) = true];");
    let mut zoo = Zoo::open(fresh, &fields);
    let (mut model, mut filled) = (Model::new(), 0);
    for step in 0..STEPS {
        let (statement, next) = if random.random_bool(0.7) {
            by_sql(&mut zoo, &model, &mut random)
        } else {
            by_api(&zoo, &model, &mut random).await
        };
        model = next;
        filled += usize::from(model.len() > 1);
        assert_eq!(shown(&zoo).await, expected(&model), "step {step}: {statement}");
    }
    assert!(filled > STEPS / 4, "hardly ever there were rows to get into each other's way: {filled} times");
}

fn one<T: Copy>(random: &mut StdRng, of: &[T]) -> T {
    of[random.random_range(0..of.len())]
}

/// Some columns and what they are given. A member of the oneof never comes with its rival: that is refused, and
/// tested elsewhere.
fn given(random: &mut StdRng) -> Row {
    let mut row = Row::new();
    if random.random_bool(0.6) {
        let chip = one(random, &CHIPS);
        row.insert("chip", (!chip.is_empty()).then(|| json!(chip)));
    }
    if random.random_bool(0.5) {
        let legs = random.random_range(0..4);
        row.insert("legs", (legs > 0).then(|| json!(legs)));
    }
    if random.random_bool(0.5) {
        let member = one(random, &["bred", "caught"]);
        row.insert(member, random.random_bool(0.8).then(|| json!(format!("m{}", random.random_range(0..3)))));
    }
    if random.random_bool(0.5) || row.is_empty() {
        row.insert("title", Some(json!(format!("t{}", random.random_range(0..3)))));
    }
    row
}

fn changed(row: &Row, given: &Row) -> Row {
    let mut row = row.clone();
    for (field, value) in given {
        if let (Some(_), Some(rival)) = (value, rival(field)) {
            row.remove(rival);
        }
        row.insert(field, value.clone());
    }
    row.retain(|_, value| value.is_some());
    row
}

fn rival(field: &str) -> Option<&'static str> {
    match field {
        "bred" => Some("caught"),
        "caught" => Some("bred"),
        _ => None,
    }
}

fn agrees(model: &Model) -> bool {
    let chips: Vec<_> = model.values().filter_map(|row| row.get("chip")?.as_ref()).collect();
    chips.iter().enumerate().all(|(at, chip)| !chips[..at].contains(chip))
}

fn by_sql(zoo: &mut Zoo, model: &Model, random: &mut StdRng) -> (String, Model) {
    let conflict = if zoo.sql.is_sqlite() { one(random, &["", "OR REPLACE", "OR IGNORE"]) } else { "" };
    let (id, given) = (one(random, &IDS), given(random));
    let view = zoo.view.clone();
    let mut next = model.clone();
    let sql = match random.random_range(0..10) {
        0..4 => {
            next.insert(id, changed(&Row::new(), &given));
            let names: Vec<&str> = given.keys().copied().collect();
            let values: Vec<String> = given.values().map(literal).collect();
            let (names, values) = (names.join(", "), values.join(", "));
            format!(
                "INSERT {conflict} INTO {view} (name, {names}) VALUES ('keepers/ann/beasts/{id}', {values})"
            )
        }
        4..8 => {
            next.entry(id).and_modify(|row| *row = changed(row, &given));
            format!("UPDATE {conflict} {view} SET {} WHERE key = 'ann/{id}'", sets(&given))
        }
        8 => {
            next.values_mut().for_each(|row| *row = changed(row, &given));
            format!("UPDATE {conflict} {view} SET {}", sets(&given))
        }
        _ => {
            next.remove(id);
            format!("DELETE FROM {view} WHERE key = 'ann/{id}'")
        }
    };
    let is_taken = sql.starts_with("INSERT") && model.contains_key(id);
    let done = zoo.sql.run(&sql);
    // In a statement of many rows the values are taken one after the other: one chip for two rows is too many.
    let may = !is_taken && agrees(&next);
    assert_eq!(done.is_ok(), may, "{sql}: {done:?}\n{model:?}");
    (sql, if may { next } else { model.clone() })
}

fn sets(given: &Row) -> String {
    let set = |(name, value): (&&str, &Option<Value>)| format!("{name} = {}", literal(value));
    given.iter().map(set).collect::<Vec<_>>().join(", ")
}

fn literal(value: &Option<Value>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(Value::String(text)) => format!("'{text}'"),
        Some(other) => other.to_string(),
    }
}

async fn by_api(zoo: &Zoo, model: &Model, random: &mut StdRng) -> (String, Model) {
    let (id, given) = (one(random, &IDS), given(random));
    let mut next = model.clone();
    let document: serde_json::Map<String, Value> =
        given.iter().filter_map(|(field, value)| Some(((*field).to_owned(), value.clone()?))).collect();
    let (mutation, is_there) = match random.random_range(0..3) {
        0 => {
            next.insert(id, changed(&Row::new(), &given));
            (create(beast(id), Value::Object(document)), !model.contains_key(id))
        }
        1 => {
            let edits = document.into_iter().map(|(field, value)| set(&field, value)).collect();
            next.entry(id).and_modify(|row| *row = changed(row, &only_set(&given)));
            (update(beast(id), edits), model.contains_key(id))
        }
        _ => {
            next.remove(id);
            (delete(beast(id)), model.contains_key(id))
        }
    };
    let told = format!("{mutation:?}");
    let done = zoo.write.commit(write_set(vec![mutation]), deadline()).await;
    let may = is_there && agrees(&next);
    assert_eq!(done.is_ok(), may, "{told}: {done:?}\n{model:?}");
    (told, if may { next } else { model.clone() })
}

/// An update of the API names here what it sets and clears nothing.
fn only_set(given: &Row) -> Row {
    given.iter().filter(|(_, value)| value.is_some()).map(|(field, value)| (*field, value.clone())).collect()
}

fn expected(model: &Model) -> BTreeMap<String, Value> {
    let shown = |row: &Row| {
        row.iter().filter_map(|(field, value)| Some(((*field).to_owned(), value.clone()?))).collect()
    };
    model.iter().map(|(id, row)| (format!("ann/{id}"), Value::Object(shown(row)))).collect()
}

async fn shown(zoo: &Zoo) -> BTreeMap<String, Value> {
    let read = ReadStore::open(&zoo.database.url, options(), false).unwrap();
    let rows = read.list(&zoo.kind, query(Some("ann"), 100), deadline()).await.unwrap().value;
    let fields = |text: &str| {
        let mut row: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        ["name", "createTime", "updateTime", "etag"].iter().for_each(|own| drop(row.remove(*own)));
        Value::Object(row)
    };
    rows.iter().map(|row| (row.key.as_str().to_owned(), fields(&zoo.kind.render_json(row)))).collect()
}
