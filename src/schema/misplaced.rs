//! Options and types that would be believed and do nothing where they stand: refused, with the place.
//!
//! Only for a schema of one's own: what a database has admitted is taken as it is.

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::location::Problems;
use super::options::Options;

pub(super) fn refuse(
    pool: &DescriptorPool,
    serves: &dyn Fn(&str) -> bool,
    options: &Options,
    problems: &mut Problems<'_>,
) {
    let messages = pool.all_messages().filter(|message| serves(message.package_name()));
    for message in messages.filter(|message| !message.is_map_entry()) {
        let is_resource = options.resource(&message).is_some();
        if !is_resource {
            in_no_resource(&message, &message.options(), message.path(), problems);
        }
        for field in message.fields() {
            if !is_resource {
                in_no_resource(&message, &field.options(), field.path(), problems);
            }
            let sentence = behavior(&field, options).or(wrong_type(&field).filter(|_| is_resource));
            if let Some(sentence) = sentence {
                problems.add(&message.parent_file(), field.path(), sentence);
            }
        }
    }
    for extension in pool.all_extensions() {
        let message = extension.containing_message();
        if serves(message.package_name()) {
            let sentence = format!(
                "extensions are not stored; make `{}` a field of `{}`",
                extension.name(),
                message.full_name()
            );
            problems.add(&extension.parent_file(), extension.path(), sentence);
        }
    }
}

fn in_no_resource(
    message: &MessageDescriptor,
    options: &DynamicMessage,
    path: &[i32],
    problems: &mut Problems<'_>,
) {
    for (extension, _) in options.extensions() {
        let name = extension.full_name();
        if name.starts_with("trine.v1.") {
            let sentence = format!(
                "`({name})` does nothing here: `{}` has no `google.api.resource` and so no table; remove it",
                message.full_name()
            );
            problems.add(&message.parent_file(), path, sentence);
        }
    }
}

fn behavior(field: &FieldDescriptor, options: &Options) -> Option<String> {
    let behavior = options.behavior(field);
    let name = field.name();
    if behavior.input_only && behavior.output_only {
        return Some(format!(
            "`{name}` is INPUT_ONLY and OUTPUT_ONLY: nobody could write or read it; keep one"
        ));
    }
    let lists = options.indexes(field.parent_message());
    let is_listed = lists.iter().any(|list| list.fields.iter().any(|listed| listed == name));
    let is_promoted = options.is_indexed(field) || options.is_unique(field) || is_listed;
    (behavior.input_only && is_promoted).then(|| {
        format!("`{name}` is INPUT_ONLY and never stored, so it cannot be indexed; remove the option")
    })
}

/// Names that AIP-148 gives a meaning, on a type that cannot have it.
fn wrong_type(field: &FieldDescriptor) -> Option<String> {
    let wanted = match field.name() {
        "create_time" | "update_time" | "delete_time" | "purge_time" => "google.protobuf.Timestamp",
        "etag" => "string",
        _ => return None,
    };
    let fits = match field.kind() {
        Kind::Message(message) => message.full_name() == wanted,
        Kind::String => wanted == "string",
        _ => false,
    };
    (!fits || field.is_list()).then(|| {
        format!("`{}` is kept by the server as a `{wanted}`; give it that type or another name", field.name())
    })
}
