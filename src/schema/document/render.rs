//! A stored row → what a client or a rule sees.

use std::borrow::Cow;

use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Map, Value};

use super::canonical::Source;
use super::left_out::NOBODYS_SCHEMA;
use crate::model::{Error, Result, Stored};
use crate::schema::ResourceType;

impl ResourceType {
    /// Full proto3 JSON of the resource: the stored text passed through, the chassis' fields spliced in.
    pub fn render_json(&self, stored: &Stored) -> String {
        let mut text = String::with_capacity(stored.document.len() + 256);
        self.push_json(stored, &mut text);
        text
    }

    /// Appends what [`ResourceType::render_json`] answers: a page is many of them.
    pub fn push_json(&self, stored: &Stored, text: &mut String) {
        let document = if stored.schema_id == NOBODYS_SCHEMA {
            Cow::Owned(self.careful_text(stored))
        } else {
            self.known_text(stored.document.trim())
        };
        text.push('{');
        if self.standard.name {
            push_member(text, "name", &self.pattern.resource_name(stored.key.as_str()));
        }
        for (set, key, time) in [
            (self.standard.create_time, "createTime", Some(&stored.create_time)),
            (self.standard.update_time, "updateTime", Some(&stored.update_time)),
            (self.standard.delete_time, "deleteTime", stored.delete_time.as_ref()),
            (self.standard.purge_time, "purgeTime", stored.purge_time.as_ref()),
        ] {
            if let Some(time) = time.filter(|_| set) {
                push_key(text, key);
                text.push('"');
                time.push_json_text(text);
                text.push_str("\",");
            }
        }
        if self.standard.etag {
            // The quoted form that the header has too: `"7"`.
            push_key(text, "etag");
            text.push_str("\"\\\"");
            text.push_str(&stored.version.0.to_string());
            text.push_str("\\\"\",");
        }
        let members = document.strip_prefix('{').unwrap_or("}").trim_start();
        if members.starts_with('}') && text.ends_with(',') {
            text.pop();
        }
        text.push_str(members);
    }

    /// The resource as a message (binary clients, rules); stored fields unknown to this schema are left out.
    pub fn to_message(&self, stored: &Stored) -> Result<DynamicMessage> {
        self.message_of(stored, &self.render_json(stored))
    }

    /// As [`ResourceType::to_message`], of the row's JSON or a part of it.
    pub fn message_of(&self, stored: &Stored, json: &str) -> Result<DynamicMessage> {
        let broken = |error: String| {
            Error::internal(format!("stored {} `{}` cannot be read: {error}", self.name, stored.key))
        };
        let object: Map<String, Value> =
            serde_json::from_str(json).map_err(|error| broken(error.to_string()))?;
        let known = self.canonical(object, Source::Store).map_err(|error| broken(error.message))?;
        DynamicMessage::deserialize(self.descriptor.clone(), Value::Object(known))
            .map_err(|error| broken(error.to_string()))
    }

    /// The resource in protobuf's binary form.
    pub fn render_message(&self, stored: &Stored) -> Result<Vec<u8>> {
        self.to_message(stored).map(|message| message.encode_to_vec())
    }
}

/// Member and comma; the value goes through the JSON library only when it needs escapes.
fn push_member(text: &mut String, key: &str, value: &str) {
    push_key(text, key);
    if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&Value::from(value).to_string());
    }
    text.push(',');
}

fn push_key(text: &mut String, key: &str) {
    text.push('"');
    text.push_str(key);
    text.push_str("\":");
}
