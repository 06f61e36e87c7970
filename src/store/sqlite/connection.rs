//! Opening SQLite: three ways, each with the settings that durability and safety rest on.
//!
//! Invariant: only [`Mode::Create`] makes a file. A reader of a file that is not there yet is told
//! so and tries again later; it must never leave an empty database behind.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sqlite::SqliteConnection;

use super::statement::run;
use crate::model::{Error, Reason, Result};
use crate::store::backend::{disk_is_full, schema_is_older};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The operating system refuses writes (`mode=ro`).
    ReadOnly,
    /// The session refuses writes (`query_only`).
    Query,
    Write,
    /// As `Write`, and makes the file.
    Create,
}

/// Opens `path`; waits at most `busy_timeout_ms` for a lock that another process holds.
pub(super) fn connect(path: &Path, mode: Mode, busy_timeout_ms: u32) -> Result<SqliteConnection> {
    if mode != Mode::Create && !path.exists() {
        return Err(unavailable(format!("{} does not exist yet", path.display())));
    }
    let mut connection =
        SqliteConnection::establish(&uri(path, mode)?).map_err(|error| unavailable(error.to_string()))?;
    connection
        .batch_execute(&settings(mode, busy_timeout_ms))
        .map_err(|error| unavailable(format!("{}: {error}", path.display())))?;
    Ok(connection)
}

/// SQLite's fixed text for a write that found no room on the disk.
const FULL: &str = "database or disk is full";

/// The database cannot be used now; a later attempt may find it.
pub(super) fn unavailable(context: impl Into<String>) -> Error {
    let context = context.into();
    // diesel keeps no result code; these are SQLite's fixed texts.
    if context.contains("no such table: ") || context.contains("no such column: ") {
        return schema_is_older(context);
    }
    if context.contains(FULL) {
        return disk_is_full(context);
    }
    Error::new(Reason::DatabaseUnavailable, "the database cannot be reached; try again")
        .with_context(context)
        .with_retry_after_s(1)
}

/// Ends what is open; true when nothing is open for certain. SQLite has ended the transaction itself
/// after some errors (a full disk at COMMIT is one), and says then that none is active.
pub(super) fn roll_back(connection: &mut SqliteConnection) -> bool {
    match run(connection, "ROLLBACK", vec![]) {
        Ok(_) => true,
        Err(error) if error.to_string().contains("no transaction is active") => true,
        Err(error) => {
            tracing::warn!(%error, "a rollback failed");
            false
        }
    }
}

/// What became of a transaction whose COMMIT failed.
///
/// Nothing of it is left where another process had the lock, or where a write to the log found the
/// disk full: the mark that makes a transaction count is in its last frame, and a frame that is not
/// wholly there fails its checksum at every later start. Every other error (an fsync that failed, an
/// index of the log that could not grow) may come after that frame was written.
pub(super) fn failed_commit(
    connection: &mut SqliteConnection,
    error: &DieselError,
    unknown: impl FnOnce(String) -> Error,
) -> Error {
    let text = error.to_string();
    let nothing_left = roll_back(connection) && (is_locked(error) || text.contains(FULL));
    if nothing_left { unavailable(text) } else { unknown(text) }
}

/// diesel keeps no result code; these are SQLite's fixed texts for BUSY and LOCKED.
pub(super) fn is_locked(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(_, information) if information.message().contains("is locked"))
}

fn settings(mode: Mode, busy_timeout_ms: u32) -> String {
    let common = format!(
        "PRAGMA busy_timeout = {busy_timeout_ms}; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON; PRAGMA cache_size = -16384;"
    );
    match mode {
        Mode::ReadOnly | Mode::Query => format!("{common} PRAGMA query_only = ON;"),
        // FULL: a commit is on the disk before it is answered. A checkpoint writes every changed page
        // once more and waits for the disk twice; every 16 MiB of log instead of every 4.
        Mode::Write | Mode::Create => format!(
            "{common} PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;"
        ),
    }
}

/// A `file:` URI; only unreserved characters and `/` go in as they are, so that no file name can
/// add or end parameters.
fn uri(path: &Path, mode: Mode) -> Result<String> {
    let text = path.to_str().ok_or_else(|| unavailable("the database path is not UTF-8"))?;
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    let mode = match mode {
        Mode::ReadOnly => "ro",
        Mode::Query | Mode::Write => "rw",
        Mode::Create => "rwc",
    };
    Ok(format!("file:{encoded}?mode={mode}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_add_parameters() {
        let uri = uri(Path::new("/a b/c?mode=rwc#d.db"), Mode::ReadOnly).unwrap();
        assert_eq!(uri, "file:/a%20b/c%3Fmode%3Drwc%23d.db?mode=ro");
    }

    #[test]
    fn a_missing_file_is_not_made_by_a_reader() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absent.db");
        for mode in [Mode::ReadOnly, Mode::Query, Mode::Write] {
            let error = connect(&path, mode, 100).err().expect("refused");
            assert_eq!(error.reason, Reason::DatabaseUnavailable);
        }
        assert!(!path.exists());
    }

    #[test]
    fn reading_sessions_refuse_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.db");
        let mut owner = connect(&path, Mode::Create, 100).unwrap();
        owner.batch_execute("CREATE TABLE t (a)").unwrap();
        for mode in [Mode::ReadOnly, Mode::Query] {
            let mut reader = connect(&path, mode, 100).unwrap();
            reader.batch_execute("SELECT * FROM t").unwrap();
            reader.batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
        }
        let mut reader = connect(&path, Mode::ReadOnly, 100).unwrap();
        reader.batch_execute("PRAGMA query_only = OFF; INSERT INTO t VALUES (1)").unwrap_err();
    }
}
