//! The microservice's own events database: requests that were answered 202, and what became of them.
//!
//! One table, one row a request. States: ACCEPTED → RUNNING (claimed by lease) → APPLYING (what a rule
//! decided is kept, on its way to the monolith) → DONE; a plain write was decided by its client and goes
//! from RUNNING to DONE. Plain writes to one resource are claimed in the order in which they were
//! accepted, a later one when the older one is DONE: nothing old overwrites something newer. That is why a
//! plain write of several resources is refused as `async` when a process starts: a row has one place in line.
//! A lease that runs out makes the row claimable again; every step after a claim names the attempt it belongs to, so that a
//! runner that was paused past its lease cannot overwrite its successor's work (fencing).
//! A failure and a cancellation are decisions too: they end a request only by way of the monolith.
//! Only the append and what the primary does not know of must survive a power loss; see
//! `LogJob::may_be_lost`.
//! Who accepts a request may append it as claimed: a request then costs two writes, its append and
//! its end, and is claimed by somebody else only if whoever accepted it dies. Its 202 says ACCEPTED all
//! the same, and so does the 202 of every twin until it is DONE.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{from_json, to_json};
use super::lane::work::deadline_passed;
use crate::model::{
    AnswerPlan, Error, Fingerprint, Idempotency, Operation, OperationId, OperationResult, OperationState,
    Position, Principal, Reason, Result, Scopes, Timestamp, WriteSet,
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
    /// Of the key's principal when it asked.
    #[serde(default)]
    pub scopes: Scopes,
    /// What the client had seen when it asked: the rule reads no older state.
    pub position: Option<Position>,
    pub request_id: String,
    pub traceparent: Option<String>,
    pub accept_time: Timestamp,
}

impl AcceptedRequest {
    /// What a plain write writes: writes with the same one are applied in the order of acceptance. A rule
    /// needs none, its write set is guarded by versions.
    pub(super) fn resource(&self) -> Result<Option<String>> {
        match &self.work {
            Work::WriteSet(write_set) => match write_set.mutations.as_slice() {
                [mutation] => to_json(&mutation.resource).map(Some),
                _ => Ok(None),
            },
            Work::Rule(_) => Ok(None),
        }
    }

    /// The next attempt reads no older state than `position`. Of two positions of one history the
    /// later counts, of two histories the newer word. False: nothing has changed.
    pub fn read_not_before(&mut self, position: Position) -> bool {
        let later = |known: Position| {
            (known.cluster, known.timeline) == (position.cluster, position.timeline)
                && known.offset >= position.offset
        };
        let changed = !self.position.is_some_and(later);
        if changed {
            self.position = Some(position);
        }
        changed
    }

    /// The operation of a request that has just been appended.
    pub fn accepted(&self) -> Operation {
        Operation { state: OperationState::Accepted, ..self.ended(0, None) }
    }

    /// The operation as it will be recorded with its commit; no result: with the answer of the commit.
    pub fn ended(&self, attempt: u32, result: Option<OperationResult>) -> Operation {
        Operation {
            id: self.id.clone(),
            method: self.method.clone(),
            principal: self.idempotency.key.principal.clone(),
            state: OperationState::Done,
            attempts: attempt,
            accept_time: self.accept_time.clone(),
            apply_time: None,
            consistency_token: None,
            result,
        }
    }

    /// The decision that the request has failed: it changes nothing but its operation, which the
    /// primary learns of too.
    pub fn failure(&self, attempt: u32, status: Value) -> WriteSet {
        WriteSet {
            mutations: Vec::new(),
            answer: AnswerPlan::Empty,
            idempotency: Some(self.idempotency.clone()),
            operation: Some(self.ended(attempt, Some(OperationResult::Error(status)))),
            principal: Principal::default(),
            request_id: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
            validate_only: false,
        }
    }
}

/// A request that this process holds the lease of.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub request: Arc<AcceptedRequest>,
    /// Counts claims; names this claim in every later step.
    pub attempt: u32,
    /// Attempts that failed for a reason that waiting does not mend.
    pub faults: u32,
    /// The write set decided by an earlier attempt that was not acknowledged: push it again, do not decide anew.
    pub decided: Option<WriteSet>,
}

/// The attempt of a request that was claimed when it was appended.
pub const FIRST_ATTEMPT: u32 = 1;

/// A [`LogJob::Backlog`] counts no more pending requests than this, nor finished ones.
pub const COUNT_MAX: i64 = 10_000;

