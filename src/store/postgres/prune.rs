//! Removes what only older schemas need: their pbtables, indexes, columns, keys in documents.
//!
//! The history goes first, so that nobody relies on what is about to go; everything after that can be done again,
//! by what is there and not by what was noted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::definition::{index_name, purge_index_name};
use super::rows::PostgresRows;
use super::schema::{alone, patiently};
use super::session::Session;
use super::statement::{Bind, statement};
use super::table::{bare_column_name, bounded, identifier, promoted, table_name};
use super::{history, migrate, purge, views};
use crate::model::{Document, Result};
use crate::schema::{Catalogue, ResourceType};
use crate::store::admission::{StoredRows, decoded, prune};
use crate::store::json::{from_json, to_json};

/// What can go, a line each; gone when `really`.
pub(super) fn prune(session: &mut Session, catalogue: &Catalogue, really: bool) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    alone(session, |session| {
        migrate::primary(session)?;
        prune::refuse_unless_newest(history::newest_digest(session)?, &history::all(session)?, catalogue)?;
        lines = carry_out(session, &decoded(&catalogue.descriptor_set)?, really)?;
        Ok(())
    })?;
    Ok(lines)
}

fn carry_out(session: &mut Session, newest: &Catalogue, really: bool) -> Result<Vec<String>> {
    let plan = prune::Plan::new(&history::all(session)?, newest)?;
    let mut lines = plan.retired.clone();
    if really && !plan.retired.is_empty() {
        history::keep_newest_only(session, &newest.digest)?;
    }
    if really {
        // Before what they show goes.
        views::ensure(session, newest)?;
    }
    for name in &plan.tables {
        if session.has_table(&table_name(name))? {
            lines.push(format!("pbtable `{name}` with all its rows"));
            if really {
                patiently(session, &format!("DROP TABLE IF EXISTS {} CASCADE", table_name(name)))?;
            }
        }
    }
    for kind in &newest.types {
        for (sentence, sql) in left_over(session, kind)? {
            lines.push(sentence);
            if really {
                patiently(session, &sql)?;
            }
        }
        // One that no deployment serves has no table.
        if plan.hardened.contains(&kind.name) && session.has_table(&table_name(&kind.name))? {
            let count = purge::deleted(session, kind, really)?;
            lines.extend(prune::purged(kind, count));
        }
        if plan.forgets.contains(&kind.name) {
            let count = forget(session, kind, really)?;
            lines.extend(prune::forgotten(kind, count));
        }
    }
    Ok(lines)
}

/// Indexes and promoted columns that the newest schema does not have, with the statement that drops each.
fn left_over(session: &mut Session, kind: &Arc<ResourceType>) -> Result<Vec<(String, String)>> {
    let (table, indexes) = own_indexes(kind);
    let columns: HashSet<String> = promoted(kind).map(|(_, column)| bare_column_name(column)).collect();
    let mut found = Vec::new();
    for index in names(session, INDEXES, &table)?.into_iter().filter(|name| !indexes.contains(name)) {
        found.push((format!("index `{index}`"), drop_index(&index)));
    }
    for column in names(session, COLUMNS, &table)?.into_iter().filter(|name| !columns.contains(name)) {
        let sql =
            format!("ALTER TABLE {} DROP COLUMN IF EXISTS {}", table_name(&kind.name), identifier(&column));
        found.push((format!("column `{column}` of `{}`", kind.name), sql));
    }
    Ok(found)
}

fn drop_index(name: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS trine.{}", identifier(name))
}

/// The table with what its schema has.
fn own_indexes(kind: &Arc<ResourceType>) -> (String, HashSet<String>) {
    let names = kind.indexes.iter().map(|index| index_name(kind, index));
    (bounded(kind.name.as_str()), names.chain([purge_index_name(kind)]).collect())
}

/// Of all tables, with their table; primary keys are not among them.
const UNIQUE_INDEXES: &str = "SELECT t.relname::text, i.relname::text \
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
     WHERE t.relnamespace = 'trine'::regnamespace AND x.indisunique AND NOT x.indisprimary ORDER BY 1, 2";
/// Ours by their names; the primary key is not among them.
const INDEXES: &str = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'trine' AND tablename = $ \
     AND (indexname ~ ':(index|unique|owner):' OR indexname LIKE '%~________________') ORDER BY 1";
const COLUMNS: &str = "SELECT column_name::text FROM information_schema.columns \
     WHERE table_schema = 'trine' AND table_name = $ AND column_name LIKE 'f\\_%' ORDER BY 1";

fn names(session: &mut Session, sql: &str, table: &str) -> Result<Vec<String>> {
    session.run(|connection| statement::<Text>(sql, vec![Bind::text(table)]).uncached().load(connection))
}

/// Silent: versions and times stay, because a reader saw nothing of it before. Answers the number of rows.
fn forget(session: &mut Session, kind: &ResourceType, really: bool) -> Result<usize> {
    let keys = keys_to_forget(session, kind)?;
    if really {
        for batch in keys.chunks(500) {
            forget_in(session, kind, batch)?;
        }
    }
    Ok(keys.len())
}

fn keys_to_forget(session: &mut Session, kind: &ResourceType) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    PostgresRows(session).for_each(&kind.name, "", &mut |row| {
        let mut document: Document = from_json(&row.document)?;
        if kind.forget_hidden(&mut document) {
            keys.push(row.key.clone());
        }
        Ok(())
    })?;
    Ok(keys)
}

/// Locked while they are rewritten: a commit in between must not be undone.
fn forget_in(session: &mut Session, kind: &ResourceType, keys: &[String]) -> Result<()> {
    let table = table_name(&kind.name);
    let read = format!("SELECT key, doc::text FROM {table} WHERE key = ANY($) ORDER BY key FOR UPDATE");
    let write = format!(
        "UPDATE {table} AS t SET doc = r.doc::jsonb FROM unnest($, $) AS r(key, doc) WHERE t.key = r.key"
    );
    session.batch("BEGIN; SET LOCAL lock_timeout = '10s'")?;
    let rows: Vec<(String, String)> = session.run(|connection| {
        statement::<(Text, Text)>(&read, vec![Bind::Texts(keys.to_vec())]).load(connection)
    })?;
    let mut documents = Vec::with_capacity(rows.len());
    for (_, text) in &rows {
        let mut document: Document = from_json(text)?;
        kind.forget_hidden(&mut document);
        documents.push(to_json(&document)?);
    }
    let keys = rows.into_iter().map(|(key, _)| key).collect();
    session.execute(&write, vec![Bind::Texts(keys), Bind::Texts(documents)])?;
    session.batch("COMMIT")
}

/// Unique indexes that a draft left behind: they would refuse what no schema forbids. Asked of all tables at
/// once, because every start asks.
pub(super) fn drop_strange_unique_indexes(session: &mut Session, storage: &Catalogue) -> Result<()> {
    // What this binary does not know may be one of them.
    if storage.left_out {
        return Ok(());
    }
    let own: HashMap<String, HashSet<String>> = storage.types.iter().map(own_indexes).collect();
    let present: Vec<(String, String)> = session
        .run(|connection| statement::<(Text, Text)>(UNIQUE_INDEXES, vec![]).uncached().load(connection))?;
    let strange = |(table, index): &(String, String)| own.get(table).is_some_and(|own| !own.contains(index));
    for (_, index) in present.iter().filter(|found| strange(found)) {
        patiently(session, &drop_index(index))?;
    }
    Ok(())
}
