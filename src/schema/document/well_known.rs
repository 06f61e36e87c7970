//! The messages of google.protobuf whose JSON is special: times, wrappers, Struct, Any, masks.

use serde_json::{Map, Value};

use super::canonical::{Canonicaliser, invalid};
use super::path::Path;
use super::scalar;
use super::strict_json::DEPTH_MAX;
use super::time;
use crate::model::Result;
use crate::schema::shape::{FieldKind, FieldShape, MessageShape, Shapes, WellKnown};

/// Null is a value of google.protobuf.Value and NullValue; for every other kind it means unset.
pub(super) fn keeps_null(shapes: &Shapes, field: &FieldShape) -> bool {
    match &field.kind {
        FieldKind::Message(index) => shapes.message(*index).well_known == Some(WellKnown::Value),
        FieldKind::Enum(shape) => shape.name == "google.protobuf.NullValue",
        _ => false,
    }
}

impl Canonicaliser<'_> {
    pub(super) fn well_known(
        &self,
        known: WellKnown,
        shape: &MessageShape,
        value: Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Value> {
        let refuse = |expected: &str| invalid(path, expected.to_owned());
        match (known, value) {
            (WellKnown::Timestamp, Value::String(text)) => time::canonical_timestamp(&text)
                .map(Value::String)
                .ok_or_else(|| refuse("an RFC 3339 time of the years 1 to 9999, as in 2026-11-21T09:14:00Z")),
            (WellKnown::Timestamp, _) => Err(refuse("an RFC 3339 time, as in \"2026-11-21T09:14:00Z\"")),
            (WellKnown::Duration, Value::String(text)) => {
                time::canonical_duration(&text).map(Value::String).ok_or_else(|| {
                    refuse("seconds with at most nine decimals and within ±315576000000, as in 1.5s")
                })
            }
            (WellKnown::Duration, _) => Err(refuse("seconds, as in \"1.5s\"")),
            (WellKnown::FieldMask, Value::String(text)) if is_mask(&text) => Ok(Value::String(text)),
            (WellKnown::FieldMask, _) => Err(refuse("lowerCamelCase paths joined by commas")),
            (WellKnown::Wrapper, value) => self.wrapper(shape, value, path, depth),
            (WellKnown::Empty, Value::Object(object)) if object.is_empty() => Ok(Value::Object(object)),
            (WellKnown::Empty, _) => Err(refuse("{}")),
            (WellKnown::Struct, value @ Value::Object(_)) => anything(value, path, depth),
            (WellKnown::Struct, _) => Err(refuse("an object")),
            (WellKnown::ListValue, value @ Value::Array(_)) => anything(value, path, depth),
            (WellKnown::ListValue, _) => Err(refuse("an array")),
            (WellKnown::Value, value) => anything(value, path, depth),
            (WellKnown::Any, Value::Object(object)) => self.any(object, path, depth),
            (WellKnown::Any, _) => Err(refuse("an object with `@type`")),
        }
    }

    fn wrapper(&self, shape: &MessageShape, value: Value, path: &Path<'_>, depth: usize) -> Result<Value> {
        let inner = shape.fields.first().map_or(&FieldKind::Text, |field| &field.kind);
        let canonical = self.value(inner, value, path, depth)?.unwrap_or(Value::Null);
        // The reflection library writes null for a wrapped NaN: what cannot come back may not go in.
        if matches!(inner, FieldKind::Float | FieldKind::Double) && canonical.is_string() {
            return Err(invalid(path, "a finite number".to_owned()));
        }
        Ok(canonical)
    }

    /// `{"@type": "type.googleapis.com/full.Name", …}`; the type must be one of this schema.
    fn any(&self, mut object: Map<String, Value>, path: &Path<'_>, depth: usize) -> Result<Value> {
        let url = object.remove("@type");
        let url = url.as_ref().and_then(Value::as_str).map(str::to_owned);
        let url = url.ok_or_else(|| invalid(path, "an object with a string `@type`".to_owned()))?;
        let full_name = url.rsplit_once('/').map_or("", |(_, name)| name);
        let shape = self.shapes.find(full_name).map(|index| self.shapes.message(index));
        let shape = shape.ok_or_else(|| {
            invalid(&path.field("@type"), "type.googleapis.com/ and a message of this schema".to_owned())
        })?;
        let mut canonical = match shape.well_known {
            None => self.message(shape, object, path, depth)?,
            Some(known) => {
                let value = object.remove("value").unwrap_or(Value::Null);
                if let Some(key) = object.keys().next() {
                    return Err(invalid(&path.field(key), "left out beside `value`".to_owned()));
                }
                let value = self.well_known(known, shape, value, &path.field("value"), depth + 1)?;
                Map::from_iter([("value".to_owned(), value)])
            }
        };
        canonical.insert("@type".to_owned(), Value::String(url));
        Ok(Value::Object(canonical))
    }
}

/// Arbitrary JSON, in which every number is a double.
fn anything(value: Value, path: &Path<'_>, depth: usize) -> Result<Value> {
    if depth > DEPTH_MAX {
        return Err(invalid(path, format!("nested at most {DEPTH_MAX} deep")));
    }
    match value {
        Value::Number(_) => scalar::double(&value).map_err(|expected| invalid(path, expected)),
        Value::String(_) => {
            scalar::text(&value).map(drop).map_err(|expected| invalid(path, expected)).map(|()| value)
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            let items = items.map(|(index, item)| anything(item, &path.item(index), depth + 1));
            items.collect::<Result<Vec<Value>>>().map(Value::Array)
        }
        Value::Object(members) => {
            let mut canonical = Map::new();
            for (key, member) in members {
                let path = path.entry(&key);
                scalar::text(&Value::String(key.clone())).map_err(|expected| invalid(&path, expected))?;
                let member = anything(member, &path, depth + 1)?;
                canonical.insert(key, member);
            }
            Ok(Value::Object(canonical))
        }
        other => Ok(other),
    }
}

/// Paths that survive the way to snake_case and back.
/// Paths of words; the mask of no path is the empty text.
fn is_mask(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.is_empty() || text.split([',', '.']).all(is_word)
}