impl Claimed {
    /// A row as both databases return it: request, attempt, faults, decided write set.
    pub(in crate::store) fn from_row(row: (String, i64, i64, Option<String>)) -> Result<Self> {
        let (request, attempt, faults, decided) = row;
        Ok(Self {
            request: Arc::new(from_json(&request)?),
            attempt: u32::try_from(attempt).map_err(|_| Error::internal("attempts overflow"))?,
            faults: u32::try_from(faults).map_err(|_| Error::internal("faults overflow"))?,
            decided: decided.as_deref().map(from_json).transpose()?,
        })
    }
}

/// Steps on the request log. All jobs of one batch commit in one transaction.
#[derive(Clone, Debug)]
pub enum LogJob {
    /// Durable before it is answered 202. The same key again gives the row that is already there.
    Append {
        request: Arc<AcceptedRequest>,
        /// Appended as claimed, [`FIRST_ATTEMPT`], for this long, unless it has to wait for an older
        /// write to the same resource; else for whoever claims it.
        lease_ms: Option<u64>,
    },
    /// Claimable rows, at most `limit`: ACCEPTED ones that are due and those whose lease ran out, but
    /// none that waits for an older write to the same resource.
    Claim {
        limit: u32,
        lease_ms: u64,
    },
    /// These claims go on: their leases end this long from now. Claims that are no longer current are skipped.
    Renew {
        claims: Vec<(OperationId, u32)>,
        lease_ms: u64,
    },
    /// RUNNING → APPLYING with the decided write set.
    Decide {
        id: OperationId,
        attempt: u32,
        write_set: Box<WriteSet>,
    },
    /// Back to ACCEPTED, due after `delay_ms`; forgets the decided write set if `forget_decision` (a failed
    /// guard); counts a fault if `fault`.
    Retry {
        id: OperationId,
        attempt: u32,
        delay_ms: u64,
        forget_decision: bool,
        fault: bool,
        not_before: Option<Position>,
    },
    /// → DONE.
    Settle {
        id: OperationId,
        attempt: u32,
        /// The primary has recorded the same end.
        recorded: bool,
        result: OperationResult,
        apply_time: Timestamp,
        consistency_token: Option<String>,
    },
    /// Back to ACCEPTED, due at once, with the decision that the request has failed. It may replace a
    /// decision that was pushed: what the primary has recorded of the operation wins over both.
    /// Without an attempt whoever has claimed the request loses it.
    GiveUp {
        id: OperationId,
        attempt: Option<u32>,
        /// `google.rpc.Status`
        status: Value,
    },
    Get {
        id: OperationId,
    },
    /// Newest first, `before` exclusive.
    List {
        before: Option<OperationId>,
        limit: u32,
    },
    /// Counts by state, age of the oldest that is not DONE in ms. Both DONE and the rest count to
    /// [`COUNT_MAX`]: there may be millions, and every other job waits meanwhile. Of more than that the age
    /// is of the oldest among those that are due first.
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
        /// It was there before, by another call.
        existed: bool,
        /// The caller holds its first claim.
        claimed: bool,
    },
    Claimed(Vec<Claimed>),
    /// Whether the step was taken; false when the attempt is no longer the current one.
    Stepped(bool),
    /// The answer to a settlement.
    Settled {
        /// As of [`LogReply::Stepped`].
        stepped: bool,
        /// A later write to the same resource may be claimed now.
        next_is_due: bool,
    },
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

impl LogReply {
    /// Of an append that found the row `operation` under its key or its id. The request's own row was
    /// appended by this very call, run again after it was cut off. Should somebody else have claimed that
    /// for the first time meanwhile, both push the same write set, of which the primary takes one.
    pub(super) fn found(
        request: &AcceptedRequest,
        lease_ms: Option<u64>,
        operation: Operation,
        fingerprint: Vec<u8>,
    ) -> Result<Self> {
        let fingerprint =
            fingerprint.try_into().map_err(|_| Error::internal("stored fingerprint of another length"))?;
        let existed = operation.id != request.id;
        let first_claim = operation.state == OperationState::Running && operation.attempts == FIRST_ATTEMPT;
        let claimed = !existed && lease_ms.is_some() && first_claim;
        let operation = match operation.state {
            OperationState::Done => operation,
            // As the first answer under this key said.
            _ => Operation { state: OperationState::Accepted, attempts: 0, ..operation },
        };
        Ok(Self::Appended { operation, fingerprint: Fingerprint(fingerprint), existed, claimed })
    }
}

impl LogJob {
    /// Appends a request that nobody has claimed.
    pub fn append(request: AcceptedRequest) -> Self {
        Self::Append { request: Arc::new(request), lease_ms: None }
    }

