//! An option's message, read field by field; whatever is left unread has a name to be refused by.
//!
//! By reflection, so that the copy of `buf/validate/validate.proto` in the user's own tree counts,
//! of whatever age it is.

use prost_reflect::{DynamicMessage, ReflectMessage, Value};

/// A message of rules of which the known ones are taken out one by one.
pub(super) struct Taken {
    message: DynamicMessage,
}

impl Taken {
    pub fn new(message: &DynamicMessage) -> Self {
        Self { message: message.clone() }
    }

    /// Takes a field out if it is set.
    pub fn take(&mut self, field: &str) -> Option<Value> {
        if !self.message.has_field_by_name(field) {
            return None;
        }
        let value = self.message.get_field_by_name(field).map(|value| value.into_owned());
        self.message.clear_field_by_name(field);
        value
    }

    pub fn take_bool(&mut self, field: &str) -> Option<bool> {
        self.take(field)?.as_bool()
    }

    pub fn take_flag(&mut self, field: &str) -> bool {
        self.take_bool(field).unwrap_or(false)
    }

    pub fn take_size(&mut self, field: &str) -> Option<u64> {
        self.take(field)?.as_u64()
    }

    pub fn take_text(&mut self, field: &str) -> Option<String> {
        self.take(field)?.as_str().map(str::to_owned)
    }

    pub fn take_list(&mut self, field: &str) -> Vec<Value> {
        self.take(field).and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
    }

    pub fn take_texts(&mut self, field: &str) -> Vec<String> {
        self.take_list(field).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub fn take_message(&mut self, field: &str) -> Option<DynamicMessage> {
        self.take(field)?.as_message().cloned()
    }

    /// The name of an enum's value, or its number where the enum has none for it.
    pub fn take_enum(&mut self, field: &str) -> Option<String> {
        let kind = self.message.descriptor().get_field_by_name(field)?.kind();
        let number = self.take(field)?.as_enum_number()?;
        let name = kind.as_enum()?.get_value(number).map(|value| value.name().to_owned());
        Some(name.unwrap_or_else(|| number.to_string()))
    }

    /// Names of all that was set and nobody took: fields, extensions, numbers without a declaration.
    pub fn left(&self) -> Vec<String> {
        let fields = self.message.fields().map(|(field, _)| field.name().to_owned());
        let extensions = self.message.extensions().map(|(field, _)| format!("({})", field.full_name()));
        let unknown = self.message.unknown_fields().map(|field| format!("field {}", field.number()));
        fields.chain(extensions).chain(unknown).collect()
    }
}
