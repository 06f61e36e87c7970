//! Random write sets over a tree of cabinets, folders and pages against maps: same outcomes, same rows.
//!
//! The model is told by the rules alone: mutations one after the other, then a look at the whole tree.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use trine::model::{Change, Deletion, Mutation, Precondition, Reason, ResourceRef, Upsert, WriteSet};
use trine::query::ListQuery;
use trine::schema::ResourceType;

use super::archive::{cabinet, cabinets, expire, folder, folders, open, page, pages, retain};
use super::fixture::{Factory, Fixture, deadline};
use super::lists::query;
use super::write_sets::{document, mutation, set, write_set};

/// Write sets in one history.
const LENGTH: usize = 400;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Create { code: u8 },
    Update { title: u8, code: Option<u8> },
    Upsert { title: u8, code: u8 },
    Delete(Deletion),
    Undelete,
    Check,
}

/// A place in the tree: a cabinet `c0`, a folder `c0/f1`, a page `c0/f1/p`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(Vec<u8>);

impl Place {
    fn key(&self) -> String {
        let ids = self.0.iter().zip(["c", "f", "p"]).map(|(number, letter)| format!("{letter}{number}"));
        ids.collect::<Vec<_>>().join("/")
    }

    fn resource(&self) -> ResourceRef {
        match self.0.len() {
            1 => cabinet(&self.key()),
            2 => folder(&self.key()),
            _ => page(&self.key()),
        }
    }

    fn is_folder(&self) -> bool {
        self.0.len() == 2
    }

    fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    title: String,
    code: String,
    deleted: bool,
}

type Tree = BTreeMap<Place, Row>;

/// 0 to 2: none; 3: absent, 4: exists
type Guard = u8;

fn step() -> impl Strategy<Value = (Place, Step, Guard)> {
    let place = prop_oneof![
        1 => (0u8..2).prop_map(|cabinet| Place(vec![cabinet])),
        3 => (0u8..2, 0u8..4).prop_map(|(cabinet, folder)| Place(vec![cabinet, folder])),
        2 => (0u8..2, 0u8..4, 0u8..2).prop_map(|(cabinet, folder, page)| Place(vec![cabinet, folder, page])),
    ];
    let deletion = (any::<bool>(), any::<bool>())
        .prop_map(|(force, allow_missing)| Step::Delete(Deletion { force, allow_missing }));
    let step = prop_oneof![
        4 => (0u8..12).prop_map(|code| Step::Create { code }),
        2 => (any::<u8>(), proptest::option::of(0u8..12)).prop_map(|(title, code)| Step::Update { title, code }),
        2 => (any::<u8>(), 0u8..12).prop_map(|(title, code)| Step::Upsert { title, code }),
        3 => deletion,
        2 => Just(Step::Undelete),
        1 => Just(Step::Check),
    ];
    let undelete =
        (0u8..2, 0u8..4).prop_map(|(cabinet, folder)| (Place(vec![cabinet, folder]), Step::Undelete, 0));
    prop_oneof![5 => (place, step, 0u8..5), 2 => undelete]
}

/// One that is deleted, or one that lives: places taken by chance alone hardly ever name such a one.
fn pick(tree: &Tree, deleted: bool, runner: &mut TestRunner) -> Option<Place> {
    let such: Vec<Place> =
        tree.iter().filter(|(_, row)| row.deleted == deleted).map(|(place, _)| place.clone()).collect();
    (!such.is_empty()).then(|| proptest::sample::select(such).new_tree(runner).unwrap().current())
}

fn code(number: u8) -> String {
    // One that is unset never collides.
    if number == 0 { String::new() } else { format!("n{number}") }
}

