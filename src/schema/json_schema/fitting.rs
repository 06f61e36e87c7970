//! Bends an example until it keeps the rules of its field, as far as that can be done without a search.

use serde_json::{Map, Value, json};

/// A text of each format that JSON Schema has a name for.
const FORMATS: &[(&str, &str)] = &[
    ("date", "2026-11-21"),
    ("date-time", "2026-11-21T09:14:00Z"),
    ("email", "ada@example.com"),
    ("hostname", "www.example.com"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("uri", "https://www.example.com/a"),
    ("uri-reference", "/a"),
    ("uuid", "0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01"),
];

/// None where only a search would find one: a pattern, many different items.
pub(super) fn fitted(value: Value, rules: &Map<String, Value>) -> Option<Value> {
    if let Some(given) = rules.get("const").or_else(|| rules.get("enum").and_then(|among| among.get(0))) {
        return Some(given.clone());
    }
    match value {
        Value::String(text) => self::text(text, rules),
        Value::Number(_) => Some(number(value, rules)),
        Value::Array(items) => list(items, rules),
        Value::Object(members) => map(members, rules),
        other => Some(other),
    }
}

fn text(text: String, rules: &Map<String, Value>) -> Option<Value> {
    if let Some(format) = rules.get("format").and_then(Value::as_str) {
        return FORMATS.iter().find(|(name, _)| *name == format).map(|(_, text)| json!(text));
    }
    if rules.contains_key("pattern") {
        return None;
    }
    let length = bound(rules, "minLength").unwrap_or(0);
    let longest = bound(rules, "maxLength").unwrap_or(usize::MAX);
    let endless = text.chars().chain(std::iter::repeat('x'));
    let own = text.chars().count().clamp(length, longest);
    Some(json!(endless.take(own).collect::<String>()))
}

fn number(value: Value, rules: &Map<String, Value>) -> Value {
    let own = value.as_f64().unwrap_or_default();
    let limit = |name: &str| rules.get(name).and_then(Value::as_f64);
    let low = limit("minimum").or(limit("exclusiveMinimum").map(|bound| bound + 1.0));
    let high = limit("maximum").or(limit("exclusiveMaximum").map(|bound| bound - 1.0));
    let bent = own.max(low.unwrap_or(own)).min(high.unwrap_or(f64::MAX));
    match (bent == own, value.is_i64() || value.is_u64()) {
        (true, _) => value,
        (false, true) => json!(bent as i64),
        (false, false) => json!(bent),
    }
}

fn list(items: Vec<Value>, rules: &Map<String, Value>) -> Option<Value> {
    let part = part(items.into_iter().next()?, rules.get("items"))?;
    let most = bound(rules, "maxItems").unwrap_or(usize::MAX);
    let length = bound(rules, "minItems").unwrap_or(1).max(1).min(most);
    let must_differ = rules.get("uniqueItems").is_some();
    (length <= 1 || !must_differ).then(|| Value::Array(vec![part; length]))
}

fn map(members: Map<String, Value>, rules: &Map<String, Value>) -> Option<Value> {
    if bound(rules, "minProperties").is_some_and(|least| least > members.len()) {
        return None;
    }
    let fitted =
        members.into_iter().map(|(key, value)| Some((key, part(value, rules.get("additionalProperties"))?)));
    fitted.collect::<Option<Map<String, Value>>>().map(Value::Object)
}

fn part(value: Value, rules: Option<&Value>) -> Option<Value> {
    match rules.and_then(Value::as_object) {
        Some(rules) => fitted(value, rules),
        None => Some(value),
    }
}

fn bound(rules: &Map<String, Value>, name: &str) -> Option<usize> {
    rules.get(name).and_then(Value::as_u64).map(|bound| bound as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_the_rules_that_can_be_kept() {
        let fit = |value: Value, rules: Value| fitted(value, rules.as_object().expect("an object"));
        assert_eq!(fit(json!("ab"), json!({ "minLength": 4 })), Some(json!("abxx")));
        assert_eq!(fit(json!("abcd"), json!({ "maxLength": 2 })), Some(json!("ab")));
        assert_eq!(fit(json!("e"), json!({ "format": "email" })), Some(json!("ada@example.com")));
        assert_eq!(fit(json!("e"), json!({ "pattern": "^[A-Z]+$" })), None);
        assert_eq!(fit(json!(7), json!({ "maximum": 5 })), Some(json!(5)));
        assert_eq!(fit(json!(7), json!({ "exclusiveMinimum": 9 })), Some(json!(10)));
        assert_eq!(fit(json!(1.5), json!({ "minimum": 2.5 })), Some(json!(2.5)));
        assert_eq!(fit(json!(7), json!({ "enum": [3, 4] })), Some(json!(3)));
        let items = json!({ "minItems": 2, "items": { "maxLength": 1 } });
        assert_eq!(fit(json!(["ab"]), items), Some(json!(["a", "a"])));
        assert_eq!(fit(json!(["ab"]), json!({ "minItems": 2, "uniqueItems": true })), None);
    }
}
