//! The SQL of one pbtable's rows, derived from the catalogue. Definitions are in `definition.rs`.
//!
//! Promoted columns are filled by the writer, so both databases hold what the same Rust code
//! computed. Document and promoted columns are always written by the same statement.

use diesel::sql_types::{BigInt, Nullable, Text};
use sha2::{Digest, Sha256};

use super::looks::Looks;
use super::position::POSITION_SQL;
use super::statement::Bind;
use crate::model::{Document, Key, Stored, Timestamp, TypeName, Version};
use crate::query::Scalar;
use crate::schema::{Column, ColumnKind, ColumnSource, Index, ResourceType};

/// key, doc, version, create_time, update_time, delete_time, purge_time, schema_id
pub(super) type RowType = (Text, Text, BigInt, Text, Text, Nullable<Text>, Nullable<Text>, BigInt);
pub(super) type Row = (String, String, i64, String, String, Option<String>, Option<String>, i64);
/// The position, then a row or nulls.
pub(super) type PlacedRowType = (
    (BigInt, BigInt),
    (Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
);
pub(super) type PlacedRow = (
    (i64, i64),
    (Option<String>, Option<String>, Option<i64>),
    (Option<String>, Option<String>, Option<String>, Option<String>, Option<i64>),
);

/// With the place of the question that it answers.
pub(super) type AnsweringRowType = (
    (BigInt, BigInt),
    (Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
    Nullable<BigInt>,
);
pub(super) type AnsweringRow = (
    (i64, i64),
    (Option<String>, Option<String>, Option<i64>),
    (Option<String>, Option<String>, Option<String>, Option<String>, Option<i64>),
    Option<i64>,
);

/// A [`Row`] of the table itself.
pub(super) const ROW_COLUMNS: &str =
    "key, doc::text, version, create_time, update_time, delete_time, purge_time, schema_id::bigint";
/// A [`PlacedRow`]: the position `p` beside a row `t`.
pub(super) const PLACED_COLUMNS: &str = "p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, \
     t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint";

/// The database's own clock in the stored form: of several hosts one decides when a resource was deleted.
pub(super) const DATABASE_NOW: &str =
    "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"000Z\"')";
/// [`crate::store::judge::PURGE_AFTER_DAYS`] later.
pub(super) const DATABASE_PURGE: &str =
    "to_char(now() AT TIME ZONE 'UTC' + interval '30 days', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"000Z\"')";

/// Statements on one pbtable, made once a catalogue.
pub(super) struct TableSql {
    pub looks: Looks,
    /// Answers key and document of what was inserted; a taken key or unique value inserts nothing.
    pub insert: String,
    pub update: String,
    /// Answers key, delete_time and purge_time.
    pub soft_delete: String,
    pub undelete: String,
    pub delete: String,
}

impl TableSql {
    pub(super) fn new(kind: &ResourceType) -> Self {
        let table = table_name(&kind.name);
        Self {
            looks: Looks::new(kind),
            insert: insert_sql(kind, &table),
            update: update_sql(kind, &table),
            soft_delete: mark_sql(&table, DATABASE_NOW, DATABASE_PURGE),
            undelete: mark_sql(&table, "NULL", "NULL"),
            delete: format!("DELETE FROM {table} WHERE key = ANY($)"),
        }
    }
}

/// Point reads; the position comes also when no row does.
pub(super) fn get_sql(kind: &ResourceType) -> String {
    format!(
        "SELECT {PLACED_COLUMNS} \
         FROM ({POSITION_SQL}) p LEFT JOIN {} t ON t.key = ANY($)",
        table_name(&kind.name)
    )
}

fn insert_sql(kind: &ResourceType, table: &str) -> String {
    let names: String = promoted(kind).map(|(_, column)| format!(", {}", column_name(column))).collect();
    let values: String = promoted(kind).map(|(_, column)| format!(", {}", row_value(column))).collect();
    format!(
        "INSERT INTO {table} (key, parent, doc, version, schema_id, create_time, update_time, \
         request_id, traceparent{names}) \
         SELECT r.key, r.parent, r.doc::jsonb, r.version, $, $, $, r.request_id, r.traceparent{values} \
         FROM unnest($, $, $, $, $, ${arrays}) \
              AS r(key, parent, doc, version, request_id, traceparent{names}) \
         ON CONFLICT DO NOTHING RETURNING key, doc::text, schema_id::bigint",
        arrays = ", $".repeat(promoted(kind).count()),
    )
}

fn update_sql(kind: &ResourceType, table: &str) -> String {
    let names: String = promoted(kind).map(|(_, column)| format!(", {}", column_name(column))).collect();
    let sets: String = promoted(kind).map(|(_, column)| format!(", {}", set_from_row(column))).collect();
    format!(
        "UPDATE {table} AS t SET doc = r.doc::jsonb, version = r.version, \
         schema_id = CASE t.schema_id WHEN 0 THEN 0 ELSE $ END, update_time = $, \
         request_id = r.request_id, traceparent = r.traceparent{sets} \
         FROM unnest($, $, $, $, ${arrays}) AS r(key, doc, version, request_id, traceparent{names}) \
         WHERE t.key = r.key RETURNING t.key, t.doc::text, t.schema_id::bigint",
        arrays = ", $".repeat(promoted(kind).count()),
    )
}

/// A mark beside the document, which stays as it is.
fn mark_sql(table: &str, delete_time: &str, purge_time: &str) -> String {
    format!(
        "UPDATE {table} AS t SET version = r.version, update_time = $, delete_time = {delete_time}, \
         purge_time = {purge_time}, request_id = r.request_id, traceparent = r.traceparent \
         FROM unnest($, $, $, $) AS r(key, version, request_id, traceparent) \
         WHERE t.key = r.key RETURNING t.key, t.delete_time, t.purge_time"
    )
}

/// `f_title = r.f_title`
pub(super) fn set_from_row(column: &Column) -> String {
    format!("{} = {}", column_name(column), row_value(column))
}

/// u64 travels as text.
fn row_value(column: &Column) -> String {
    let cast = if column.kind == ColumnKind::Unsigned { "::numeric" } else { "" };
    format!("r.{}{cast}", column_name(column))
}

/// Columns that the table has beside the chassis' own, with their positions in the catalogue.
pub(super) fn promoted(kind: &ResourceType) -> impl Iterator<Item = (usize, &Column)> {
    kind.columns.iter().enumerate().filter(|(_, column)| matches!(column.source, ColumnSource::Field { .. }))
}

/// One array a column, for `unnest`.
pub(super) fn array(kind: ColumnKind, values: impl Iterator<Item = Scalar>) -> Bind {
    match kind {
        ColumnKind::Integer => Bind::OptionalIntegers(
            values
                .map(|value| if let Scalar::Integer(number) = value { Some(number) } else { None })
                .collect(),
        ),
        ColumnKind::Real => Bind::OptionalReals(
            values.map(|value| if let Scalar::Real(number) = value { Some(number) } else { None }).collect(),
        ),
        ColumnKind::Boolean => Bind::OptionalBooleans(
            values.map(|value| if let Scalar::Boolean(flag) = value { Some(flag) } else { None }).collect(),
        ),
        ColumnKind::Text | ColumnKind::Timestamp | ColumnKind::Unsigned => Bind::OptionalTexts(
            values
                .map(|value| match value {
                    Scalar::Text(text) => Some(text),
                    Scalar::Unsigned(number) => Some(number.to_string()),
                    _ => None,
                })
                .collect(),
        ),
    }
}

/// Which rows a unique index counts: live ones in which every member is set.
pub(super) fn set_condition(kind: &ResourceType, index: &Index, alias: &str) -> String {
    let epoch = Timestamp::from_stored("1970-01-01T00:00:00.000000000Z");
    let defaults = kind.column_values(&Document::default(), &epoch, &epoch);
    let mut terms = vec![format!("{alias}delete_time IS NULL")];
    for at in &index.columns {
        let column = &kind.columns[*at];
        let name = format!("{alias}{}", column_name(column));
        terms.push(format!("{name} IS NOT NULL"));
        if column.implicit_default && defaults[*at] != Scalar::Null {
            terms.push(format!("{name} <> {}", literal(&defaults[*at])));
        }
    }
    terms.join(" AND ")
}

/// A default value where nothing can be bound. Enum names come from the catalogue.
pub(super) fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Null => "NULL".to_owned(),
        Scalar::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Unsigned(number) => number.to_string(),
        Scalar::Real(number) => format!("{number:?}"),
        Scalar::Boolean(flag) => flag.to_string(),
    }
}

