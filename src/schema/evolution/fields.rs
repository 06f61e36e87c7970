//! One field under the same number: its names, type, presence, oneof.

use prost_reflect::{Cardinality, FieldDescriptor, Kind};

use super::harm::Harm;
use super::messages::type_name;
use super::report::{Place, Report};

const NEW_FIELD: &str = "change it back and add a new field instead";

pub(super) fn compare(old: &FieldDescriptor, new: &FieldDescriptor, report: &mut Report<'_>) {
    let file = new.parent_message().parent_file();
    let place = Place::At(&file, new.path());
    let stored = report.is_stored(old.parent_message());
    if stored {
        visibility(old, new, &place, report);
    }
    let name = field_name(old);
    let mut add = |change: String, harm: Harm, remedy: &str| {
        report.breaks(&place, &format!("{name} {change}"), harm.of_what_is_stored(stored), remedy);
    };
    if old.name() != new.name() {
        // JSON is read under both names, but filters, masks and columns go by the proto name.
        let change = format!("is now called `{}`", new.name());
        add(change, Harm::STORED | Harm::JSON | Harm::OLDER, "give it its name back");
    } else if old.json_name() != new.json_name() {
        let change = format!("is now \"{}\" in JSON and was \"{}\"", new.json_name(), old.json_name());
        add(change, Harm::STORED | Harm::JSON | Harm::OLDER, "give it its JSON name back");
    }
    if shape(old) != shape(new) {
        return add(format!("was {} and is {}", shape(old), shape(new)), Harm::ALL, NEW_FIELD);
    }
    if let Some(harm) = kind_change(&old.kind(), &new.kind()) {
        let change = format!("was {} and is {}", type_name(&old.kind()), type_name(&new.kind()));
        return add(change, harm, NEW_FIELD);
    }
    if let (Some(before), Some(after)) = (presence(old), presence(new))
        && before != after
    {
        let harm =
            if is_required(old) || is_required(new) { Harm::ALL } else { Harm::STORED | Harm::CLIENTS };
        add(format!("was {before} and is {after}: absence means something else"), harm, NEW_FIELD);
    }
    match (oneof(old), oneof(new)) {
        (before, after) if before == after => {}
        (None, None) => {}
        (None, Some(after)) => {
            add(format!("moved into oneof `{after}`"), Harm::STORED | Harm::CLIENTS, NEW_FIELD)
        }
        (Some(before), None) => add(format!("left oneof `{before}`"), Harm::CLIENTS | Harm::OLDER, NEW_FIELD),
        (Some(before), Some(after)) => {
            add(format!("moved from oneof `{before}` to `{after}`"), Harm::CLIENTS, "change it back")
        }
    }
    let default = |field: &FieldDescriptor| field.field_descriptor_proto().default_value.clone();
    if default(old) != default(new) {
        add("has another default value".to_owned(), Harm::STORED | Harm::CLIENTS, "change the default back");
    }
}

/// Stored values come out of sight, or into it again.
fn visibility(old: &FieldDescriptor, new: &FieldDescriptor, place: &Place<'_>, report: &mut Report<'_>) {
    let [before, after] = report.behaviors(old, new).map(|behavior| behavior.input_only);
    let what = match (before, after) {
        (false, true) => {
            "is INPUT_ONLY now: its stored values stay, hidden, until `trine schema prune`, and older binaries that \
             still run go on storing and showing it: end them"
        }
        (true, false) => "is INPUT_ONLY no longer: values of it that are stored still are shown again",
        _ => return,
    };
    report.note(place, format!("{} {what}", field_name(new)));
}

/// An entry of a map is named by its map.
fn field_name(field: &FieldDescriptor) -> String {
    let message = field.parent_message();
    match message.parent_message().filter(|_| message.is_map_entry()) {
        Some(owner) => {
            let is_ours = |map: &FieldDescriptor| map.is_map() && map.kind().as_message() == Some(message);
            let map = owner.fields().find(is_ours);
            let map = map.map_or_else(|| message.full_name().to_owned(), |map| map.full_name().to_owned());
            format!("the {} of `{map}`", field.name())
        }
        None => format!("`{}`", field.full_name()),
    }
}

fn shape(field: &FieldDescriptor) -> &'static str {
    match field.cardinality() {
        _ if field.is_map() => "a map",
        Cardinality::Repeated => "repeated",
        _ => "singular",
    }
}

/// None where it says nothing of its own: an oneof's member always has it.
fn presence(field: &FieldDescriptor) -> Option<&'static str> {
    match shape(field) {
        "singular" if is_required(field) => Some("required"),
        "singular" if field.supports_presence() => Some("optional"),
        "singular" => Some("without presence"),
        _ => None,
    }
    .filter(|_| oneof(field).is_none())
}

fn is_required(field: &FieldDescriptor) -> bool {
    field.cardinality() == Cardinality::Required
}

fn oneof(field: &FieldDescriptor) -> Option<String> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
    Some(oneof.name().to_owned())
}

/// None: one and the same type.
fn kind_change(old: &Kind, new: &Kind) -> Option<Harm> {
    if type_name(old) == type_name(new) {
        return None;
    }
    let json = match (json_form(old), json_form(new)) {
        (before, after) if before == after => Harm::NONE,
        // Widened: what is stored can be read, but 64 bits are a string in JSON, and too wide for old readers.
        (Json::Signed(32), Json::Signed(64)) | (Json::Unsigned(32), Json::Unsigned(64)) => {
            Harm::JSON | Harm::OLDER
        }
        (Json::Single, Json::Double) => Harm::OLDER,
        _ => Harm::STORED | Harm::JSON | Harm::OLDER,
    };
    let binary = if wire_form(old) == wire_form(new) { Harm::NONE } else { Harm::BINARY };
    Some(match json | binary {
        Harm::NONE => Harm::CLIENTS,
        harm => harm,
    })
}

#[derive(PartialEq, Eq)]
enum Json {
    Signed(u8),
    Unsigned(u8),
    Single,
    Double,
    Boolean,
    Text,
    Bytes,
    Named(String),
}

/// How a value is spelled, and in which range.
fn json_form(kind: &Kind) -> Json {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Json::Signed(32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Json::Signed(64),
        Kind::Uint32 | Kind::Fixed32 => Json::Unsigned(32),
        Kind::Uint64 | Kind::Fixed64 => Json::Unsigned(64),
        Kind::Float => Json::Single,
        Kind::Double => Json::Double,
        Kind::Bool => Json::Boolean,
        Kind::String => Json::Text,
        Kind::Bytes => Json::Bytes,
        Kind::Enum(descriptor) => Json::Named(descriptor.full_name().to_owned()),
        Kind::Message(message) => Json::Named(message.full_name().to_owned()),
    }
}

#[derive(PartialEq, Eq)]
enum Wire {
    Varint,
    Zigzag,
    Fixed32,
    Fixed64,
    Bytes,
    Message(String),
}

fn wire_form(kind: &Kind) -> Wire {
    match kind {
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Bool | Kind::Enum(_) => Wire::Varint,
        Kind::Sint32 | Kind::Sint64 => Wire::Zigzag,
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => Wire::Fixed32,
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Wire::Fixed64,
        Kind::String | Kind::Bytes => Wire::Bytes,
        Kind::Message(message) => Wire::Message(message.full_name().to_owned()),
    }
}