    /// Whether this step may be undone by a power loss (never by the death of the process), so that it
    /// need not wait for the disk. Then the request is as it was one step before, and is claimed again
    /// when its lease ends:
    /// - without its claim, renewal or retry it is carried out again, as after any crash;
    /// - without its decision it is decided again. Both decisions may then reach the primary: it takes
    ///   the first of an operation and answers the other with what came of that;
    /// - without its end it is pushed again, and the primary answers with the end that it has recorded
    ///   (records are kept as long as the requests here). An end that only this log knows must stay:
    ///   its key is free again, and a push that succeeds later would be a second effect.
    ///
    /// An append was answered 202 and a cancellation was promised: these wait.
    pub(super) fn may_be_lost(&self) -> bool {
        match self {
            Self::Claim { .. } | Self::Renew { .. } | Self::Retry { .. } | Self::Decide { .. } => true,
            Self::Settle { recorded, .. } => *recorded,
            Self::Get { .. } | Self::List { .. } | Self::Backlog | Self::Purge { .. } => true,
            Self::Append { .. } | Self::GiveUp { .. } => false,
        }
    }

    /// Leaves nothing behind.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::List { .. } | Self::Backlog)
    }

    /// What clients ask for, and may ask again. A step of an accepted request is never turned away: it would
    /// be repeated, which makes more work just when there is too much. The requests under way bound them.
    pub(super) fn may_be_refused(&self) -> bool {
        matches!(self, Self::Append { .. } | Self::Get { .. } | Self::List { .. })
    }
}

/// Claimed rows that can be read. One that cannot must not cost the others: it keeps its lease, so
/// that it is looked at again when that ends, by a binary that may know it.
pub(super) fn readable(rows: impl Iterator<Item = Result<Claimed>>) -> Vec<Claimed> {
    let readable = rows.filter_map(|row| {
        row.inspect_err(|error| {
            metrics::counter!("trine_requests_unreadable_total").increment(1);
            tracing::error!(context = error.context, "an accepted request cannot be read; it waits");
        })
        .ok()
    });
    let mut claimed: Vec<Claimed> = readable.collect();
    // Ids are UUIDv7, so their order is that of acceptance.
    claimed.sort_by(|left, right| left.request.id.cmp(&right.request.id));
    claimed
}

/// COMMIT was sent and not answered.
pub(super) fn outcome_unknown(error: Error) -> Error {
    let message = "nobody knows whether the request was accepted; ask again with the same idempotency key";
    let context = error.context.unwrap_or(error.message);
    Error::new(Reason::CommitOutcomeUnknown, message).with_context(context).with_retry_after_s(1)
}

/// What broke a transaction. Nothing of it is there, unless COMMIT left that open.
#[derive(Debug)]
pub struct Broken {
    pub error: Error,
    /// One of the jobs may be the cause: the others may succeed without it.
    pub by_one: bool,
}

/// One connection to the events database, owned by one lane thread.
pub trait RequestLog: Send {
    /// Runs the jobs in order in one transaction. When this returns none of them is undone by the death of a
    /// process, and by a power loss only what `LogJob::may_be_lost`.
    fn transaction(&mut self, jobs: &[LogJob]) -> std::result::Result<Vec<LogReply>, Broken>;

    fn run(&mut self, jobs: &[LogJob]) -> Vec<Result<LogReply>> {
        self.run_wanted(jobs, &|_| true)
    }

    /// One bad job must not cost the others: then each that `is_wanted` still runs alone. What all suffer
    /// from (a time-out, a full disk) is not suffered once a job.
    fn run_wanted(&mut self, jobs: &[LogJob], is_wanted: &dyn Fn(usize) -> bool) -> Vec<Result<LogReply>> {
        match self.transaction(jobs) {
            Ok(replies) => replies.into_iter().map(Ok).collect(),
            Err(broken) if broken.by_one && jobs.len() > 1 => self.run_alone(jobs, is_wanted),
            Err(broken) => jobs.iter().map(|_| Err(broken.error.clone())).collect(),
        }
    }

    /// A job each transaction, until one breaks by what it is not the cause of.
    fn run_alone(&mut self, jobs: &[LogJob], is_wanted: &dyn Fn(usize) -> bool) -> Vec<Result<LogReply>> {
        let mut stopped: Option<Error> = None;
        let run = |(at, job)| {
            if let Some(error) = &stopped {
                return Err(error.clone());
            }
            if !is_wanted(at) {
                return Err(deadline_passed());
            }
            let mut replies = self.transaction(std::slice::from_ref(job)).map_err(|broken| {
                // Only of what was sent the outcome is unknown.
                if !broken.by_one && broken.error.reason != Reason::CommitOutcomeUnknown {
                    stopped = Some(broken.error.clone());
                }
                broken.error
            })?;
            replies.pop().ok_or_else(|| Error::internal("a job got no reply"))
        };
        jobs.iter().enumerate().map(run).collect()
    }
}
