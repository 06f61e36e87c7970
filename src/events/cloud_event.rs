//! What travels between relay and inbox: CloudEvents 1.0 in a JSON batch, and a result for each.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Answer, OperationId, Position, Timestamp, WriteSet};

pub const MEDIA_TYPE: &str = "application/cloudevents-batch+json";
pub const INBOX_PATH: &str = "/trine/v1/inbox";
const DECIDED: &str = "trine.v1.WriteSet.decided";

/// The event that a write set was decided: by a rule on a replica, or by the client of plain CRUD.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloudEvent {
    pub specversion: String,
    /// The operation's id: the same however often it is pushed.
    pub id: OperationId,
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    pub time: Timestamp,
    pub datacontenttype: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub data: Decided,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    pub write_set: WriteSet,
    /// A rule decided it: if a guard fails it will be decided anew.
    pub replan: bool,
}

impl CloudEvent {
    pub fn decided(id: OperationId, data: Decided) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            source: "//trine/microservice".to_owned(),
            kind: DECIDED.to_owned(),
            subject: format!("operations/{id}"),
            time: Timestamp::now(),
            datacontenttype: "application/json".to_owned(),
            traceparent: data.write_set.traceparent.clone(),
            id,
            data,
        }
    }

    pub fn is_decided(&self) -> bool {
        self.specversion == "1.0" && self.kind == DECIDED
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Committed, now or by an earlier push or an earlier use of the key.
    Applied,
    /// Refused for good; the failed operation is recorded on the primary.
    Failed,
    /// What the rule had read has changed: decide anew, on state no older than `position`.
    Replan,
    /// Nothing is known to have happened: push the same again.
    Retry,
}

impl Outcome {
    /// The label of metrics.
    pub fn as_str(self) -> &'static str {
        ["applied", "failed", "replan", "retry"][self as usize]
    }
}

/// What became of one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxResult {
    pub id: OperationId,
    /// `google.rpc.Code`
    pub code: i32,
    pub status: String,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// `google.rpc.Status`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// With RETRY: no sooner than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InboxResults {
    pub results: Vec<InboxResult>,
}
