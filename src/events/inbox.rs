//! The inbox: the monolith's side of asynchronous writes. Commits what the relay pushes.
//!
//! A push may come twice, late, or out of order. The operation's id and the idempotency key, both
//! looked up in the transaction that writes, make it one effect; the primary is the only arbiter.
//! Invariant: an event is answered APPLIED or FAILED only when that end is durable here.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cloud_event::{CloudEvent, Decided, InboxResult, InboxResults, Outcome};
use super::guards::{first_resource, is_transient, may_pass, newest_position};
use super::tokens::Tokens;
use crate::failpoint;
use crate::model::{
    Answer, AnswerPlan, Deadline, Error, Operation, OperationId, OperationResult, Position, Reason, Result,
    WriteSet,
};
use crate::schema::Catalogue;
use crate::store::{Committed, ReadStore, WriteStore};

#[derive(Clone)]
pub struct Inbox {
    pub catalogue: Arc<Catalogue>,
    pub reads: ReadStore,
    pub writes: WriteStore,
    pub tokens: Tokens,
    /// How long an idempotency key is known at least.
    pub keep_hours: u32,
}

/// Clocks of the two sides may differ, and the key may have been used shortly before this request.
const AGE_MARGIN_S: i64 = 3600;

impl Inbox {
    /// Takes a batch in; the members are independent and one never costs another its commit.
    pub async fn receive(&self, body: &[u8], deadline: Deadline) -> Result<InboxResults> {
        let events: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
            Error::new(Reason::InvalidBody, format!("the body is no batch of events: {error}"))
        })?;
        let arrivals = events.into_iter().map(Arrival::read).collect::<Result<Vec<_>>>()?;
        let results = self.take_in(arrivals, deadline).await;
        failpoint!("inbox.acknowledge");
        Ok(InboxResults { results })
    }

    /// What is to be committed goes to the store at once, for one transaction instead of as many as
    /// there are events; what came of it is looked at one by one.
    async fn take_in(&self, arrivals: Vec<Arrival>, deadline: Deadline) -> Vec<InboxResult> {
        let (mut ways, mut write_sets) = (Vec::new(), Vec::new());
        for Arrival { id, decided } in arrivals {
            let way = decided.and_then(|decided| self.way(decided));
            if let Ok(Way::Commit { write_set, .. }) = &way {
                write_sets.push(write_set.clone());
            }
            ways.push((id, way));
        }
        failpoint!("inbox.commit.before");
        let mut committed = self.writes.commit_all(write_sets, deadline).await.into_iter();
        failpoint!("inbox.commit.after");
        join_all(ways.into_iter().map(|(id, way)| {
            let outcome = if let Ok(Way::Commit { .. }) = &way { committed.next() } else { None };
            self.end(id, way, outcome, deadline)
        }))
        .await
    }

    fn way(&self, decided: Decided) -> Result<Way> {
        let Decided { write_set, replan } = decided;
        let operation = write_set.operation.clone().ok_or_else(no_operation)?;
        if let Some(OperationResult::Error(_)) = operation.result {
            return Ok(Way::Fail { write_set, operation });
        }
        if write_set.idempotency.is_some() && self.has_outlived_its_key(&operation)? {
            let result = Some(OperationResult::Error(too_old(self.keep_hours).to_status()));
            return Ok(Way::Fail { write_set, operation: Operation { result, ..operation } });
        }
        Ok(Way::Commit { write_set, operation, replan })
    }

    async fn end(
        &self,
        id: OperationId,
        way: Result<Way>,
        committed: Option<Result<Committed>>,
        deadline: Deadline,
    ) -> InboxResult {
        let ended = match way {
            Ok(Way::Fail { write_set, operation }) => self.end_failed(write_set, operation, deadline).await,
            Ok(Way::Commit { write_set, operation, replan }) => {
                let missing = || Err(Error::internal("a pushed write set got no verdict"));
                let outcome = committed.unwrap_or_else(missing);
                self.end_committed((write_set, operation, replan), outcome, deadline).await
            }
            Err(error) => Err(error),
        };
        let result = ended.unwrap_or_else(|error| InboxResult::new(id, Outcome::Retry).with_error(&error));
        metrics::counter!("trine_inbox_events_total", "outcome" => result.outcome.as_str()).increment(1);
        result
    }

    async fn end_committed(
        &self,
        (write_set, operation, replan): (WriteSet, Operation, bool),
        outcome: Result<Committed>,
        deadline: Deadline,
    ) -> Result<InboxResult> {
        match outcome {
            // A push that came again too: the store knew the operation's answer.
            Ok(committed) => Ok(self.applied(operation.id, committed.answer, committed.position)),
            Err(error)
                if replan
                    && may_pass(&self.catalogue, &self.reads, (&write_set, &error), deadline).await? =>
            {
                let position = self.newest_position(&write_set, deadline).await?;
                let result = InboxResult::new(operation.id, Outcome::Replan).with_error(&error);
                Ok(InboxResult { position, ..result })
            }
            Err(error) if is_transient(&error) => Err(error),
            Err(error) => {
                let result = Some(OperationResult::Error(error.to_status()));
                self.end_failed(write_set, Operation { result, ..operation }, deadline).await
            }
        }
    }

    /// Whether its key may have been used in another mode and forgotten since: then nobody can tell
    /// that applying it would not do the same twice.
    fn has_outlived_its_key(&self, operation: &Operation) -> Result<bool> {
        let accepted: jiff::Timestamp = operation.accept_time.as_str().parse().map_err(|_| {
            Error::new(Reason::InvalidBody, "the operation of a pushed write set says when it was accepted")
        })?;
        let age_s = jiff::Timestamp::now().as_second() - accepted.as_second();
        let kept_s = i64::from(self.keep_hours) * 3600;
        Ok(age_s > kept_s - AGE_MARGIN_S.min(kept_s / 2))
    }

    /// Records that an operation failed, unless its key has had an effect by another way: then the
    /// operation ends with that effect's answer.
    async fn end_failed(
        &self,
        write_set: WriteSet,
        operation: Operation,
        deadline: Deadline,
    ) -> Result<InboxResult> {
        let end = WriteSet {
            mutations: Vec::new(),
            answer: AnswerPlan::Empty,
            operation: Some(operation.clone()),
            ..write_set
        };
        let committed = self.writes.commit(end, deadline).await?;
        // Another push of the same operation was faster, or its key had an answer: that end counts.
        let recorded =
            if committed.replayed { self.reads.operation(&operation.id, deadline).await? } else { None };
        let position = committed.position;
        let consistency_token = position.and_then(|position| self.tokens.encode(position));
        let known = self.known(recorded.unwrap_or(operation));
        Ok(InboxResult { position, consistency_token, ..known })
    }

    async fn newest_position(&self, write_set: &WriteSet, deadline: Deadline) -> Result<Option<Position>> {
        newest_position(&self.catalogue, &self.reads, first_resource(&write_set.mutations), deadline).await
    }

    /// The answer to a push whose operation had ended before.
    fn known(&self, operation: Operation) -> InboxResult {
        let outcome = match operation.result {
            Some(OperationResult::Error(_)) => Outcome::Failed,
            _ => Outcome::Applied,
        };
        let mut result = InboxResult::new(operation.id, outcome);
        result.consistency_token = operation.consistency_token;
        match operation.result {
            Some(OperationResult::Response(answer)) => result.answer = Some(answer),
            Some(OperationResult::Error(status)) => {
                result.code = status["code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(13);
                result.status = "FAILED".to_owned();
                result.error = Some(status);
            }
            None => {}
        }
        result
    }

    fn applied(&self, id: OperationId, answer: Answer, position: Option<Position>) -> InboxResult {
        InboxResult {
            consistency_token: position.and_then(|position| self.tokens.encode(position)),
            position,
            answer: Some(answer),
            ..InboxResult::new(id, Outcome::Applied)
        }
    }
}

