//! The relational view of a pbtable: which columns it has, in which order, and what each shows.
//!
//! For people and tools that read SQL. The text of a view is the store's, each database in its own
//! words; this is what both have in common. Columns are the message's fields by number, after those
//! of the row itself, so that a field that is added is a column at the end. INPUT_ONLY is not stored
//! and so not shown.

mod names;
mod writing;

use super::shape::{EnumShape, FieldKind, FieldShape, Form, Shapes, WellKnown};
use super::{ColumnKind, ResourceType};

pub(crate) use names::view_names;
pub(crate) use writing::{Writing, writing};

/// Where a view is found: `blog_v1.entry`, or `blog_v1_entry` where databases have no schemas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ViewName {
    pub schema: String,
    pub name: String,
}

#[derive(Debug)]
pub(crate) struct ViewColumn<'a> {
    /// The proto field's name.
    pub name: String,
    pub content: Content<'a>,
}

#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// Ids joined by `/`: what joins and looks up by index.
    Key,
    /// The key of the parent.
    ParentKey,
    Version,
    /// The resource's name.
    Name,
    CreateTime,
    UpdateTime,
    DeleteTime,
    PurgeTime,
    /// The version as the API shows it.
    Etag,
    Field(ViewField<'a>),
    /// A promoted column as it is stored, where the field's own column has another type: only this one is
    /// found by index. Position in [`ResourceType::columns`].
    Sortable(usize),
}

#[derive(Debug)]
pub(crate) struct ViewField<'a> {
    pub shape: &'a FieldShape,
    pub value: ViewValue<'a>,
    /// Absent means the default, not NULL.
    pub implicit: bool,
    /// Position in [`ResourceType::columns`], if it is promoted.
    pub column: Option<usize>,
}

/// What the values of a field are in SQL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ViewValue<'a> {
    Text,
    /// Standard base64.
    Bytes,
    Boolean,
    Integer {
        min: i128,
        max: i128,
        /// A string in JSON.
        quoted: bool,
    },
    Unsigned {
        max: i128,
        quoted: bool,
    },
    Real {
        single: bool,
    },
    Enum(&'a EnumShape),
    Timestamp,
    /// The text that proto3 JSON has for it: durations, field masks.
    Written,
    /// Nested, repeated, map: JSON, and what absence means.
    Json(Option<&'static str>),
}

/// The columns of a pbtable's view. `sortable` tells the promoted columns whose stored form is another
/// than the view's.
pub(crate) fn view_columns(kind: &ResourceType, sortable: fn(ColumnKind) -> bool) -> Vec<ViewColumn<'_>> {
    let shape = kind.shape();
    let mut names = names::Free::new(shape.fields.iter().map(|field| field.name.as_str()));
    let mut columns = leading(kind, &mut names);
    for field in shape.fields.iter().filter(|field| !field.behavior.input_only) {
        let content = content(kind, field);
        let column = column_of(kind, &field.name);
        columns.push(ViewColumn { name: field.name.clone(), content });
        if let Some(at) = column.filter(|at| sortable(kind.columns[*at].kind)) {
            let name = names.take(&format!("{}_text", field.name));
            columns.push(ViewColumn { name, content: Content::Sortable(at) });
        }
    }
    columns
}

/// What every row has, whether its message declares it or not.
fn leading<'a>(kind: &ResourceType, names: &mut names::Free) -> Vec<ViewColumn<'a>> {
    let standard = &kind.standard;
    let mut columns = Vec::new();
    let mut add = |name: &str, content| columns.push(ViewColumn { name: names.take(name), content });
    add("key", Content::Key);
    if kind.pattern.depth() > 1 {
        add("parent_key", Content::ParentKey);
    }
    add("version", Content::Version);
    if !standard.name {
        add("name", Content::Name);
    }
    if !standard.create_time {
        add("create_time", Content::CreateTime);
    }
    if !standard.update_time {
        add("update_time", Content::UpdateTime);
    }
    columns
}

fn content<'a>(kind: &'a ResourceType, field: &'a FieldShape) -> Content<'a> {
    let standard = &kind.standard;
    match field.name.as_str() {
        "name" if standard.name => Content::Name,
        "create_time" if standard.create_time => Content::CreateTime,
        "update_time" if standard.update_time => Content::UpdateTime,
        "etag" if standard.etag => Content::Etag,
        "delete_time" if standard.delete_time => Content::DeleteTime,
        "purge_time" if standard.purge_time => Content::PurgeTime,
        _ => {
            let (value, implicit) = value(&kind.shapes, field);
            Content::Field(ViewField { shape: field, value, implicit, column: column_of(kind, &field.name) })
        }
    }
}

fn column_of(kind: &ResourceType, field: &str) -> Option<usize> {
    kind.columns.iter().position(|column| column.field == field)
}

fn value<'a>(shapes: &'a Shapes, field: &'a FieldShape) -> (ViewValue<'a>, bool) {
    match field.form {
        Form::List => (ViewValue::Json(Some("[]")), true),
        Form::Map(_) => (ViewValue::Json(Some("{}")), true),
        Form::Implicit => (singular(shapes, &field.kind), true),
        Form::Explicit => (singular(shapes, &field.kind), false),
    }
}

fn singular<'a>(shapes: &'a Shapes, kind: &'a FieldKind) -> ViewValue<'a> {
    match kind {
        FieldKind::Boolean => ViewValue::Boolean,
        FieldKind::Integer { min: 0, max } => ViewValue::Unsigned { max: *max, quoted: false },
        FieldKind::LongInteger { min: 0, max } => ViewValue::Unsigned { max: *max, quoted: true },
        FieldKind::Integer { min, max } => ViewValue::Integer { min: *min, max: *max, quoted: false },
        FieldKind::LongInteger { min, max } => ViewValue::Integer { min: *min, max: *max, quoted: true },
        FieldKind::Float => ViewValue::Real { single: true },
        FieldKind::Double => ViewValue::Real { single: false },
        FieldKind::Text => ViewValue::Text,
        FieldKind::Bytes => ViewValue::Bytes,
        // Its one value is written `null`.
        FieldKind::Enum(shape) if shape.name == "google.protobuf.NullValue" => ViewValue::Json(None),
        FieldKind::Enum(shape) => ViewValue::Enum(shape),
        FieldKind::Message(index) => {
            let message = shapes.message(*index);
            match (message.well_known, message.fields.first()) {
                (Some(WellKnown::Timestamp), _) => ViewValue::Timestamp,
                (Some(WellKnown::Duration | WellKnown::FieldMask), _) => ViewValue::Written,
                (Some(WellKnown::Wrapper), Some(inner)) => singular(shapes, &inner.kind),
                _ => ViewValue::Json(None),
            }
        }
    }
}
