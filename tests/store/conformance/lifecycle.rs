//! The life of a resource: created or updated in one, deleted softly or for good, brought back, purged.

use serde_json::json;
use trine::model::{
    Answer, Change, Edit, Key, Precondition, Reason, ResourceRef, Timestamp, Upsert, Version, WriteSet,
};
use trine::query::ListQuery;

use super::archive::{
    cabinet, create_folder, create_page, delete_with, expire, folder, folders, get, one, open, page, retain,
    retitle, stocked, undelete,
};
use super::fixture::{Factory, Fixture, deadline};
use super::lists::query;
use super::write_sets::{create, delete, document, mutation, set, with_key, write_set};

async fn reason_of(fixture: &mut Fixture, write_set: WriteSet) -> Reason {
    fixture.commit(write_set).await.unwrap_err().reason
}

async fn listed(fixture: &Fixture, show_deleted: bool) -> Vec<String> {
    let query = ListQuery { show_deleted, ..query(Some("c"), 100) };
    let rows = fixture.read.list(folders(), query, deadline()).await.unwrap().value;
    rows.iter().map(|row| row.key.as_str().to_owned()).collect()
}

/// Given a folder, when it is deleted and brought back, then Get shows it throughout, lists only while it
/// lives, and its document is what it was.
pub async fn a_soft_deletion_hides_and_an_undelete_brings_back(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    fixture.commit(one(delete(page("c/f/p")))).await.unwrap();
    let before = get(&fixture, &folder("c/f")).await.unwrap();

    let committed = fixture.commit(one(delete(folder("c/f")))).await.unwrap();
    let deleted = get(&fixture, &folder("c/f")).await.unwrap();
    assert_eq!(committed.results, vec![Some(deleted.clone())]);
    assert_eq!(committed.answer, Answer::Resource { resource: deleted.clone(), created: false });
    assert!(deleted.version > before.version && deleted.document == before.document);
    let purge_time = deleted.delete_time.as_ref().unwrap().plus_days(30);
    assert_eq!(deleted.purge_time, Some(purge_time));
    assert_eq!(
        (listed(&fixture, false).await, listed(&fixture, true).await),
        (vec![], vec!["c/f".to_owned()])
    );

    let restored = fixture.commit(one(undelete(folder("c/f")))).await.unwrap().results[0].clone().unwrap();
    assert_eq!(get(&fixture, &folder("c/f")).await, Some(restored.clone()));
    assert_eq!((restored.delete_time, restored.purge_time), (None, None));
    assert!(restored.version > deleted.version && restored.document == before.document);
    assert_eq!(listed(&fixture, false).await, ["c/f"]);
}

/// Given a deleted folder, then its id is taken, it can neither change nor be deleted again, and a version
/// of it still counts.
pub async fn a_deleted_resource_only_waits(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    fixture.commit(one(delete_with(folder("c/f"), true, false))).await.unwrap();
    let deleted = get(&fixture, &folder("c/f")).await.unwrap();
    assert_eq!(reason_of(&mut fixture, one(create_folder("c/f", "8"))).await, Reason::AlreadyExists);
    // In company the look comes before the insert.
    let two = write_set(vec![create_folder("c/f", "8"), create_folder("c/g", "9")]);
    assert_eq!(reason_of(&mut fixture, two).await, Reason::AlreadyExists);
    assert_eq!(reason_of(&mut fixture, one(retitle("c/f"))).await, Reason::NotFound);
    assert_eq!(reason_of(&mut fixture, one(delete(folder("c/f")))).await, Reason::NotFound);
    let again = fixture.commit(one(delete_with(folder("c/f"), false, true))).await.unwrap();
    assert_eq!(again.results, vec![Some(deleted.clone())]);
    let check = |precondition| one(mutation(folder("c/f"), precondition, Change::Check));
    fixture.commit(check(Precondition::Version(deleted.version))).await.unwrap();
    assert_eq!(reason_of(&mut fixture, check(Precondition::Absent)).await, Reason::Conflict);
    assert_eq!(reason_of(&mut fixture, check(Precondition::Exists)).await, Reason::Conflict);
    let stale = mutation(folder("c/f"), Precondition::Version(Version(1)), Change::Undelete);
    assert_eq!(reason_of(&mut fixture, one(stale)).await, Reason::Conflict);
    assert_eq!(get(&fixture, &folder("c/f")).await, Some(deleted));
}

