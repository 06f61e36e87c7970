//! Admits a schema: additive DDL, promoted values of rows that are there already, the history.
//!
//! All in one transaction: a crash leaves the old schema or the new one. A set that is in the
//! history already applies nothing, so an old binary may come back.

use std::collections::HashMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::unavailable;
use super::document::StoredDocument;
use super::records::from_json;
use super::rows::SqliteRows;
use super::statement::{Bind, run, statement};
use super::table::{
    add_column, column_name, column_type, create_index, create_purge_index, create_table, identifier,
    promoted,
};
use super::{history, prune, views};
use crate::model::{Document, Error, Reason, Result, Timestamp};
use crate::schema::{Catalogue, Column, ResourceType};
use crate::store::admission::{self, Admission, Entry, Findings, State};

/// Rows whose promoted values are computed at once when a column is added.
const BACKFILL_ROWS: i64 = 1000;

/// The storage catalogue after `catalogue` was admitted.
pub(super) fn prepare(
    connection: &mut SqliteConnection,
    catalogue: &Catalogue,
    admission: Admission,
) -> Result<Catalogue> {
    atomically(connection, |connection| {
        enter(connection, catalogue, admission)?;
        let admitted = history::storage_catalogue(connection, Some(catalogue))?;
        views::ensure(connection, &admitted).map_err(broken)?;
        Ok(admitted)
    })
}

/// All or nothing.
pub(super) fn atomically<T>(
    connection: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    run(connection, "BEGIN IMMEDIATE", vec![]).map_err(broken)?;
    match work(connection) {
        Ok(done) => run(connection, "COMMIT", vec![]).map_err(broken).map(|_| done),
        Err(error) => {
            // Best effort: closing the connection rolls back too.
            if let Err(failure) = run(connection, "ROLLBACK", vec![]) {
                tracing::debug!(%failure, "nothing to roll back");
            }
            Err(error)
        }
    }
}

fn enter(connection: &mut SqliteConnection, catalogue: &Catalogue, admission: Admission) -> Result<()> {
    make_identity(connection).map_err(broken)?;
    match admission.entry(history::state(connection, &catalogue.digest)?)? {
        Entry::Known => Ok(()),
        Entry::BecomesPermanent => history::make_permanent(connection, &catalogue.digest).map_err(broken),
        Entry::New => admit(connection, catalogue, admission),
    }
}

fn admit(connection: &mut SqliteConnection, catalogue: &Catalogue, admission: Admission) -> Result<()> {
    let past = history::all(connection)?;
    for note in admission::findings(&past, catalogue, &mut SqliteRows(connection))?.into_result()? {
        tracing::info!(location = note.location, "{}", note.message);
    }
    for kind in &catalogue.types {
        apply(connection, kind)?;
    }
    let generation = admission::generation(&past, catalogue)?;
    history::admit(connection, catalogue, &generation, admission).map_err(broken)?;
    if past.iter().any(|set| set.state == State::Draft) {
        let storage = history::storage_catalogue(connection, Some(catalogue))?;
        prune::drop_strange_unique_indexes(connection, &storage)?;
    }
    Ok(())
}

/// What `catalogue` would mean here; changes nothing.
pub(super) fn check(connection: &mut SqliteConnection, catalogue: &Catalogue) -> Result<Findings> {
    if !has_table(connection, "trine_schema_history")? {
        return Ok(Findings::default());
    }
    let past = history::all(connection)?;
    if past.iter().any(|set| set.digest == catalogue.digest && set.state != State::Pruned) {
        return Ok(Findings::default());
    }
    admission::findings(&past, catalogue, &mut SqliteRows(connection))
}

pub(super) fn has_table(connection: &mut SqliteConnection, name: &str) -> Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?";
    let found: i64 =
        statement::<BigInt>(sql, vec![Bind::text(name)]).get_result(connection).map_err(broken)?;
    Ok(found > 0)
}

fn make_identity(connection: &mut SqliteConnection) -> diesel::QueryResult<()> {
    let cluster = i64::try_from(rand::random::<u64>() >> 1).unwrap_or(1);
    run(
        connection,
        "INSERT INTO trine_identity (id, cluster, token_secret) VALUES (1, ?, ?) ON CONFLICT DO NOTHING",
        vec![Bind::integer(cluster), Bind::Bytes(rand::random::<[u8; 32]>().to_vec())],
    )
    .map(|_| ())
}

