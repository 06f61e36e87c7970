//! Edits on a stored document. Runs where the data is, with the newest schema the database knows.

use serde_json::{Map, Value};

use super::path::Path;
use crate::model::{Document, Edit, Error, Reason, Result};
use crate::schema::ResourceType;
use crate::schema::shape::{FieldShape, MessageShape, Shapes};

impl ResourceType {
    /// Patches the stored document by path; clears the other members of a oneof; refuses a changed IMMUTABLE field
    /// and a value that breaks a rule.
    pub fn apply(&self, document: &mut Document, edits: &[Edit]) -> Result<()> {
        let is_compared = self.shapes.any_immutable() || self.has_constraints();
        let before = is_compared.then(|| document.clone());
        for edit in edits {
            patch(&self.shapes, Some(self.shape()), &mut document.0, &edit.path, edit.value.as_ref());
        }
        match before {
            Some(before) => {
                check_immutable(&self.shapes, self.shape(), Some(&before.0), Some(&document.0), &Path::ROOT)?;
                self.check_change(&before, document)
            }
            None => Ok(()),
        }
    }
}

/// `shape` is none below a field that this schema does not know: it is patched all the same.
fn patch(
    shapes: &Shapes,
    shape: Option<&MessageShape>,
    object: &mut Map<String, Value>,
    path: &[String],
    value: Option<&Value>,
) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(value) = value else { return clear(object, name, rest) };
    let field = shape.and_then(|shape| shape.field(name));
    let parts = field.and_then(|field| shapes.parts_of(field));
    clear_rivals(shape, field, object);
    let slot = object.entry(name).or_insert(Value::Null);
    if rest.is_empty() {
        return merge(shapes, parts, slot, value);
    }
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(inner) = slot {
        patch(shapes, parts, inner, rest, Some(value));
    }
}

fn clear(object: &mut Map<String, Value>, name: &str, rest: &[String]) {
    match rest.split_first() {
        None => drop(object.remove(name)),
        Some((next, rest)) => {
            // Clearing within what is not there must not create it.
            if let Some(Value::Object(inner)) = object.get_mut(name) {
                clear(inner, next, rest);
            }
        }
    }
}

/// A message is merged, so that stored fields which the edit's author did not know survive; all else is replaced.
fn merge(shapes: &Shapes, parts: Option<&MessageShape>, slot: &mut Value, value: &Value) {
    let (Some(parts), Value::Object(members)) = (parts, value) else {
        *slot = value.clone();
        return;
    };
    let Value::Object(inner) = slot else {
        *slot = value.clone();
        return;
    };
    for (name, member) in members {
        patch(shapes, Some(parts), inner, std::slice::from_ref(name), Some(member));
    }
}

fn clear_rivals(shape: Option<&MessageShape>, field: Option<&FieldShape>, object: &mut Map<String, Value>) {
    if let (Some(shape), Some(field)) = (shape, field) {
        for rival in shape.rivals(field) {
            object.remove(&rival.json_name);
        }
    }
}

fn check_immutable(
    shapes: &Shapes,
    shape: &MessageShape,
    before: Option<&Map<String, Value>>,
    after: Option<&Map<String, Value>>,
    path: &Path<'_>,
) -> Result<()> {
    for field in &shape.fields {
        let old = before.and_then(|object| object.get(&field.json_name));
        let new = after.and_then(|object| object.get(&field.json_name));
        if old == new {
            continue;
        }
        let path = path.field(&field.json_name);
        if field.behavior.immutable {
            let message = format!("`{path}` is IMMUTABLE; leave it as it is or create another resource");
            return Err(
                Error::new(Reason::Immutable, message.clone()).with_violation(path.to_string(), message)
            );
        }
        if let Some(parts) = shapes.parts_of(field) {
            let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
            check_immutable(shapes, parts, old, new, &path)?;
        }
    }
    Ok(())
}
