//! A command's request: strict proto3 JSON → message.

use prost_reflect::{DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value};

use crate::model::{Error, Reason, Result};

/// `google.api.FieldBehavior.REQUIRED`
const REQUIRED: i32 = 2;

/// Parses the request of a command; unknown fields are refused, REQUIRED ones must be there.
pub fn parse(descriptor: MessageDescriptor, json: &str) -> Result<DynamicMessage> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let request = DynamicMessage::deserialize_with_options(descriptor.clone(), &mut deserializer, &options)
        .and_then(|request| deserializer.end().map(|()| request))
        .map_err(|error| refusal(&descriptor, &error))?;
    check_required(&request)?;
    Ok(request)
}

fn refusal(descriptor: &MessageDescriptor, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let reason = match () {
        () if text.contains("unrecognized field name") => Reason::UnknownField,
        () if error.is_syntax() || error.is_eof() => Reason::InvalidBody,
        () => Reason::InvalidField,
    };
    Error::new(reason, format!("the body is no {}: {text}", descriptor.full_name()))
}

fn check_required(request: &DynamicMessage) -> Result<()> {
    let descriptor = request.descriptor();
    let Some(behavior) = descriptor.parent_pool().get_extension_by_name("google.api.field_behavior") else {
        return Ok(());
    };
    let missing = descriptor.fields().filter(|field| {
        let options = field.options();
        let required = match options.get_extension(&behavior).as_ref() {
            Value::List(values) => values.contains(&Value::EnumNumber(REQUIRED)),
            _ => false,
        };
        required && matches!(behavior.kind(), Kind::Enum(_)) && !request.has_field(field)
    });
    let mut error: Option<Error> = None;
    for field in missing {
        let name = field.json_name().to_owned();
        let refused = error
            .take()
            .unwrap_or_else(|| Error::new(Reason::Required, format!("`{name}` is required; send it")));
        error = Some(refused.with_violation(name, "required"));
    }
    error.map_or(Ok(()), Err)
}
