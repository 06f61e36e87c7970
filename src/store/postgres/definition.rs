//! Definitions of pbtables and their indexes, as DDL.
//!
//! Plain columns and partial indexes only: an expression index on the document would end HOT
//! updates, a stored generated column rewrites the table under an exclusive lock.

use super::table::{bare_column_name, bounded, column_name, identifier, promoted, set_condition, table_name};
use crate::schema::{Column, ColumnKind, Index, ResourceType};

pub(super) fn create_table(kind: &ResourceType) -> String {
    let columns: String = promoted(kind)
        .map(|(_, column)| format!(",\n    {} {}", column_name(column), column_type(column.kind)))
        .collect();
    format!(
        "CREATE TABLE {} (
    key text COLLATE \"C\" PRIMARY KEY,
    parent text COLLATE \"C\" NOT NULL,
    doc jsonb NOT NULL,
    version bigint NOT NULL,
    schema_id integer NOT NULL,
    create_time text COLLATE \"C\" NOT NULL,
    update_time text COLLATE \"C\" NOT NULL,
    delete_time text COLLATE \"C\",
    purge_time text COLLATE \"C\",
    request_id text,
    traceparent text{columns}
) WITH (fillfactor = 85)",
        table_name(&kind.name)
    )
}

pub(super) fn add_column(kind: &ResourceType, column: &Column) -> String {
    format!(
        "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}",
        table_name(&kind.name),
        identifier(&bare_column_name(column)),
        column_type(column.kind)
    )
}

pub(super) fn drop_column(kind: &ResourceType, column: &Column) -> String {
    let name = identifier(&bare_column_name(column));
    // With the view that shows it, which is made again.
    format!("ALTER TABLE {} DROP COLUMN {name} CASCADE", table_name(&kind.name))
}

/// `concurrently`: without blocking writers, outside a transaction.
pub(super) fn create_index(kind: &ResourceType, index: &Index, concurrently: bool) -> String {
    let name = identifier(&index_name(kind, index));
    let table = table_name(&kind.name);
    let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
    let columns = || index.columns.iter().map(|at| column_name(&kind.columns[*at]));
    if index.unique {
        let columns: Vec<String> = columns().collect();
        let set = set_condition(kind, index, "");
        return format!(
            "CREATE UNIQUE INDEX {concurrently}{name} ON {table} ({}) WHERE {set}",
            columns.join(", ")
        );
    }
    // Nulls first, as in SQLite and in the lists' ORDER BY.
    let columns: Vec<String> = columns().map(|column| format!("{column} NULLS FIRST")).collect();
    // An owner's rows are one range, by parent or not: keys begin with their parents.
    let parent = if kind.pattern.depth() > 1 && !kind.is_of_owner(index) { "parent, " } else { "" };
    format!("CREATE INDEX {concurrently}{name} ON {table} ({parent}{}, key)", columns.join(", "))
}

/// What a purge looks for; none where nothing is deleted softly.
pub(super) fn create_purge_index(kind: &ResourceType, concurrently: bool) -> Option<String> {
    let (name, table) = (identifier(&purge_index_name(kind)), table_name(&kind.name));
    let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
    let sql =
        format!("CREATE INDEX {concurrently}{name} ON {table} (purge_time) WHERE purge_time IS NOT NULL");
    kind.soft_delete.then_some(sql)
}

pub(super) fn purge_index_name(kind: &ResourceType) -> String {
    bounded(&format!("{}:purge", kind.name))
}

pub(super) fn index_name(kind: &ResourceType, index: &Index) -> String {
    let fields = kind.fields_of(index);
    let sort = match () {
        () if index.unique => "unique",
        () if kind.is_of_owner(index) => "owner",
        () => "index",
    };
    bounded(&format!("{}:{sort}:{}", kind.name, fields.join(":")))
}

pub(super) fn column_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text | ColumnKind::Timestamp => "text COLLATE \"C\"",
        ColumnKind::Integer => "bigint",
        ColumnKind::Unsigned => "numeric(20)",
        ColumnKind::Real => "double precision",
        ColumnKind::Boolean => "boolean",
    }
}
