//! Enums: the name that is written for each number, what is gone, what is open.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use prost_reflect::{EnumDescriptor, Kind, MessageDescriptor, Syntax};

use super::Asks;
use super::harm::Harm;
use super::report::{Place, Report, reach};

pub(super) fn compare(old: &EnumDescriptor, new: &EnumDescriptor, report: &mut Report<'_>) {
    let stored = users(old, report);
    let comparison = Pair { old, new, stored };
    let mut seen = Vec::new();
    for value in old.values() {
        if !seen.contains(&value.number()) {
            seen.push(value.number());
            comparison.number(value.number(), report);
        }
    }
    comparison.reservations(report);
    comparison.openness(report);
}

struct Pair<'p> {
    old: &'p EnumDescriptor,
    new: &'p EnumDescriptor,
    /// The pbtables whose documents may hold a value.
    stored: Vec<crate::model::TypeName>,
}

impl Pair<'_> {
    fn number(&self, number: i32, report: &mut Report<'_>) {
        let (before, after) = (names(self.old, number), names(self.new, number));
        let (Some(written), file) = (before.first(), self.new.parent_file()) else { return };
        let Some(now_written) = after.first() else { return self.gone(number, &before, report) };
        let value = self.new.get_value(number);
        let place = Place::At(&file, value.as_ref().map_or(self.new.path(), |value| value.path()));
        let full_name = self.new.full_name();
        if written != now_written {
            let change = format!(
                "value {number} of `{full_name}` was written `{written}` and is now written `{now_written}`"
            );
            let remedy = if after.contains(written) {
                format!("put `{now_written}` after `{written}`")
            } else {
                format!("give `{written}` its name back; another name goes after it with `allow_alias`")
            };
            let harm = Harm::STORED | Harm::JSON | Harm::OLDER;
            report.breaks(&place, &change, self.harm(harm), &remedy);
        } else if let Some(alias) = before.iter().find(|alias| !after.contains(alias)) {
            let change = format!("`{alias}`, another name of value {number} of `{full_name}`, is gone");
            report.breaks(&place, &change, Harm::JSON, "bring the name back");
        }
    }

    fn gone(&self, number: i32, names: &[String], report: &mut Report<'_>) {
        let file = self.new.parent_file();
        let place = Place::At(&file, self.new.path());
        let has_number = self.new.reserved_ranges().any(|range| range.contains(&number));
        let unreserved: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !self.new.reserved_names().any(|reserved| reserved == *name))
            .collect();
        let value = format!("value `{}` = {number} of `{}`", names.join("`, `"), self.new.full_name());
        if has_number && unreserved.is_empty() {
            for kind in &self.stored {
                let asks =
                    Asks::NoEnumValue { enumeration: self.old.full_name().to_owned(), names: names.to_vec() };
                let change =
                    format!("{value} is gone; write another value into those rows first, or bring it back");
                report.ask(&place, kind, asks, change);
            }
            return;
        }
        let quoted =
            |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let remedy = match (has_number, unreserved.as_slice()) {
            (true, names) => format!("reserve its name too (`reserved {};`)", quoted(names)),
            (false, []) => format!("reserve its number too (`reserved {number};`)"),
            (false, names) => {
                format!("bring it back, or write `reserved {number}; reserved {};`", quoted(names))
            }
        };
        report.breaks(
            &place,
            &format!("{value} is gone without being reserved"),
            self.harm(Harm::ALL),
            &remedy,
        );
    }

    fn reservations(&self, report: &mut Report<'_>) {
        let file = self.new.parent_file();
        let place = Place::At(&file, self.new.path());
        let (harm, name) = (self.harm(Harm::ALL), self.new.full_name());
        for range in self.old.reserved_ranges() {
            let kept: Vec<_> = self.new.reserved_ranges().collect();
            if let Some(number) = uncovered(&range, &kept) {
                let change = format!("number {number} of `{name}` is reserved no longer");
                let remedy = format!("write `reserved {number};` again and take another number");
                report.breaks(&place, &change, harm, &remedy);
            }
        }
        for reserved in self.old.reserved_names() {
            if !self.new.reserved_names().any(|kept| kept == reserved) {
                let change = format!("the name \"{reserved}\" of `{name}` is reserved no longer");
                let remedy = format!("write `reserved \"{reserved}\";` again and take another name");
                report.breaks(&place, &change, harm, &remedy);
            }
        }
    }

    fn openness(&self, report: &mut Report<'_>) {
        let is_open = |descriptor: &EnumDescriptor| descriptor.parent_file().syntax() == Syntax::Proto3;
        // Of one file its syntax is told once.
        let moved = self.old.parent_file().name() != self.new.parent_file().name();
        if moved && is_open(self.old) != is_open(self.new) {
            let change = format!("`{}` moved between proto2 and proto3", self.new.full_name());
            let file = self.new.parent_file();
            let place = Place::At(&file, self.new.path());
            let remedy = "move it back: one takes numbers without a name and the other does not";
            report.breaks(&place, &change, self.harm(Harm::STORED | Harm::CLIENTS), remedy);
        }
    }

    fn harm(&self, harm: Harm) -> Harm {
        harm.of_what_is_stored(!self.stored.is_empty())
    }
}

/// Declared names of a number; the first is the one that is written.
fn names(descriptor: &EnumDescriptor, number: i32) -> Vec<String> {
    let declared = &descriptor.enum_descriptor_proto().value;
    declared.iter().filter(|value| value.number() == number).map(|value| value.name().to_owned()).collect()
}

fn users(wanted: &EnumDescriptor, report: &Report<'_>) -> Vec<crate::model::TypeName> {
    let tables = report.old.types.iter().chain(&report.old.tombstones);
    let holds = |message: &MessageDescriptor| holds_enum(message, wanted);
    tables.filter(|kind| holds(&kind.descriptor)).map(|kind| kind.name.clone()).collect()
}

fn holds_enum(message: &MessageDescriptor, wanted: &EnumDescriptor) -> bool {
    reach(message, &mut HashSet::new()).iter().flat_map(MessageDescriptor::fields).any(|field| {
        match field.kind() {
            Kind::Enum(found) => found == *wanted,
            // Whatever message the schema has, its `@type` says only in the row.
            Kind::Message(part) => part.full_name() == "google.protobuf.Any",
            _ => false,
        }
    })
}

fn uncovered(range: &RangeInclusive<i32>, kept: &[RangeInclusive<i32>]) -> Option<i32> {
    let mut number = i64::from(*range.start());
    while number <= i64::from(*range.end()) {
        let found =
            kept.iter().find(|kept| (i64::from(*kept.start())..=i64::from(*kept.end())).contains(&number));
        match found {
            Some(kept) => number = i64::from(*kept.end()) + 1,
            None => return i32::try_from(number).ok(),
        }
    }
    None
}
