//! Which messages ask for something: hold a REQUIRED field that a client can send, at whatever depth.
//!
//! Found out once for each message, by a list of what is still to be looked at: messages may refer to one
//! another in chains of any length, which recursion would overflow the stack with.

use std::collections::{HashMap, HashSet};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::JsonSchemas;

impl JsonSchemas<'_> {
    pub(super) fn asks_for_something(&mut self, message: &MessageDescriptor) -> bool {
        if !self.asking.contains_key(message.full_name()) {
            self.look_at_all_below(message);
        }
        self.asking.get(message.full_name()).copied().unwrap_or_default()
    }

    fn look_at_all_below(&mut self, message: &MessageDescriptor) {
        let (mut seen, mut asking) = (HashSet::new(), Vec::new());
        let mut holders: HashMap<String, Vec<String>> = HashMap::new();
        let mut open = vec![message.clone()];
        while let Some(message) = open.pop() {
            let name = message.full_name().to_owned();
            if !seen.insert(name.clone()) {
                continue;
            }
            for field in message.fields().filter(|field| !self.behavior(&message, field).output_only) {
                let part = part_of(&field);
                let known = part.as_ref().and_then(|part| self.asking.get(part.full_name()));
                if self.is_required(&message, &field) || known == Some(&true) {
                    asking.push(name.clone());
                }
                if let (Some(part), None) = (part, known) {
                    holders.entry(part.full_name().to_owned()).or_default().push(name.clone());
                    open.push(part);
                }
            }
        }
        self.asking.extend(seen.into_iter().map(|name| (name, false)));
        // Whoever holds one that asks asks too.
        while let Some(name) = asking.pop() {
            if self.asking.insert(name.clone(), true) != Some(true) {
                asking.extend(holders.remove(&name).unwrap_or_default());
            }
        }
    }

    fn is_required(&self, message: &MessageDescriptor, field: &FieldDescriptor) -> bool {
        self.behavior(message, field).required
            || self.catalogue.describe_field(message.full_name(), field.name()).required
    }
}

fn part_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let part = match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    part.as_message().cloned()
}
