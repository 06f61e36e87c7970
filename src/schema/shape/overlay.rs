//! Messages of a schema together with what older schemas knew of them beside.
//!
//! Fields are told apart by their JSON name, the name they are stored under.

use std::collections::HashMap;
use std::sync::Arc;

use super::{FieldKind, FieldShape, MessageShape, Shapes};

impl Shapes {
    /// Whether `older` knows a field or a message that is not known here.
    pub fn lacks_of(&self, older: &Self) -> bool {
        older.by_name.iter().any(|(name, index)| {
            let Some(own) = self.find(name) else { return true };
            let own = self.message(own);
            older.messages[*index].fields.iter().any(|field| !own.has(&field.json_name))
        })
    }

    /// Whether a field that `older` shows is INPUT_ONLY here.
    pub fn hides_of(&self, older: &Self) -> bool {
        older.by_name.iter().any(|(name, index)| {
            let Some(own) = self.find(name).map(|own| self.message(own)) else { return false };
            let hides = |field: &FieldShape| {
                let now = own.field(&field.json_name);
                !field.behavior.input_only && now.is_some_and(|now| now.behavior.input_only)
            };
            older.messages[*index].fields.iter().any(hides)
        })
    }

    /// These, and whatever `older` knows beside them.
    pub fn overlaid(&self, older: &Self) -> Self {
        // Own messages and fields keep their places, so what the constraints say of them stays true.
        let mut merged = Self {
            messages: self.messages.clone(),
            by_name: self.by_name.clone(),
            any_immutable: false,
            constraints: Arc::clone(&self.constraints),
        };
        let mut names = vec![""; older.messages.len()];
        older.by_name.iter().for_each(|(name, index)| names[*index] = name);
        for name in &names {
            if !merged.by_name.contains_key(*name) {
                merged.by_name.insert((*name).to_owned(), merged.messages.len());
                let position = merged.messages.len();
                merged.messages.push(MessageShape { position, ..MessageShape::default() });
            }
        }
        for (index, message) in older.messages.iter().enumerate() {
            let by_name = merged.by_name.clone();
            let own = by_name[names[index]];
            merged.messages[own].add(message, |kind| match kind {
                FieldKind::Message(part) => FieldKind::Message(by_name[names[*part]]),
                other => other.clone(),
            });
        }
        let mut fields = merged.messages.iter().flat_map(|message| &message.fields);
        merged.any_immutable = fields.any(|field| field.behavior.immutable);
        merged
    }
}

impl MessageShape {
    fn has(&self, json_name: &str) -> bool {
        self.fields.iter().any(|field| field.json_name == json_name)
    }

    fn add(&mut self, older: &Self, kind_here: impl Fn(&FieldKind) -> FieldKind) {
        if self.fields.is_empty() {
            self.well_known = older.well_known;
        }
        let mut oneofs = OneofsHere::new(self, older);
        for field in &older.fields {
            if self.has(&field.json_name) {
                continue;
            }
            let oneof = field.oneof.map(|oneof| oneofs.here(oneof));
            let index = self.fields.len();
            self.lookup.entry(field.name.clone()).or_insert(index);
            self.lookup.insert(field.json_name.clone(), index);
            self.fields.push(FieldShape { kind: kind_here(&field.kind), oneof, ..field.clone() });
        }
    }
}

/// A oneof is the same where one of its members is.
struct OneofsHere {
    known: HashMap<usize, usize>,
    next: usize,
}

impl OneofsHere {
    fn new(own: &MessageShape, older: &MessageShape) -> Self {
        let pair = |field: &FieldShape| {
            let same = own.fields.iter().find(|other| other.json_name == field.json_name)?;
            Some((field.oneof?, same.oneof?))
        };
        let next = own.fields.iter().filter_map(|field| field.oneof).max().map_or(0, |last| last + 1);
        Self { known: older.fields.iter().filter_map(pair).collect(), next }
    }

    fn here(&mut self, oneof: usize) -> usize {
        *self.known.entry(oneof).or_insert_with(|| {
            self.next += 1;
            self.next - 1
        })
    }
}
