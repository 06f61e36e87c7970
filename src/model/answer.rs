//! What a write answers, free of HTTP: it is stored beside the effect and rendered at each replay.

use serde::{Deserialize, Serialize};

use super::Stored;

/// How to build the [`Answer`] once the write set has its versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnswerPlan {
    /// The resource that the mutation with this index leaves behind.
    Resource { mutation: usize, created: bool },
    /// A command's response message as proto3 JSON text.
    Message(String),
    /// `{}`: a hard delete.
    Empty,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    Resource { resource: Stored, created: bool },
    Message(String),
    Empty,
}