/// Given a living folder and none, then neither can be undeleted.
pub async fn only_what_is_deleted_is_undeleted(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    assert_eq!(reason_of(&mut fixture, one(undelete(folder("c/f")))).await, Reason::AlreadyExists);
    assert_eq!(reason_of(&mut fixture, one(undelete(folder("c/none")))).await, Reason::NotFound);
    assert_eq!(reason_of(&mut fixture, one(undelete(cabinet("c")))).await, Reason::AlreadyExists);
}

/// Given a deleted folder whose code somebody else took, when it is undeleted, then the field is named.
pub async fn unique_counts_the_living(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    fixture.commit(one(delete_with(folder("c/f"), true, false))).await.unwrap();
    fixture.commit(one(create_folder("c/g", "7"))).await.unwrap();
    let error = fixture.commit(one(undelete(folder("c/f")))).await.unwrap_err();
    assert_eq!(error.reason, Reason::UniqueViolation);
    assert_eq!(error.violations[0].field, "code");
    // In one write set the one may take what the other gives up.
    let swap = write_set(vec![delete(folder("c/g")), undelete(folder("c/f"))]);
    fixture.commit(swap).await.unwrap();
    assert_eq!(listed(&fixture, false).await, ["c/f"]);
}

/// Given a folder with a page, when the cabinet is deleted, then it is refused; when its children go in the
/// same write set, or by force, it goes.
pub async fn what_has_children_goes_with_them_or_not_at_all(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    for parent in [cabinet("c"), folder("c/f")] {
        let error = fixture.commit(one(delete(parent))).await.unwrap_err();
        assert_eq!(error.reason, Reason::FailedPrecondition, "{error}");
        assert!(error.message.contains("cabinets/c/folders/f"), "{}", error.message);
    }
    let all = write_set(vec![delete(folder("c/f")), delete(cabinet("c")), delete(page("c/f/p"))]);
    fixture.commit(all).await.unwrap();
    assert_eq!(get(&fixture, &cabinet("c")).await, None);
    assert!(get(&fixture, &folder("c/f")).await.unwrap().is_deleted());
    assert_eq!(get(&fixture, &page("c/f/p")).await, None);
}

/// Given a tree, when its root is deleted by force, then all below goes as its own type says, each with a
/// version of its own, and the neighbour's tree stays.
pub async fn force_takes_the_tree_along(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    let more = vec![
        create(cabinet("c0"), json!({})),
        create_folder("c0/f", "8"),
        create_folder("c/g", "9"),
        create_page("c/g/p"),
    ];
    fixture.commit(write_set(more)).await.unwrap();
    let before = get(&fixture, &folder("c/g")).await.unwrap().version;
    let committed = fixture.commit(one(delete_with(cabinet("c"), true, false))).await.unwrap();
    assert_eq!((committed.results, committed.answer), (vec![None], Answer::Empty));
    let (f, g) = (get(&fixture, &folder("c/f")).await.unwrap(), get(&fixture, &folder("c/g")).await.unwrap());
    assert!(f.is_deleted() && g.is_deleted() && f.version > before && g.version > before);
    assert_ne!(f.version, g.version);
    for gone in [page("c/f/p"), page("c/g/p"), cabinet("c")] {
        assert_eq!(get(&fixture, &gone).await, None);
    }
    assert!(!get(&fixture, &folder("c0/f")).await.unwrap().is_deleted());
    // Within one write set it would depend on the order.
    let both = write_set(vec![delete_with(cabinet("c0"), true, false), retitle("c0/f")]);
    assert_eq!(reason_of(&mut fixture, both).await, Reason::InvalidParameter);
}

/// Given more below than one transaction should take, then force is refused and nothing goes.
pub async fn force_has_a_limit(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    for part in 0..2 {
        let many = (part * 500..(part + 1) * 500).map(|number| create_page(&format!("c/f/n{number}")));
        fixture.commit(write_set(many.collect())).await.unwrap();
    }
    let error = fixture.commit(one(delete_with(folder("c/f"), true, false))).await.unwrap_err();
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("1000"), "{}", error.message);
    assert!(!get(&fixture, &folder("c/f")).await.unwrap().is_deleted());
    assert!(get(&fixture, &page("c/f/p")).await.is_some());
}

