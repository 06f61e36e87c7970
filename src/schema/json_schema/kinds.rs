//! Scalars, enums, maps and the well-known types as JSON Schema.

use prost_reflect::{EnumDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// A scalar or an enum.
pub(super) fn scalar(kind: &Kind) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Double => float("double"),
        Kind::Float => float("float"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX })
        }
        Kind::Uint32 | Kind::Fixed32 => {
            json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX })
        }
        // JSON numbers lose their last digits in many readers.
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$" })
        }
        Kind::Uint64 | Kind::Fixed64 => {
            json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$" })
        }
        Kind::Enum(descriptor) => enumeration(descriptor),
        Kind::Message(_) => Value::Object(Map::new()),
    }
}

/// Numbers, and the three that JSON has no number for.
fn float(format: &str) -> Value {
    json!({ "anyOf": [
        { "type": "number", "format": format },
        { "type": "string", "enum": ["NaN", "Infinity", "-Infinity"] },
    ]})
}

fn enumeration(descriptor: &EnumDescriptor) -> Value {
    if descriptor.full_name() == "google.protobuf.NullValue" {
        return json!({ "type": "null" });
    }
    // As declared: `values()` is sorted by number.
    let declared = &descriptor.enum_descriptor_proto().value;
    let names: Vec<&str> = declared.iter().map(|value| value.name()).collect();
    json!({ "type": "string", "enum": names })
}

pub(super) fn map(key: &Kind, values: Value) -> Value {
    let names = match key {
        Kind::String => return json!({ "type": "object", "additionalProperties": values }),
        Kind::Bool => json!({ "enum": ["true", "false"] }),
        _ => json!({ "pattern": "^-?[0-9]+$" }),
    };
    json!({ "type": "object", "additionalProperties": values, "propertyNames": names })
}

/// Messages whose JSON is not an object of their fields.
pub(super) fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({ "type": "string", "pattern": "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$" }),
        "FieldMask" => {
            json!({ "type": "string", "description": "Paths in lowerCamelCase, joined by commas." })
        }
        "Struct" => json!({ "type": "object", "additionalProperties": true }),
        "Value" => json!({}),
        "ListValue" => json!({ "type": "array", "items": {} }),
        "Empty" => json!({ "type": "object" }),
        "Any" => json!({
            "type": "object",
            "properties": { "@type": { "type": "string", "description": "`type.googleapis.com/` and the message's full name." } },
            "required": ["@type"],
            "additionalProperties": true,
        }),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
        | "BoolValue" | "StringValue" | "BytesValue" => scalar(&message.get_field_by_name("value")?.kind()),
        _ => return None,
    })
}
