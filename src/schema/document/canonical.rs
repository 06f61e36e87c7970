//! A JSON tree → the canonical document: every field under its JSON name, in its one form.
//!
//! Invariant: equal messages have equal documents. What is stored has passed through here.

use serde_json::{Map, Value};

use super::left_out::left_out;
use super::path::Path;
use super::scalar::{self, Expected};
use super::strict_json::DEPTH_MAX;
use super::well_known;
use crate::model::{Error, Reason, Result};
use crate::schema::constraint::Judgement;
use crate::schema::shape::{FieldKind, FieldShape, Form, MapKey, MessageShape, Shapes};

/// Whose document it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A client: OUTPUT_ONLY is ignored, INPUT_ONLY checked but not kept.
    Client,
    /// A rule, or a request for one: OUTPUT_ONLY and INPUT_ONLY are kept.
    Rule,
    /// The database: what this schema does not know, or cannot read, is left out instead of refused.
    Store,
}

pub(super) struct Canonicaliser<'a> {
    pub shapes: &'a Shapes,
    pub source: Source,
}

impl Canonicaliser<'_> {
    /// An ordinary message: an object of its fields.
    pub fn message(
        &self,
        shape: &MessageShape,
        object: Map<String, Value>,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Map<String, Value>> {
        if depth > DEPTH_MAX {
            return Err(invalid(path, format!("nested at most {DEPTH_MAX} deep")));
        }
        let mut canonical = Map::new();
        let mut seen = Vec::new();
        for (key, value) in object {
            let Some(field) = shape.field(&key) else {
                self.refuse(|| unknown(&path.field(&key)))?;
                continue;
            };
            let (path, name) = (path.field(&field.json_name), &field.json_name);
            if seen.contains(&name.as_str()) {
                self.refuse(|| invalid(&path, format!("given once, not as both `{name}` and `{key}`")))?;
                continue;
            }
            seen.push(name);
            if self.ignores(field) {
                continue;
            }
            let value = match self.field(field, value, &path, depth) {
                // One bad value must not take the resource, or a page of them, with it.
                Err(error) if self.source == Source::Store => {
                    left_out(&error);
                    continue;
                }
                value => value?,
            };
            let Some(value) = value else { continue };
            if let Some(rival) = shape.rivals(field).find(|rival| canonical.contains_key(&rival.json_name)) {
                let both =
                    || format!("left out when `{}` is set: they are members of one oneof", rival.json_name);
                self.refuse(|| invalid(&path, both()))?;
                continue;
            }
            if self.source == Source::Client && field.behavior.input_only {
                // It is not kept, so this is the only moment to judge it.
                let mut judgement = Judgement::new(self.shapes);
                judgement.field(shape.position, field, &value, &path);
                judgement.into_result(|_| false)?;
                continue;
            }
            canonical.insert(name.clone(), value);
        }
        Ok(canonical)
    }

    /// What the database holds is never refused, only left out.
    fn refuse(&self, error: impl FnOnce() -> Error) -> Result<()> {
        if self.source == Source::Store { Ok(()) } else { Err(error()) }
    }

    fn ignores(&self, field: &FieldShape) -> bool {
        match self.source {
            Source::Client => field.behavior.output_only,
            Source::Store => field.behavior.input_only,
            Source::Rule => false,
        }
    }

    /// None: the field is unset, or holds the default that absence means.
    fn field(
        &self,
        field: &FieldShape,
        value: Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Option<Value>> {
        if value.is_null() && !well_known::keeps_null(self.shapes, field) {
            return Ok(None);
        }
        match field.form {
            Form::List => self.list(field, value, path, depth),
            Form::Map(key) => self.map(field, key, value, path, depth),
            Form::Explicit => self.value(&field.kind, value, path, depth),
            Form::Implicit => {
                let value = self.value(&field.kind, value, path, depth)?;
                Ok(value.filter(|value| !is_default(&field.kind, value)))
            }
        }
    }

    fn list(&self, field: &FieldShape, value: Value, path: &Path<'_>, depth: usize) -> Result<Option<Value>> {
        let Value::Array(items) = value else { return Err(invalid(path, "an array".to_owned())) };
        let mut canonical = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let path = path.item(index);
            if item.is_null() && !well_known::keeps_null(self.shapes, field) {
                return Err(invalid(&path, "a value, not null".to_owned()));
            }
            canonical.extend(self.value(&field.kind, item, &path, depth)?);
        }
        Ok((!canonical.is_empty()).then_some(Value::Array(canonical)))
    }

    fn map(
        &self,
        field: &FieldShape,
        key_kind: MapKey,
        value: Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Option<Value>> {
        let Value::Object(members) = value else { return Err(invalid(path, "an object".to_owned())) };
        let mut canonical = Map::new();
        for (key, member) in members {
            let path = path.entry(&key);
            let canonical_key = map_key(&key, key_kind).map_err(|expected| invalid(&path, expected))?;
            if member.is_null() && !well_known::keeps_null(self.shapes, field) {
                return Err(invalid(&path, "a value, not null".to_owned()));
            }
            let Some(member) = self.value(&field.kind, member, &path, depth)? else { continue };
            if canonical.insert(canonical_key, member).is_some() {
                return Err(invalid(&path, "one key, and another spelling of it is there too".to_owned()));
            }
        }
        Ok((!canonical.is_empty()).then_some(Value::Object(canonical)))
    }

    /// One value. None only for what the store holds and this schema does not know.
    pub fn value(
        &self,
        kind: &FieldKind,
        value: Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Option<Value>> {
        let scalar = match kind {
            FieldKind::Message(index) => {
                let shape = self.shapes.message(*index);
                if let Some(known) = shape.well_known {
                    return self.well_known(known, shape, value, path, depth + 1).map(Some);
                }
                let Value::Object(object) = value else { return Err(invalid(path, "an object".to_owned())) };
                return self.message(shape, object, path, depth + 1).map(|map| Some(Value::Object(map)));
            }
            FieldKind::Enum(_) if value.is_null() => Ok(value),
            FieldKind::Enum(shape) => scalar::enumeration(&value, shape).map(|known| {
                // Its one value has one form, whatever it was called.
                if shape.name == "google.protobuf.NullValue" { Value::Null } else { known }
            }),
            kind => plain(kind, value),
        };
        match scalar {
            Ok(value) => Ok(Some(value)),
            // A name that a newer schema added: unset for this one, as in binary.
            Err(_) if self.source == Source::Store && matches!(kind, FieldKind::Enum(_)) => Ok(None),
            Err(expected) => Err(invalid(path, expected)),
        }
    }
}

fn plain(kind: &FieldKind, value: Value) -> std::result::Result<Value, Expected> {
    match kind {
        FieldKind::Boolean if value.is_boolean() => Ok(value),
        FieldKind::Boolean => Err("true or false".to_owned()),
        FieldKind::Integer { min, max } => {
            scalar::integer(&value, *min, *max).map(|number| Value::from(number as i64))
        }
        FieldKind::LongInteger { min, max } => {
            scalar::integer(&value, *min, *max).map(|number| Value::String(number.to_string()))
        }
        FieldKind::Float => scalar::float(&value),
        FieldKind::Double => scalar::double(&value),
        FieldKind::Bytes => scalar::bytes(&value),
        _ => scalar::text(&value).map(drop).map(|()| value),
    }
}

pub(super) fn map_key(key: &str, kind: MapKey) -> std::result::Result<String, Expected> {
    let value = Value::String(key.to_owned());
    match kind {
        MapKey::Text => scalar::text(&value).map(str::to_owned),
        MapKey::Boolean if matches!(key, "true" | "false") => Ok(key.to_owned()),
        MapKey::Boolean => Err("a key that is true or false".to_owned()),
        MapKey::Integer { min, max } => scalar::integer(&value, min, max).map(|number| number.to_string()),
    }
}

/// The value that absence means for a field without presence.
fn is_default(kind: &FieldKind, value: &Value) -> bool {
    match (kind, value) {
        (FieldKind::Enum(shape), Value::String(name)) => shape.number_of(name) == Some(0),
        (FieldKind::LongInteger { .. }, Value::String(text)) => text == "0",
        (_, Value::String(text)) => text.is_empty(),
        (_, Value::Bool(value)) => !value,
        (_, Value::Number(number)) => number.as_f64() == Some(0.0),
        // NullValue, an enum of one value.
        (_, Value::Null) => true,
        _ => false,
    }
}

pub(super) fn invalid(path: &Path<'_>, expected: Expected) -> Error {
    let message = format!("`{path}` must be {expected}");
    Error::new(Reason::InvalidField, message.clone()).with_violation(path.to_string(), message)
}

fn unknown(path: &Path<'_>) -> Error {
    let message = format!("`{path}` is no field here; remove it or correct its name");
    Error::new(Reason::UnknownField, message.clone()).with_violation(path.to_string(), message)
}
