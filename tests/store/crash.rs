//! A process killed on either side of COMMIT: the test runs itself as the process that dies.

use std::any::Any;
use std::process::Command;

use trine::model::OperationId;
use trine::store::request_log::{LogJob, LogReply};
use trine::store::{DatabaseUrl, RequestStore, WriteStore};

use crate::conformance::fixture::{Fixture, TestDatabase, catalogue, deadline, options, users};
use crate::conformance::request_log::{FIRST, SECOND, request};
use crate::conformance::write_sets::{create_user, user_key};

const DATABASE: &str = "TRINE_TEST_CRASH_DATABASE";

/// Before the second COMMIT nothing of it is there, after it everything.
const SIDES: [(&str, bool); 2] = [("before", false), ("after", true)];

/// None in the process that runs the tests.
fn database_to_die_on() -> Option<DatabaseUrl> {
    let text = std::env::var(DATABASE).ok()?;
    Some(DatabaseUrl::parse(&text).unwrap())
}

/// Not a story of its own: the process that [`kills_around_commit`] starts.
#[tokio::test]
async fn the_writer_that_dies() {
    let Some(url) = database_to_die_on() else { return };
    let write = WriteStore::open(&url, options(), catalogue()).unwrap();
    write.commit(create_user("first"), deadline()).await.unwrap();
    drop(write.commit(create_user("second"), deadline()).await);
    panic!("the failpoint was passed");
}

/// Not a story of its own: the process that [`kills_around_append`] starts.
#[tokio::test]
async fn the_log_that_dies() {
    let Some(url) = database_to_die_on() else { return };
    let log = RequestStore::open(&url, options()).unwrap();
    log.run(LogJob::append(request(FIRST, "k1")), deadline()).await.unwrap();
    drop(log.run(LogJob::append(request(SECOND, "k2")), deadline()).await);
    panic!("the failpoint was passed");
}

fn die(test: &str, database: &str, point: &str) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(DATABASE, database).env("TRINE_FAILPOINT", point);
    let status = command.output().unwrap().status;
    assert_eq!(status.code(), None, "aborted at {point}, not ended: {status}");
}

async fn kills_around_commit(fresh: fn() -> (String, Box<dyn Any + Send + Sync>)) {
    for (side, second_is_there) in SIDES {
        let (text, keep) = fresh();
        die("crash::the_writer_that_dies", &text, &format!("commit.{side}:2"));
        let fixture = Fixture::open(TestDatabase { url: DatabaseUrl::parse(&text).unwrap(), keep });
        assert!(fixture.get(users(), &user_key("first")).await.is_some(), "{side}");
        assert_eq!(fixture.get(users(), &user_key("second")).await.is_some(), second_is_there, "{side}");
    }
}

async fn kills_around_append(fresh: fn() -> (String, Box<dyn Any + Send + Sync>)) {
    for (side, second_is_there) in SIDES {
        let (text, _keep) = fresh();
        die("crash::the_log_that_dies", &text, &format!("append.{side}:2"));
        let log = RequestStore::open(&DatabaseUrl::parse(&text).unwrap(), options()).unwrap();
        for (id, there) in [(FIRST, true), (SECOND, second_is_there)] {
            let reply = log.run(LogJob::Get { id: OperationId(id.to_owned()) }, deadline()).await.unwrap();
            assert!(
                matches!(&reply, LogReply::Operation(found) if found.is_some() == there),
                "{side}: {reply:?}"
            );
        }
    }
}

fn file() -> (String, Box<dyn Any + Send + Sync>) {
    let directory = tempfile::tempdir().unwrap();
    (format!("sqlite:{}", directory.path().join("crash.db").display()), Box::new(directory))
}

fn server() -> (String, Box<dyn Any + Send + Sync>) {
    (crate::postgres::fresh_url(), Box::new(()))
}

/// Given a process that dies at its second commit, then the first is there, and the second exactly when COMMIT was done.
#[tokio::test]
async fn a_kill_on_either_side_of_commit_on_sqlite() {
    kills_around_commit(file).await;
}

#[tokio::test]
async fn a_kill_on_either_side_of_commit_on_postgres() {
    kills_around_commit(server).await;
}

/// Given a request log that dies at its second append, then only what was made durable is there.
#[tokio::test]
async fn a_kill_on_either_side_of_append_on_sqlite() {
    kills_around_append(file).await;
}

#[tokio::test]
async fn a_kill_on_either_side_of_append_on_postgres() {
    kills_around_append(server).await;
}
