//! Random lawful histories of one schema, with binaries of every schema so far writing in turn: nothing is lost,
//! every index finds what it should, one member of the oneof is set. Random unlawful changes are refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trine::model::{Change, Precondition, Reason, Sight};
use trine::schema::Catalogue;
use trine::store::{Admission, DatabaseUrl, ReadStore};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::histories::{Monolith, item, items, shop};
use super::write_sets::{document, mutation, set, update, write_set};

const HISTORIES: u64 = 2;
const STEPS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Long,
    Flag,
    Color,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    kind: Kind,
    index: bool,
    in_oneof: bool,
    alive: bool,
}

/// Small and the same at every run: a failure names the seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn kind(&mut self) -> Kind {
        [Kind::Text, Kind::Long, Kind::Flag, Kind::Color][self.below(4)]
    }
}

impl Kind {
    fn proto(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Long => "int64",
            Self::Flag => "bool",
            Self::Color => "Color",
        }
    }

    /// Never the default, which would be left out.
    fn value(self, dice: &mut Dice) -> Value {
        match self {
            Self::Text => json!(format!("t{}", dice.below(3))),
            Self::Long => json!(format!("{}", dice.below(3) + 1)),
            Self::Flag => json!(true),
            Self::Color => json!(["RED", "BLUE"][dice.below(2)]),
        }
    }
}

type Schema = Vec<Field>;

/// Field numbers are positions, from 2 on.
fn compiled(schema: &Schema) -> Catalogue {
    let (mut plain, mut oneof, mut reserved) = (String::new(), String::new(), String::new());
    for (position, field) in schema.iter().enumerate() {
        let (number, name) = (position + 2, &field.name);
        if !field.alive {
            reserved.push_str(&format!("reserved {number}; reserved \"{name}\";\n"));
            continue;
        }
        let index = if field.index { " [(trine.v1.index) = true]" } else { "" };
        let text = format!("{} {name} = {number}{index};\n", field.kind.proto());
        if field.in_oneof { oneof.push_str(&text) } else { plain.push_str(&text) }
    }
    if !oneof.is_empty() {
        oneof = format!("oneof choice {{ {oneof} }}");
    }
    shop(&format!("{plain}{reserved}{oneof}"), "enum Color { NONE = 0; RED = 1; BLUE = 2; }")
}

fn add(schema: &mut Schema, dice: &mut Dice) {
    let name = format!("field{}", schema.len());
    let (kind, index) = (dice.kind(), dice.below(2) == 0);
    schema.push(Field { name, kind, index, in_oneof: dice.below(3) == 0, alive: true });
}

fn lawful(schema: &Schema, dice: &mut Dice) -> Schema {
    let mut next = schema.clone();
    let at = dice.below(schema.len());
    match dice.below(4) {
        0 if schema.iter().filter(|field| field.alive).count() > 2 => next[at].alive = false,
        1 => next[at].index = !next[at].index,
        _ => add(&mut next, dice),
    }
    add(&mut next, dice);
    next
}

/// A change of one field that is alive, which somebody would not survive.
fn unlawful(schema: &Schema, dice: &mut Dice) -> Schema {
    let mut next = schema.clone();
    let alive: Vec<usize> = (0..next.len()).filter(|at| next[*at].alive).collect();
    let field = &mut next[alive[dice.below(alive.len())]];
    match dice.below(3) {
        0 => field.name = format!("{}renamed", field.name),
        1 => field.kind = if field.kind == Kind::Text { Kind::Long } else { Kind::Text },
        _ => field.in_oneof = !field.in_oneof,
    }
    next
}

/// What every row holds, whoever knows of it.
type Rows = BTreeMap<String, BTreeMap<String, Value>>;

struct History {
    url: DatabaseUrl,
    dice: Dice,
    schemas: Vec<Schema>,
    rows: Rows,
}

