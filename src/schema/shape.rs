//! The messages of a schema, compiled for walking documents: names, kinds and behaviours at hand.
//!
//! Reflection decodes a field's options on every look and hands out descriptors by reference count;
//! a write looks at every field, so all that is done once, here. Not here: anything about storage.
//! Invariant: indices into a [`Shapes`] come from the same [`Shapes`].

mod overlay;

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax,
};

use super::constraint::Constraints;
use super::options::Options;

/// All messages of one schema, in the order of their discovery.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    messages: Vec<MessageShape>,
    by_name: HashMap<String, usize>,
    any_immutable: bool,
    constraints: Arc<Constraints>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct MessageShape {
    /// Its own index.
    pub position: usize,
    pub well_known: Option<WellKnown>,
    pub fields: Vec<FieldShape>,
    /// JSON names and proto names: both are accepted (proto3 JSON).
    lookup: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldShape {
    pub name: String,
    pub json_name: String,
    pub kind: FieldKind,
    pub form: Form,
    /// Index of the real oneof that the field belongs to; a proto3 `optional` is in none.
    pub oneof: Option<usize>,
    pub behavior: Behavior,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Absent means the default value; the default value is not written.
    Implicit,
    /// Absent and default are two things.
    Explicit,
    List,
    /// Kind of the keys.
    Map(MapKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapKey {
    Text,
    Boolean,
    Integer { min: i128, max: i128 },
}

#[derive(Clone, Debug)]
pub(crate) enum FieldKind {
    Boolean,
    /// JSON number
    Integer {
        min: i128,
        max: i128,
    },
    /// JSON string
    LongInteger {
        min: i128,
        max: i128,
    },
    Float,
    Double,
    Text,
    Bytes,
    Enum(Arc<EnumShape>),
    Message(usize),
}

#[derive(Debug)]
pub(crate) struct EnumShape {
    pub name: String,
    /// In declared order: the first of several names of one number is the one that is written.
    pub values: Vec<(String, i32)>,
    /// A closed enum (proto2) refuses numbers it does not know.
    pub open: bool,
}

/// AIP-203, as far as it changes what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Behavior {
    pub required: bool,
    pub output_only: bool,
    pub input_only: bool,
    pub immutable: bool,
}

/// Messages whose JSON is not an object of their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WellKnown {
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    /// `{}`; within an `Any` it is still called `value`.
    Empty,
    /// The bare value of the one field.
    Wrapper,
}

impl Shapes {
    /// Compiles every message of the pool; cheap, and an `Any` may hold any of them.
    pub fn new(pool: &DescriptorPool, options: &Options) -> Self {
        let descriptors: Vec<MessageDescriptor> =
            pool.all_messages().filter(|message| !message.is_map_entry()).collect();
        let by_name: HashMap<String, usize> = descriptors
            .iter()
            .enumerate()
            .map(|(index, message)| (message.full_name().to_owned(), index))
            .collect();
        let mut compiler = Compiler { by_name: &by_name, options, enums: HashMap::new() };
        let messages: Vec<MessageShape> =
            descriptors.iter().enumerate().map(|(index, message)| compiler.message(index, message)).collect();
        let any_immutable =
            messages.iter().flat_map(|message| &message.fields).any(|field| field.behavior.immutable);
        Self { messages, by_name, any_immutable, constraints: Arc::default() }
    }

    /// Adds what `buf.validate` says, which is compiled against the shapes.
    pub fn constrain(&mut self, constraints: Constraints) {
        self.constraints = Arc::new(constraints);
    }

    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// What a wrapper wraps; every other kind is itself.
    pub fn unwrapped<'a>(&'a self, kind: &'a FieldKind) -> &'a FieldKind {
        let wrapper = match kind {
            FieldKind::Message(index) => Some(self.message(*index)),
            _ => None,
        };
        let wrapper = wrapper.filter(|message| message.well_known == Some(WellKnown::Wrapper));
        wrapper.and_then(|message| message.fields.first()).map_or(kind, |field| &field.kind)
    }

    pub fn message(&self, index: usize) -> &MessageShape {
        &self.messages[index]
    }

    /// Whether a write has to look for changed IMMUTABLE fields at all.
    pub fn any_immutable(&self) -> bool {
        self.any_immutable
    }

    pub fn find(&self, full_name: &str) -> Option<usize> {
        self.by_name.get(full_name).copied()
    }

    /// The message of a singular field whose parts can be addressed one by one; none for all others.
    pub fn parts_of(&self, field: &FieldShape) -> Option<&MessageShape> {
        match (&field.kind, field.form) {
            (FieldKind::Message(index), Form::Explicit | Form::Implicit) => {
                Some(self.message(*index)).filter(|message| message.well_known.is_none())
            }
            _ => None,
        }
    }
}

impl MessageShape {
    /// A field by its JSON name or its proto name.
    pub fn field(&self, name: &str) -> Option<&FieldShape> {
        self.lookup.get(name).map(|index| &self.fields[*index])
    }

    /// By its JSON name alone: it is what is stored, and a proto name may have been another field's JSON name.
    pub fn stored_field(&self, json_name: &str) -> Option<&FieldShape> {
        self.field(json_name).filter(|field| field.json_name == json_name)
    }

    pub fn position_of(&self, field: &FieldShape) -> Option<usize> {
        self.lookup.get(&field.json_name).copied()
    }

    /// The other members of the field's oneof.
    pub fn rivals<'a>(&'a self, field: &'a FieldShape) -> impl Iterator<Item = &'a FieldShape> {
        self.fields.iter().filter(move |other| {
            field.oneof.is_some() && other.oneof == field.oneof && other.json_name != field.json_name
        })
    }
}

impl EnumShape {
    /// The name that is written for a number.
    pub fn name_of(&self, number: i32) -> Option<&str> {
        self.values.iter().find(|(_, value)| *value == number).map(|(name, _)| name.as_str())
    }

    pub fn number_of(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(value, _)| value == name).map(|(_, number)| *number)
    }

    /// The value that absence means: 0 in an open enum, the first in a closed one.
    pub fn default_number(&self) -> i32 {
        if self.open { 0 } else { self.values.first().map_or(0, |(_, number)| *number) }
    }
}

