//! Writers by SQL hold what they looked at until their transaction ends: nothing lives under a deleted parent.

use std::time::Duration;

use serde_json::json;
use trine::model::{Deadline, Key, Reason, ResourceRef, TypeName};
use trine::store::WriteStore;

use super::fresh;
use crate::conformance::fixture::{deadline, options};
use crate::conformance::write_sets::{create, delete, write_set};
use crate::conformance::zoo::{beast, zoo};
use crate::sql::Sql;

const SOFT: &str = "option (trine.v1.sql_writable) = true; google.protobuf.Timestamp delete_time = 90; \
                    google.protobuf.Timestamp purge_time = 91;";

fn keeper() -> ResourceRef {
    ResourceRef { kind: TypeName::new("zoo.v1.Keeper"), key: Key::new("ann") }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(500))
}

/// A keeper who can be deleted softly, and a connection of somebody else's.
async fn keepers() -> (WriteStore, Sql, impl Send) {
    let database = fresh();
    let write = WriteStore::open(&database.url, options(), &zoo(SOFT, "string title = 2;")).unwrap();
    let sql = Sql::open(&database.url);
    write.commit(write_set(vec![create(keeper(), json!({}))]), deadline()).await.unwrap();
    (write, sql, database)
}

/// Given an INSERT that is not committed yet, when its parent is deleted, then the deletion waits, and is refused for
/// the child once it is there.
#[tokio::test]
async fn a_parent_is_not_deleted_while_sql_inserts_below_it() {
    let (write, mut sql, _database) = keepers().await;
    sql.run("BEGIN; INSERT INTO zoo_v1.beast (name) VALUES ('keepers/ann/beasts/leo')").unwrap();
    write.commit(write_set(vec![delete(keeper())]), soon()).await.unwrap_err();
    sql.run("COMMIT").unwrap();
    let error = write.commit(write_set(vec![delete(keeper())]), deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::FailedPrecondition, "{error}");
}

/// Given a DELETE that is not committed yet, when something is created below, then that waits, and is refused once the
/// parent is gone.
#[tokio::test]
async fn nothing_is_created_while_sql_deletes_the_parent() {
    let (write, mut sql, _database) = keepers().await;
    sql.run("BEGIN; DELETE FROM zoo_v1.keeper WHERE key = 'ann'").unwrap();
    write.commit(write_set(vec![create(beast("leo"), json!({}))]), soon()).await.unwrap_err();
    sql.run("COMMIT").unwrap();
    let error = write.commit(write_set(vec![create(beast("leo"), json!({}))]), deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotFound, "{error}");
}

/// Given a DELETE that is not committed yet, then what is created below another parent at the same time, even in the
/// same batch, is not held up.
#[tokio::test]
async fn a_deletion_by_sql_holds_up_its_own_tree_only() {
    let (write, mut sql, _database) = keepers().await;
    sql.run("BEGIN; DELETE FROM zoo_v1.keeper WHERE key = 'ann'").unwrap();
    let below_bob = ResourceRef { key: Key::new("bob/leo"), ..beast("leo") };
    let creates = [beast("leo"), below_bob].map(|place| write_set(vec![create(place, json!({}))]));
    let outcomes = write.commit_all(creates.to_vec(), soon()).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true], "{outcomes:?}");
    sql.run("ROLLBACK").unwrap();
    write.commit(creates[0].clone(), deadline()).await.unwrap();
}

/// Given an INSERT that is not committed yet below a parent that is not there, when that is created and deleted, then
/// the deletion waits: nothing would live below it else.
#[tokio::test]
async fn a_parent_that_comes_later_is_not_deleted_while_sql_inserts_below_it() {
    let (write, mut sql, _database) = keepers().await;
    sql.run("BEGIN; INSERT INTO zoo_v1.beast (name) VALUES ('keepers/eve/beasts/leo')").unwrap();
    let eve = ResourceRef { key: Key::new("eve"), ..keeper() };
    write.commit(write_set(vec![create(eve.clone(), json!({}))]), deadline()).await.unwrap();
    write.commit(write_set(vec![delete(eve.clone())]), soon()).await.unwrap_err();
    sql.run("COMMIT").unwrap();
    let error = write.commit(write_set(vec![delete(eve)]), deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::FailedPrecondition, "{error}");
}
