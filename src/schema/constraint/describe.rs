//! Rules in the words of JSON Schema, for the API's description; what these words cannot say is left out.

use serde_json::{Map, Value, json};

use super::number::Range;
use super::rules::{FieldRules, Ignore, Size, TextRules, ValueRules};
use crate::schema::shape::FieldKind;
use crate::schema::{Catalogue, ResourceType};

/// What the rules say about one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// A client that creates has to send it.
    pub required: bool,
    /// Keywords of the value's schema: `minimum`, `maxLength`, `pattern`, `items`, …
    pub keywords: Map<String, Value>,
}

impl Catalogue {
    /// The rules of a field, by the message's full name and the field's proto or JSON name.
    pub fn describe_field(&self, message: &str, field: &str) -> Description {
        let described = self.shapes.find(message).and_then(|position| {
            let shape = self.shapes.message(position);
            let field = shape.field(field)?;
            let rules = self.shapes.constraints().of_field(position, shape.position_of(field)?)?;
            (rules.ignore != Ignore::Always).then(|| Description {
                required: rules.required,
                keywords: keywords(rules, self.shapes.unwrapped(&field.kind)),
            })
        });
        described.unwrap_or_default()
    }
}

impl ResourceType {
    /// Whether any rule is judged when a resource of this type is written.
    pub fn has_constraints(&self) -> bool {
        self.shapes.constraints().concern(self.root)
    }
}

fn keywords(rules: &FieldRules, kind: &FieldKind) -> Map<String, Value> {
    let mut keywords = Map::new();
    let mut set = |keyword: &str, value: Value| drop(keywords.insert(keyword.to_owned(), value));
    match &rules.value {
        ValueRules::Boolean(equal) => set("const", json!(equal)),
        // Long integers are text in JSON, and text has no minimum.
        ValueRules::Integer(range) if matches!(kind, FieldKind::Integer { .. }) => {
            bounds(range, |number| json!(number as i64), &mut set);
        }
        ValueRules::Integer(range) => listed(range, |number| json!(number.to_string()), &mut set),
        ValueRules::Real { range, .. } => bounds(range, |number| json!(number), &mut set),
        ValueRules::Enum { numbers, .. } => {
            let name = |number: i128| match kind {
                FieldKind::Enum(shape) => {
                    json!(i32::try_from(number).ok().and_then(|number| shape.name_of(number)))
                }
                _ => json!(number as i64),
            };
            listed(numbers, name, &mut set);
        }
        ValueRules::Text(rules) => text(rules, &mut set),
        ValueRules::List { size, unique, items } => {
            sized(*size, "minItems", "maxItems", &mut set);
            if *unique {
                set("uniqueItems", json!(true));
            }
            let items = self::keywords(items, kind);
            if !items.is_empty() {
                set("items", Value::Object(items));
            }
        }
        ValueRules::Map { size, values, .. } => {
            sized(*size, "minProperties", "maxProperties", &mut set);
            let values = self::keywords(values, kind);
            if !values.is_empty() {
                set("additionalProperties", Value::Object(values));
            }
        }
        _ => {}
    }
    keywords
}

fn text(rules: &TextRules, set: &mut impl FnMut(&str, Value)) {
    sized(rules.length, "minLength", "maxLength", set);
    if let Some(equal) = &rules.equal {
        set("const", json!(equal));
    }
    if !rules.membership.among.is_empty() {
        set("enum", json!(rules.membership.among));
    }
    if let Some(name) = rules.format.as_ref().and_then(|format| format.json_schema) {
        set("format", json!(name));
    }
    let of_format = rules.format.as_ref().and_then(|format| format.pattern());
    if let Some(pattern) = rules.pattern.as_ref().map(|pattern| pattern.written()).or(of_format) {
        set("pattern", json!(pattern));
    }
}

fn sized(size: Size, least: &str, most: &str, set: &mut impl FnMut(&str, Value)) {
    for (keyword, bound) in [(least, size.min), (most, size.max)] {
        if let Some(bound) = bound {
            set(keyword, json!(bound));
        }
    }
}

fn bounds<T: Copy + PartialOrd>(
    range: &Range<T>,
    show: impl Fn(T) -> Value,
    set: &mut impl FnMut(&str, Value),
) {
    listed(range, &show, set);
    if range.is_exclusive() {
        return;
    }
    for (bound, lax, strict) in
        [(range.lower, "minimum", "exclusiveMinimum"), (range.upper, "maximum", "exclusiveMaximum")]
    {
        if let Some(bound) = bound {
            set(if bound.inclusive { lax } else { strict }, show(bound.value));
        }
    }
}

fn listed<T: Copy>(range: &Range<T>, show: impl Fn(T) -> Value, set: &mut impl FnMut(&str, Value)) {
    if let Some(equal) = range.equal {
        set("const", show(equal));
    }
    let among: Vec<Value> = range.membership.among.iter().map(|value| show(*value)).collect();
    if !among.is_empty() {
        set("enum", Value::Array(among));
    }
}
