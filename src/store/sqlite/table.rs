//! The SQL of one pbtable, derived from the catalogue: its definition and its row statements.
//!
//! Promoted columns are plain and filled at commit, not generated: expressions over the document
//! cannot be exact (`"Infinity"`, an enum's default), and so both databases hold what the same
//! Rust code computed. Document and promoted columns are always written by the same statement.

use super::document::StoredDocument;
use crate::model::{Document, Key, Stored, Timestamp, TypeName, Version};
use crate::query::Scalar;
use crate::schema::{Column, ColumnKind, ColumnSource, Index, ResourceType};

/// SQL types of the row that [`TableSql::get`] and a list answer.
pub(super) type RowType = (
    diesel::sql_types::Text,
    diesel::sql_types::Text,
    diesel::sql_types::BigInt,
    diesel::sql_types::Text,
    diesel::sql_types::Text,
    diesel::sql_types::Nullable<diesel::sql_types::Text>,
    diesel::sql_types::Nullable<diesel::sql_types::Text>,
    diesel::sql_types::BigInt,
);
/// key, doc, version, create_time, update_time, delete_time, purge_time, schema_id
pub(super) type Row = (String, StoredDocument, i64, String, String, Option<String>, Option<String>, i64);

pub(super) const ROW_COLUMNS: &str =
    "key, doc, version, create_time, update_time, delete_time, purge_time, schema_id";

pub(super) fn stored(kind: &TypeName, row: Row) -> Stored {
    let (key, document, version, create_time, update_time, delete_time, purge_time, schema_id) = row;
    Stored {
        kind: kind.clone(),
        key: Key::new(&key),
        version: Version(version),
        create_time: Timestamp::from_stored(&create_time),
        update_time: Timestamp::from_stored(&update_time),
        delete_time: delete_time.as_deref().map(Timestamp::from_stored),
        purge_time: purge_time.as_deref().map(Timestamp::from_stored),
        // 0: nobody's schema, read with care.
        schema_id: if document.is_mended { 0 } else { schema_id },
        document: document.text,
    }
}

/// Statements of the writer, made once a catalogue.
pub(super) struct TableSql {
    pub get: String,
    /// Writes nothing and counts 0 when the key is taken.
    pub insert: String,
    pub update: String,
    /// Sets or clears the times of a soft delete.
    pub mark: String,
    pub delete: String,
}

impl TableSql {
    pub(super) fn new(kind: &ResourceType) -> Self {
        let table = identifier(kind.name.as_str());
        let promoted: Vec<String> = promoted(kind).map(|(_, column)| column_name(column)).collect();
        let names: String = promoted.iter().map(|name| format!(", {name}")).collect();
        // Twice the same owner; null: any.
        let own = kind.owner_column().map(|owner| format!(" AND (? IS NULL OR {} = ?)", column_name(owner)));
        let own = own.unwrap_or_default();
        let binds = ", ?".repeat(promoted.len());
        let sets: String = promoted.iter().map(|name| format!(", {name} = ?")).collect();
        Self {
            get: format!("SELECT {ROW_COLUMNS} FROM {table} WHERE key = ?{own}"),
            insert: format!(
                "INSERT INTO {table} (key, parent, doc, version, schema_id, create_time, update_time, \
                 request_id, traceparent{names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?{binds}) \
                 ON CONFLICT (key) DO NOTHING"
            ),
            update: format!(
                "UPDATE {table} SET doc = ?, version = ?, schema_id = ?, update_time = ?, \
                 request_id = ?, traceparent = ?{sets} WHERE key = ?"
            ),
            mark: format!(
                "UPDATE {table} SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, \
                 request_id = ?, traceparent = ? WHERE key = ?"
            ),
            delete: format!("DELETE FROM {table} WHERE key = ?"),
        }
    }
}

/// Columns that the table has beside the chassis' own, with their positions in the catalogue.
pub(super) fn promoted(kind: &ResourceType) -> impl Iterator<Item = (usize, &Column)> {
    kind.columns.iter().enumerate().filter(|(_, column)| matches!(column.source, ColumnSource::Field { .. }))
}

