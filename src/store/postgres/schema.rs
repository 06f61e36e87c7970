//! Admits a schema: additive DDL, promoted values of rows that are there already, the history.
//!
//! Each step can be taken again, and the schema is admitted last: a crash or a refusal between two
//! steps leaves columns that nobody uses yet, and the old schema in force.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::commit::{FENCE_LOCK, LOCK_SPACE};
use super::definition::{
    add_column, column_type, create_index, create_purge_index, create_table, drop_column, index_name,
    purge_index_name,
};
use super::ownership::try_lock;
use super::rows::PostgresRows;
use super::session::Session;
use super::statement::{Bind, statement};
use super::table::{
    ROW_COLUMNS, array, bare_column_name, bounded, column_name, identifier, promoted, table_name,
};
use super::{history, migrate, prune, retention, views};
use crate::model::{Document, Error, Reason, Result, Timestamp};
use crate::schema::view::{ViewName, view_names};
use crate::schema::{Catalogue, Column, Index, ResourceType, SchemaProblem};
use crate::store::admission::{self, Admission, Entry, Findings, State};

const SCHEMA_LOCK: i32 = 3;
const APPLY_PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
const BACKFILL_ROWS: i64 = 1000;
const BEFORE_ALL_VERSIONS: i64 = -1;

/// The storage catalogue after `catalogue` was admitted.
pub(super) fn prepare(
    session: &mut Session,
    catalogue: &Catalogue,
    admission: Admission,
) -> Result<Catalogue> {
    if session.is_read_only()? {
        return unchanged(session, catalogue);
    }
    alone(session, |session| {
        migrate::primary(session)?;
        history::make_identity(session)?;
        retention::make_partitions(session)?;
        match admission.entry(history::state(session, &catalogue.digest)?)? {
            Entry::Known => Ok(()),
            Entry::BecomesPermanent => history::make_permanent(session, &catalogue.digest),
            Entry::New => admit(session, catalogue, admission),
        }?;
        let admitted = history::storage_catalogue(session, Some(catalogue))?;
        // At every start: whoever was to do it after an admission may have ended before.
        prune::drop_strange_unique_indexes(session, &admitted)?;
        views::ensure(session, &admitted)?;
        Ok(admitted)
    })
}

fn admit(session: &mut Session, catalogue: &Catalogue, admission: Admission) -> Result<()> {
    let past = history::all(session)?;
    for note in admission::findings(&past, catalogue, &mut PostgresRows(session))?.into_result()? {
        log(&note);
    }
    let since = fenced(session, last_version)?;
    apply(session, catalogue)?;
    fenced(session, |session| {
        catch_up(session, catalogue, since)?;
        history::admit(session, catalogue, &admission::generation(&past, catalogue)?, admission)
    })
}

fn log(note: &SchemaProblem) {
    tracing::info!(location = note.location, "{}", note.message);
}

/// What `catalogue` would mean here; changes nothing.
pub(super) fn check(session: &mut Session, catalogue: &Catalogue) -> Result<Findings> {
    if !session.has_table("trine.schema_history")? {
        return Ok(Findings::default());
    }
    let past = history::all(session)?;
    if past.iter().any(|set| set.digest == catalogue.digest && set.state != State::Pruned) {
        return Ok(Findings::default());
    }
    admission::findings(&past, catalogue, &mut PostgresRows(session))
}

/// In read-only mode a start brings nothing, so that what is there can be read meanwhile.
fn unchanged(session: &mut Session, catalogue: &Catalogue) -> Result<Catalogue> {
    let prepared = session.has_table("trine.schema_history")?;
    if prepared && history::state(session, &catalogue.digest)?.is_some_and(|state| state != State::Pruned) {
        return history::storage_catalogue(session, Some(catalogue));
    }
    Err(Error::new(
        Reason::ReadOnlyMode,
        "the database is in read-only mode (default_transaction_read_only) and has not this schema yet; start \
         again when the mode is off",
    ))
}

