//! Examples that fit their schemas: a request that can be sent, an answer as it looks.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::JsonSchemas;
use super::fitting::fitted;
use crate::model::TypeName;
use crate::schema::ResourceType;

/// Messages within messages beyond this are left out.
const DEPTH_MAX: usize = 3;
const TIME: &str = "2026-11-21T09:14:00Z";

impl JsonSchemas<'_> {
    /// What a client may send: nothing that only the server sets.
    pub fn request_example(&self, message: &MessageDescriptor) -> Value {
        self.example(message, true, 0)
    }

    /// What a client gets.
    pub fn answer_example(&self, message: &MessageDescriptor) -> Value {
        self.example(message, false, 0)
    }

    fn example(&self, message: &MessageDescriptor, is_request: bool, depth: usize) -> Value {
        let mut example = Map::new();
        let mut oneofs = Vec::new();
        for field in message.fields() {
            let behavior = self.behavior(message, &field);
            let is_hidden = if is_request { behavior.output_only } else { behavior.input_only };
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            let has_rival = oneof.is_some_and(|oneof| {
                let is_later = oneofs.contains(&oneof);
                oneofs.push(oneof);
                is_later
            });
            if is_hidden || has_rival || depth >= DEPTH_MAX && !behavior.required {
                continue;
            }
            let rules = self.catalogue.describe_field(message.full_name(), field.name()).keywords;
            let value = self.field_example(message, &field, is_request, depth);
            if let Some(value) = value.and_then(|value| fitted(value, &rules)) {
                example.insert(field.json_name().to_owned(), value);
            }
        }
        Value::Object(example)
    }

    fn field_example(
        &self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        is_request: bool,
        depth: usize,
    ) -> Option<Value> {
        if let Some(kind) = self.catalogue.resource(&TypeName::new(message.full_name()))
            && let Some(value) = standard(kind, field, is_request)
        {
            return value;
        }
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let value = self.value(&entry.map_entry_value_field(), is_request, depth)?;
                let key = match entry.map_entry_key_field().kind() {
                    Kind::String => "key",
                    Kind::Bool => "true",
                    _ => "1",
                };
                Some(json!({ key: value }))
            }
            _ if field.is_list() => Some(json!([self.value(field, is_request, depth)?])),
            _ => self.value(field, is_request, depth),
        }
    }

    fn value(&self, field: &FieldDescriptor, is_request: bool, depth: usize) -> Option<Value> {
        Some(match field.kind() {
            Kind::Bool => json!(true),
            Kind::String => json!(field.name().replace('_', " ")),
            Kind::Bytes => json!("dHJpbmU="),
            Kind::Double | Kind::Float => json!(1.5),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => json!("7"),
            Kind::Enum(descriptor) => enumeration(&descriptor),
            Kind::Message(message) => match message.full_name() {
                "google.protobuf.Timestamp" => json!(TIME),
                "google.protobuf.Duration" => json!("1.500s"),
                "google.protobuf.FieldMask" => json!("name"),
                "google.protobuf.Struct" => json!({ "key": "value" }),
                "google.protobuf.Value" => json!("value"),
                "google.protobuf.ListValue" => json!(["value"]),
                "google.protobuf.Empty" => json!({}),
                "google.protobuf.Any" => {
                    json!({ "@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s" })
                }
                name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
                    self.value(&message.get_field_by_name("value")?, is_request, depth)?
                }
                // A message within itself has no end.
                name if name == field.parent_message().full_name() => return None,
                _ if depth >= DEPTH_MAX => return None,
                _ => self.example(&message, is_request, depth + 1),
            },
            _ => json!(7),
        })
    }
}

/// The first value that says something.
fn enumeration(descriptor: &EnumDescriptor) -> Value {
    let declared = &descriptor.enum_descriptor_proto().value;
    let value = declared.iter().find(|value| value.number() != 0).or(declared.first());
    value.map_or(Value::Null, |value| json!(value.name()))
}

/// Some for a field that the server fills in: its value, none where a request leaves it out.
fn standard(kind: &ResourceType, field: &FieldDescriptor, is_request: bool) -> Option<Option<Value>> {
    let value = match field.name() {
        "name" if kind.standard.name => json!(kind.example_name()),
        "uid" if kind.standard.uid => json!("0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01"),
        "create_time" if kind.standard.create_time => json!(TIME),
        "update_time" if kind.standard.update_time => json!(TIME),
        "etag" if kind.standard.etag => json!("\"7\""),
        _ => return None,
    };
    Some((!is_request).then_some(value))
}

impl ResourceType {
    /// `users/user-1/entries/entry-1`
    pub fn example_name(&self) -> String {
        let segments = self.pattern.segments.iter();
        let ids: Vec<String> =
            segments.map(|(_, variable)| format!("{}-1", variable.replace('_', "-"))).collect();
        self.pattern.resource_name(&ids.join("/"))
    }
}
