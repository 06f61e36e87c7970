//! What clients and rules hand in → canonical documents without the chassis' own fields.

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Map, Value};

use super::canonical::{Canonicaliser, Source, invalid};
use super::path::Path;
use super::{Input, fitness, strict_json};
use crate::model::{Document, Error, Reason, Result};
use crate::schema::{Catalogue, Command, ResourceType};

impl ResourceType {
    /// Strict proto3 JSON: unknown fields, duplicate keys, NUL, values out of range are refused with their path.
    /// OUTPUT_ONLY fields are ignored (AIP-203).
    pub fn input_from_json(&self, body: &[u8]) -> Result<Input> {
        self.input(strict_json::parse(body)?)
    }

    /// Same for a decoded message (binary clients, rules).
    pub fn input_from_message(&self, message: &DynamicMessage) -> Result<Input> {
        fitness::of_client(message)?;
        self.input(json_of(message)?)
    }

    /// Same for the JSON object that a larger request holds it in.
    pub fn input_from_object(&self, object: Map<String, Value>) -> Result<Input> {
        self.input(object)
    }

    /// A rule's message as a document: OUTPUT_ONLY fields kept (a rule may set them), the chassis' own left out.
    pub fn document_of(&self, message: &DynamicMessage) -> Result<Document> {
        fitness::of_rule(message)?;
        let mut object = json_of(message)?;
        object.retain(|key, _| !self.is_standard(key));
        let document = self.canonical(object, Source::Rule)?;
        self.check_promoted_lengths(&document)?;
        Ok(Document(document))
    }

    /// What only a create fills in: the `uid` (AIP-148), which is part of the document from then on.
    pub fn fill_on_create(&self, document: &mut Document) {
        if self.standard.uid {
            document.0.insert("uid".to_owned(), Value::String(uuid::Uuid::new_v4().to_string()));
        }
    }

    /// Fields that the chassis fills in, by JSON name or proto name.
    pub(crate) fn is_standard(&self, field: &str) -> bool {
        let standard = &self.standard;
        match field {
            "name" => standard.name,
            "uid" => standard.uid,
            "createTime" | "create_time" => standard.create_time,
            "updateTime" | "update_time" => standard.update_time,
            "etag" => standard.etag,
            // Set by a soft delete alone; no client may.
            "deleteTime" | "delete_time" => standard.delete_time,
            "purgeTime" | "purge_time" => standard.purge_time,
            _ => false,
        }
    }

    fn input(&self, mut object: Map<String, Value>) -> Result<Input> {
        let name = take_text(&mut object, "name", self.standard.name)?;
        let etag = take_text(&mut object, "etag", self.standard.etag)?;
        object.retain(|key, _| !self.is_standard(key));
        let document = self.canonical(object, Source::Client)?;
        self.check_promoted_lengths(&document)?;
        let populated = document.keys().map(|key| vec![key.clone()]).collect();
        Ok(Input { document: Document(document), etag, name, populated })
    }

    pub(super) fn canonical(&self, object: Map<String, Value>, source: Source) -> Result<Map<String, Value>> {
        Canonicaliser { shapes: &self.shapes, source }.message(self.shape(), object, &Path::ROOT, 1)
    }
}

impl Catalogue {
    /// A command's request in JSON, read as strictly as a resource; every field is kept for the rule.
    pub fn request_from_json(&self, command: &Command, body: &[u8]) -> Result<DynamicMessage> {
        self.request(command, strict_json::parse(body)?)
    }

    /// Same for a decoded message.
    pub fn request_from_message(
        &self,
        command: &Command,
        message: &DynamicMessage,
    ) -> Result<DynamicMessage> {
        fitness::of_client(message)?;
        self.request(command, json_of(message)?)
    }

    fn request(&self, command: &Command, object: Map<String, Value>) -> Result<DynamicMessage> {
        let descriptor = command.descriptor.input();
        let name = descriptor.full_name().to_owned();
        let unfit = |error: &dyn std::fmt::Display| {
            Error::new(Reason::InvalidBody, format!("the body is not a {name}: {error}"))
        };
        let shape = self.shapes.find(&name).ok_or_else(|| Error::internal(format!("no shape of {name}")))?;
        let canonicaliser = Canonicaliser { shapes: &self.shapes, source: Source::Rule };
        let canonical = canonicaliser.message(self.shapes.message(shape), object, &Path::ROOT, 1)?;
        DynamicMessage::deserialize(descriptor, Value::Object(canonical)).map_err(|error| unfit(&error))
    }
}

/// A request as its JSON object: read strictly, its resources not looked at yet.
pub fn object_from_json(body: &[u8]) -> Result<Map<String, Value>> {
    strict_json::parse(body)
}

/// Same for an encoded message: what its JSON would be.
pub fn object_from_message(descriptor: MessageDescriptor, body: &[u8]) -> Result<Map<String, Value>> {
    let name = descriptor.full_name().to_owned();
    let message = DynamicMessage::decode(descriptor, body)
        .map_err(|error| Error::new(Reason::InvalidBody, format!("the body is not a {name}: {error}")))?;
    fitness::of_client(&message)?;
    json_of(&message)
}

fn take_text(object: &mut Map<String, Value>, field: &str, declared: bool) -> Result<Option<String>> {
    if !declared {
        return Ok(None);
    }
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(invalid(&Path::ROOT.field(field), "a string".to_owned())),
    }
}

fn json_of(message: &DynamicMessage) -> Result<Map<String, Value>> {
    let value = serde_json::to_value(message).map_err(|error| {
        Error::new(Reason::InvalidField, format!("the message has no JSON form: {error}"))
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Error::new(Reason::InvalidBody, "the message is no resource")),
    }
}
