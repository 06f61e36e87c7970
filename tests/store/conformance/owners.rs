//! Rows with owners: each sees and writes his own, and cannot tell that there are others.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use trine::model::{
    Change, Deletion, Error, Key, Mutation, Precondition, Principal, Reason, ResourceRef, Result, Scope,
    Sight, Stored, Upsert, WriteSet,
};
use trine::query::ListQuery;
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{Committed, ReadStore, WriteStore};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::write_sets::{create, delete, document, mutation, set, update, write_set};

/// Notebooks and their pages, each with an owner.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let proto = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notes");
        load(&[proto], &["*".to_owned()]).expect("a schema with owners")
    })
}

pub fn kind(name: &str) -> &'static Arc<ResourceType> {
    catalogue().types.iter().find(|kind| kind.name.as_str() == name).expect("a type")
}

pub struct Notes {
    pub write: WriteStore,
    read: ReadStore,
    pub database: TestDatabase,
}

impl Notes {
    pub fn open(database: TestDatabase) -> Self {
        let write = WriteStore::open(&database.url, options(), catalogue()).expect("a primary");
        let read = ReadStore::open(&database.url, options(), false).expect("a primary");
        Self { write, read, database }
    }

    pub async fn commit(&self, who: &Principal, mutations: Vec<Mutation>) -> Result<Committed> {
        let write_set = WriteSet { principal: who.clone(), ..write_set(mutations) };
        self.write.commit(write_set, deadline()).await
    }

    pub async fn get(&self, who: &Principal, resource: &ResourceRef) -> Option<Stored> {
        let kind = kind(resource.kind.as_str());
        self.read.get(kind, &resource.key, &who.sight(), deadline()).await.expect("a read").value
    }

    pub async fn list(&self, who: &Principal, name: &str, parent: Option<&str>) -> Vec<String> {
        let query = ListQuery::new(parent.map(str::to_owned), who.sight(), 1000);
        let rows = self.read.list(kind(name), query, deadline()).await.expect("a list").value;
        rows.iter().map(|row| row.key.as_str().to_owned()).collect()
    }
}

pub fn who(subject: &str) -> Principal {
    Principal::new(subject, [Scope::Read, Scope::Write])
}

pub fn admin() -> Principal {
    Principal::new("root", [Scope::Read, Scope::Write, Scope::Admin])
}

pub fn notebook(id: &str) -> ResourceRef {
    ResourceRef { kind: kind("notes.v1.Notebook").name.clone(), key: Key::new(id) }
}

pub fn page(notebook: &str, id: &str) -> ResourceRef {
    ResourceRef { kind: kind("notes.v1.Page").name.clone(), key: Key::child(notebook, id) }
}

fn retitle(resource: ResourceRef, title: &str) -> Mutation {
    update(resource, vec![set("title", json!(title))])
}

fn owner(row: &Stored) -> String {
    let document: Value = serde_json::from_str(&row.document).expect("JSON");
    document["owner"].as_str().unwrap_or_default().to_owned()
}

fn reason<T: std::fmt::Debug>(outcome: Result<T>) -> Reason {
    outcome.map_err(|error: Error| error.reason).expect_err("a refusal")
}

/// Given a notebook of alice's, then bob's every read and write finds nothing, as where nothing is.
pub async fn what_another_owns_is_not_there(fresh: Factory) {
    let notes = Notes::open(fresh());
    let (alice, bob) = (who("alice"), who("bob"));
    notes.commit(&alice, vec![create(notebook("n"), json!({ "title": "mine" }))]).await.expect("created");
    let row = notes.get(&alice, &notebook("n")).await.expect("alice's own");
    assert_eq!(owner(&row), "alice", "filled in");
    assert_eq!(notes.get(&bob, &notebook("n")).await, None);
    assert_eq!(notes.get(&admin(), &notebook("n")).await, Some(row.clone()));

    let conditions =
        [Precondition::None, Precondition::Exists, Precondition::Version(row.version), Precondition::Absent];
    for condition in conditions {
        for change in [
            Change::Update(vec![set("title", json!("stolen"))]),
            Change::Delete,
            Change::DeleteWith(Deletion { force: true, allow_missing: false }),
            Change::Undelete,
        ] {
            let there = notes.commit(&bob, vec![mutation(notebook("n"), condition, change.clone())]).await;
            let nowhere = notes.commit(&bob, vec![mutation(notebook("x"), condition, change.clone())]).await;
            let (there, nowhere) = (there.expect_err("refused"), nowhere.expect_err("refused"));
            assert_eq!(there.reason, nowhere.reason, "{condition:?} {change:?}");
            assert_eq!(there.message.replace("/n", "/x"), nowhere.message, "{condition:?} {change:?}");
        }
    }
    let gone = Change::DeleteWith(Deletion { force: false, allow_missing: true });
    notes.commit(&bob, vec![mutation(notebook("n"), Precondition::None, gone)]).await.expect("nothing to do");
    let version = Precondition::Version(row.version);
    assert_eq!(
        reason(notes.commit(&bob, vec![mutation(notebook("n"), version, Change::Check)]).await),
        Reason::Conflict
    );
    notes
        .commit(&bob, vec![mutation(notebook("n"), Precondition::Absent, Change::Check)])
        .await
        .expect("as good as absent");
    assert_eq!(notes.get(&alice, &notebook("n")).await, Some(row), "nothing happened to it");
}

