//! May a new schema follow an old one over the same stored documents? The short answer: it may only add.
//!
//! Documents are stored by JSON name and enum name, so names count as much as numbers and types do.
//! Not here: reserved deletions, data probes, and the rest of the rules that let a schema shrink.

use std::collections::HashSet;

use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::options::Options;
use super::{Catalogue, Pattern, SchemaProblem};

/// Everything in `new` that stored resources of `old` would not survive.
pub fn additive(old: &Catalogue, new: &Catalogue) -> Vec<SchemaProblem> {
    let mut check = Check { new: &new.pool, seen: HashSet::new(), problems: Vec::new() };
    for kind in &old.types {
        match new.resource(&kind.name) {
            // Described, though not among the domains that this deployment serves.
            None if is_resource(new, &kind.descriptor) => {}
            None => check.report(
                &kind.descriptor,
                format!("pbtable `{}` is gone and its resources are still stored; bring it back", kind.name),
            ),
            Some(successor) if collections(&kind.pattern) != collections(&successor.pattern) => check.report(
                &successor.descriptor,
                format!("the pattern of `{}` changed, and with it every name; change it back", kind.name),
            ),
            Some(_) => {}
        }
        check.message(&kind.descriptor);
    }
    check.problems
}

fn is_resource(catalogue: &Catalogue, old: &MessageDescriptor) -> bool {
    let message = catalogue.pool.get_message_by_name(old.full_name());
    message.is_some_and(|message| Options::new(&catalogue.pool).resource(&message).is_some())
}

/// Variables may be renamed: they are not stored.
fn collections(pattern: &Pattern) -> Vec<&str> {
    pattern.segments.iter().map(|(collection, _)| collection.as_str()).collect()
}

struct Check<'a> {
    new: &'a DescriptorPool,
    /// Messages and enums that were compared already: types may contain themselves.
    seen: HashSet<String>,
    problems: Vec<SchemaProblem>,
}

impl Check<'_> {
    fn report(&mut self, message: &MessageDescriptor, problem: String) {
        self.problems.push(SchemaProblem::at(message.parent_file().name(), problem));
    }

    fn message(&mut self, old: &MessageDescriptor) {
        if !self.seen.insert(old.full_name().to_owned()) {
            return;
        }
        // A pbtable that is gone has been reported; a part that is gone shows in the fields that use it.
        let Some(new) = self.new.get_message_by_name(old.full_name()) else { return };
        for field in old.fields() {
            match new.get_field(field.number()) {
                Some(successor) => {
                    if let Some(change) = change(&field, &successor) {
                        let name = field.full_name();
                        self.report(&new, format!("`{name}` {change}; add a new field instead"));
                    }
                }
                None => {
                    self.report(&new, format!("`{}` is gone or renumbered; bring it back", field.full_name()))
                }
            }
            match field.kind() {
                Kind::Message(part) => self.message(&part),
                Kind::Enum(part) => self.enumeration(&part, &new),
                _ => {}
            }
        }
    }

    fn enumeration(&mut self, old: &EnumDescriptor, user: &MessageDescriptor) {
        if !self.seen.insert(old.full_name().to_owned()) {
            return;
        }
        let Some(new) = self.new.get_enum_by_name(old.full_name()) else { return };
        for value in old.values() {
            // The first declared name is the one that is written; an alias before it would split the rows in two.
            if written_name(old, value.number()) != written_name(&new, value.number()) {
                let (name, number) = (value.full_name(), value.number());
                self.report(
                    user,
                    format!("enum value `{name}` = {number} is gone or renamed; bring it back"),
                );
            }
        }
    }
}

/// What changed, as the end of a sentence.
fn change(old: &FieldDescriptor, new: &FieldDescriptor) -> Option<String> {
    if old.name() != new.name() || old.json_name() != new.json_name() {
        return Some(format!("is now called `{}` (JSON `{}`)", new.name(), new.json_name()));
    }
    let (before, after) = (type_name(&old.kind()), type_name(&new.kind()));
    if before != after {
        return Some(format!("was {before} and is {after}"));
    }
    if is_repeated(old) != is_repeated(new) {
        return Some("changed between singular and repeated".to_owned());
    }
    if old.supports_presence() != new.supports_presence() {
        return Some("changed between optional and not".to_owned());
    }
    (oneof(old) != oneof(new)).then(|| "moved into or out of a oneof".to_owned())
}

fn is_repeated(field: &FieldDescriptor) -> bool {
    field.cardinality() == Cardinality::Repeated
}

fn oneof(field: &FieldDescriptor) -> Option<String> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
    Some(oneof.name().to_owned())
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(descriptor) => descriptor.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

fn written_name(descriptor: &EnumDescriptor, number: i32) -> Option<String> {
    let declared = &descriptor.enum_descriptor_proto().value;
    declared.iter().find(|value| value.number() == number).map(|value| value.name().to_owned())
}
