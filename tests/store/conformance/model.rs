//! Random write sets against a map: same outcomes, same rows at the end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use trine::model::{Change, Precondition, Reason, Version, WriteSet};

use super::fixture::{Factory, Fixture, deadline, users};
use super::lists::query;
use super::write_sets::{document, mutation, set, user, write_set};

/// Write sets in one history.
const LENGTH: usize = 300;

#[derive(Clone, Debug)]
enum Step {
    Create { email: u8 },
    Update { name: u8, email: Option<u8> },
    Delete,
    Check,
}

/// 0: none, 1: absent, 2: exists, 3: the right version, 4: a wrong version
type Guard = u8;

fn step() -> impl Strategy<Value = (u8, Step, Guard)> {
    let change = prop_oneof![
        3 => (0u8..12).prop_map(|email| Step::Create { email }),
        3 => (any::<u8>(), proptest::option::of(0u8..12)).prop_map(|(name, email)| Step::Update { name, email }),
        1 => Just(Step::Delete),
        1 => Just(Step::Check),
    ];
    (0u8..10, change, prop_oneof![4 => Just(0u8), 1 => 1u8..5])
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    version: i64,
    fields: Map<String, Value>,
}

type Rows = BTreeMap<String, Row>;

fn email(row: &Row) -> &str {
    row.fields.get("email").and_then(Value::as_str).unwrap_or_default()
}

/// What the database should make of it; none: refused.
fn apply(rows: &Rows, steps: &[(u8, Step, Guard)]) -> Option<Rows> {
    let mut next = rows.clone();
    for (id, step, guard) in steps {
        let id = format!("u{id}");
        let held = next.get(&id).cloned();
        let holds = match guard {
            0 => true,
            1 => held.is_none(),
            2 => held.is_some(),
            3 => held.is_some(),
            _ => false,
        };
        if !holds {
            return None;
        }
        match (step, held) {
            (Step::Create { email }, None) if *guard < 2 => {
                let fields = json!({ "displayName": id, "email": format!("{email}@x") });
                next.insert(id.clone(), Row { version: 0, fields: document(fields).0 });
            }
            (Step::Update { name, email }, Some(mut row)) => {
                row.fields.insert("displayName".to_owned(), json!(format!("n{name}")));
                if let Some(email) = email {
                    row.fields.insert("email".to_owned(), json!(format!("{email}@x")));
                }
                next.insert(id.clone(), Row { version: 0, ..row });
            }
            (Step::Delete, Some(_)) => {
                next.remove(&id);
            }
            (Step::Check, _) => {}
            _ => return None,
        }
    }
    is_unique(&next).then_some(next)
}

fn is_unique(rows: &Rows) -> bool {
    let mut seen = BTreeSet::new();
    rows.values().map(email).all(|email| email.is_empty() || seen.insert(email.to_owned()))
}

/// Whether one member takes an address that another member's row held: then it depends on the
/// order of statements whether the two ever meet, and either outcome is right.
fn hands_over(rows: &Rows, steps: &[(u8, Step, Guard)]) -> bool {
    steps.iter().any(|(taker, step, _)| {
        let (Step::Create { email: taken } | Step::Update { email: Some(taken), .. }) = step else {
            return false;
        };
        let taken = format!("{taken}@x");
        steps.iter().any(|(giver, ..)| {
            giver != taker && rows.get(&format!("u{giver}")).is_some_and(|row| email(row) == taken)
        })
    })
}

fn as_write_set(rows: &Rows, steps: &[(u8, Step, Guard)]) -> WriteSet {
    let mutations = steps.iter().map(|(id, step, guard)| {
        let id = format!("u{id}");
        let version = rows.get(&id).map_or(-1, |row| row.version);
        let precondition = match guard {
            0 => Precondition::None,
            1 => Precondition::Absent,
            2 => Precondition::Exists,
            3 => Precondition::Version(Version(version)),
            _ => Precondition::Version(Version(i64::MAX)),
        };
        let change = match step {
            Step::Create { email } => {
                Change::Create(document(json!({ "displayName": id, "email": format!("{email}@x") })))
            }
            Step::Update { name, email } => {
                let mut edits = vec![set("displayName", json!(format!("n{name}")))];
                edits.extend(email.map(|email| set("email", json!(format!("{email}@x")))));
                Change::Update(edits)
            }
            Step::Delete => Change::Delete,
            Step::Check => Change::Check,
        };
        mutation(user(&id), precondition, change)
    });
    write_set(mutations.collect())
}

/// Given any history of write sets, then the database and the map agree on each outcome and on all rows.
pub async fn random_write_sets_agree_with_a_map(fresh: Factory) {
    let seed = crate::seed::number("write sets");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let fixture = Fixture::open(fresh());
    let mut rows = Rows::new();
    let strategy = proptest::collection::vec(step(), 1..4);
    let random_flag = proptest::bool::weighted(0.25);
    for number in 0..LENGTH {
        let mut steps = strategy.new_tree(&mut runner).unwrap().current();
        steps.sort_by_key(|(id, ..)| *id);
        steps.dedup_by_key(|(id, ..)| *id);
        let expected = apply(&rows, &steps);
        let validate_only = random_flag.new_tree(&mut runner).unwrap().current();
        let write_set = WriteSet { validate_only, ..as_write_set(&rows, &steps) };
        let outcome = fixture.write.commit(write_set, deadline()).await;
        match (expected, outcome) {
            // What would be is said, nothing becomes of it, and no version of it was ever given.
            (Some(_), Ok(committed)) if validate_only => {
                assert!(committed.results.into_iter().flatten().all(|stored| stored.version == Version(0)));
            }
            (None, Err(_)) => {}
            (Some(_), Err(error)) if error.reason == Reason::UniqueViolation && hands_over(&rows, &steps) => {
            }
            (Some(next), Ok(committed)) => {
                rows = next;
                for stored in committed.results.into_iter().flatten() {
                    rows.get_mut(stored.key.as_str()).unwrap().version = stored.version.0;
                }
            }
            (expected, outcome) => {
                panic!("write set {number} {steps:?}: the map says {expected:?}, the database {outcome:?}")
            }
        }
    }
    let listed = fixture.read.list(users(), query(Some(""), 1000), deadline()).await.unwrap().value;
    let listed: Rows = listed
        .into_iter()
        .map(|row| {
            let fields = serde_json::from_str(&row.document).unwrap();
            (row.key.as_str().to_owned(), Row { version: row.version.0, fields })
        })
        .collect();
    assert_eq!(listed, rows);
}