/// Given a deleted folder, then nothing comes alive below it; given none at all, it may: parents need not exist.
pub async fn nothing_lives_below_what_is_deleted(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    fixture.commit(one(delete_with(folder("c/f"), true, false))).await.unwrap();
    let error = fixture.commit(one(create_page("c/f/q"))).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    assert!(error.message.contains("cabinets/c/folders/f"), "{}", error.message);
    let both = write_set(vec![create_page("c/f/q"), undelete(folder("c/f"))]);
    fixture.commit(both).await.unwrap();
    fixture.commit(one(create_page("nobody/none/q"))).await.unwrap();
}

/// Given deletions of folders and creations of pages at once, then no page lives below a deleted folder.
pub async fn deletions_and_children_race_without_orphans(fresh: Factory) {
    let mut fixture = open(fresh);
    const FOLDERS: usize = 40;
    let stock = (0..FOLDERS).map(|number| create_folder(&format!("c/f{number}"), &format!("n{number}")));
    fixture.commit(write_set(stock.collect())).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..FOLDERS {
        for race in [
            one(create_page(&format!("c/f{number}/p"))),
            one(delete_with(folder(&format!("c/f{number}")), number % 2 == 0, false)),
            one(create_page(&format!("c/f{number}/q"))),
        ] {
            let write = fixture.write.clone();
            tasks.push(tokio::spawn(async move { write.commit(race, deadline()).await.map(drop) }));
        }
    }
    for task in tasks {
        if let Err(error) = task.await.unwrap() {
            assert!(matches!(error.reason, Reason::NotFound | Reason::FailedPrecondition), "{error}");
        }
    }
    for number in 0..FOLDERS {
        let parent = get(&fixture, &folder(&format!("c/f{number}"))).await.unwrap();
        for id in ["p", "q"] {
            let child = get(&fixture, &page(&format!("c/f{number}/{id}"))).await;
            assert!(!parent.is_deleted() || child.is_none(), "f{number} is deleted, {id} lives");
        }
    }
}

/// Given a missing resource, then `allow_missing` makes a deletion of it no failure, unless a version was meant.
pub async fn a_missing_one_may_be_deleted(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    let committed = fixture.commit(one(delete_with(cabinet("none"), true, true))).await.unwrap();
    assert_eq!((committed.results, committed.answer), (vec![None], Answer::Empty));
    assert_eq!(reason_of(&mut fixture, one(delete(cabinet("none")))).await, Reason::NotFound);
    let change = delete_with(cabinet("none"), false, true).change;
    let meant = mutation(cabinet("none"), Precondition::Version(Version(7)), change);
    assert_eq!(reason_of(&mut fixture, one(meant)).await, Reason::Conflict);
}

fn upsert(resource: ResourceRef, precondition: Precondition, title: Option<&str>) -> WriteSet {
    let value = title.map(|title| json!({ "title": title, "code": "u" })).unwrap_or(json!({}));
    let edits: Vec<Edit> = title.map(|title| set("title", json!(title))).into_iter().collect();
    one(mutation(resource, precondition, Change::Upsert(Upsert { document: document(value), edits })))
}

/// Given an upsert, when there is none it creates, when there is one it updates, and it says which.
pub async fn an_upsert_creates_or_updates(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    let created = |answer: &Answer| matches!(answer, Answer::Resource { created: true, .. });
    let none = Precondition::None;
    assert_eq!(reason_of(&mut fixture, upsert(folder("c/u"), none, None)).await, Reason::Required);
    let first = fixture.commit(with_key(upsert(folder("c/u"), none, Some("a")), "k", 1)).await.unwrap();
    let second = fixture.commit(upsert(folder("c/u"), none, Some("b"))).await.unwrap();
    assert!(created(&first.answer) && !created(&second.answer));
    let stored = get(&fixture, &folder("c/u")).await.unwrap();
    assert_eq!(second.results, vec![Some(stored.clone())]);
    let replayed = fixture.commit(with_key(upsert(folder("c/u"), none, Some("a")), "k", 1)).await.unwrap();
    assert!(replayed.replayed && replayed.answer == first.answer);

    let absent = upsert(folder("c/u"), Precondition::Absent, Some("c"));
    assert_eq!(reason_of(&mut fixture, absent).await, Reason::Conflict);
    fixture.commit(upsert(folder("c/v"), Precondition::Absent, None)).await.unwrap_err();
    let exists = upsert(folder("c/v"), Precondition::Exists, Some("c"));
    assert_eq!(reason_of(&mut fixture, exists).await, Reason::Conflict);
    fixture.commit(one(delete(folder("c/u")))).await.unwrap();
    assert_eq!(reason_of(&mut fixture, upsert(folder("c/u"), none, Some("d"))).await, Reason::AlreadyExists);
}

