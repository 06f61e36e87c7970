//! A view as DDL. Only built-ins of SQLite 3.38 and newer: other programs run it with theirs.
//!
//! Promoted fields are read from their columns, so that their indexes serve queries on the view too. No
//! expression fails on any document: what is no such value is NULL.

use crate::schema::view::{Content, ViewColumn, ViewField, ViewName, ViewValue, view_columns};
use crate::schema::{ColumnKind, ResourceType};
use crate::store::sqlite::table::{column_name, identifier, literal};

/// A promoted unsigned number is text of twenty digits; a view shows it as a number where SQLite has one.
pub(super) fn columns(kind: &ResourceType) -> Vec<ViewColumn<'_>> {
    view_columns(kind, |kind| kind == ColumnKind::Unsigned)
}

pub(super) fn name(view: &ViewName) -> String {
    identifier(&view.joined())
}

pub(super) fn create_view(kind: &ResourceType, view: &ViewName) -> String {
    let columns: Vec<String> = columns(kind)
        .iter()
        .map(|column| format!("    {} AS {}", expression(kind, column), identifier(&column.name)))
        .collect();
    format!(
        "CREATE VIEW {} AS /* {}{} */ SELECT\n{}\nFROM {}",
        name(view),
        super::MARK,
        kind.name,
        columns.join(",\n"),
        identifier(kind.name.as_str())
    )
}

fn expression(kind: &ResourceType, column: &ViewColumn<'_>) -> String {
    match &column.content {
        Content::Key => "key".to_owned(),
        Content::ParentKey => "parent".to_owned(),
        Content::Version => "version".to_owned(),
        Content::Name => resource_name(kind),
        Content::CreateTime => "create_time".to_owned(),
        Content::UpdateTime => "update_time".to_owned(),
        Content::DeleteTime => "delete_time".to_owned(),
        Content::PurgeTime => "purge_time".to_owned(),
        Content::Etag => r#"'"' || version || '"'"#.to_owned(),
        Content::Sortable(at) => column_name(&kind.columns[*at]),
        Content::Field(field) => of_field(kind, field),
    }
}

/// `'users/' || substr(key, 1, instr(key, '/') - 1) || '/entries/' || substr(key, instr(key, '/') + 1)`
fn resource_name(kind: &ResourceType) -> String {
    let (mut rest, mut parts) = ("key".to_owned(), Vec::new());
    for (at, (collection, _)) in kind.pattern.segments.iter().enumerate() {
        let begin = if at == 0 { "" } else { "/" };
        parts.push(quoted(&format!("{begin}{collection}/")));
        if at + 1 == kind.pattern.depth() {
            parts.push(rest.clone());
        } else {
            parts.push(format!("substr({rest}, 1, instr({rest}, '/') - 1)"));
            rest = format!("substr({rest}, instr({rest}, '/') + 1)");
        }
    }
    parts.join(" || ")
}

fn of_field(kind: &ResourceType, field: &ViewField<'_>) -> String {
    if let Some(column) = field.column.map(|at| &kind.columns[at]) {
        let name = column_name(column);
        return match column.kind {
            ColumnKind::Unsigned => format!(
                "CASE WHEN {name} <= '09223372036854775807' THEN CAST({name} AS INTEGER) \
                 ELSE ltrim({name}, '0') END"
            ),
            _ => name,
        };
    }
    let path = path(&field.shape.json_name);
    let value = format!("(doc ->> {path})");
    let absent = |default: &str| if field.implicit { default.to_owned() } else { "NULL".to_owned() };
    match &field.value {
        ViewValue::Text | ViewValue::Bytes | ViewValue::Written => text(field, &value, ""),
        ViewValue::Enum(shape) => {
            text(field, &value, shape.name_of(shape.default_number()).unwrap_or_default())
        }
        ViewValue::Boolean => format!(
            "CASE coalesce(json_type(doc, {path}), 'null') WHEN 'null' THEN {} WHEN 'true' THEN 1 \
             WHEN 'false' THEN 0 END",
            absent("0")
        ),
        ViewValue::Integer { .. } => integer(&value, &absent("0")),
        ViewValue::Unsigned { .. } => unsigned(&value, &absent("0")),
        ViewValue::Real { .. } => format!(
            "CASE coalesce(json_type(doc, {path}), 'null') WHEN 'null' THEN {} \
             WHEN 'text' THEN CASE {value} WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END \
             WHEN 'integer' THEN CAST({value} AS REAL) WHEN 'real' THEN CAST({value} AS REAL) END",
            absent("0.0")
        ),
        ViewValue::Timestamp => time(&value),
        ViewValue::Json(Some(empty)) => format!("coalesce(doc -> {path}, '{empty}')"),
        ViewValue::Json(None) => format!("doc -> {path}"),
    }
}

fn text(field: &ViewField<'_>, value: &str, default: &str) -> String {
    let text = format!("CAST({value} AS TEXT)");
    if field.implicit { format!("coalesce({text}, {})", quoted(default)) } else { text }
}

/// A cast alone makes `12` of `12 apples` and cuts what is too large: the number must read back as it was.
fn integer(value: &str, absent: &str) -> String {
    format!(
        "CASE WHEN {value} IS NULL THEN {absent} WHEN {} THEN CAST({value} AS INTEGER) END",
        is_whole(value)
    )
}

/// Beyond 2^63 SQLite has no number: such a value is text.
fn unsigned(value: &str, absent: &str) -> String {
    format!(
        "CASE WHEN {value} IS NULL THEN {absent} \
         WHEN {} AND CAST({value} AS INTEGER) >= 0 THEN CAST({value} AS INTEGER) \
         WHEN length({value}) <= 20 AND {value} NOT GLOB '*[^0-9]*' \
         AND substr('00000000000000000000' || {value}, -20) <= '18446744073709551615' \
         THEN CAST({value} AS TEXT) END",
        is_whole(value)
    )
}

fn is_whole(value: &str) -> String {
    format!("CAST(CAST({value} AS INTEGER) AS TEXT) = CAST({value} AS TEXT)")
}

/// With nine digits, as promoted times are stored: so all of them sort as text.
fn time(value: &str) -> String {
    format!(
        "CASE WHEN {value} GLOB '{SECOND}Z' THEN substr({value}, 1, 19) || '.000000000Z' \
         WHEN {value} GLOB '{SECOND}.[0-9]*Z' \
         THEN substr(substr({value}, 1, length({value}) - 1) || '000000000', 1, 29) || 'Z' END"
    )
}

const SECOND: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]";

fn path(json_name: &str) -> String {
    quoted(&format!("$.\"{json_name}\""))
}

/// A text inside DDL, where nothing can be bound. It comes from the catalogue.
pub(super) fn quoted(text: &str) -> String {
    literal(&crate::query::Scalar::Text(text.to_owned()))
}
