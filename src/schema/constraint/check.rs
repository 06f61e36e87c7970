//! Walks a document beside its rules and collects what is broken.

use serde_json::{Map, Value};

use super::rules::{FieldRules, Group, Ignore, MessageRules, ValueRules};
use super::scalar;
use super::text::judge_size;
use crate::model::{Error, Reason};
use crate::schema::document::path::Path;
use crate::schema::shape::{FieldKind, FieldShape, Form, MapKey, Shapes};

/// A client learns of many mistakes at once, not of a million.
const BROKEN_MAX: usize = 100;

pub(crate) struct Judgement<'a> {
    shapes: &'a Shapes,
    broken: Vec<Broken>,
}

struct Broken {
    path: String,
    sentence: String,
    is_missing: bool,
}

impl<'a> Judgement<'a> {
    pub fn new(shapes: &'a Shapes) -> Self {
        Self { shapes, broken: Vec::new() }
    }

    /// Notes REQUIRED fields (AIP-203) that are missing, to be told with the rest.
    pub fn missing(&mut self, path: String) {
        self.note(path, "is required".to_owned(), true);
    }

    /// Judges an object of the message. With `before`, only what differs from it: who leaves a value as it
    /// was is not to blame for it.
    pub fn message(
        &mut self,
        message: usize,
        before: Option<&Map<String, Value>>,
        after: &Map<String, Value>,
        path: &Path<'_>,
    ) {
        if let Some(rules) = self.shapes.constraints().of(message) {
            self.judge_message(rules, message, before, after, path);
        }
    }

    /// Judges one field that is not kept in the document.
    pub fn field(&mut self, message: usize, field: &FieldShape, value: &Value, path: &Path<'_>) {
        let shapes = self.shapes;
        let position = shapes.message(message).position_of(field);
        let rules = position.and_then(|position| shapes.constraints().of_field(message, position));
        if let Some(rules) = rules.filter(|rules| rules.ignore != Ignore::Always) {
            self.present(field, rules, None, value, path);
        }
    }

    /// All that is broken in one error, apart from paths that `is_exempt` names.
    pub fn into_result(self, is_exempt: impl Fn(&str) -> bool) -> Result<(), Error> {
        let broken: Vec<Broken> = self.broken.into_iter().filter(|broken| !is_exempt(&broken.path)).collect();
        let Some(first) = broken.first() else { return Ok(()) };
        let reason = if broken.iter().all(|broken| broken.is_missing) {
            Reason::Required
        } else {
            Reason::InvalidField
        };
        let message = match broken.len() {
            1 => first.text(),
            _ => broken.iter().take(5).map(Broken::text).collect::<Vec<_>>().join("; "),
        };
        let more = if broken.len() > 5 { format!("; and {} more", broken.len() - 5) } else { String::new() };
        let error = Error::new(reason, message + &more);
        Err(broken.into_iter().fold(error, |error, broken| {
            let text = broken.text();
            error.with_violation(broken.path, text)
        }))
    }