/// Given folders past their purge time, when the database is tidied, then they go for good, the others stay,
/// and their ids are free.
pub async fn a_purge_takes_what_is_due(fresh: Factory) {
    let mut fixture = stocked(fresh).await;
    fixture.commit(one(delete_with(folder("c/f"), true, false))).await.unwrap();
    retain(&fixture).await;
    assert!(get(&fixture, &folder("c/f")).await.unwrap().is_deleted());
    expire(&fixture);
    fixture.commit(one(create_folder("c/g", "g"))).await.unwrap();
    let before = fixture.commit(one(delete(folder("c/g")))).await.unwrap();
    retain(&fixture).await;
    assert_eq!(get(&fixture, &folder("c/f")).await, None);
    assert!(get(&fixture, &folder("c/g")).await.unwrap().is_deleted());
    let again = fixture.commit(one(create_folder("c/f", "7"))).await.unwrap();
    assert!(again.position.unwrap().offset > before.position.unwrap().offset);
}

/// Given folders past their purge time, when purges and undeletes meet, then each folder that an undelete
/// was answered for lives, and each other is gone.
pub async fn a_purge_never_takes_what_was_undeleted(fresh: Factory) {
    let mut fixture = open(fresh);
    const FOLDERS: usize = 60;
    let keys: Vec<String> = (0..FOLDERS).map(|number| format!("c/f{number}")).collect();
    let stock = keys.iter().map(|key| create_folder(key, key)).collect();
    fixture.commit(write_set(stock)).await.unwrap();
    fixture.commit(write_set(keys.iter().map(|key| delete(folder(key))).collect())).await.unwrap();
    expire(&fixture);
    let undeletes: Vec<_> = keys
        .iter()
        .map(|key| {
            let (write, write_set) = (fixture.write.clone(), one(undelete(folder(key))));
            tokio::spawn(async move { write.commit(write_set, deadline()).await })
        })
        .collect();
    retain(&fixture).await;
    let mut answers = Vec::new();
    for undelete in undeletes {
        answers.push(undelete.await.unwrap());
    }
    retain(&fixture).await;
    for (key, answer) in keys.iter().zip(answers) {
        match answer {
            Ok(committed) => assert_eq!(get(&fixture, &folder(key)).await, committed.results[0]),
            Err(error) => {
                assert_eq!((error.reason, get(&fixture, &folder(key)).await), (Reason::NotFound, None));
            }
        }
    }
}

/// Earlier binaries read what a plain deletion says, and what later ones leave out.
pub async fn serialised_changes_only_grow(_: Factory) {
    let text = |change: &Change| serde_json::to_string(change).unwrap();
    assert_eq!(text(&delete_with(cabinet("c"), false, false).change), "\"delete\"");
    let forced = text(&delete_with(cabinet("c"), true, false).change);
    assert_eq!(forced, r#"{"deleteWith":{"force":true,"allowMissing":false}}"#);
    let read: Change = serde_json::from_str(r#"{"deleteWith":{"force":true}}"#).unwrap();
    assert_eq!(text(&read), forced);
    let stored = json!({
        "type": "archive.v1.Folder", "key": "c/f", "version": 7, "document": "{}",
        "create_time": Timestamp::now(), "update_time": Timestamp::now(),
    });
    let stored: trine::model::Stored = serde_json::from_value(stored).unwrap();
    assert!(!stored.is_deleted() && stored.key == Key::new("c/f"));
}
