//! What a write answers, free of HTTP: it is stored beside the effect and rendered at each replay.

use serde::{Deserialize, Serialize};

use super::Stored;

/// How to build the [`Answer`] once the write set has its versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnswerPlan {
    /// The resource that the mutation with this index leaves behind, nothing where it leaves none. An
    /// upsert that created says so by itself.
    Resource { mutation: usize, created: bool },
    /// What each mutation leaves behind, in their order; nothing for what is gone.
    Resources,
    /// A command's response message as proto3 JSON text.
    Message(String),
    /// `{}`: a hard delete.
    Empty,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    Resource {
        resource: Stored,
        created: bool,
    },
    /// One for each mutation of the write set.
    Resources(Vec<Option<Stored>>),
    Message(String),
    Empty,
}

impl AnswerPlan {
    /// The answer, once it is known what each mutation leaves behind; `created` tells which of them is an
    /// upsert that created.
    pub fn answer(&self, results: &[Option<Stored>], created: impl Fn(usize) -> bool) -> Answer {
        match self {
            Self::Resource { mutation, created: announced } => match results.get(*mutation) {
                Some(Some(stored)) => {
                    let created = *announced || created(*mutation);
                    Answer::Resource { resource: stored.clone(), created }
                }
                _ => Answer::Empty,
            },
            Self::Resources => Answer::Resources(results.to_vec()),
            Self::Message(text) => Answer::Message(text.clone()),
            Self::Empty => Answer::Empty,
        }
    }
}
