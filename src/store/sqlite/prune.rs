//! Removes what only older schemas need: their pbtables, indexes, columns, keys in documents. One transaction.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use super::document::StoredDocument;
use super::rows::SqliteRows;
use super::schema::{broken, has_table};
use super::statement::{Bind, run, statement};
use super::table::{column_name, identifier, index_name, promoted};
use super::{history, purge, views};
use crate::model::{Document, Result};
use crate::schema::{Catalogue, ResourceType};
use crate::store::admission::{StoredRows, decoded, prune};
use crate::store::json::{from_json, to_json};

/// What can go, a line each; gone when `really`.
pub(super) fn prune(
    connection: &mut SqliteConnection,
    newest: &Catalogue,
    really: bool,
) -> Result<Vec<String>> {
    let past = history::all(connection)?;
    prune::refuse_unless_newest(history::newest_digest(connection)?, &past, newest)?;
    let newest = &decoded(&newest.descriptor_set)?;
    let plan = prune::Plan::new(&past, newest)?;
    let mut lines = plan.retired.clone();
    if really && !plan.retired.is_empty() {
        history::keep_newest_only(connection, &newest.digest).map_err(broken)?;
    }
    if really {
        // Before what they show goes.
        views::ensure(connection, newest).map_err(broken)?;
    }
    for name in &plan.tables {
        if has_table(connection, name.as_str())? {
            lines.push(format!("pbtable `{name}` with all its rows"));
            if really {
                let sql = format!("DROP TABLE {}", identifier(name.as_str()));
                run(connection, &sql, vec![]).map_err(broken)?;
            }
        }
    }
    for kind in &newest.types {
        for (sentence, sql) in left_over(connection, kind)? {
            lines.push(sentence);
            if really {
                run(connection, &sql, vec![]).map_err(broken)?;
            }
        }
        // One that no deployment serves has no table.
        if plan.hardened.contains(&kind.name) && has_table(connection, kind.name.as_str())? {
            let count = purge::deleted(connection, kind, really)?;
            lines.extend(prune::purged(kind, count));
        }
        if plan.forgets.contains(&kind.name) {
            let count = forget(connection, kind, really)?;
            lines.extend(prune::forgotten(kind, count));
        }
    }
    Ok(lines)
}

/// Indexes and promoted columns that the schema does not have, with the statement that drops each; indexes
/// first, a column in an index cannot be dropped.
pub(super) fn left_over(
    connection: &mut SqliteConnection,
    kind: &ResourceType,
) -> Result<Vec<(String, String)>> {
    let indexes: HashSet<String> = kind.indexes.iter().map(|index| index_name(kind, index)).collect();
    let columns: HashSet<String> = promoted(kind).map(|(_, column)| column_name(column)).collect();
    let mut found = Vec::new();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? \
               AND (name LIKE '%:index:%' OR name LIKE '%:unique:%' OR name LIKE '%:owner:%') ORDER BY name";
    for index in names(connection, sql, kind)?.into_iter().filter(|name| !indexes.contains(name)) {
        let sql = format!("DROP INDEX {}", identifier(&index));
        found.push((format!("index `{index}`"), sql));
    }
    let sql = "SELECT name FROM pragma_table_info(?) WHERE name LIKE 'f!_%' ESCAPE '!' ORDER BY name";
    for column in
        names(connection, sql, kind)?.into_iter().filter(|name| !columns.contains(&identifier(name)))
    {
        let (table, name) = (identifier(kind.name.as_str()), identifier(&column));
        let sql = format!("ALTER TABLE {table} DROP COLUMN {name}");
        found.push((format!("column `{column}` of `{}`", kind.name), sql));
    }
    Ok(found)
}

fn names(connection: &mut SqliteConnection, sql: &str, kind: &ResourceType) -> Result<Vec<String>> {
    statement::<Text>(sql, vec![Bind::text(kind.name.as_str())]).load(connection).map_err(broken)
}

/// Silent: versions and times stay, because a reader saw nothing of it before. Answers the number of rows.
fn forget(connection: &mut SqliteConnection, kind: &ResourceType, really: bool) -> Result<usize> {
    // Their keys alone: all documents of a table might not fit into memory.
    let mut changed = Vec::new();
    SqliteRows(connection).for_each(&kind.name, "", &mut |row| {
        let mut document: Document = from_json(&row.document)?;
        if kind.forget_hidden(&mut document) {
            changed.push(row.key.clone());
        }
        Ok(())
    })?;
    for key in changed.iter().filter(|_| really) {
        rewrite(connection, kind, key)?;
    }
    Ok(changed.len())
}

fn rewrite(connection: &mut SqliteConnection, kind: &ResourceType, key: &str) -> Result<()> {
    let table = identifier(kind.name.as_str());
    let read = format!("SELECT doc FROM {table} WHERE key = ?");
    let stored: StoredDocument =
        statement::<Text>(&read, vec![Bind::text(key)]).get_result(connection).map_err(broken)?;
    let mut document: Document = from_json(&stored.text)?;
    kind.forget_hidden(&mut document);
    let write = format!("UPDATE {table} SET doc = ? WHERE key = ?");
    let binds = vec![Bind::text(to_json(&document)?), Bind::text(key)];
    run(connection, &write, binds).map(drop).map_err(broken)
}

/// Unique indexes that a draft left behind: they would refuse what no schema forbids.
pub(super) fn drop_strange_unique_indexes(
    connection: &mut SqliteConnection,
    storage: &Catalogue,
) -> Result<()> {
    // What this binary does not know may be one of them.
    if storage.left_out {
        return Ok(());
    }
    for kind in &storage.types {
        let strange = left_over(connection, kind)?.into_iter();
        for (_, sql) in strange.filter(|(sentence, _)| sentence.contains(":unique:")) {
            run(connection, &sql, vec![]).map_err(broken)?;
        }
    }
    Ok(())
}
