//! What is kept and for how long: old answers under idempotency keys and old operations are deleted
//! in short transactions, resources purged, so that no commit waits long behind them.

use std::path::Path;

use diesel::sqlite::SqliteConnection;

use super::connection::{Mode, connect, unavailable};
use super::purge::purge;
use super::statement::{Bind, run};
use crate::model::{Result, Timestamp};
use crate::store::handles::OpenOptions;
use crate::store::retention::first_failure;

const OPERATIONS_KEPT_DAYS: i64 = 30;
/// Rows that one transaction deletes.
const DELETE_ROWS: u16 = 500;

/// To be called every few minutes; does nothing twice.
pub fn retain(path: &Path, options: &OpenOptions, keep_hours: u32) -> Result<()> {
    let mut connection = connect(path, Mode::Write, options.lock_timeout_ms)?;
    let now_s = Timestamp::now().seconds_and_nanos().0;
    // One that fails keeps no other from its work.
    let ended = [
        delete_answers(&mut connection, now_s / 3600 - i64::from(keep_hours)),
        delete_operations(&mut connection, now_s - OPERATIONS_KEPT_DAYS * 24 * 3600),
        purge(&mut connection),
    ];
    first_failure(ended)
}

fn delete_answers(connection: &mut SqliteConnection, hour: i64) -> Result<()> {
    delete(
        connection,
        "DELETE FROM trine_idempotency WHERE (principal, scope, key) IN (SELECT principal, scope, key \
         FROM trine_idempotency WHERE hour < ? LIMIT ?)",
        &Bind::integer(hour),
    )
}

fn delete_operations(connection: &mut SqliteConnection, before_s: i64) -> Result<()> {
    let before = jiff::Timestamp::from_second(before_s)
        .map_err(|error| unavailable(format!("the clock is out of range: {error}")))?;
    delete(
        connection,
        "DELETE FROM trine_operations WHERE id IN \
         (SELECT id FROM trine_operations WHERE done_time < ? LIMIT ?)",
        &Bind::text(Timestamp::from_jiff(before).as_str()),
    )
}

fn delete(connection: &mut SqliteConnection, sql: &str, older_than: &Bind) -> Result<()> {
    loop {
        let binds = vec![older_than.clone(), Bind::integer(i64::from(DELETE_ROWS))];
        let deleted =
            run(connection, sql, binds).map_err(|error| unavailable(format!("retention: {error}")))?;
        if deleted < usize::from(DELETE_ROWS) {
            return Ok(());
        }
    }
}
