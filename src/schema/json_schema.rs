//! JSON Schema (2020-12) of messages as proto3 JSON shows them: for the documents of the API.
//!
//! A message has up to two schemas. `blog.v1.User` is what answers hold and what an update takes, where
//! any field may be absent. `blog.v1.User-input` is what a complete request must hold: the same with
//! REQUIRED fields required, at every depth; it exists where the two differ.
//! Invariant: what the server writes fits the first; the schema is narrower than what is read (proto3
//! JSON also reads numbers in quotes, enum numbers and names as in the `.proto`).

mod asking;
mod example;
mod fitting;
mod kinds;

use std::collections::{BTreeMap, HashMap};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::Catalogue;
use super::shape::Behavior;
use crate::model::TypeName;

/// Collects the schemas of the messages that are asked for and of all that they refer to.
pub struct JsonSchemas<'a> {
    pub(super) catalogue: &'a Catalogue,
    components: BTreeMap<String, Value>,
    /// Messages whose schema is still to be made; it has its name already.
    pending: Vec<(String, MessageDescriptor, Side)>,
    /// Whether a message asks for something, of those that have been looked at.
    asking: HashMap<String, bool>,
}

/// Whom a schema is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Answers, and updates of a part.
    Part,
    /// Requests that hold the whole.
    Whole,
}

impl<'a> JsonSchemas<'a> {
    pub fn new(catalogue: &'a Catalogue) -> Self {
        let (components, pending, asking) = (BTreeMap::new(), Vec::new(), HashMap::new());
        Self { catalogue, components, pending, asking }
    }

    /// A reference to the message as answers and updates hold it.
    pub fn message(&mut self, message: &MessageDescriptor) -> Value {
        self.reference(message, Side::Part)
    }

    /// A reference to the message as a complete request holds it.
    pub fn input(&mut self, message: &MessageDescriptor) -> Value {
        self.reference(message, Side::Whole)
    }

    /// As [`Self::input`], for a request one of whose fields comes from the path.
    pub fn input_without(&mut self, message: &MessageDescriptor, bound_field: &str) -> Value {
        let mut schema = self.object(message, Side::Whole);
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            let bound = message.get_field_by_name(bound_field);
            required.retain(|name| bound.as_ref().is_none_or(|field| name != field.json_name()));
            if required.is_empty() {
                schema.remove("required");
            }
        }
        let name = format!("{}-input", message.full_name());
        self.components.insert(name.clone(), Value::Object(schema));
        reference(&name)
    }

    /// All schemas by name, for `components.schemas`.
    pub fn finish(mut self) -> Map<String, Value> {
        while let Some((name, message, side)) = self.pending.pop() {
            // A request one of whose fields comes from the path has its own under this name.
            if self.components.get(&name) == Some(&Value::Null) {
                let schema = self.object(&message, side);
                self.components.insert(name, Value::Object(schema));
            }
        }
        self.components.into_iter().collect()
    }

    fn reference(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        if let Some(known) = kinds::well_known(message) {
            return known;
        }
        let is_input = side == Side::Whole && self.asks_for_something(message);
        let name = format!("{}{}", message.full_name(), if is_input { "-input" } else { "" });
        if !self.components.contains_key(&name) {
            // Its name alone: a message may be within itself, and a chain of messages longer than a stack.
            self.components.insert(name.clone(), Value::Null);
            let side = if is_input { Side::Whole } else { Side::Part };
            self.pending.push((name.clone(), message.clone(), side));
        }
        reference(&name)
    }

    fn object(&mut self, message: &MessageDescriptor, side: Side) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message.fields() {
            let mut behavior = self.behavior(message, &field);
            let rules = self.catalogue.describe_field(message.full_name(), field.name());
            behavior.required |= rules.required;
            if side == Side::Whole && behavior.required && !behavior.output_only {
                required.push(json!(field.json_name()));
            }
            let mut property = self.property(&field, behavior, side);
            if let Some(property) = property.as_object_mut() {
                rules.keywords.into_iter().for_each(|(keyword, value)| narrow(property, keyword, value));
            }
            properties.insert(field.json_name().to_owned(), property);
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        self.describe(&mut schema, message.full_name());
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(required));
        }
        let rivals = rivals(message);
        if !rivals.is_empty() {
            schema.insert("not".to_owned(), json!({ "anyOf": rivals }));
        }
        schema
    }

    fn property(&mut self, field: &FieldDescriptor, behavior: Behavior, side: Side) -> Value {
        let mut schema = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let values = self.kind(&entry.map_entry_value_field().kind(), side);
                kinds::map(&entry.map_entry_key_field().kind(), values)
            }
            kind if field.is_list() => json!({ "type": "array", "items": self.kind(&kind, side) }),
            kind => self.kind(&kind, side),
        };
        if let Some(schema) = schema.as_object_mut() {
            self.describe(schema, field.full_name());
            for (holds, keyword) in [(behavior.output_only, "readOnly"), (behavior.input_only, "writeOnly")] {
                if holds {
                    schema.insert(keyword.to_owned(), json!(true));
                }
            }
            if behavior.immutable {
                schema.insert("x-immutable".to_owned(), json!(true));
            }
        }
        schema
    }

    fn kind(&mut self, kind: &Kind, side: Side) -> Value {
        match kind {
            Kind::Message(message) => self.reference(message, side),
            kind => kinds::scalar(kind),
        }
    }

    /// AIP-203 of a field; what the server fills in of a resource is never the client's.
    fn behavior(&self, message: &MessageDescriptor, field: &FieldDescriptor) -> Behavior {
        let shapes = &self.catalogue.shapes;
        let shape = shapes.find(message.full_name()).map(|index| shapes.message(index));
        let declared = shape.and_then(|shape| shape.field(field.json_name())).map(|field| field.behavior);
        let mut behavior = declared.unwrap_or_default();
        if let Some(kind) = self.catalogue.resource(&TypeName::new(message.full_name())) {
            let own = kind.standard;
            behavior.output_only |= match field.name() {
                "name" => own.name,
                "uid" => own.uid,
                "create_time" => own.create_time,
                "update_time" => own.update_time,
                _ => false,
            };
            behavior.required &= !(own.etag && field.name() == "etag");
        }
        behavior
    }

    fn describe(&self, schema: &mut Map<String, Value>, full_name: &str) {
        if let Some(comment) = self.catalogue.comment(full_name) {
            schema.insert("description".to_owned(), json!(comment));
        }
    }
}

/// Two members of one oneof are never set together.
fn rivals(message: &MessageDescriptor) -> Vec<Value> {
    let mut pairs = Vec::new();
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let names: Vec<String> = oneof.fields().map(|field| field.json_name().to_owned()).collect();
        for (index, first) in names.iter().enumerate() {
            pairs.extend(names[index + 1..].iter().map(|second| json!({ "required": [first, second] })));
        }
    }
    pairs
}

/// Adds a rule to a schema; what a list or a map says about its parts joins what they are.
fn narrow(schema: &mut Map<String, Value>, keyword: String, value: Value) {
    match (schema.get_mut(&keyword), value) {
        (Some(Value::Object(own)), Value::Object(rules)) => {
            rules.into_iter().for_each(|(keyword, value)| narrow(own, keyword, value));
        }
        (_, value) => drop(schema.insert(keyword, value)),
    }
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
