//! Admits a schema: additive DDL, promoted values of rows that are there already, the history.
//!
//! All in one transaction: a crash leaves the old schema or the new one. A set that is in the
//! history already applies nothing, so an old binary may come back.

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::unavailable;
use super::records::from_json;
use super::statement::{Bind, run, statement};
use super::table::{add_column, column_name, create_index, create_table, identifier, promoted};
use super::views;
use crate::model::{Document, Error, Reason, Result, Timestamp};
use crate::schema::evolution::additive;
use crate::schema::load::from_descriptor_set;
use crate::schema::{Catalogue, Column, ResourceType};

/// Rows whose promoted values are computed at once when a column is added.
const BACKFILL_ROWS: i64 = 1000;

/// The storage catalogue after `catalogue` was admitted.
pub(super) fn admit(connection: &mut SqliteConnection, catalogue: &Catalogue) -> Result<Catalogue> {
    run(connection, "BEGIN IMMEDIATE", vec![]).map_err(broken)?;
    match admit_within(connection, catalogue) {
        Ok(admitted) => {
            run(connection, "COMMIT", vec![]).map_err(broken)?;
            Ok(admitted)
        }
        Err(error) => {
            // Best effort: closing the connection rolls back too.
            if let Err(failure) = run(connection, "ROLLBACK", vec![]) {
                tracing::debug!(%failure, "nothing to roll back");
            }
            Err(error)
        }
    }
}

/// The newest schema that this database has admitted.
pub(super) fn storage_catalogue(connection: &mut SqliteConnection) -> Result<Catalogue> {
    let set: Vec<u8> = statement::<Binary>(
        "SELECT h.descriptor_set FROM trine_schema_history h JOIN trine_generation g ON g.schema_id = h.id",
        vec![],
    )
    .get_result(connection)
    .map_err(|error| unavailable(format!("no schema admitted yet: {error}")))?;
    decoded(&set)
}

fn decoded(set: &[u8]) -> Result<Catalogue> {
    from_descriptor_set(set).map_err(|problems| Error::internal(format!("admitted schema: {problems:?}")))
}

fn admit_within(connection: &mut SqliteConnection, catalogue: &Catalogue) -> Result<Catalogue> {
    admit_new(connection, catalogue)?;
    let admitted = storage_catalogue(connection)?;
    views::ensure(connection, &admitted).map_err(broken)?;
    Ok(admitted)
}

fn admit_new(connection: &mut SqliteConnection, catalogue: &Catalogue) -> Result<()> {
    make_identity(connection).map_err(broken)?;
    let known: i64 = statement::<BigInt>(
        "SELECT count(*) FROM trine_schema_history WHERE digest = ?",
        vec![Bind::text(catalogue.digest.as_str())],
    )
    .get_result(connection)
    .map_err(broken)?;
    if known > 0 {
        return Ok(());
    }
    refuse_what_takes_away(connection, catalogue)?;
    for kind in &catalogue.types {
        apply(connection, kind)?;
    }
    record(connection, catalogue).map_err(broken)
}

/// Against every set in the history, not the newest alone: each left documents behind.
fn refuse_what_takes_away(connection: &mut SqliteConnection, catalogue: &Catalogue) -> Result<()> {
    let sets: Vec<Vec<u8>> =
        statement::<Binary>("SELECT descriptor_set FROM trine_schema_history ORDER BY id DESC", vec![])
            .load(connection)
            .map_err(broken)?;
    for set in sets {
        let problems = additive(&decoded(&set)?, catalogue);
        if problems.is_empty() {
            continue;
        }
        let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let mut error = Error::new(
            Reason::FailedPrecondition,
            format!(
                "the schema does not only add to what the database has admitted: {}",
                sentences.join("; ")
            ),
        );
        for problem in problems {
            error = error.with_violation(problem.location, problem.message);
        }
        return Err(error);
    }
    Ok(())
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

fn record(connection: &mut SqliteConnection, catalogue: &Catalogue) -> diesel::QueryResult<()> {
    run(
        connection,
        "INSERT INTO trine_schema_history (digest, descriptor_set, admitted_time) VALUES (?, ?, ?)",
        vec![
            Bind::text(catalogue.digest.as_str()),
            Bind::Bytes(catalogue.descriptor_set.clone()),
            Bind::text(Timestamp::now().as_str()),
        ],
    )?;
    run(
        connection,
        "INSERT INTO trine_generation (id, generation, digest, schema_id) \
         SELECT 1, 1, digest, id FROM trine_schema_history WHERE digest = ? \
         ON CONFLICT (id) DO UPDATE SET generation = generation + 1, digest = excluded.digest, \
         schema_id = excluded.schema_id",
        vec![Bind::text(catalogue.digest.as_str())],
    )
    .map(|_| ())
}

fn apply(connection: &mut SqliteConnection, kind: &ResourceType) -> Result<()> {
    let present = columns_of(connection, kind).map_err(broken)?;
    if present.is_empty() {
        connection.batch_execute(&create_table(kind)).map_err(broken)?;
    } else {
        let missing: Vec<(usize, &Column)> =
            promoted(kind).filter(|(_, column)| !present.contains(&format!("f_{}", column.field))).collect();
        for (_, column) in &missing {
            connection.batch_execute(&add_column(kind, column)).map_err(broken)?;
        }
        if !missing.is_empty() {
            backfill(connection, kind, &missing)?;
        }
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

fn columns_of(
    connection: &mut SqliteConnection,
    kind: &ResourceType,
) -> diesel::QueryResult<HashSet<String>> {
    let names =
        statement::<Text>("SELECT name FROM pragma_table_info(?)", vec![Bind::text(kind.name.as_str())])
            .load::<String>(connection)?;
    Ok(names.into_iter().collect())
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
        let rows: Vec<(String, String, String, String)> =
            statement::<(Text, Text, Text, Text)>(&select, vec![Bind::text(last.as_str())])
                .load(connection)
                .map_err(broken)?;
        let Some((key, ..)) = rows.last() else { return Ok(()) };
        last.clone_from(key);
        for (key, text, create, update_time) in rows {
            let document: Document = from_json(&text)?;
            let times = (Timestamp::from_stored(&create), Timestamp::from_stored(&update_time));
            let values = kind.column_values(&document, &times.0, &times.1);
            let mut binds: Vec<Bind> =
                missing.iter().map(|(at, column)| Bind::scalar(column.kind, &values[*at])).collect();
            binds.push(Bind::text(key));
            run(connection, &update, binds).map_err(broken)?;
        }
    }
}

fn broken(error: DieselError) -> Error {
    unavailable(format!("schema apply: {error}"))
}
