//! Which columns of an `sql_writable` view may be written, and why the others may not.

use super::{Content, ViewColumn, ViewValue};
use crate::schema::ResourceType;
use crate::schema::document::required::is_enforced;
use crate::schema::shape::{FieldKind, FieldShape};

/// What becomes of a value that somebody writes; reasons complete "`column` …".
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writing {
    Free,
    /// Given once, with the row.
    Name,
    Refused(&'static str),
    /// Not to be written by SQL, and no row is without it.
    Needed(&'static str),
}

pub(crate) fn writing(kind: &ResourceType, column: &ViewColumn<'_>) -> Writing {
    let field = match &column.content {
        Content::Name => return Writing::Name,
        Content::Sortable(_) => return Writing::Refused("follows another column; write that one"),
        Content::Field(field) => field,
        _ => return Writing::Refused("is kept by the server"),
    };
    match field.value {
        _ if kind.standard.uid && field.shape.name == "uid" => Writing::Refused("is kept by the server"),
        _ if field.shape.behavior.output_only && kind.is_owner(field.shape) => {
            Writing::Needed("is the owner, and OUTPUT_ONLY; create resources of this type through the API")
        }
        _ if field.shape.behavior.output_only => Writing::Refused("is OUTPUT_ONLY"),
        ViewValue::Json(_) | ViewValue::Written if field.shape.is_required() => {
            Writing::Needed("is JSON and REQUIRED; create resources of this type through the API")
        }
        ViewValue::Json(_) | ViewValue::Written => {
            Writing::Refused("is JSON and can only be read here; write it through the API")
        }
        _ => Writing::Free,
    }
}

impl FieldShape {
    pub(crate) fn is_required(&self) -> bool {
        is_enforced(self)
    }

    pub(crate) fn is_message(&self) -> bool {
        matches!(self.kind, FieldKind::Message(_))
    }
}

impl ResourceType {
    /// The other members of the field's oneof.
    pub(crate) fn rivals_of<'a>(&'a self, field: &'a FieldShape) -> impl Iterator<Item = &'a FieldShape> {
        self.shape().rivals(field)
    }
}