/// What the database should make of it; none: refused.
fn apply(before: &Tree, steps: &[(Place, Step, Guard)]) -> Option<Tree> {
    let mut tree = before.clone();
    let (mut deleted, mut alive) = (Vec::new(), Vec::new());
    for (place, step, guard) in steps {
        let held = tree.get(place).cloned();
        let live = held.as_ref().is_some_and(|row| !row.deleted);
        let new = |title: String, number: u8| Row { title, code: code(number), deleted: false };
        match step {
            Step::Check => {
                let holds = (*guard != 3 || held.is_none()) && (*guard != 4 || live);
                holds.then_some(())?;
            }
            Step::Create { code } => {
                (held.is_none() && *guard < 4).then_some(())?;
                tree.insert(place.clone(), new("created".into(), *code));
                alive.push(place);
            }
            Step::Upsert { title, code } if held.is_none() => {
                (*guard < 4).then_some(())?;
                tree.insert(place.clone(), new(format!("t{title}"), *code));
                alive.push(place);
            }
            Step::Upsert { title, .. } => {
                (live && *guard != 3).then_some(())?;
                tree.get_mut(place)?.title = format!("t{title}");
            }
            Step::Update { title, code: number } => {
                (live && *guard != 3).then_some(())?;
                let row = tree.get_mut(place)?;
                row.title = format!("t{title}");
                if let Some(number) = number {
                    row.code = code(*number);
                }
            }
            Step::Delete(deletion) if !live => {
                let stands = match guard {
                    3 => held.is_none(),
                    4 => false,
                    _ => true,
                };
                (deletion.allow_missing && stands).then_some(())?;
            }
            Step::Delete(deletion) => {
                (*guard != 3).then_some(())?;
                take_away(&mut tree, place);
                deleted.push((place, deletion.force));
            }
            Step::Undelete => {
                (held.is_some() && !live && *guard != 3).then_some(())?;
                tree.get_mut(place)?.deleted = false;
                alive.push(place);
            }
        }
        is_unique(&tree).then_some(())?;
    }
    overlap(steps).is_none().then_some(())?;
    look_around(tree, &deleted, &alive)
}

/// The whole tree once every mutation is applied: what is below a deletion, what is above a new life.
fn look_around(mut tree: Tree, deleted: &[(&Place, bool)], alive: &[&Place]) -> Option<Tree> {
    for (place, force) in deleted {
        let below: Vec<Place> = tree
            .iter()
            .filter(|(key, row)| key.is_below(place) && !row.deleted)
            .map(|(key, _)| key.clone())
            .collect();
        (*force || below.is_empty()).then_some(())?;
        below.iter().for_each(|key| take_away(&mut tree, key));
    }
    let orphan = alive.iter().any(|place| tree.iter().any(|(key, row)| place.is_below(key) && row.deleted));
    (!orphan).then_some(tree)
}

fn take_away(tree: &mut Tree, place: &Place) {
    if place.is_folder() {
        tree.get_mut(place).unwrap().deleted = true;
    } else {
        tree.remove(place);
    }
}

/// A deletion and something below it, where it would depend on the order.
fn overlap(steps: &[(Place, Step, Guard)]) -> Option<()> {
    let meets = steps.iter().any(|(above, deletion, _)| {
        let Step::Delete(deletion) = deletion else { return false };
        steps.iter().any(|(below, step, _)| {
            let counts = match step {
                Step::Check => false,
                Step::Delete(_) => deletion.force,
                _ => true,
            };
            counts && below.is_below(above)
        })
    });
    meets.then_some(())
}

fn is_unique(tree: &Tree) -> bool {
    let mut seen = BTreeSet::new();
    let live = tree.iter().filter(|(place, row)| place.is_folder() && !row.deleted && !row.code.is_empty());
    live.map(|(_, row)| row.code.clone()).all(|code| seen.insert(code))
}

fn as_mutation((place, step, guard): &(Place, Step, Guard)) -> Mutation {
    let precondition = match guard {
        3 => Precondition::Absent,
        4 => Precondition::Exists,
        _ => Precondition::None,
    };
    let text = |title: String, number: u8| match place.0.len() {
        1 => json!({ "label": title }),
        2 if number == 0 => json!({ "title": title }),
        2 => json!({ "title": title, "code": code(number) }),
        _ => json!({ "text": title }),
    };
    let title_field = ["label", "title", "text"][place.0.len() - 1];
    let titled = |title: &u8| set(title_field, json!(format!("t{title}")));
    let change = match step {
        Step::Create { code } => Change::Create(document(text("created".into(), *code))),
        Step::Update { title, code: number } => {
            let mut edits = vec![titled(title)];
            let number = number.filter(|_| place.is_folder());
            edits.extend(number.map(|number| set("code", json!(code(number)))));
            Change::Update(edits)
        }
        Step::Upsert { title, code } => Change::Upsert(Upsert {
            document: document(text(format!("t{title}"), *code)),
            edits: vec![titled(title)],
        }),
        Step::Delete(deletion) => Change::delete(*deletion),
        Step::Undelete => Change::Undelete,
        Step::Check => Change::Check,
    };
    mutation(place.resource(), precondition, change)
}