impl History {
    async fn write(&mut self, schema: &Schema) {
        let monolith = Monolith::start(&self.url, compiled(schema));
        for _ in 0..6 {
            let id = format!("i{}", self.dice.below(5));
            let alive: Vec<&Field> = schema.iter().filter(|field| field.alive).collect();
            let field = alive[self.dice.below(alive.len())];
            let value = field.kind.value(&mut self.dice);
            let change = match self.rows.contains_key(&id) {
                true => update(item(&id), vec![set(&field.name, value.clone())]),
                false => {
                    let fields = json!({ field.name.clone(): value.clone() });
                    mutation(item(&id), Precondition::None, Change::Create(document(fields)))
                }
            };
            monolith.write.commit(write_set(vec![change]), deadline()).await.unwrap();
            let rivals = self.schemas.last().unwrap().iter().filter(|other| field.in_oneof && other.in_oneof);
            let row = self.rows.entry(id).or_default();
            rivals.for_each(|rival| drop(row.remove(&rival.name)));
            row.insert(field.name.clone(), value);
        }
    }

    /// Every reader shows what it knows, and finds it by every index that it declares.
    async fn check(&self, schema: &Schema) {
        let read = ReadStore::open(&self.url, options(), false).unwrap();
        let catalogue = compiled(schema);
        let kind = items(&catalogue);
        for (id, row) in &self.rows {
            let stored = read.get(kind, &item(id).key, &Sight::All, deadline()).await.unwrap().value.unwrap();
            let known = |name: &String| schema.iter().any(|field| field.alive && field.name == *name);
            let mut expected: BTreeMap<String, Value> = row
                .iter()
                .filter(|(name, _)| known(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            expected.insert("name".to_owned(), json!(format!("items/{id}")));
            let shown: Value = serde_json::from_str(&kind.render_json(&stored)).unwrap();
            assert_eq!(shown, json!(expected));
            kind.to_message(&stored).unwrap();
        }
        for field in schema.iter().filter(|field| field.alive && field.index) {
            for value in self.rows.values().filter_map(|row| row.get(&field.name)) {
                let literal = match (field.kind, value) {
                    (Kind::Text, value) => value.to_string(),
                    (_, Value::String(text)) => text.clone(),
                    (_, value) => value.to_string(),
                };
                let filter =
                    trine::query::filter::parse(kind, &format!("{} = {literal}", field.name)).unwrap();
                let query = trine::query::ListQuery { filter, ..super::lists::query(Some(""), 100) };
                let found = read.list(kind, query, deadline()).await.unwrap().value.len();
                let expected = self.rows.values().filter(|row| row.get(&field.name) == Some(value)).count();
                assert_eq!(found, expected, "{} = {literal}", field.name);
            }
        }
    }

    async fn step(&mut self) {
        let newest = self.schemas.last().unwrap().clone();
        let refused = Monolith::try_start(
            &self.url,
            compiled(&unlawful(&newest, &mut self.dice)),
            Admission::Permanent,
        );
        assert_eq!(refused.err().expect("unlawful").reason, Reason::FailedPrecondition);
        self.schemas.push(lawful(&newest, &mut self.dice));
        drop(Monolith::start(&self.url, compiled(self.schemas.last().unwrap())));
        for _ in 0..2 {
            let at = self.dice.below(self.schemas.len());
            let schema = self.schemas[at].clone();
            self.write(&schema).await;
        }
        for schema in &self.schemas {
            self.check(schema).await;
        }
    }
}

pub async fn random_histories_lose_nothing(fresh: Factory) {
    for seed in 1..=HISTORIES {
        println!("history {seed}");
        let TestDatabase { url, keep: _keep } = fresh();
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut first = Schema::new();
        (0..3).for_each(|_| add(&mut first, &mut dice));
        drop(Monolith::start(&url, compiled(&first)));
        let mut history = History { url, dice, schemas: vec![first], rows: Rows::new() };
        for _ in 0..STEPS {
            history.step().await;
        }
    }
}
