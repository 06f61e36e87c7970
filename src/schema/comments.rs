//! What authors wrote above their declarations, by full name: the words of the documentation.
//!
//! Gathered from the parsed sources, because the admitted descriptor set has no source locations.
//! A schema that comes as a descriptor set alone has none.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, EnumDescriptor, FileDescriptor, MessageDescriptor};

/// Comments of messages, fields, enums, their values, services and methods.
#[derive(Clone, Debug, Default)]
pub(super) struct Comments(HashMap<String, String>);

impl Comments {
    /// Of the files for which `wanted` holds.
    pub fn gather(pool: &DescriptorPool, wanted: &dyn Fn(&str) -> bool) -> Self {
        let mut comments = Self::default();
        for file in pool.files().filter(|file| wanted(file.package_name())) {
            comments.file(&file);
        }
        comments
    }

    pub fn of(&self, full_name: &str) -> Option<&str> {
        self.0.get(full_name).map(String::as_str)
    }

    fn file(&mut self, file: &FileDescriptor) {
        let Some(info) = &file.file_descriptor_proto().source_code_info else { return };
        let mut places = HashMap::new();
        for location in &info.location {
            // A remark behind a field is about it as well as one above.
            let text = [location.leading_comments(), location.trailing_comments()].map(tidied).join("\n\n");
            if !text.trim().is_empty() {
                places.insert(location.path.as_slice(), text.trim().to_owned());
            }
        }
        let mut note = |name: &str, path: &[i32]| {
            if let Some(text) = places.get(path) {
                self.0.insert(name.to_owned(), text.clone());
            }
        };
        file.messages().for_each(|message| of_message(&message, &mut note));
        file.enums().for_each(|descriptor| of_enum(&descriptor, &mut note));
        for service in file.services() {
            note(service.full_name(), service.path());
            service.methods().for_each(|method| note(method.full_name(), method.path()));
        }
    }
}

fn of_message(message: &MessageDescriptor, note: &mut impl FnMut(&str, &[i32])) {
    note(message.full_name(), message.path());
    message.fields().for_each(|field| note(field.full_name(), field.path()));
    message.child_messages().for_each(|child| of_message(&child, note));
    message.child_enums().for_each(|child| of_enum(&child, note));
}

fn of_enum(descriptor: &EnumDescriptor, note: &mut impl FnMut(&str, &[i32])) {
    note(descriptor.full_name(), descriptor.path());
    // A value's full name is its enum's sibling; below the enum it cannot meet another's.
    let own = descriptor.full_name();
    descriptor.values().for_each(|value| note(&format!("{own}.{}", value.name()), value.path()));
}

/// Without the blank that follows `//` and the blanks at the ends of lines.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim().to_owned()
}
