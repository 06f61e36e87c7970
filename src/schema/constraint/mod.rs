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

pub(crate) use check::Judgement;
pub use describe::Description;
use rules::{FieldRules, MessageRules};

use super::location::Problems;
use super::shape::Shapes;

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

    /// None when neither the message nor anything below it has a rule: nothing is to be judged.
    fn of(&self, message: usize) -> Option<&MessageRules> {
        self.messages.get(&message)
    }

    fn of_field(&self, message: usize, field: usize) -> Option<&FieldRules> {
        self.of(message)?.fields.iter().find(|(index, _)| *index == field).map(|(_, rules)| rules)
    }

    /// Whether documents of this message have to be looked at.
    pub fn concern(&self, message: usize) -> bool {
        self.messages.contains_key(&message)
    }
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