pub(super) fn create_table(kind: &ResourceType) -> String {
    // Constant defaults would go stale with the schema: every column is filled by the writer.
    let columns: String = promoted(kind)
        .map(|(_, column)| format!(",\n    {} {}", column_name(column), column_type(column.kind)))
        .collect();
    format!(
        "CREATE TABLE {} (
    key TEXT PRIMARY KEY NOT NULL,
    parent TEXT NOT NULL,
    doc TEXT NOT NULL,
    version INTEGER NOT NULL,
    schema_id INTEGER NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    delete_time TEXT,
    purge_time TEXT,
    request_id TEXT,
    traceparent TEXT{columns}
)",
        identifier(kind.name.as_str())
    )
}

pub(super) fn add_column(kind: &ResourceType, column: &Column) -> String {
    format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        identifier(kind.name.as_str()),
        column_name(column),
        column_type(column.kind)
    )
}

pub(super) fn create_index(kind: &ResourceType, index: &Index) -> String {
    let columns: Vec<String> = index.columns.iter().map(|at| column_name(&kind.columns[*at])).collect();
    let flavour = if index.unique { "UNIQUE " } else { "" };
    let name = identifier(&index_name(kind, index));
    let table = identifier(kind.name.as_str());
    if index.unique {
        let set = set_condition(kind, index);
        return format!(
            "CREATE {flavour}INDEX IF NOT EXISTS {name} ON {table} ({}) WHERE {set}",
            columns.join(", ")
        );
    }
    // An owner's rows are one range, by parent or not: keys begin with their parents.
    let parent = if kind.pattern.depth() > 1 && !kind.is_of_owner(index) { "parent, " } else { "" };
    format!("CREATE INDEX IF NOT EXISTS {name} ON {table} ({parent}{}, key)", columns.join(", "))
}

pub(super) fn index_name(kind: &ResourceType, index: &Index) -> String {
    let fields = kind.fields_of(index);
    let sort = match () {
        () if index.unique => "unique",
        () if kind.is_of_owner(index) => "owner",
        () => "index",
    };
    format!("{}:{sort}:{}", kind.name, fields.join(":"))
}

/// What a purge looks for; none where nothing is deleted softly.
pub(super) fn create_purge_index(kind: &ResourceType) -> Option<String> {
    let name = identifier(&format!("{}:purge", kind.name));
    let table = identifier(kind.name.as_str());
    let sql =
        format!("CREATE INDEX IF NOT EXISTS {name} ON {table} (purge_time) WHERE purge_time IS NOT NULL");
    kind.soft_delete.then_some(sql)
}

/// Only live rows in which every member is set collide.
pub(super) fn set_condition(kind: &ResourceType, index: &Index) -> String {
    let epoch = Timestamp::from_stored("1970-01-01T00:00:00.000000000Z");
    let defaults = kind.column_values(&Document::default(), &epoch, &epoch);
    let mut terms = vec!["delete_time IS NULL".to_owned()];
    for at in &index.columns {
        let column = &kind.columns[*at];
        let name = column_name(column);
        terms.push(format!("{name} IS NOT NULL"));
        if column.implicit_default {
            terms.push(format!("{name} <> {}", literal(&defaults[*at])));
        }
    }
    terms.join(" AND ")
}

/// A default value inside DDL, where nothing can be bound. Enum names come from the catalogue.
pub(super) fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Null => "NULL".to_owned(),
        Scalar::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Unsigned(number) => format!("'{number:020}'"),
        Scalar::Real(number) => format!("{number:?}"),
        Scalar::Boolean(flag) => i64::from(*flag).to_string(),
    }
}

/// The quoted column of a promoted field; the chassis' own times are columns already.
pub(super) fn column_name(column: &Column) -> String {
    match column.source {
        ColumnSource::Field { .. } => identifier(&format!("f_{}", column.field)),
        ColumnSource::CreateTime => "create_time".to_owned(),
        ColumnSource::UpdateTime => "update_time".to_owned(),
        ColumnSource::DeleteTime => "delete_time".to_owned(),
        ColumnSource::PurgeTime => "purge_time".to_owned(),
    }
}

pub(super) fn column_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text | ColumnKind::Unsigned | ColumnKind::Timestamp => "TEXT",
        ColumnKind::Integer | ColumnKind::Boolean => "INTEGER",
        ColumnKind::Real => "REAL",
    }
}

/// In backticks: SQLite takes a name in double quotes that it does not know for a text, so a filter on a
/// column that this database has not yet would compare two texts.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