/// The quoted column of a promoted field; the chassis' own times are columns already.
pub(super) fn column_name(column: &Column) -> String {
    match column.source {
        ColumnSource::Field { .. } => identifier(&bare_column_name(column)),
        ColumnSource::CreateTime => "create_time".to_owned(),
        ColumnSource::UpdateTime => "update_time".to_owned(),
        ColumnSource::DeleteTime => "delete_time".to_owned(),
        ColumnSource::PurgeTime => "purge_time".to_owned(),
    }
}

pub(super) fn bare_column_name(column: &Column) -> String {
    bounded(&format!("f_{}", column.field))
}

pub(super) fn table_name(kind: &TypeName) -> String {
    format!("trine.{}", identifier(&bounded(kind.as_str())))
}

pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// PostgreSQL cuts names at 63 bytes without a word; two long ones could then be one.
pub(super) fn bounded(name: &str) -> String {
    const LENGTH_MAX: usize = 63;
    const HASH_LENGTH: usize = 16;
    if name.len() <= LENGTH_MAX {
        return name.to_owned();
    }
    let hash: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut end = LENGTH_MAX - HASH_LENGTH - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{}", &name[..end], &hash[..HASH_LENGTH])
}

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
        schema_id,
        document,
    }
}

/// Rows of one statement, with the position that is the same in all of them.
pub(super) fn placed(kind: &TypeName, rows: Vec<PlacedRow>) -> (i64, i64, Vec<Stored>) {
    let (lsn, timeline) = rows.first().map_or((0, 0), |row| row.0);
    let found = rows.into_iter().filter_map(|(_, (key, document, version), times)| {
        let (create_time, update_time, delete_time, purge_time, schema_id) = times;
        let times = (create_time?, update_time?, delete_time, purge_time);
        Some(stored(kind, (key?, document?, version?, times.0, times.1, times.2, times.3, schema_id?)))
    });
    (lsn, timeline, found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart() {
        let (left, right) = (format!("{}a", "x".repeat(70)), format!("{}b", "x".repeat(70)));
        assert_eq!(bounded(&left).len(), 63);
        assert_ne!(bounded(&left), bounded(&right));
        assert_eq!(bounded("blog.v1.Entry"), "blog.v1.Entry");
    }
}
