//! Operations: the state of an asynchronous request (AIP-151).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Timestamp};

/// A lowercase UUIDv7; the operation's name is `operations/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub String);

impl fmt::Display for OperationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationState {
    /// Durable, not begun.
    Accepted,
    /// A rule is deciding.
    Running,
    /// The write set is on its way to the monolith.
    Applying,
    /// Applied, or failed with a reason.
    Done,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationResult {
    Response(Answer),
    /// `google.rpc.Status` as JSON.
    Error(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub id: OperationId,
    /// Full name of the method, `blog.v1.BlogService.Publish`.
    pub method: String,
    pub principal: String,
    pub state: OperationState,
    pub attempts: u32,
    pub accept_time: Timestamp,
    pub apply_time: Option<Timestamp>,
    /// Encoded consistency token of the commit that applied it.
    pub consistency_token: Option<String>,
    pub result: Option<OperationResult>,
}
