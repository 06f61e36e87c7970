//! One transaction for many: what one member does never costs the others.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use trine::model::{Change, Deletion, Precondition, Reason};
use trine::store::{DatabaseUrl, Patience, Verdict};

use super::{commit, committed, fresh_url, prepared, rejected};
use crate::conformance::fixture::{TestDatabase, catalogue, options};
use crate::conformance::owners::{Notes, notebook, page, who};
use crate::conformance::write_sets::{
    create, create_user, delete, entry, mutation, set, update, user, with_key, write_set,
};
use crate::support::shared;

/// Somebody with psql and an open transaction.
pub(super) struct Locker {
    psql: Child,
}

impl Locker {
    pub(super) fn hold(url: &str, sql: &str) -> Self {
        let mut psql = shared().tool("psql");
        psql.args(["-X", "-q", "-A", "-t", url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        writeln!(psql.stdin.as_mut().unwrap(), "BEGIN; {sql}; SELECT 'held';").unwrap();
        let lines = BufReader::new(psql.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "held"));
        Self { psql }
    }

    pub(super) fn release(mut self) {
        drop(self.psql.stdin.take());
        self.psql.wait().unwrap();
    }
}

pub(super) fn rename(id: &str, name: &str) -> trine::model::WriteSet {
    write_set(vec![update(user(id), vec![set("displayName", json!(name))])])
}

/// Given a row locked by somebody else, then only the member that needs it is busy, until it is free.
#[test]
fn a_locked_row_holds_up_nobody_else() {
    let url = fresh_url();
    let (_database, mut writer) = prepared(&url);
    commit(&mut writer, &[create_user("alice"), create_user("bob")]);
    let locker = Locker::hold(&url, r#"SELECT key FROM trine."blog.v1.User" WHERE key = 'alice' FOR UPDATE"#);
    let begin = Instant::now();
    let verdicts = commit(&mut writer, &[rename("alice", "a"), rename("bob", "b"), rename("carol", "c")]);
    assert!(begin.elapsed() < Duration::from_millis(u64::from(options().lock_timeout_ms)));
    assert!(matches!(verdicts[0], Verdict::Busy), "{:?}", verdicts[0]);
    committed(&verdicts[1]);
    assert_eq!(rejected(&verdicts[2]).reason, Reason::NotFound);

    let patience = Patience::WaitUntil(Instant::now() + Duration::from_millis(100));
    let verdicts = writer.commit(catalogue(), &[rename("alice", "a")], patience);
    assert!(matches!(verdicts[0], Verdict::Busy), "{:?}", verdicts[0]);
    locker.release();
    let patience = Patience::WaitUntil(Instant::now() + Duration::from_secs(5));
    committed(&writer.commit(catalogue(), &[rename("alice", "a")], patience)[0]);
}

/// Given two updates to one unique value in a batch, then one has it, the other is told the field, the rest commit.
#[test]
fn a_violation_inside_a_batch_is_found_by_halves() {
    let (_database, mut writer) = prepared(&fresh_url());
    let ids = ["a", "b", "c", "d", "e"];
    commit(&mut writer, &ids.map(create_user));
    let email = |id: &str, mail: &str| write_set(vec![update(user(id), vec![set("email", json!(mail))])]);
    let batch =
        [email("a", "x@y"), email("b", "b@y"), email("c", "x@y"), email("d", "d@y"), rename("e", "ee")];
    let verdicts = commit(&mut writer, &batch);
    let refused: Vec<usize> = (0..5).filter(|at| matches!(verdicts[*at], Verdict::Rejected(_))).collect();
    assert!(refused == [0] || refused == [2], "{verdicts:?}");
    let error = rejected(&verdicts[refused[0]]);
    assert_eq!((error.reason, error.violations[0].field.as_str()), (Reason::UniqueViolation, "email"));
    // Now it is known before anything is written.
    let verdicts = commit(&mut writer, &[email("e", "x@y"), email("b", "b2@y")]);
    assert_eq!(rejected(&verdicts[0]).reason, Reason::UniqueViolation);
    committed(&verdicts[1]);
}

/// Given a write set whose last create fails after its update was written, then none of it is there and the others are.
#[test]
fn a_member_that_fails_late_is_taken_out_whole() {
    let url = fresh_url();
    let (_database, mut writer) = prepared(&url);
    let mut first = create_user("alice");
    first.mutations[0] = create(user("alice"), json!({ "displayName": "alice", "email": "a@y" }));
    commit(&mut writer, &[first, create_user("bob")]);
    let late = write_set(vec![
        update(user("bob"), vec![set("displayName", json!("half"))]),
        create(entry("bob", "e1"), json!({ "title": "half" })),
        create(user("carol"), json!({ "displayName": "c", "email": "a@y" })),
    ]);
    let verdicts = commit(&mut writer, &[late, create_user("dave"), rename("alice", "renamed")]);
    let error = rejected(&verdicts[0]);
    assert_eq!(error.reason, Reason::UniqueViolation);
    assert!(error.metadata.contains(&("mutation", "mutations[2]".to_owned())), "{error:?}");
    committed(&verdicts[1]);
    committed(&verdicts[2]);
    let names = r#"SELECT string_agg(key || '=' || (doc->>'displayName'), ',' ORDER BY key) FROM trine."blog.v1.User""#;
    assert_eq!(shared().sql_in(&url, names), "alice=renamed,bob=bob,dave=dave");
    assert_eq!(shared().sql_in(&url, r#"SELECT count(*) FROM trine."blog.v1.Entry""#), "0");
}

/// Given a write set that frees a unique value and then takes it, then it commits; in the other order it is refused.
#[test]
fn a_freed_value_can_be_taken_in_the_same_write_set() {
    let (_database, mut writer) = prepared(&fresh_url());
    let mail = json!({ "displayName": "x", "email": "a@y" });
    commit(&mut writer, &[write_set(vec![create(user("old"), mail.clone())]), create_user("heir")]);
    let reversed =
        write_set(vec![update(user("heir"), vec![set("email", json!("a@y"))]), delete(user("old"))]);
    assert_eq!(rejected(&commit(&mut writer, &[reversed])[0]).reason, Reason::UniqueViolation);
    let moved = write_set(vec![delete(user("old")), update(user("heir"), vec![set("email", json!("a@y"))])]);
    committed(&commit(&mut writer, &[moved])[0]);
    let recreated = write_set(vec![delete(user("heir")), create(user("third"), mail)]);
    committed(&commit(&mut writer, &[recreated])[0]);
}

/// Given a kept answer that cannot be read, then only the member that asks for it is refused.
#[test]
fn an_unreadable_answer_refuses_its_own_member() {
    let url = fresh_url();
    let (_database, mut writer) = prepared(&url);
    committed(&commit(&mut writer, &[with_key(create_user("alice"), "k1", 1)])[0]);
    shared().sql_in(&url, "UPDATE trine.idempotency SET answer = 'torn'");
    let batch = [create_user("bob"), with_key(create_user("alice"), "k1", 1), create_user("carol")];
    let verdicts = commit(&mut writer, &batch);
    assert_eq!(rejected(&verdicts[1]).reason, Reason::Internal);
    committed(&verdicts[0]);
    committed(&verdicts[2]);
}

/// Given one monolith on a database, when a second comes, then it is refused, until the first has gone.
#[test]
fn a_second_monolith_is_refused() {
    let url = fresh_url();
    let first = prepared(&url);
    let second = trine::store::postgres::open(&url, options()).unwrap();
    let error = second.prepare_primary(catalogue(), trine::store::Admission::Permanent).expect_err("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("another monolith"), "{}", error.message);
    drop(first);
    second.prepare_primary(catalogue(), trine::store::Admission::Permanent).unwrap();
}

/// Given a tree that is deleted by force, when somebody else's row comes into it after the look for others
/// and before the sweep, then that row is left.
#[tokio::test]
async fn what_comes_between_the_look_and_the_sweep_is_not_swept() {
    let url = fresh_url();
    let database = TestDatabase { url: DatabaseUrl::Postgres(url.clone()), keep: Box::new(()) };
    let notes = Notes::open(database);
    let (alice, bob) = (who("alice"), who("bob"));
    notes.commit(&alice, vec![create(notebook("n"), json!({}))]).await.expect("created");
    notes.commit(&alice, vec![create(page("n", "hers"), json!({}))]).await.expect("created");
    notes.commit(&bob, vec![create(page("m", "his"), json!({}))]).await.expect("created");
    shared().sql_in(
        &url,
        "CREATE FUNCTION come() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN \
           UPDATE trine.\"notes.v1.Page\" SET key = ''n/his'' WHERE key = ''m/his''; RETURN NEW; END'; \
         CREATE TRIGGER come BEFORE UPDATE ON trine.\"notes.v1.Notebook\" FOR EACH ROW EXECUTE FUNCTION come()",
    );
    let change = Change::DeleteWith(Deletion { force: true, allow_missing: false });
    notes.commit(&alice, vec![mutation(notebook("n"), Precondition::None, change)]).await.expect("all hers");
    assert_eq!(notes.get(&alice, &page("n", "hers")).await, None);
    assert!(notes.get(&bob, &page("n", "his")).await.is_some());
}
