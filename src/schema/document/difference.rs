//! Two documents → the edits between them: how a rule's read-modify-write becomes a patch.

use serde_json::{Map, Value};

use crate::model::{Document, Edit};
use crate::schema::ResourceType;
use crate::schema::shape::{FieldShape, Shapes};

impl ResourceType {
    /// Edits that turn `before` into `after`, touching only fields this schema knows.
    pub fn difference(&self, before: &Document, after: &Document) -> Vec<Edit> {
        let mut edits = Vec::new();
        let own = self.shape().fields.iter().filter(|field| !self.is_standard(&field.json_name));
        compare(&self.shapes, own, &before.0, &after.0, &mut Vec::new(), &mut edits);
        edits
    }
}

fn compare<'f>(
    shapes: &Shapes,
    fields: impl Iterator<Item = &'f FieldShape>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    parents: &mut Vec<String>,
    edits: &mut Vec<Edit>,
) {
    for field in fields {
        let (old, new) = (before.get(&field.json_name), after.get(&field.json_name));
        if old == new {
            continue;
        }
        parents.push(field.json_name.clone());
        match (shapes.parts_of(field), old, new) {
            (Some(parts), Some(Value::Object(old)), Some(Value::Object(new))) => {
                compare(shapes, parts.fields.iter(), old, new, parents, edits);
            }
            _ => edits.push(Edit { path: parents.clone(), value: new.cloned() }),
        }
        parents.pop();
    }
}
