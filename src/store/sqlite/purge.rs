//! Purge: what was soft-deleted long enough ago goes for good, a few rows a transaction.
//!
//! The look and the deletion are one statement under the write lock: an undelete comes before it or
//! finds nothing. The position moves as with every deletion.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::connection::{roll_back, unavailable};
use super::history::storage_catalogue;
use super::schema::broken;
use super::statement::{Bind, run, statement};
use super::table::identifier;
use crate::model::{Result, Timestamp};
use crate::schema::ResourceType;

/// Rows that one transaction deletes: commits wait for it.
const PURGE_ROWS: u16 = 500;

/// Of every type that the database has admitted.
pub(super) fn purge(connection: &mut SqliteConnection) -> Result<()> {
    let catalogue = storage_catalogue(connection, None)?;
    for kind in catalogue.types.iter().filter(|kind| kind.soft_delete) {
        loop {
            let purged = purge_some(connection, kind).map_err(|error| {
                roll_back(connection);
                unavailable(format!("purge of {}: {error}", kind.name))
            })?;
            if purged < usize::from(PURGE_ROWS) {
                break;
            }
        }
    }
    Ok(())
}

/// The number of rows that are deleted softly; gone, whatever their time, when `really`. The transaction is the caller's.
pub(super) fn deleted(connection: &mut SqliteConnection, kind: &ResourceType, really: bool) -> Result<usize> {
    let of_deleted = format!("FROM {} WHERE delete_time IS NOT NULL", identifier(kind.name.as_str()));
    if really {
        return remove(connection, &of_deleted, vec![]).map_err(broken);
    }
    let sql = format!("SELECT count(*) {of_deleted}");
    let count: i64 = statement::<BigInt>(&sql, vec![]).get_result(connection).map_err(broken)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

fn purge_some(connection: &mut SqliteConnection, kind: &ResourceType) -> diesel::QueryResult<usize> {
    let table = identifier(kind.name.as_str());
    let of_due = format!(
        "FROM {table} WHERE key IN (SELECT key FROM {table} WHERE purge_time <= ? ORDER BY purge_time LIMIT ?)"
    );
    run(connection, "BEGIN IMMEDIATE", vec![])?;
    let binds = vec![Bind::text(Timestamp::now().as_str()), Bind::integer(i64::from(PURGE_ROWS))];
    let purged = remove(connection, &of_due, binds)?;
    run(connection, "COMMIT", vec![])?;
    Ok(purged)
}

fn remove(connection: &mut SqliteConnection, rows: &str, binds: Vec<Bind>) -> diesel::QueryResult<usize> {
    let removed = run(connection, &format!("DELETE {rows}"), binds)?;
    if removed > 0 {
        let count = Bind::integer(i64::try_from(removed).unwrap_or(i64::MAX));
        run(connection, "UPDATE trine_counter SET value = value + ? WHERE id = 1", vec![count])?;
    }
    Ok(removed)
}