/// One schema change at a time.
pub(super) fn alone<T>(session: &mut Session, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
    let begin = Instant::now();
    while !try_lock(session, SCHEMA_LOCK)? {
        if begin.elapsed() > APPLY_PATIENCE {
            return Err(Error::new(
                Reason::DatabaseUnavailable,
                "somebody else is changing this database's schema; try again when that is done",
            ));
        }
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
    let done = work(session);
    session.batch(&format!("SELECT pg_advisory_unlock({}, {SCHEMA_LOCK})", LOCK_SPACE))?;
    done
}

/// While no commit is under way: those that began have ended, the others wait.
fn fenced<T>(session: &mut Session, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
    let fence = format!("{LOCK_SPACE}, {FENCE_LOCK}");
    patiently(session, &format!("SELECT pg_advisory_lock({fence})"))?;
    let done = work(session);
    session.batch(&format!("SELECT pg_advisory_unlock({fence})"))?;
    done
}

fn last_version(session: &mut Session) -> Result<i64> {
    session.run(|connection| {
        statement::<BigInt>("SELECT last_value FROM trine.version", vec![]).uncached().get_result(connection)
    })
}

/// What was written by the old schema while columns were filled has its values of before, or none.
fn catch_up(session: &mut Session, catalogue: &Catalogue, since: i64) -> Result<()> {
    let marked = marked(session)?;
    let behind = catalogue.types.iter().filter(|kind| marked.contains(&bounded(kind.name.as_str())));
    behind.into_iter().try_for_each(|kind| backfill(session, kind, since))
}

fn apply(session: &mut Session, catalogue: &Catalogue) -> Result<()> {
    let present = columns(session)?;
    let views = view_names(catalogue);
    for kind in &catalogue.types {
        match present.get(&bounded(kind.name.as_str())) {
            None => create(session, kind)?,
            Some(columns) => add_columns(session, kind, &views[&kind.name], columns)?,
        }
    }
    let marked = marked(session)?;
    let indexes = indexes(session)?;
    for kind in &catalogue.types {
        if marked.contains(&bounded(kind.name.as_str())) {
            backfill(session, kind, BEFORE_ALL_VERSIONS)?;
        }
        for index in &kind.indexes {
            build_index(session, kind, index, &indexes)?;
        }
        build_purge_index(session, kind, &indexes)?;
    }
    Ok(())
}

/// A new table is empty, so its indexes come with it in one transaction.
fn create(session: &mut Session, kind: &ResourceType) -> Result<()> {
    let mut script = vec![create_table(kind)];
    script.extend(kind.indexes.iter().map(|index| create_index(kind, index, false)));
    script.extend(create_purge_index(kind, false));
    patiently(session, &format!("BEGIN; {}; COMMIT", script.join("; ")))
}

/// The columns, and the mark that their rows are to be filled, in one transaction.
fn add_columns(
    session: &mut Session,
    kind: &ResourceType,
    view: &ViewName,
    present: &HashMap<String, String>,
) -> Result<()> {
    let is_there = |column: &&Column| {
        present.get(&bare_column_name(column)).map(String::as_str) == Some(bare_type(column))
    };
    let missing: Vec<&Column> =
        promoted(kind).map(|(_, column)| column).filter(|column| !is_there(column)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // One of another type was a draft's: no other schema may change a type.
    let others = missing.iter().filter(|column| present.contains_key(&bare_column_name(column)));
    let mut script: Vec<String> = others.map(|column| drop_column(kind, column)).collect();
    if !script.is_empty() {
        // It reads the column, and is made anew afterwards.
        script.insert(0, views::drop_view(view));
    }
    script.extend(missing.iter().map(|column| add_column(kind, column)));
    script.push(format!(
        "INSERT INTO trine.backfill (table_name) VALUES ('{}') ON CONFLICT DO NOTHING",
        bounded(kind.name.as_str())
    ));
    patiently(session, &format!("BEGIN; {}; COMMIT", script.join("; ")))
}

/// Fills promoted columns of rows after `since`. Silent: versions and times stay, because nothing changed for
/// a reader.
fn backfill(session: &mut Session, kind: &ResourceType, since: i64) -> Result<()> {
    let table = table_name(&kind.name);
    let select = format!(
        "SELECT {ROW_COLUMNS} FROM {table} \
         WHERE key > $ AND version > $ ORDER BY key LIMIT {BACKFILL_ROWS}"
    );
    let names: String = promoted(kind).map(|(_, column)| format!(", {}", column_name(column))).collect();
    let sets: Vec<String> = promoted(kind).map(|(_, column)| super::table::set_from_row(column)).collect();
    let update = format!(
        "UPDATE {table} AS t SET {} FROM unnest($, ${}) AS r(key, version{names}) \
         WHERE t.key = r.key AND t.version = r.version",
        sets.join(", "),
        ", $".repeat(promoted(kind).count()),
    );
    let mut last = String::new();
    loop {
        let rows = session.run(|connection| {
            statement::<super::table::RowType>(&select, vec![Bind::text(last.as_str()), Bind::Integer(since)])
                .load::<super::table::Row>(connection)
        })?;
        let Some((key, ..)) = rows.last() else { return Ok(()) };
        last.clone_from(key);
        let mut values = Vec::with_capacity(rows.len());
        for (_, text, _, create_time, update_time, ..) in &rows {
            let document: Document = super::records::from_json(text)?;
            let (created, updated) =
                (Timestamp::from_stored(create_time), Timestamp::from_stored(update_time));
            values.push(kind.column_values(&document, &created, &updated));
        }
        let mut binds = vec![
            Bind::Texts(rows.iter().map(|row| row.0.clone()).collect()),
            Bind::Integers(rows.iter().map(|row| row.2).collect()),
        ];
        for (at, column) in promoted(kind) {
            binds.push(array(column.kind, values.iter().map(|row| row[at].clone())));
        }
        session.execute(&update, binds)?;
    }
}

/// Builds what is missing without blocking writers; a leftover of a failed build goes first.
fn build_index(
    session: &mut Session,
    kind: &ResourceType,
    index: &Index,
    present: &HashMap<String, bool>,
) -> Result<()> {
    let name = index_name(kind, index);
    match present.get(&name) {
        Some(true) => return Ok(()),
        Some(false) => drop_index(session, &name)?,
        None => {}
    }
    if let Err(error) = patiently(session, &create_index(kind, index, true)) {
        drop_index(session, &name)?;
        return Err(Error::new(
            Reason::FailedPrecondition,
            format!(
                "{}: the index `{name}` cannot be built; if stored resources hold the same value of a \
                 field that is now `unique`, make them differ or take the option back",
                kind.name
            ),
        )
        .with_context(error.context.unwrap_or(error.message)));
    }
    patiently(session, &format!("ANALYZE {}", table_name(&kind.name)))
}

/// A type whose resources can be deleted softly from now on.
fn build_purge_index(
    session: &mut Session,
    kind: &ResourceType,
    present: &HashMap<String, bool>,
) -> Result<()> {
    let name = purge_index_name(kind);
    let Some(script) = create_purge_index(kind, true).filter(|_| present.get(&name) != Some(&true)) else {
        return Ok(());
    };
    if present.contains_key(&name) {
        drop_index(session, &name)?;
    }
    patiently(session, &script)
}

fn drop_index(session: &mut Session, name: &str) -> Result<()> {
    patiently(session, &format!("DROP INDEX CONCURRENTLY IF EXISTS trine.{}", identifier(name)))
}

/// DDL waits for its lock only briefly, again and again: a waiting ACCESS EXCLUSIVE stops everybody.
pub(super) fn patiently(session: &mut Session, script: &str) -> Result<()> {
    let begin = Instant::now();
    loop {
        let Err(error) = session.batch(script) else { return Ok(()) };
        if error.reason != Reason::Overloaded || begin.elapsed() > APPLY_PATIENCE {
            abandon(session);
            return Err(error);
        }
        abandon(session);
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}

fn abandon(session: &mut Session) {
    if let Err(error) = session.run(|connection| connection.batch_execute("ROLLBACK")) {
        tracing::debug!(%error, "nothing to roll back");
    }
}

/// As the server calls it.
fn bare_type(column: &Column) -> &'static str {
    match column_type(column.kind) {
        "numeric(20)" => "numeric(20,0)",
        name => name.split(" COLLATE").next().unwrap_or(name),
    }
}

/// Columns of the tables that are there, and their types.
fn columns(session: &mut Session) -> Result<HashMap<String, HashMap<String, String>>> {
    let sql = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_class c \
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
               WHERE c.relnamespace = 'trine'::regnamespace AND c.relkind = 'r'";
    let rows: Vec<(String, String, String)> =
        session.run(|connection| statement::<(Text, Text, Text)>(sql, vec![]).uncached().load(connection))?;
    let mut tables: HashMap<String, HashMap<String, String>> = HashMap::new();
    for (table, column, kind) in rows {
        tables.entry(table).or_default().insert(column, kind);
    }
    Ok(tables)
}

/// Indexes that are there, and whether they are valid.
fn indexes(session: &mut Session) -> Result<HashMap<String, bool>> {
    let sql = "SELECT c.relname::text, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
               WHERE c.relnamespace = 'trine'::regnamespace";
    let rows: Vec<(String, bool)> =
        session.run(|connection| statement::<(Text, Bool)>(sql, vec![]).uncached().load(connection))?;
    Ok(rows.into_iter().collect())
}

fn marked(session: &mut Session) -> Result<HashSet<String>> {
    let sql = "SELECT table_name FROM trine.backfill";
    let rows: Vec<String> =
        session.run(|connection| statement::<Text>(sql, vec![]).uncached().load(connection))?;
    Ok(rows.into_iter().collect())
}