    fn note(&mut self, path: String, sentence: String, is_missing: bool) {
        let is_told = self.broken.iter().any(|broken| broken.path == path && broken.sentence == sentence);
        if !is_told && self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { path, sentence, is_missing });
        }
    }

    fn judge_message(
        &mut self,
        rules: &MessageRules,
        message: usize,
        before: Option<&Map<String, Value>>,
        after: &Map<String, Value>,
        path: &Path<'_>,
    ) {
        let shape = self.shapes.message(message);
        for (position, rules) in &rules.fields {
            let field = &shape.fields[*position];
            let old = before.and_then(|object| object.get(&field.json_name));
            let new = after.get(&field.json_name);
            let is_untouched = before.is_some() && old == new;
            if !is_untouched && rules.ignore != Ignore::Always {
                self.optional(field, rules, old, new, &path.field(&field.json_name));
            }
        }
        for group in &rules.groups {
            self.group(&shape.fields, group, before, after, path);
        }
    }

    fn optional(
        &mut self,
        field: &FieldShape,
        rules: &FieldRules,
        old: Option<&Value>,
        new: Option<&Value>,
        path: &Path<'_>,
    ) {
        let Some(value) = new else {
            // What the server makes later, and what is never kept, is not missing.
            if field.behavior.output_only || field.behavior.input_only {
                return;
            }
            if rules.required {
                self.note(path.to_string(), "is required".to_owned(), true);
            } else if field.form != Form::Explicit && rules.ignore == Ignore::Never {
                self.present(field, rules, None, &zero(field), path);
            }
            return;
        };
        self.present(field, rules, old, value, path);
    }

    fn present(
        &mut self,
        field: &FieldShape,
        rules: &FieldRules,
        old: Option<&Value>,
        value: &Value,
        path: &Path<'_>,
    ) {
        match (&rules.value, field.form, value) {
            (ValueRules::List { size, unique, items }, Form::List, Value::Array(list)) => {
                let mut found = Vec::new();
                judge_size(*size, list.len() as u64, "have", "item", &mut found);
                if *unique && has_twins(list) {
                    found.push("have no two items alike".to_owned());
                }
                self.note_all(found, path);
                self.items(field, items, old, list, path);
            }
            (ValueRules::Map { size, keys, values }, Form::Map(key), Value::Object(entries)) => {
                let mut found = Vec::new();
                judge_size(*size, entries.len() as u64, "have", "pair", &mut found);
                self.note_all(found, path);
                self.entries(field, key, (keys, values), old, entries, path);
            }
            _ => self.single(&field.kind, rules, old, value, path),
        }
    }

    fn items(
        &mut self,
        field: &FieldShape,
        rules: &FieldRules,
        old: Option<&Value>,
        list: &[Value],
        path: &Path<'_>,
    ) {
        for (index, item) in list.iter().enumerate() {
            let before = old.and_then(|old| old.get(index));
            if before != Some(item) && !is_ignored(field, rules, item) {
                self.single(&field.kind, rules, before, item, &path.item(index));
            }
        }
    }

    fn entries(
        &mut self,
        field: &FieldShape,
        key_kind: MapKey,
        (keys, values): (&FieldRules, &FieldRules),
        old: Option<&Value>,
        entries: &Map<String, Value>,
        path: &Path<'_>,
    ) {
        for (key, value) in entries {
            let before = old.and_then(|old| old.get(key));
            let path = path.entry(key);
            if before.is_none() {
                self.key(key_kind, keys, key, &path);
            }
            if before != Some(value) && !is_ignored(field, values, value) {
                self.single(&field.kind, values, before, value, &path);
            }
        }
    }

    fn key(&mut self, kind: MapKey, rules: &FieldRules, key: &str, path: &Path<'_>) {
        let (kind, value) = match kind {
            MapKey::Text => (FieldKind::Text, Value::from(key)),
            MapKey::Boolean => (FieldKind::Boolean, Value::from(key == "true")),
            MapKey::Integer { min, max } => (FieldKind::LongInteger { min, max }, Value::from(key)),
        };
        let is_zero = matches!(key, "" | "false" | "0");
        if rules.ignore == Ignore::Always || rules.ignore == Ignore::IfZero && is_zero {
            return;
        }
        let mut found = Vec::new();
        scalar::judge(&rules.value, &kind, &value, &mut found);
        for sentence in found {
            self.note(path.to_string(), format!("is under a key that must {sentence}"), false);
        }
    }

    fn single(
        &mut self,
        kind: &FieldKind,
        rules: &FieldRules,
        old: Option<&Value>,
        value: &Value,
        path: &Path<'_>,
    ) {
        let mut found = Vec::new();
        let inner = self.shapes.unwrapped(kind);
        scalar::judge(&rules.value, inner, value, &mut found);
        self.note_all(found, path);
        if let (Some(within), Value::Object(after)) = (rules.within, value) {
            self.message(within, old.and_then(Value::as_object), after, path);
        }
    }

    fn group(
        &mut self,
        fields: &[FieldShape],
        group: &Group,
        before: Option<&Map<String, Value>>,
        after: &Map<String, Value>,
        path: &Path<'_>,
    ) {
        let members = || group.fields.iter().map(|position| fields[*position].json_name.as_str());
        let set = |object: &Map<String, Value>| members().filter(|name| object.contains_key(*name)).count();
        let is_broken = |count: usize| count > 1 || group.required && count == 0;
        let is_untouched = before.is_some_and(|before| {
            members().all(|name| before.contains_key(name) == after.contains_key(name))
        });
        let count = set(after);
        if is_untouched || !is_broken(count) {
            return;
        }
        let names = members().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let number = if group.required { "exactly one" } else { "at most one" };
        let of = group.oneof.as_ref().map(|oneof| format!(" (oneof `{oneof}`)")).unwrap_or_default();
        let at = if path.is_root() { String::new() } else { format!("{path}.") };
        let blamed = members().find(|name| count == 0 || after.contains_key(*name)).unwrap_or_default();
        let sentence = format!("is one of {names}{of}, of which {number} must be set");
        self.note(format!("{at}{blamed}"), sentence, count == 0);
    }

    fn note_all(&mut self, found: Vec<String>, path: &Path<'_>) {
        for sentence in found {
            self.note(path.to_string(), format!("must {sentence}"), false);
        }
    }
}

impl Broken {
    fn text(&self) -> String {
        format!("`{}` {}", self.path, self.sentence)
    }
}

fn has_twins(list: &[Value]) -> bool {
    let mut seen = std::collections::HashSet::with_capacity(list.len());
    !list.iter().all(|item| seen.insert(item.to_string()))
}

fn is_ignored(field: &FieldShape, rules: &FieldRules, value: &Value) -> bool {
    match rules.ignore {
        Ignore::Never => false,
        Ignore::IfZero => *value == zero_of(&field.kind),
        Ignore::Always => true,
    }
}

/// What absence means for a field without presence.
fn zero(field: &FieldShape) -> Value {
    match field.form {
        Form::List => Value::Array(Vec::new()),
        Form::Map(_) => Value::Object(Map::new()),
        _ => zero_of(&field.kind),
    }
}

fn zero_of(kind: &FieldKind) -> Value {
    match kind {
        FieldKind::Boolean => Value::from(false),
        FieldKind::Integer { .. } | FieldKind::Float | FieldKind::Double => Value::from(0),
        FieldKind::LongInteger { .. } => Value::from("0"),
        FieldKind::Text | FieldKind::Bytes => Value::from(""),
        FieldKind::Enum(shape) => {
            let number = shape.default_number();
            shape.name_of(number).map_or_else(|| Value::from(number), Value::from)
        }
        FieldKind::Message(_) => Value::Null,
    }
}