fn as_write_set(steps: &[(Place, Step, Guard)]) -> WriteSet {
    write_set(steps.iter().map(as_mutation).collect())
}

async fn rows(fixture: &Fixture, kind: &std::sync::Arc<ResourceType>, depth: usize) -> Tree {
    let all = ListQuery { show_deleted: true, ..query((depth == 1).then_some(""), 1000) };
    let rows = fixture.read.list(kind, all, deadline()).await.unwrap().value;
    let living = rows.iter().filter(|row| !row.is_deleted()).count();
    let shown = query((depth == 1).then_some(""), 1000);
    assert_eq!(fixture.read.list(kind, shown, deadline()).await.unwrap().value.len(), living);
    let row = |stored: &trine::model::Stored| {
        let fields: Value = serde_json::from_str(&stored.document).unwrap();
        let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        let title = ["label", "title", "text"].map(text).concat();
        let place = stored.key.ids().map(|id| id[1..].parse().unwrap()).collect();
        (Place(place), Row { title, code: text("code"), deleted: stored.is_deleted() })
    };
    rows.iter().map(row).collect()
}

/// Given any history of write sets and purges, then the database and the maps agree on each outcome and on
/// all rows.
pub async fn random_lives_agree_with_maps(fresh: Factory) {
    let seed = crate::seed::number("lives");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let fixture = open(fresh);
    let mut tree = Tree::new();
    let mut accepted = BTreeMap::<&str, u32>::new();
    // Most alone: of several one is nearly always refused.
    let strategy = prop_oneof![
        2 => proptest::collection::vec(step(), 1..2),
        1 => proptest::collection::vec(step(), 2..4),
    ];
    for number in 0..LENGTH {
        let mut steps = strategy.new_tree(&mut runner).unwrap().current();
        steps = match number % 8 {
            0 => pick(&tree, true, &mut runner).map(|place| vec![(place, Step::Undelete, 0)]),
            4 => pick(&tree, false, &mut runner)
                .map(|place| vec![(place, Step::Delete(Deletion::default()), 0)]),
            _ => None,
        }
        .unwrap_or(steps);
        let mut seen = BTreeSet::new();
        steps.retain(|(place, ..)| seen.insert(place.clone()));
        let expected = apply(&tree, &steps).map(|mut tree| {
            // Only folders have a code.
            tree.iter_mut().filter(|(place, _)| !place.is_folder()).for_each(|(_, row)| row.code.clear());
            tree
        });
        match (expected, fixture.write.commit(as_write_set(&steps), deadline()).await) {
            (None, Err(error)) => assert_ne!(error.reason, Reason::Internal, "{error} {:?}", error.context),
            (Some(next), Ok(_)) => {
                tree = next;
                let name = |step: &Step| match step {
                    Step::Delete(Deletion { force: true, .. }) => "force",
                    Step::Delete(_) => "delete",
                    Step::Undelete => "undelete",
                    Step::Upsert { .. } => "upsert",
                    _ => "other",
                };
                steps.iter().for_each(|(_, step, _)| *accepted.entry(name(step)).or_default() += 1);
            }
            (expected, outcome) => {
                panic!(
                    "write set {number} {steps:?} on {tree:?}: the maps say {expected:?}, the database {outcome:?}"
                )
            }
        }
        if number % 50 == 49 {
            expire(&fixture);
            retain(&fixture).await;
            tree.retain(|_, row| !row.deleted);
        }
    }
    let mut found = rows(&fixture, cabinets(), 1).await;
    found.extend(rows(&fixture, folders(), 2).await);
    found.extend(rows(&fixture, pages(), 3).await);
    assert_eq!(found, tree);
    // A history in which one of them never succeeds would prove nothing about it.
    println!("accepted: {accepted:?}");
    assert!(accepted.len() == 5, "{accepted:?}");
}
