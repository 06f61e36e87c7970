//! Purge: what was soft-deleted long enough ago goes for good.
//!
//! One statement locks the rows, looks at their purge time as it is then, and deletes them: an undelete
//! either came before and has taken that time away, or finds the row locked and then gone. The clock is
//! the database's, which also wrote the times.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::history;
use super::session::Session;
use super::statement::{Bind, statement};
use super::table::{DATABASE_NOW, table_name};
use crate::model::Result;
use crate::schema::ResourceType;

/// Rows that one transaction deletes: a long one would hold up undeletes.
const PURGE_ROWS: i64 = 500;

/// Of every type that the database has admitted.
pub(super) fn purge(session: &mut Session) -> Result<()> {
    let catalogue = history::storage_catalogue(session, None)?;
    for kind in catalogue.types.iter().filter(|kind| kind.soft_delete) {
        let due = format!("purge_time <= {DATABASE_NOW} ORDER BY purge_time LIMIT $ FOR UPDATE SKIP LOCKED");
        purge_where(session, kind, &due)?;
    }
    Ok(())
}

/// The number of rows that are deleted softly; gone, whatever their time, when `really`.
pub(super) fn deleted(session: &mut Session, kind: &ResourceType, really: bool) -> Result<usize> {
    if really {
        return purge_where(session, kind, "delete_time IS NOT NULL ORDER BY key LIMIT $ FOR UPDATE");
    }
    let sql = format!("SELECT count(*) FROM {} WHERE delete_time IS NOT NULL", table_name(&kind.name));
    let count = session.run(|connection| statement::<BigInt>(&sql, vec![]).get_result::<i64>(connection))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// As many times as it takes; `rows` ends in the limit of one.
fn purge_where(session: &mut Session, kind: &ResourceType, rows: &str) -> Result<usize> {
    let table = table_name(&kind.name);
    let sql = format!("DELETE FROM {table} WHERE key = ANY(ARRAY(SELECT key FROM {table} WHERE {rows}))");
    let mut purged = 0;
    loop {
        let now = session.execute(&sql, vec![Bind::Integer(PURGE_ROWS)])?;
        purged += now;
        if now < PURGE_ROWS as usize {
            return Ok(purged);
        }
    }
}
