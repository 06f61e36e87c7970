//! What a message can hold and its JSON cannot, found before the JSON is made: the reflection library
//! would drop or shift it without a word.
//!
//! Fields known by number only, times whose nanoseconds carry over into the seconds, wrapped numbers
//! that are not finite. Not here: what a field may hold by its schema.

use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::canonical::invalid;
use super::path::Path;
use super::strict_json::DEPTH_MAX;
use super::time;
use crate::model::{Error, Reason, Result};

/// Refuses a client's message with the field that is to blame.
pub(crate) fn of_client(message: &DynamicMessage) -> Result<()> {
    examine(message, &Path::ROOT, 1)
}

/// A rule's message: requests and stored documents were examined before, so the rule is to blame.
pub(crate) fn of_rule(message: &DynamicMessage) -> Result<()> {
    of_client(message).map_err(|error| {
        let name = message.descriptor().full_name().to_owned();
        Error::internal(format!("a rule made a {name} that cannot be kept: {error}"))
    })
}

fn examine(message: &DynamicMessage, path: &Path<'_>, depth: usize) -> Result<()> {
    // Each `Any` is decoded anew, so the decoder's own limit does not hold for what they nest.
    if depth > DEPTH_MAX {
        return Err(invalid(path, format!("nested at most {DEPTH_MAX} deep")));
    }
    refuse_unknown(message)?;
    let descriptor = message.descriptor();
    match descriptor.full_name() {
        "google.protobuf.Timestamp" if !is_time(message, time::is_timestamp) => {
            return Err(invalid(path, "a time of the years 1 to 9999 with 0 to 999999999 nanos".to_owned()));
        }
        "google.protobuf.Duration" if !is_time(message, time::is_duration) => {
            let expected = "within ±315576000000 seconds, with nanos below a second and of the same sign";
            return Err(invalid(path, expected.to_owned()));
        }
        "google.protobuf.Any" => {
            if let Some(packed) = unpacked(message) {
                examine(&packed, path, depth + 1)?;
            }
        }
        name if name.starts_with("google.protobuf.") => refuse_infinite(message, path)?,
        _ => {}
    }
    message
        .fields()
        .try_for_each(|(field, value)| examine_value(value, &path.field(field.json_name()), depth))
}

fn examine_value(value: &Value, path: &Path<'_>, depth: usize) -> Result<()> {
    match value {
        Value::Message(message) => examine(message, path, depth + 1),
        Value::List(items) => {
            let items = items.iter().enumerate();
            items.into_iter().try_for_each(|(index, item)| examine_value(item, &path.item(index), depth))
        }
        Value::Map(entries) => entries.iter().try_for_each(|(key, entry)| {
            let key = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
            examine_value(entry, &path.entry(&key), depth)
        }),
        _ => Ok(()),
    }
}

fn refuse_unknown(message: &DynamicMessage) -> Result<()> {
    let Some(field) = message.unknown_fields().next() else { return Ok(()) };
    let (number, kind) = (field.number(), message.descriptor().full_name().to_owned());
    let text = format!("`{kind}` has no field {number}; remove it or serve the newer schema");
    Err(Error::new(Reason::UnknownField, text.clone()).with_violation(number.to_string(), text))
}

fn is_time(message: &DynamicMessage, fits: fn(i64, i32) -> bool) -> bool {
    let seconds = message.get_field_by_name("seconds").and_then(|value| value.as_i64()).unwrap_or_default();
    let nanos = message.get_field_by_name("nanos").and_then(|value| value.as_i32()).unwrap_or_default();
    fits(seconds, nanos)
}

/// Of a wrapper: the library writes null for what it wraps.
fn refuse_infinite(message: &DynamicMessage, path: &Path<'_>) -> Result<()> {
    let value = message.get_field_by_name("value");
    let number = value.and_then(|value| value.as_f64().or(value.as_f32().map(f64::from)));
    match number {
        Some(number) if !number.is_finite() => Err(invalid(path, "a finite number".to_owned())),
        _ => Ok(()),
    }
}

/// What an `Any` holds, if its type is known; the others are refused where JSON is made.
fn unpacked(message: &DynamicMessage) -> Option<DynamicMessage> {
    let any: prost_types::Any = message.transcode_to().ok()?;
    let (_, full_name) = any.type_url.rsplit_once('/')?;
    let packed = message.descriptor().parent_pool().get_message_by_name(full_name)?;
    DynamicMessage::decode(packed, any.value.as_slice()).ok()
}
