//! A view as DDL: what each of its columns is called, which type it has, and where it is read from.
//!
//! Promoted fields are read from their columns, so that their indexes serve queries on the view too. All
//! else goes through functions that never fail (`migrations/`): one bad row must not fail a query.

use crate::schema::view::{Content, ViewColumn, ViewField, ViewName, ViewValue, view_columns};
use crate::schema::{ColumnKind, ResourceType};
use crate::store::postgres::table::{bounded, column_name, identifier, literal, table_name};

/// One column: `trine.integer_of(doc->'pages', 0) AS "pages"`.
pub(super) struct Part {
    /// As PostgreSQL keeps it: at most 63 bytes.
    pub name: String,
    /// As `format_type` says it.
    pub sql_type: &'static str,
    pub expression: String,
}

pub(super) fn parts(kind: &ResourceType) -> Vec<Part> {
    columns(kind).iter().map(|column| part(kind, column)).collect()
}

/// Times are stored as text that sorts; a view shows them as times.
pub(super) fn columns(kind: &ResourceType) -> Vec<ViewColumn<'_>> {
    view_columns(kind, |kind| kind == ColumnKind::Timestamp)
}

pub(super) fn qualified(view: &ViewName) -> String {
    format!("{}.{}", schema(view), identifier(&bounded(&view.name)))
}

pub(super) fn schema(view: &ViewName) -> String {
    identifier(&bounded(&view.schema))
}

/// Its columns appended, when the view is there already with those that come first.
pub(super) fn create_view(kind: &ResourceType, view: &ViewName) -> String {
    let columns: Vec<String> = parts(kind)
        .iter()
        .map(|part| format!("    {} AS {}", part.expression, identifier(&part.name)))
        .collect();
    format!(
        // Joined to nothing, so that PostgreSQL passes no write through by itself; the planner drops it.
        "CREATE OR REPLACE VIEW {} AS SELECT\n{}\nFROM {} CROSS JOIN (SELECT) AS nothing",
        qualified(view),
        columns.join(",\n"),
        table_name(&kind.name)
    )
}

fn part(kind: &ResourceType, column: &ViewColumn<'_>) -> Part {
    let (sql_type, expression) = match &column.content {
        Content::Key => ("text", "key".to_owned()),
        Content::ParentKey => ("text", "parent".to_owned()),
        Content::Version => ("bigint", "version".to_owned()),
        Content::Name => ("text", resource_name(kind)),
        Content::CreateTime => time("create_time"),
        Content::UpdateTime => time("update_time"),
        Content::DeleteTime => time("delete_time"),
        Content::PurgeTime => time("purge_time"),
        Content::Etag => ("text", r#"'"' || version || '"'"#.to_owned()),
        Content::Sortable(at) => ("text", column_name(&kind.columns[*at])),
        Content::Field(field) => of_field(kind, field),
    };
    Part { name: bounded(&column.name), sql_type, expression }
}

fn time(column: &str) -> (&'static str, String) {
    ("timestamp with time zone", format!("trine.time_of({column})"))
}

/// `'users/' || split_part(key, '/', 1) || '/entries/' || split_part(key, '/', 2)`
fn resource_name(kind: &ResourceType) -> String {
    let segments = kind.pattern.segments.iter().enumerate();
    let parts = segments.map(|(at, (collection, _))| {
        let begin = if at == 0 { "" } else { "/" };
        format!("{} || split_part(key, '/', {})", quoted(&format!("{begin}{collection}/")), at + 1)
    });
    parts.collect::<Vec<_>>().join(" || ")
}

fn of_field(kind: &ResourceType, field: &ViewField<'_>) -> (&'static str, String) {
    let sql_type = sql_type(&field.value);
    if let Some(column) = field.column.map(|at| &kind.columns[at]) {
        let name = column_name(column);
        let is_time = column.kind == ColumnKind::Timestamp;
        return (sql_type, if is_time { format!("trine.time_of({name})") } else { name });
    }
    let member = quoted(&field.shape.json_name);
    let absent = |default: &'static str| if field.implicit { default } else { "NULL" };
    let expression = match &field.value {
        ViewValue::Boolean => format!("trine.boolean_of(doc->{member}, {})", absent("false")),
        ViewValue::Integer { .. } => format!("trine.integer_of(doc->{member}, {})", absent("0")),
        ViewValue::Unsigned { .. } => {
            format!("trine.unsigned_of(doc->{member}, {})::numeric(20)", absent("0"))
        }
        ViewValue::Real { .. } => format!("trine.real_of(doc->{member}, {})", absent("0")),
        ViewValue::Timestamp => format!("trine.time_of(doc->>{member})"),
        ViewValue::Text | ViewValue::Bytes | ViewValue::Written => text(field, &member, ""),
        ViewValue::Enum(shape) => {
            text(field, &member, shape.name_of(shape.default_number()).unwrap_or_default())
        }
        ViewValue::Json(Some(empty)) => format!("COALESCE(doc->{member}, '{empty}')"),
        ViewValue::Json(None) => format!("doc->{member}"),
    };
    (sql_type, expression)
}

/// Compared by bytes, as the API and the promoted columns compare.
fn text(field: &ViewField<'_>, member: &str, default: &str) -> String {
    if field.implicit {
        format!("COALESCE(doc->>{member}, {}) COLLATE \"C\"", quoted(default))
    } else {
        format!("(doc->>{member}) COLLATE \"C\"")
    }
}

fn sql_type(value: &ViewValue<'_>) -> &'static str {
    match value {
        ViewValue::Text | ViewValue::Bytes | ViewValue::Enum(_) | ViewValue::Written => "text",
        ViewValue::Boolean => "boolean",
        ViewValue::Integer { .. } => "bigint",
        ViewValue::Unsigned { .. } => "numeric(20,0)",
        ViewValue::Real { .. } => "double precision",
        ViewValue::Timestamp => "timestamp with time zone",
        ViewValue::Json(_) => "jsonb",
    }
}

/// A text inside DDL, where nothing can be bound. It comes from the catalogue.
pub(super) fn quoted(text: &str) -> String {
    literal(&crate::query::Scalar::Text(text.to_owned()))
}
