//! What a schema says about values (`buf.validate`): options → typed rules → judgement of documents.
//!
//! Compiled once beside the shapes and judged on canonical documents, not on messages: a write holds
//! a document already, and turning it into a message to be judged would cost more than the judgement.
//! Not here: AIP-203 (`google.api.field_behavior`).
//! Invariants: a rule that is declared is enforced or the schema is refused, never ignored; an update
//! answers for the values it changes, so rows older than a rule can still be written.

mod check;
mod compile;
mod describe;
mod format;
mod moment;
mod network;
mod number;
mod options;
mod pattern;
mod rules;
mod scalar;
mod text;
mod value;

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::Value;

pub(crate) use check::Judgement;
pub use describe::Description;
use rules::{FieldRules, MessageRules};

use super::ResourceType;
use super::location::Problems;
use super::shape::{FieldKind, Shapes};

/// The rules of all messages that documents and requests may hold, by position in [`super::shape::Shapes`].
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    messages: HashMap<usize, MessageRules>,
}

impl Constraints {
    /// The rules of the given messages and of all that they hold.
    pub(super) fn compile(
        pool: &DescriptorPool,
        shapes: &Shapes,
        roots: Vec<MessageDescriptor>,
        problems: &mut Problems<'_>,
    ) -> Self {
        let extension = |name: &str| pool.get_extension_by_name(&format!("buf.validate.{name}"));
        let (field, message, oneof) = (extension("field"), extension("message"), extension("oneof"));
        if field.is_none() && message.is_none() && oneof.is_none() {
            return Self::default();
        }
        compile::Compiler { shapes, field, message, oneof, problems }.run(roots)
    }

    pub(super) fn has_rules(&self, message: usize) -> bool {
        self.of(message).is_some()
    }

    /// None when neither the message nor anything below it has a rule: nothing is to be judged.
    fn of(&self, message: usize) -> Option<&MessageRules> {
        self.messages.get(&message)
    }

    fn of_field(&self, message: usize, field: usize) -> Option<&FieldRules> {
        self.of(message)?.fields.iter().find(|(index, _)| *index == field).map(|(_, rules)| rules)
    }

    /// Positions of the fields that have a rule of their own, beside being required.
    pub fn ruled_fields(&self, message: usize) -> Vec<usize> {
        let rules = self.of(message).map(|rules| rules.fields.as_slice()).unwrap_or_default();
        rules.iter().filter(|(_, rules)| rules.has_own_value_rules()).map(|(field, _)| *field).collect()
    }

    /// Whether documents of this message have to be looked at.
    pub fn concern(&self, message: usize) -> bool {
        self.messages.contains_key(&message)
    }
}

/// A rule for what the server makes itself would never be judged.
pub(super) fn refuse_unjudged(types: &[ResourceType], problems: &mut Problems<'_>) {
    for kind in types {
        for field in kind.descriptor.fields().filter(|field| kind.is_standard(field.name())) {
            let rules = kind.shapes.constraints();
            let position = kind.shape().field(field.name()).and_then(|field| kind.shape().position_of(field));
            let rules = position.and_then(|position| rules.of_field(kind.root, position));
            if rules.is_some_and(|rules| !rules.fit_what_the_server_makes(field.name())) {
                let sentence = format!(
                    "`{}` is made by the server, and its rules would never be judged; remove them",
                    field.name()
                );
                problems.add(&field.parent_file(), field.path(), sentence);
            }
        }
    }
}

impl FieldRules {
    fn has_own_value_rules(&self) -> bool {
        match &self.value {
            rules::ValueRules::Nothing => false,
            rules::ValueRules::List { size, unique, items } => {
                *unique || *size != Default::default() || items.has_own_value_rules()
            }
            rules::ValueRules::Map { size, keys, values } => {
                let sized = *size != Default::default();
                sized || keys.has_own_value_rules() || values.has_own_value_rules()
            }
            _ => true,
        }
    }

    /// `required` does, and a `uid` is a UUID.
    fn fit_what_the_server_makes(&self, field: &str) -> bool {
        let mut broken = Vec::new();
        if field == "uid" {
            let uid = Value::from("00000000-0000-4000-8000-000000000000");
            scalar::judge(&self.value, &FieldKind::Text, &uid, &mut broken);
            return broken.is_empty();
        }
        matches!(self.value, rules::ValueRules::Nothing)
    }
}

/// `a_b.c,d` → `aB.c,d`
pub(super) fn camel_path(paths: &str) -> String {
    let path = |path: &str| path.split('.').map(camel_case).collect::<Vec<_>>().join(".");
    paths.split(',').map(path).collect::<Vec<_>>().join(",")
}

/// `display_name` → `displayName`, as field masks are written in JSON.
fn camel_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for part in name.split('_') {
        match part.chars().next() {
            Some(first) if !text.is_empty() => {
                text.push(first.to_ascii_uppercase());
                text.push_str(&part[first.len_utf8()..]);
            }
            _ => text.push_str(part),
        }
    }
    text
}