/// Given ids and values that another has taken, then they are taken, and nothing else is said of the row.
pub async fn what_another_has_taken_is_taken(fresh: Factory) {
    let notes = Notes::open(fresh());
    let (alice, bob) = (who("alice"), who("bob"));
    let slug = json!({ "slug": "s", "title": "secret-title" });
    notes.commit(&alice, vec![create(notebook("n"), slug.clone())]).await.expect("created");
    let company = create(page("n", "p"), json!({}));
    for mutations in [
        vec![create(notebook("n"), json!({}))],
        vec![company.clone(), create(notebook("n"), json!({}))],
        vec![mutation(
            notebook("n"),
            Precondition::None,
            Change::Upsert(Upsert { edits: vec![], document: document(json!({})) }),
        )],
    ] {
        let error = notes.commit(&bob, mutations).await.expect_err("taken");
        assert_eq!(error.reason, Reason::AlreadyExists, "{error:?}");
        assert!(!error.message.contains("deleted") && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    let error = notes.commit(&bob, vec![create(notebook("m"), slug)]).await.expect_err("taken");
    assert_eq!(error.reason, Reason::UniqueViolation);
    assert!(!format!("{error:?}").contains("notebooks/n"), "{error:?}");

    notes.commit(&alice, vec![delete(notebook("n"))]).await.expect("softly");
    let error = notes.commit(&bob, vec![create(notebook("n"), json!({}))]).await.expect_err("taken");
    assert_eq!(error.reason, Reason::AlreadyExists);
    assert!(!error.message.contains("deleted"), "{error:?}");
    assert_eq!(notes.get(&bob, &page("n", "p")).await, None, "all or nothing");
}

/// Given writes that name an owner, then only an admin can make a row somebody else's.
pub async fn an_owner_is_oneself_and_stays(fresh: Factory) {
    let notes = Notes::open(fresh());
    let alice = who("alice");
    let named = |owner: &str| json!({ "owner": owner });
    let foreign = notes.commit(&alice, vec![create(notebook("n"), named("bob"))]).await;
    assert_eq!(reason(foreign), Reason::Owner);
    notes.commit(&alice, vec![create(notebook("n"), named("alice"))]).await.expect("oneself");
    let give = |to: Option<&str>| {
        let value = to.map(|to| json!(to));
        vec![update(notebook("n"), vec![trine::model::Edit { path: vec!["owner".to_owned()], value }])]
    };
    assert_eq!(reason(notes.commit(&alice, give(Some("bob"))).await), Reason::Owner);
    notes.commit(&alice, give(Some("alice"))).await.expect("no change");
    notes.commit(&alice, give(None)).await.expect("cleared means: as it is");
    assert_eq!(owner(&notes.get(&alice, &notebook("n")).await.expect("still hers")), "alice");

    notes.commit(&admin(), give(Some("bob"))).await.expect("an admin may");
    assert_eq!(notes.get(&alice, &notebook("n")).await, None);
    assert_eq!(owner(&notes.get(&who("bob"), &notebook("n")).await.expect("his now")), "bob");
    notes.commit(&admin(), vec![create(notebook("a"), json!({}))]).await.expect("an admin's own");
    assert!(notes.get(&who("root"), &notebook("a")).await.is_some());
}

/// Given batches in which several principals ask for the same rows, then each gets what is his.
pub async fn members_of_a_batch_do_not_mix(fresh: Factory) {
    let notes = Notes::open(fresh());
    let people = [who("alice"), who("bob"), admin()];
    let created = (0..20).map(|number| {
        let owner = &people[number % 2];
        notes.commit(owner, vec![create(notebook(&format!("n{number}")), json!({}))])
    });
    for outcome in join_all(created).await {
        outcome.expect("created");
    }
    let questions: Vec<(usize, usize)> = (0..200).map(|at| (at % 3, at * 7 % 20)).collect();
    let (notes, people) = (&notes, &people);
    let reads = questions.iter().copied().map(|(person, number)| async move {
        (person, number, notes.get(&people[person], &notebook(&format!("n{number}"))).await.is_some())
    });
    for (person, number, found) in join_all(reads).await {
        assert_eq!(found, person == 2 || number % 2 == person, "{person} {number}");
    }
    let writes = questions.iter().copied().map(|(person, number)| async move {
        let renamed = vec![retitle(notebook(&format!("n{number}")), &format!("of {person}"))];
        (person, number, notes.commit(&people[person], renamed).await)
    });
    for (person, number, outcome) in join_all(writes).await {
        let own = person == 2 || number % 2 == person;
        assert_eq!(outcome.as_ref().err().map(|error| error.reason), (!own).then_some(Reason::NotFound));
    }
    let both = vec![retitle(notebook("n0"), "x"), retitle(notebook("n1"), "x")];
    let error = notes.commit(&people[0], both).await.expect_err("one of them is not hers");
    assert_eq!(
        (error.reason, error.metadata.iter().any(|pair| pair.1 == "mutations[1]")),
        (Reason::NotFound, true)
    );
}

/// Given children of two owners under one parent, then neither deletes the other's, not even by force.
pub async fn a_forced_deletion_stops_before_others(fresh: Factory) {
    let notes = Notes::open(fresh());
    let (alice, bob) = (who("alice"), who("bob"));
    notes.commit(&alice, vec![create(notebook("n"), json!({}))]).await.expect("created");
    notes.commit(&alice, vec![create(page("n", "hers"), json!({}))]).await.expect("created");
    notes.commit(&bob, vec![create(page("n", "secret"), json!({}))]).await.expect("created");
    for force in [false, true] {
        let change = Change::DeleteWith(Deletion { force, allow_missing: false });
        let error = notes.commit(&alice, vec![mutation(notebook("n"), Precondition::None, change)]).await;
        let error = error.expect_err("bob's page");
        assert_eq!(error.reason, Reason::FailedPrecondition);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    assert!(notes.get(&bob, &page("n", "secret")).await.is_some());
    notes.commit(&bob, vec![delete(page("n", "secret"))]).await.expect("his own");
    let change = Change::DeleteWith(Deletion { force: true, allow_missing: false });
    notes.commit(&alice, vec![mutation(notebook("n"), Precondition::None, change)]).await.expect("all hers");
    assert_eq!(notes.get(&alice, &page("n", "hers")).await, None);
}

/// What one of two tenants does.
#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Retitle(u8),
    Delete(u8),
    Upsert(u8),
    Page(u8),
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        (0u8..6).prop_map(Step::Create),
        (0u8..6).prop_map(Step::Retitle),
        (0u8..6).prop_map(Step::Delete),
        (0u8..6).prop_map(Step::Upsert),
        (0u8..6).prop_map(Step::Page),
    ];
    prop::collection::vec((any::<bool>(), step), 1..40)
}

/// Given random work of two tenants on the same few ids, then after each step each sees only rows of his own
/// in every list, and an admin sees those of both.
pub async fn two_tenants_never_meet(fresh: Factory) {
    let notes = Notes::open(fresh());
    let tenants = [who("alice"), who("bob")];
    let mut runner = TestRunner::deterministic();
    for _ in 0..4 {
        for (first, step) in steps().new_tree(&mut runner).expect("steps").current() {
            let tenant = &tenants[usize::from(!first)];
            let named = |id: u8| notebook(&format!("n{id}"));
            let change = match step {
                Step::Create(id) => create(named(id), json!({ "title": tenant.subject })),
                Step::Retitle(id) => retitle(named(id), &tenant.subject),
                Step::Delete(id) => delete(named(id)),
                Step::Page(id) => create(page(&format!("n{id}"), &tenant.subject), json!({ "number": 1 })),
                Step::Upsert(id) => {
                    let edits = vec![set("title", json!(tenant.subject))];
                    let upsert = Upsert { edits, document: document(json!({ "title": tenant.subject })) };
                    mutation(named(id), Precondition::None, Change::Upsert(upsert))
                }
            };
            let _refused_or_done = notes.commit(tenant, vec![change]).await;
            for name in ["notes.v1.Notebook", "notes.v1.Page"] {
                let mut seen = Vec::new();
                for tenant in &tenants {
                    let query =
                        ListQuery { show_deleted: true, ..ListQuery::new(None, tenant.sight(), 1000) };
                    let rows = notes.read.list(kind(name), query, deadline()).await.expect("a list").value;
                    assert!(
                        rows.iter().all(|row| owner(row) == tenant.subject),
                        "{name} of {}",
                        tenant.subject
                    );
                    let titled = |row: &Stored| {
                        !row.document.contains("title") || row.document.contains(&tenant.subject)
                    };
                    assert!(rows.iter().all(titled), "written by another");
                    seen.extend(rows.into_iter().map(|row| row.key));
                }
                let query = ListQuery { show_deleted: true, ..ListQuery::new(None, Sight::All, 1000) };
                let all = notes.read.list(kind(name), query, deadline()).await.expect("a list").value;
                seen.sort_unstable();
                assert_eq!(seen, all.into_iter().map(|row| row.key).collect::<Vec<_>>());
            }
        }
    }
    assert!(!notes.list(&tenants[0], "notes.v1.Notebook", Some("")).await.is_empty(), "something happened");
}
