//! Judges one value by its rules, on its canonical JSON form.

use base64::Engine;
use serde_json::Value;

use super::rules::{MaskRules, MomentRules, ValueRules};
use super::text::{judge_bytes, judge_member, judge_text};
use crate::schema::document::time;
use crate::schema::shape::FieldKind;

/// What a single value should be and is not; each completes "`path` must …". Lists, maps and messages
/// have no such sentence of their own.
pub(super) fn judge(rules: &ValueRules, kind: &FieldKind, value: &Value, found: &mut Vec<String>) {
    match rules {
        ValueRules::Boolean(equal) if value.as_bool() != Some(*equal) => found.push(format!("be {equal}")),
        ValueRules::Integer(range) => {
            if let Some(number) = integer(value) {
                range.broken(number, |number| number.to_string(), found);
            }
        }
        ValueRules::Real { range, finite } => {
            let number = real(value);
            if *finite && !number.is_finite() {
                found.push("be finite".to_owned());
            }
            range.broken(number, |number| number.to_string(), found);
        }
        ValueRules::Enum { numbers, defined_only } => {
            judge_enum(kind, value, numbers, *defined_only, found);
        }
        ValueRules::Text(rules) => judge_text(rules, value.as_str().unwrap_or_default(), found),
        ValueRules::Bytes(rules) => {
            let engine = base64::engine::general_purpose::STANDARD;
            judge_bytes(rules, &engine.decode(value.as_str().unwrap_or_default()).unwrap_or_default(), found);
        }
        ValueRules::Duration(range) => {
            if let Some(nanos) = value.as_str().and_then(time::duration_nanoseconds) {
                range.broken(nanos, time::duration_text, found);
            }
        }
        ValueRules::Timestamp(rules) => {
            if let Some(nanos) = value.as_str().and_then(time::timestamp_nanoseconds) {
                judge_moment(rules, nanos, found);
            }
        }
        ValueRules::FieldMask(rules) => judge_mask(rules, value.as_str().unwrap_or_default(), found),
        ValueRules::Any(membership) => {
            judge_member(membership, value["@type"].as_str().unwrap_or_default(), found);
        }
        ValueRules::Boolean(_) | ValueRules::Nothing | ValueRules::List { .. } | ValueRules::Map { .. } => {}
    }
}

/// Long integers are text in JSON.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64().map(i128::from).or(value.as_u64().map(i128::from)),
    }
}

fn real(value: &Value) -> f64 {
    match value.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(_) => f64::NAN,
        None => value.as_f64().unwrap_or(f64::NAN),
    }
}

fn judge_enum(
    kind: &FieldKind,
    value: &Value,
    numbers: &super::number::Range<i128>,
    defined_only: bool,
    found: &mut Vec<String>,
) {
    let FieldKind::Enum(shape) = kind else { return };
    let number = value.as_str().map_or_else(
        || value.as_i64().and_then(|number| i32::try_from(number).ok()),
        |name| shape.number_of(name),
    );
    let Some(number) = number else { return };
    let show = |number: i128| {
        let name = i32::try_from(number).ok().and_then(|number| shape.name_of(number));
        name.map_or_else(|| number.to_string(), str::to_owned)
    };
    if defined_only && shape.name_of(number).is_none() {
        let names: Vec<&str> = shape.values.iter().map(|(name, _)| name.as_str()).collect();
        found.push(format!("be one of {}", names.join(", ")));
    }
    numbers.broken(number.into(), show, found);
}

fn judge_moment(rules: &MomentRules, nanos: i128, found: &mut Vec<String>) {
    rules.range.broken(nanos, time::timestamp_text, found);
    if !(rules.before_now || rules.after_now || rules.within.is_some()) {
        return;
    }
    let now = jiff::Timestamp::now().as_nanosecond();
    if rules.before_now && nanos >= now {
        found.push("be in the past".to_owned());
    }
    if rules.after_now && nanos <= now {
        found.push("be in the future".to_owned());
    }
    if let Some(span) = rules.within.filter(|span| (nanos - now).abs() > *span) {
        found.push(format!("be within {} of now", time::duration_text(span)));
    }
}

/// `a` stands for `a.b` too.
fn judge_mask(rules: &MaskRules, text: &str, found: &mut Vec<String>) {
    if let Some(equal) = rules.equal.as_ref().filter(|equal| *equal != text) {
        found.push(format!("be {equal:?}"));
    }
    let covers = |list: &[String], path: &str| {
        list.iter().any(|own| {
            path.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let paths = text.split(',').filter(|path| !path.is_empty());
    for path in paths {
        if !rules.membership.among.is_empty() && !covers(&rules.membership.among, path) {
            found.push(format!("name only paths of {}, and names {path}", rules.membership.among.join(", ")));
        }
        if covers(&rules.membership.not_among, path) {
            found.push(format!("not name {path}"));
        }
    }
}