fn apply(connection: &mut SqliteConnection, kind: &ResourceType) -> Result<()> {
    let present = columns_of(connection, kind).map_err(broken)?;
    if present.is_empty() {
        connection.batch_execute(&create_table(kind)).map_err(broken)?;
    } else {
        let kind_of = |column: &Column| present.get(&format!("f_{}", column.field)).map(String::as_str);
        let missing: Vec<(usize, &Column)> =
            promoted(kind).filter(|(_, column)| kind_of(column) != Some(column_type(column.kind))).collect();
        for (_, column) in &missing {
            // One of another type was a draft's: no other schema may change a type.
            if kind_of(column).is_some() {
                drop_column(connection, kind, column)?;
            }
            connection.batch_execute(&add_column(kind, column)).map_err(broken)?;
        }
        if !missing.is_empty() {
            backfill(connection, kind, &missing)?;
        }
    }
    if let Some(index) = create_purge_index(kind) {
        connection.batch_execute(&index).map_err(broken)?;
    }
    for index in &kind.indexes {
        connection.batch_execute(&create_index(kind, index)).map_err(|error| match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, information) => Error::new(
                Reason::FailedPrecondition,
                format!(
                    "{}: stored resources hold the same value of a field that is now `unique`; \
                     make them differ or take the option back",
                    kind.name
                ),
            )
            .with_context(information.message()),
            other => broken(other),
        })?;
    }
    Ok(())
}

/// Names and types.
fn columns_of(
    connection: &mut SqliteConnection,
    kind: &ResourceType,
) -> diesel::QueryResult<HashMap<String, String>> {
    let sql = "SELECT name, type FROM pragma_table_info(?)";
    let columns = statement::<(Text, Text)>(sql, vec![Bind::text(kind.name.as_str())])
        .load::<(String, String)>(connection)?;
    Ok(columns.into_iter().collect())
}

/// With the indexes that it is in.
fn drop_column(connection: &mut SqliteConnection, kind: &ResourceType, column: &Column) -> Result<()> {
    let sql = "SELECT s.name FROM sqlite_schema s, pragma_index_info(s.name) i \
               WHERE s.type = 'index' AND s.tbl_name = ? AND i.name = ?";
    let binds = vec![Bind::text(kind.name.as_str()), Bind::text(format!("f_{}", column.field))];
    let indexes: Vec<String> = statement::<Text>(sql, binds).load(connection).map_err(broken)?;
    views::remove(connection, kind).map_err(broken)?;
    for index in indexes {
        run(connection, &format!("DROP INDEX {}", identifier(&index)), vec![]).map_err(broken)?;
    }
    let (table, name) = (identifier(kind.name.as_str()), column_name(column));
    run(connection, &format!("ALTER TABLE {table} DROP COLUMN {name}"), vec![]).map(drop).map_err(broken)
}

/// Fills added columns. Silent: versions and times stay, because nothing changed for a reader.
fn backfill(
    connection: &mut SqliteConnection,
    kind: &ResourceType,
    missing: &[(usize, &Column)],
) -> Result<()> {
    let table = identifier(kind.name.as_str());
    let select = format!(
        "SELECT key, doc, create_time, update_time FROM {table} WHERE key > ? ORDER BY key LIMIT {BACKFILL_ROWS}"
    );
    let sets: Vec<String> =
        missing.iter().map(|(_, column)| format!("{} = ?", column_name(column))).collect();
    let update = format!("UPDATE {table} SET {} WHERE key = ?", sets.join(", "));
    let mut last = String::new();
    loop {
        let rows: Vec<(String, StoredDocument, String, String)> =
            statement::<(Text, Text, Text, Text)>(&select, vec![Bind::text(last.as_str())])
                .load(connection)
                .map_err(broken)?;
        let Some((key, ..)) = rows.last() else { return Ok(()) };
        last.clone_from(key);
        for (key, document, create, update_time) in rows {
            let document: Document = from_json(&document.text)?;
            let times = (Timestamp::from_stored(&create), Timestamp::from_stored(&update_time));
            let values = kind.column_values(&document, &times.0, &times.1);
            let mut binds: Vec<Bind> =
                missing.iter().map(|(at, column)| Bind::scalar(column.kind, &values[*at])).collect();
            binds.push(Bind::text(key));
            run(connection, &update, binds).map_err(broken)?;
        }
    }
}

pub(super) fn broken(error: DieselError) -> Error {
    unavailable(format!("schema apply: {error}"))
}
