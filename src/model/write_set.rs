//! Write sets: mutations with preconditions that commit together or not at all.
//!
//! The only way to change a resource (`store.commit`). They serialise, because a role that may not
//! write sends them to the one that may.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AnswerPlan, Document, Idempotency, Key, Operation, Principal, TypeName, Version};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceRef {
    #[serde(rename = "type")]
    pub kind: TypeName,
    pub key: Key,
}

/// What must hold for the stored resource when the write set commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Precondition {
    /// Nothing beyond what the change itself needs.
    None,
    Absent,
    Exists,
    Version(Version),
}

/// One field set (`value` is some) or cleared (none) by the JSON names along its path.
///
/// Updates patch the stored document: fields this binary does not know survive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    pub path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// Fails with `ALREADY_EXISTS` when the key is taken, be it by a soft-deleted resource.
    Create(Document),
    /// Fails with `NOT_FOUND` when there is none, or a soft-deleted one.
    Update(Vec<Edit>),
    /// Changes what is there, or creates it (AIP-134 `allow_missing`).
    Upsert(Upsert),
    /// Soft where the type declares `delete_time`. Fails with `NOT_FOUND` when there is none, or a
    /// soft-deleted one; with `FAILED_PRECONDITION` when it has children.
    Delete,
    /// As `Delete`, told more. A variant of its own, so that earlier binaries read a plain one.
    DeleteWith(Deletion),
    /// Fails with `NOT_FOUND` when there is none, with `ALREADY_EXISTS` when it is not deleted.
    Undelete,
    /// Writes nothing: only the precondition counts (a read that the write set relies on).
    Check,
}

/// Both halves of an update that may create: which one counts is known when it commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upsert {
    /// What is created; checked for REQUIRED fields only then.
    pub document: Document,
    pub edits: Vec<Edit>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deletion {
    /// What is below goes too (AIP-135).
    pub force: bool,
    /// It is no failure when there is none.
    pub allow_missing: bool,
}

impl Change {
    /// The plainest form of a deletion.
    pub fn delete(deletion: Deletion) -> Self {
        if deletion == Deletion::default() { Self::Delete } else { Self::DeleteWith(deletion) }
    }

    pub fn deletion(&self) -> Option<Deletion> {
        match self {
            Self::Delete => Some(Deletion::default()),
            Self::DeleteWith(deletion) => Some(*deletion),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    pub resource: ResourceRef,
    pub precondition: Precondition,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteSet {
    /// At most one mutation per resource.
    pub mutations: Vec<Mutation>,
    /// What the commit answers; kept under the idempotency key in the same transaction.
    pub answer: AnswerPlan,
    pub idempotency: Option<Idempotency>,
    /// The finished operation that this write set ends, recorded in the same transaction.
    pub operation: Option<Operation>,
    /// Whose rows it may touch where a type has owners.
    #[serde(default)]
    pub principal: Principal,
    pub request_id: String,
    pub traceparent: Option<String>,
    /// A dry run: everything is checked as for a commit, nothing is written, and what is answered has
    /// version 0, which no resource ever has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub validate_only: bool,
}
