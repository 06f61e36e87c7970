//! A process killed on either side of COMMIT: the test runs itself as the process that dies.

use std::path::PathBuf;
use std::process::Command;

use trine::store::{DatabaseUrl, WriteStore};

use crate::conformance::fixture::{Fixture, TestDatabase, catalogue, deadline, options, users};
use crate::conformance::write_sets::{create_user, user_key};

const PATH: &str = "TRINE_TEST_CRASH_PATH";

/// Not a story of its own: the process that [`a_kill_on_either_side_of_commit`] starts.
#[tokio::test]
async fn the_process_that_dies() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let url = DatabaseUrl::Sqlite(PathBuf::from(path));
    let write = WriteStore::open(&url, options(), catalogue()).unwrap();
    write.commit(create_user("first"), deadline()).await.unwrap();
    drop(write.commit(create_user("second"), deadline()).await);
    panic!("the failpoint was passed");
}

/// Given a process that dies at its second commit, then the first is there, and the second exactly when COMMIT was done.
#[tokio::test]
async fn a_kill_on_either_side_of_commit() {
    for (point, second_is_there) in [("commit.before:2", false), ("commit.after:2", true)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("crash.db");
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::the_process_that_dies"])
            .env(PATH, &path)
            .env("TRINE_FAILPOINT", point)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), None, "aborted, not ended: {status}");
        let fixture =
            Fixture::open(TestDatabase { url: DatabaseUrl::Sqlite(path), keep: Box::new(directory) });
        assert!(fixture.get(users(), &user_key("first")).await.is_some(), "{point}");
        assert_eq!(fixture.get(users(), &user_key("second")).await.is_some(), second_is_there, "{point}");
    }
}
