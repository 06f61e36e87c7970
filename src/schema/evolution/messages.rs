//! Messages: which fields stayed, which went and how, which reservations were kept.

use prost_reflect::{FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};

use super::harm::Harm;
use super::report::{Place, Report};
use super::{enums, fields};
use crate::schema::load::is_vocabulary;

pub(super) fn compare(report: &mut Report<'_>) {
    let old = report.old;
    for message in old.pool.all_messages().filter(|message| !is_vocabulary(message.package_name())) {
        // A pbtable that is gone is reported there, a part that is gone shows in the fields that use it.
        if let Some(new) = report.new.pool.get_message_by_name(message.full_name()) {
            Pair { old: message, new }.compare(report);
        }
    }
    for enumeration in old.pool.all_enums().filter(|found| !is_vocabulary(found.package_name())) {
        if let Some(new) = report.new.pool.get_enum_by_name(enumeration.full_name()) {
            enums::compare(&enumeration, &new, report);
        }
    }
    for file in old.pool.files().filter(|file| !is_vocabulary(file.package_name())) {
        if let Some(new) = report.new.pool.get_file_by_name(file.name()) {
            compare_files(&file, &new, report);
        }
    }
}

fn compare_files(old: &FileDescriptor, new: &FileDescriptor, report: &mut Report<'_>) {
    // `package` is field 2 of a file descriptor, `syntax` field 12.
    let (before, after) = (old.package_name(), new.package_name());
    if before != after {
        let change = format!("package `{before}` is now `{after}`");
        let remedy = "change it back, or put the new package into a file of its own beside it";
        report.breaks(&Place::At(new, &[2]), &change, Harm::ALL, remedy);
    }
    if old.syntax() != new.syntax() {
        let change = format!("the file was {:?} and is {:?}", old.syntax(), new.syntax()).to_lowercase();
        let harm = Harm::STORED | Harm::CLIENTS;
        report.breaks(
            &Place::At(new, &[12]),
            &change,
            harm,
            "change the syntax back: it decides what absence means",
        );
    }
}

struct Pair {
    old: MessageDescriptor,
    new: MessageDescriptor,
}

impl Pair {
    fn compare(&self, report: &mut Report<'_>) {
        for field in self.old.fields() {
            match self.new.get_field(field.number()) {
                Some(successor) => fields::compare(&field, &successor, report),
                None => self.gone(&field, report),
            }
        }
        for field in self.new.fields().filter(|field| field.is_required()) {
            if self.old.get_field(field.number()).is_none() {
                let change = format!("`{}` is new and `required`", field.full_name());
                let place = Place::At(&self.new.parent_file(), field.path());
                let harm = Harm::ALL.of_what_is_stored(report.is_stored(&self.old));
                report.breaks(&place, &change, harm, "make it `optional` and check it with a constraint");
            }
        }
        self.reservations(report);
        self.json_form(report);
    }

    /// Reserved under number and name nobody can take its place; anything else could be read as something else.
    fn gone(&self, field: &FieldDescriptor, report: &mut Report<'_>) {
        let (number, name) = (field.number(), field.name());
        let has_number = self.new.reserved_ranges().any(|range| range.contains(&number));
        let has_name = self.new.reserved_names().any(|reserved| reserved == name);
        let full_name = field.full_name();
        let file = self.new.parent_file();
        let place = Place::At(&file, self.new.path());
        let stored = report.is_stored(&self.old);
        if has_number && has_name {
            if field.is_required() {
                let change = format!("required field `{full_name}` is gone");
                let harm = (Harm::BINARY | Harm::OLDER).of_what_is_stored(stored);
                report.breaks(
                    &place,
                    &change,
                    harm,
                    "make it `optional` first and delete it a release later",
                );
            } else if stored {
                let rest = "its stored values stay, hidden, until `trine schema prune`";
                report.note(&place, format!("`{full_name}` is gone and reserved: {rest}"));
            }
            return;
        }
        let moved = self.new.get_field_by_name(name);
        let change = match &moved {
            Some(moved) => format!("`{full_name}` = {number} is now number {}", moved.number()),
            None => format!("`{full_name}` = {number} is gone without being reserved"),
        };
        let remedy = match (&moved, has_number, has_name) {
            (Some(_), ..) => format!("give it number {number} back"),
            (_, true, _) => format!("reserve its name too (`reserved \"{name}\";`)"),
            (_, _, true) => format!("reserve its number too (`reserved {number};`)"),
            _ => format!("bring it back, or write `reserved {number}; reserved \"{name}\";`"),
        };
        let harm = if moved.is_some() { Harm::BINARY | Harm::OLDER } else { Harm::ALL };
        report.breaks(&place, &change, harm.of_what_is_stored(stored), &remedy);
    }

    fn reservations(&self, report: &mut Report<'_>) {
        let file = self.new.parent_file();
        let place = Place::At(&file, self.new.path());
        let harm = Harm::ALL.of_what_is_stored(report.is_stored(&self.old));
        let name = self.new.full_name();
        for range in self.old.reserved_ranges() {
            let kept: Vec<_> = self.new.reserved_ranges().collect();
            if let Some(number) = uncovered(range.start, range.end, &kept) {
                let change = format!("number {number} of `{name}` is reserved no longer");
                report.breaks(
                    &place,
                    &change,
                    harm,
                    &format!("write `reserved {number};` again and take another number"),
                );
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

    fn json_form(&self, report: &mut Report<'_>) {
        let is_set = |message: &MessageDescriptor| {
            let options = message.descriptor_proto().options.as_ref();
            options.is_some_and(|options| options.message_set_wire_format())
        };
        if is_set(&self.old) != is_set(&self.new) {
            let change = format!("`message_set_wire_format` of `{}` changed", self.new.full_name());
            let file = self.new.parent_file();
            report.breaks(
                &Place::At(&file, self.new.path()),
                &change,
                Harm::BINARY,
                "change the option back",
            );
        }
    }
}

/// The first number from `start` that is below `end` and in none of the ranges.
fn uncovered(start: u32, end: u32, kept: &[std::ops::Range<u32>]) -> Option<u32> {
    let mut number = start;
    while number < end {
        match kept.iter().find(|range| range.contains(&number)) {
            Some(range) => number = range.end,
            None => return Some(number),
        }
    }
    None
}

/// What a type is called in a sentence.
pub(super) fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => format!("`{}`", message.full_name()),
        Kind::Enum(descriptor) => format!("`{}`", descriptor.full_name()),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}
