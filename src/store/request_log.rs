//! The microservice's own events database: requests that were answered 202, and what became of them.
//!
//! One table, one row a request. States: ACCEPTED → RUNNING (claimed by lease) → APPLYING (the
//! decided write set is durable, on its way to the monolith) → DONE. A lease that runs out makes
//! the row claimable again; every step after a claim names the attempt it belongs to, so that a
//! runner that was paused past its lease cannot overwrite its successor's work (fencing).

use serde::{Deserialize, Serialize};

use crate::model::{
    Fingerprint, Idempotency, Operation, OperationId, OperationResult, Position, Result, Timestamp, WriteSet,
};

/// What was asked. Stored as JSON text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Work {
    /// A command: the rule's request message as proto3 JSON text.
    Rule(String),
    /// Plain CRUD: already decided.
    WriteSet(Box<WriteSet>),
}

/// An accepted request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedRequest {
    pub id: OperationId,
    pub method: String,
    pub work: Work,
    pub idempotency: Idempotency,
    /// What the client had seen when it asked: the rule reads no older state.
    pub position: Option<Position>,
    pub request_id: String,
    pub traceparent: Option<String>,
    pub accept_time: Timestamp,
}

/// A request that this process holds the lease of.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub request: AcceptedRequest,
    /// Counts claims; names this claim in every later step.
    pub attempt: u32,
    /// The write set decided by an earlier attempt that was not acknowledged: push it again, do not decide anew.
    pub decided: Option<WriteSet>,
}

/// Steps on the request log. All jobs of one batch commit in one transaction.
#[derive(Clone, Debug)]
pub enum LogJob {
    /// Durable before it is answered 202. The same key again gives the row that is already there.
    Append(AcceptedRequest),
    /// Oldest claimable rows, at most `limit`: ACCEPTED ones that are due and those whose lease ran out.
    Claim {
        limit: u32,
        lease_ms: u64,
    },
    /// RUNNING → APPLYING with the decided write set.
    Decide {
        id: OperationId,
        attempt: u32,
        write_set: Box<WriteSet>,
    },
    /// Back to ACCEPTED, due after `delay_ms`; forgets the decided write set if `forget_decision` (a failed guard).
    Retry {
        id: OperationId,
        attempt: u32,
        delay_ms: u64,
        forget_decision: bool,
        not_before: Option<Position>,
    },
    /// → DONE.
    Settle {
        id: OperationId,
        attempt: u32,
        result: OperationResult,
        apply_time: Timestamp,
        consistency_token: Option<String>,
    },
    /// → DONE with CANCELLED, only from ACCEPTED.
    Cancel {
        id: OperationId,
    },
    Get {
        id: OperationId,
    },
    /// Newest first, `before` exclusive.
    List {
        before: Option<OperationId>,
        limit: u32,
    },
    /// Counts by state, age of the oldest that is not DONE in ms.
    Backlog,
    /// Drops DONE rows older than this.
    Purge {
        done_before: Timestamp,
    },
}

#[derive(Clone, Debug)]
pub enum LogReply {
    /// The operation of the key: the new one, or the one that was there (then compare `fingerprint`).
    Appended {
        operation: Operation,
        fingerprint: Fingerprint,
        existed: bool,
    },
    Claimed(Vec<Claimed>),
    /// Whether the step was taken; false when the attempt is no longer the current one.
    Stepped(bool),
    Operation(Option<Operation>),
    Operations(Vec<Operation>),
    Backlog {
        accepted: u64,
        running: u64,
        applying: u64,
        done: u64,
        oldest_pending_ms: u64,
    },
}

/// One connection to the events database, owned by one lane thread.
pub trait RequestLog: Send {
    /// Runs the jobs in order in one transaction; the answers are durable when this returns.
    fn run(&mut self, jobs: &[LogJob]) -> Vec<Result<LogReply>>;
}
