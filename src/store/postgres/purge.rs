//! Purge: what was soft-deleted long enough ago goes for good.
//!
//! One statement locks the rows, looks at their purge time as it is then, and deletes them: an undelete
//! either came before and has taken that time away, or finds the row locked and then gone. The clock is
//! the database's, which also wrote the times.

use super::history;
use super::session::Session;
use super::statement::Bind;
use super::table::{DATABASE_NOW, table_name};
use crate::model::Result;
use crate::schema::ResourceType;

/// Rows that one transaction deletes: a long one would hold up undeletes.
const PURGE_ROWS: i64 = 500;

/// Of every type that the database has admitted.
pub(super) fn purge(session: &mut Session) -> Result<()> {
    let catalogue = history::storage_catalogue(session, None)?;
    for kind in catalogue.types.iter().filter(|kind| kind.soft_delete) {
        while purge_some(session, kind)? == PURGE_ROWS as usize {}
    }
    Ok(())
}

fn purge_some(session: &mut Session, kind: &ResourceType) -> Result<usize> {
    let table = table_name(&kind.name);
    let sql = format!(
        "DELETE FROM {table} WHERE key = ANY(ARRAY(SELECT key FROM {table} \
         WHERE purge_time <= {DATABASE_NOW} ORDER BY purge_time LIMIT $ FOR UPDATE SKIP LOCKED))"
    );
    session.execute(&sql, vec![Bind::Integer(PURGE_ROWS)])
}
