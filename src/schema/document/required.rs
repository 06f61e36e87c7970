//! REQUIRED (AIP-203): what a resource must hold.

use serde_json::{Map, Value};

use super::path::Path;
use crate::model::{Document, Error, Reason, Result};
use crate::schema::ResourceType;
use crate::schema::constraint::Judgement;
use crate::schema::shape::{FieldKind, FieldShape, Form, MessageShape, Shapes};

impl ResourceType {
    /// REQUIRED fields of a create, also within the messages that are there, and the rules of `buf.validate`.
    /// All that is missing or broken is named.
    pub fn check_required(&self, document: &Document) -> Result<()> {
        let mut missing = Vec::new();
        collect(&self.shapes, self.shape(), &document.0, &Path::ROOT, &mut missing);
        let mut judgement = Judgement::new(&self.shapes);
        missing.into_iter().for_each(|path| judgement.missing(path));
        judgement.message(self.root, None, &document.0, &Path::ROOT);
        judgement.into_result(|path| self.is_standard(path))
    }

    /// The rules of `buf.validate` for the values that differ from `before`: a row older than a rule
    /// can still be changed elsewhere.
    pub fn check_change(&self, before: &Document, after: &Document) -> Result<()> {
        let mut judgement = Judgement::new(&self.shapes);
        judgement.message(self.root, Some(&before.0), &after.0, &Path::ROOT);
        judgement.into_result(|path| self.is_standard(path))
    }
}

/// The REQUIRED fields that an object of this message lacks, as paths.
pub(super) fn collect(
    shapes: &Shapes,
    shape: &MessageShape,
    object: &Map<String, Value>,
    path: &Path<'_>,
    missing: &mut Vec<String>,
) {
    for field in &shape.fields {
        let path = path.field(&field.json_name);
        match object.get(&field.json_name) {
            None if is_enforced(field) => missing.push(path.to_string()),
            Some(value) => within(shapes, field, value, &path, missing),
            None => {}
        }
    }
}

pub(super) fn required(missing: &[String]) -> Error {
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let message = format!("`{}` {verb} required", missing.join("`, `"));
    missing.iter().fold(Error::new(Reason::Required, message), |error, path| {
        error.with_violation(path.clone(), format!("`{path}` is required"))
    })
}

/// A number or bool without presence cannot be told from its default, and 0 is a fine value.
pub(crate) fn is_enforced(field: &FieldShape) -> bool {
    let always_there = field.form == Form::Implicit
        && !matches!(field.kind, FieldKind::Text | FieldKind::Bytes | FieldKind::Enum(_));
    let behavior = field.behavior;
    // INPUT_ONLY is not kept, so its absence says nothing.
    behavior.required && !behavior.output_only && !behavior.input_only && !always_there
}

fn within(shapes: &Shapes, field: &FieldShape, value: &Value, path: &Path<'_>, missing: &mut Vec<String>) {
    let FieldKind::Message(index) = field.kind else { return };
    let shape = shapes.message(index);
    if shape.well_known.is_some() {
        return;
    }
    match (field.form, value) {
        (Form::List, Value::Array(items)) => {
            for (index, object) in items.iter().enumerate() {
                if let Some(object) = object.as_object() {
                    collect(shapes, shape, object, &path.item(index), missing);
                }
            }
        }
        (Form::Map(_), Value::Object(entries)) => {
            for (key, object) in entries {
                if let Some(object) = object.as_object() {
                    collect(shapes, shape, object, &path.entry(key), missing);
                }
            }
        }
        (_, Value::Object(object)) => collect(shapes, shape, object, path, missing),
        _ => {}
    }
}
