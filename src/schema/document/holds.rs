//! Does a stored document hold this value, does it fit this schema? Asked before a schema may change.

use serde_json::{Map, Value};

use super::canonical::Source;
use crate::model::Document;
use crate::schema::ResourceType;
use crate::schema::shape::{FieldKind, FieldShape, Form, MessageShape, Shapes, WellKnown};

impl ResourceType {
    /// Whether an enum's value is anywhere in the document, under any of these names. Within an `Any` of a message
    /// that this schema does not have, any text that reads like it counts.
    pub fn holds_enum_value(&self, document: &Document, enumeration: &str, names: &[String]) -> bool {
        Search { shapes: &self.shapes, enumeration, names }.object(self.shape(), &document.0)
    }

    /// Whether everything in the document is a value of this schema, and nothing is left over.
    pub fn fits(&self, document: &Document) -> bool {
        self.canonical(document.0.clone(), Source::Rule).is_ok()
    }
}

struct Search<'a> {
    shapes: &'a Shapes,
    enumeration: &'a str,
    names: &'a [String],
}

impl Search<'_> {
    fn object(&self, shape: &MessageShape, object: &Map<String, Value>) -> bool {
        object
            .iter()
            .any(|(key, value)| shape.stored_field(key).is_some_and(|field| self.field(field, value)))
    }

    fn field(&self, field: &FieldShape, value: &Value) -> bool {
        match (&field.kind, value) {
            (FieldKind::Enum(shape), _) if shape.name != self.enumeration => false,
            (FieldKind::Enum(_), value) => self.anywhere(value),
            (FieldKind::Message(index), value) => {
                let shape = self.shapes.message(*index);
                match shape.well_known {
                    Some(WellKnown::Any) => items(field.form, value).iter().any(|item| self.any(item)),
                    Some(_) => false,
                    None => {
                        let mut parts = items(field.form, value).into_iter().filter_map(Value::as_object);
                        parts.any(|part| self.object(shape, part))
                    }
                }
            }
            _ => false,
        }
    }

    fn any(&self, value: &Value) -> bool {
        let object = value.as_object();
        let name = object.and_then(|object| object.get("@type")?.as_str()?.rsplit('/').next());
        let shape = name.and_then(|name| self.shapes.find(name)).map(|index| self.shapes.message(index));
        match (object, shape) {
            (Some(object), Some(shape)) if shape.well_known.is_none() => self.object(shape, object),
            // Its value is text and numbers, or another of these.
            _ => self.anywhere(value),
        }
    }

    fn anywhere(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.names.iter().any(|name| name == text),
            Value::Array(items) => items.iter().any(|item| self.anywhere(item)),
            Value::Object(entries) => entries.values().any(|entry| self.anywhere(entry)),
            _ => false,
        }
    }
}

/// The values of a list or map; one that is neither is its own.
fn items(form: Form, value: &Value) -> Vec<&Value> {
    match (form, value) {
        (Form::List, Value::Array(items)) => items.iter().collect(),
        (Form::Map(_), Value::Object(entries)) => entries.values().collect(),
        (_, value) => vec![value],
    }
}
