//! An update with a mask → [`Edit`]s (AIP-134, AIP-161).
//!
//! A message that the mask names whole becomes one edit per field *this* schema knows: fields that
//! a newer one added to it are none of this binary's business and stay.

use serde_json::{Map, Value};

use super::Input;
use super::mask::refuse_too_deep;
use super::path::Path;
use super::required::{collect, is_enforced, required};
use crate::model::{Edit, Error, Reason, Result};
use crate::schema::ResourceType;
use crate::schema::shape::{FieldShape, Shapes};

impl ResourceType {
    /// The edits that an update with this mask makes. `mask` is `None` (populated fields), `["*"]`
    /// or snake_case/lowerCamelCase paths; unknown, OUTPUT_ONLY and repeated-traversing paths are refused;
    /// clearing REQUIRED is refused.
    pub fn edits(&self, input: &Input, mask: Option<&[String]>) -> Result<Vec<Edit>> {
        let mut plan = Plan { shapes: &self.shapes, edits: Vec::new(), missing: Vec::new() };
        match mask {
            None => {
                for path in &input.populated {
                    self.edits_at(path, input, &mut plan)?;
                }
            }
            Some([all]) if all == "*" => {
                for field in self.shape().fields.iter().filter(|field| !self.is_standard(&field.json_name)) {
                    plan.replace(field, input.document.0.get(&field.json_name), Vec::new());
                }
            }
            Some(paths) => {
                for path in paths {
                    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
                    self.edits_at(&path, input, &mut plan)?;
                }
            }
        }
        if plan.missing.is_empty() { Ok(plan.edits) } else { Err(required(&plan.missing)) }
    }

    fn edits_at(&self, path: &[String], input: &Input, plan: &mut Plan<'_>) -> Result<()> {
        // Naming what identifies the resource changes nothing; clients that send whole resources do it.
        if matches!(path, [only] if self.is_standard(only) && matches!(only.as_str(), "name" | "etag")) {
            return Ok(());
        }
        if matches!(path, [only] if self.is_standard(only)) {
            return Err(mask_error(path, "it is kept by the server; leave it out of the mask".to_owned()));
        }
        let fields = self.resolve(path)?;
        if let Some(field) = fields.iter().find(|field| field.behavior.output_only) {
            return Err(mask_error(
                path,
                format!("`{}` is OUTPUT_ONLY; leave it out of the mask", field.json_name),
            ));
        }
        // Checked as it came, and never stored; what an older binary has stored is not this one's to clear.
        if fields.iter().any(|field| field.behavior.input_only) {
            return Ok(());
        }
        let Some((last, parents)) = fields.split_last() else { return Ok(()) };
        let mut object = Some(&input.document.0);
        for parent in parents {
            object = object.and_then(|object| object.get(&parent.json_name)).and_then(Value::as_object);
        }
        let parents = parents.iter().map(|field| field.json_name.clone()).collect();
        plan.set_or_clear(
            last,
            object.and_then(|object: &Map<String, Value>| object.get(&last.json_name)),
            parents,
        );
        Ok(())
    }

    /// The fields along a mask path; each but the last is a singular message.
    pub(super) fn resolve(&self, path: &[String]) -> Result<Vec<&FieldShape>> {
        refuse_too_deep(path)?;
        let mut fields: Vec<&FieldShape> = Vec::with_capacity(path.len());
        let mut shape = Some(self.shape());
        for name in path {
            let Some(message) = shape else {
                let parent = fields.last().map_or("", |field| &field.json_name);
                return Err(mask_error(
                    path,
                    format!("a mask goes through singular messages only; end it at `{parent}`"),
                ));
            };
            let field = message.field(name);
            let field = field.ok_or_else(|| mask_error(path, format!("there is no field `{name}`")))?;
            fields.push(field);
            shape = self.shapes.parts_of(field);
        }
        Ok(fields)
    }
}

struct Plan<'a> {
    shapes: &'a Shapes,
    edits: Vec<Edit>,
    missing: Vec<String>,
}

impl Plan<'_> {
    /// One field that a mask includes without naming it: what the client cannot or need not send is left alone.
    fn replace(&mut self, field: &FieldShape, value: Option<&Value>, parents: Vec<String>) {
        let behavior = field.behavior;
        if !(behavior.output_only || behavior.input_only || behavior.immutable && value.is_none()) {
            self.set_or_clear(field, value, parents);
        }
    }

    fn set_or_clear(&mut self, field: &FieldShape, value: Option<&Value>, mut path: Vec<String>) {
        path.push(field.json_name.clone());
        let Some(value) = value else {
            if is_enforced(field) {
                self.missing.push(path.join("."));
            }
            return self.edits.push(Edit { path, value: None });
        };
        let (Some(parts), Value::Object(object)) = (self.shapes.parts_of(field), value) else {
            self.check_items(field, value, &path);
            return self.edits.push(Edit { path, value: Some(value.clone()) });
        };
        // The message itself first: set to empty it is still set.
        self.edits.push(Edit { path: path.clone(), value: Some(Value::Object(Map::new())) });
        for part in &parts.fields {
            self.replace(part, object.get(&part.json_name), path.clone());
        }
    }

    /// REQUIRED within the elements of a list or map, which are replaced whole.
    fn check_items(&mut self, field: &FieldShape, value: &Value, path: &[String]) {
        let crate::schema::shape::FieldKind::Message(index) = field.kind else { return };
        let shape = self.shapes.message(index);
        let objects: Vec<&Map<String, Value>> = match value {
            Value::Array(items) => items.iter().filter_map(Value::as_object).collect(),
            Value::Object(entries) => entries.values().filter_map(Value::as_object).collect(),
            _ => Vec::new(),
        };
        let name = path.join(".");
        for object in objects.into_iter().filter(|_| shape.well_known.is_none()) {
            collect(self.shapes, shape, object, &Path::ROOT.field(&name), &mut self.missing);
        }
    }
}

fn mask_error(path: &[String], reason: String) -> Error {
    let path = path.join(".");
    Error::new(Reason::InvalidMask, format!("mask path `{path}`: {reason}")).with_violation(path, reason)
}