impl InboxResult {
    /// An outcome, and nothing to say of it yet.
    pub(super) fn new(id: OperationId, outcome: Outcome) -> Self {
        Self {
            id,
            code: 0,
            status: "OK".to_owned(),
            outcome,
            consistency_token: None,
            position: None,
            answer: None,
            error: None,
            retry_after_s: None,
        }
    }

    fn with_error(self, error: &Error) -> Self {
        if let Some(context) = &error.context {
            tracing::warn!(operation = %self.id, reason = error.reason.as_str(), context, "inbox");
        }
        let (code, status) = error.reason.code();
        let (status, retry_after_s) = (status.to_owned(), error.retry_after_s);
        Self { code, status, error: Some(error.to_status()), retry_after_s, ..self }
    }
}

/// An event of a batch. One that cannot be read is answered for itself; without its id it costs the
/// whole batch.
struct Arrival {
    id: OperationId,
    decided: Result<Decided>,
}

impl Arrival {
    fn read(event: &RawValue) -> Result<Self> {
        let decided = match read::<CloudEvent>(event) {
            Ok(event) if event.is_decided() && belongs(&event) => {
                return Ok(Self { id: event.id, decided: Ok(event.data) });
            }
            Ok(event) => Err(Error::new(
                Reason::InvalidBody,
                format!("event {} is of no kind that is taken in here", event.id),
            )),
            Err(error) => Err(error),
        };
        let Identified { id } = read(event)?;
        Ok(Self { id, decided })
    }
}

/// What is to be done with an event.
enum Way {
    Commit {
        write_set: WriteSet,
        operation: Operation,
        replan: bool,
    },
    /// The end is known: to be recorded.
    Fail {
        write_set: WriteSet,
        operation: Operation,
    },
}

#[derive(Deserialize)]
struct Identified {
    id: OperationId,
}

fn read<'e, T: Deserialize<'e>>(event: &'e RawValue) -> Result<T> {
    serde_json::from_str(event.get()).map_err(|error| {
        Error::new(Reason::InvalidBody, format!("no event with a decided write set: {error}"))
    })
}

/// The event and the write set speak of the same operation.
fn belongs(event: &CloudEvent) -> bool {
    event.data.write_set.operation.as_ref().is_some_and(|operation| operation.id == event.id)
}

fn too_old(keep_hours: u32) -> Error {
    let message = format!(
        "the request waited so long that its idempotency key, known for {keep_hours} h, may have been used and \
         forgotten meanwhile; nothing was written: look whether it is still wanted and send it with a new key"
    );
    Error::new(Reason::Deadline, message)
}

fn no_operation() -> Error {
    Error::new(Reason::InvalidBody, "a pushed write set names its operation")
}