struct Compiler<'a> {
    by_name: &'a HashMap<String, usize>,
    options: &'a Options,
    enums: HashMap<String, Arc<EnumShape>>,
}

impl Compiler<'_> {
    fn message(&mut self, position: usize, message: &MessageDescriptor) -> MessageShape {
        let fields: Vec<FieldShape> = message.fields().map(|field| self.field(&field)).collect();
        let mut lookup = HashMap::with_capacity(fields.len() * 2);
        for (index, field) in fields.iter().enumerate() {
            // A proto name may equal another field's JSON name; the JSON name is what was written.
            lookup.entry(field.name.clone()).or_insert(index);
        }
        for (index, field) in fields.iter().enumerate() {
            lookup.insert(field.json_name.clone(), index);
        }
        MessageShape { position, well_known: well_known(message.full_name()), fields, lookup }
    }

    fn field(&mut self, field: &FieldDescriptor) -> FieldShape {
        let (kind, form) = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = map_key(&entry.map_entry_key_field().kind());
                (self.kind(&entry.map_entry_value_field().kind()), Form::Map(key))
            }
            kind => (self.kind(&kind), form(field)),
        };
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let behavior = self.options.behavior(field);
        FieldShape {
            name: field.name().to_owned(),
            json_name: field.json_name().to_owned(),
            kind,
            form,
            oneof: oneof.and_then(|oneof| oneof.path().last().map(|index| *index as usize)),
            behavior: Behavior {
                // A proto2 message without it is none: strict readers would refuse the answer.
                required: behavior.required || field.cardinality() == Cardinality::Required,
                ..behavior
            },
        }
    }

    fn kind(&mut self, kind: &Kind) -> FieldKind {
        match kind {
            Kind::Double => FieldKind::Double,
            Kind::Float => FieldKind::Float,
            Kind::Bool => FieldKind::Boolean,
            Kind::String => FieldKind::Text,
            Kind::Bytes => FieldKind::Bytes,
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                FieldKind::Integer { min: i32::MIN.into(), max: i32::MAX.into() }
            }
            Kind::Uint32 | Kind::Fixed32 => FieldKind::Integer { min: 0, max: u32::MAX.into() },
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                FieldKind::LongInteger { min: i64::MIN.into(), max: i64::MAX.into() }
            }
            Kind::Uint64 | Kind::Fixed64 => FieldKind::LongInteger { min: 0, max: u64::MAX.into() },
            Kind::Enum(descriptor) => FieldKind::Enum(self.enumeration(descriptor)),
            Kind::Message(message) => FieldKind::Message(self.by_name[message.full_name()]),
        }
    }

    fn enumeration(&mut self, descriptor: &EnumDescriptor) -> Arc<EnumShape> {
        let shape = self.enums.entry(descriptor.full_name().to_owned()).or_insert_with(|| {
            // The declaration, not `values()`: that one is sorted by number and hides which alias came first.
            let declared = &descriptor.enum_descriptor_proto().value;
            Arc::new(EnumShape {
                name: descriptor.full_name().to_owned(),
                values: declared.iter().map(|value| (value.name().to_owned(), value.number())).collect(),
                open: descriptor.parent_file().syntax() == Syntax::Proto3,
            })
        });
        Arc::clone(shape)
    }
}

fn form(field: &FieldDescriptor) -> Form {
    match field.cardinality() {
        Cardinality::Repeated => Form::List,
        _ if field.supports_presence() => Form::Explicit,
        _ => Form::Implicit,
    }
}

fn map_key(kind: &Kind) -> MapKey {
    match kind {
        Kind::Bool => MapKey::Boolean,
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            MapKey::Integer { min: i32::MIN.into(), max: i32::MAX.into() }
        }
        Kind::Uint32 | Kind::Fixed32 => MapKey::Integer { min: 0, max: u32::MAX.into() },
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            MapKey::Integer { min: i64::MIN.into(), max: i64::MAX.into() }
        }
        Kind::Uint64 | Kind::Fixed64 => MapKey::Integer { min: 0, max: u64::MAX.into() },
        _ => MapKey::Text,
    }
}

fn well_known(full_name: &str) -> Option<WellKnown> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Any" => WellKnown::Any,
        "Timestamp" => WellKnown::Timestamp,
        "Duration" => WellKnown::Duration,
        "FieldMask" => WellKnown::FieldMask,
        "Struct" => WellKnown::Struct,
        "Value" => WellKnown::Value,
        "ListValue" => WellKnown::ListValue,
        "Empty" => WellKnown::Empty,
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
        | "BoolValue" | "StringValue" | "BytesValue" => WellKnown::Wrapper,
        _ => return None,
    })
}
