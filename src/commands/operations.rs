//! Operations as each deployment can see them: the microservice in its request log, the others in
//! the records of finished ones, and the monolith by asking the microservice for the rest.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

use super::intake::Intake;
use crate::events::guards::newest_position;
use crate::events::peer::Peer;
use crate::events::tokens::Tokens;
use crate::model::{
    Answer, Deadline, Error, Operation, OperationId, OperationResult, OperationState, Reason, ResourceRef,
    Result,
};
use crate::schema::Catalogue;
use crate::store::request_log::{LogJob, LogReply};
use crate::store::{ReadStore, RequestStore};

/// Longest wait for an operation, whatever the client prefers.
const WAIT_MS_MAX: u64 = 30_000;
/// `google.rpc.Code`
const CANCELLED: i32 = 1;
const ANSWER_MARGIN: Duration = Duration::from_millis(100);

/// What the monolith asks the microservice about operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    Get { id: OperationId, wait_ms: u64 },
    List { before: Option<OperationId>, limit: u32 },
    Cancel { id: OperationId },
}

/// Who waits for which operation to end; woken, never polling.
#[derive(Clone, Default)]
pub struct Waiters(Arc<Mutex<HashMap<OperationId, Arc<Notify>>>>);

impl Waiters {
    pub fn settled(&self, id: &OperationId) {
        if let Some(bell) = self.0.lock().remove(id) {
            bell.notify_waiters();
        }
    }

    fn wait(&self, id: &OperationId) -> Waiting {
        let bell = self.0.lock().entry(id.clone()).or_default().clone();
        Waiting { waiters: self.clone(), id: id.clone(), bell: Some(bell) }
    }
}

/// One that waits. The last one of an operation forgets its bell, also when its request is dropped.
struct Waiting {
    waiters: Waiters,
    id: OperationId,
    bell: Option<Arc<Notify>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut bells = self.waiters.0.lock();
        // Given back under the lock, so that of two that leave at once one sees that it is the last.
        drop(self.bell.take());
        if bells.get(&self.id).is_some_and(|bell| Arc::strong_count(bell) == 1) {
            bells.remove(&self.id);
        }
    }
}

/// The request log's operations, on the microservice.
#[derive(Clone)]
pub struct LoggedOperations {
    pub requests: RequestStore,
    pub waiters: Waiters,
    pub intake: Arc<Intake>,
}

impl LoggedOperations {
    pub async fn answer(&self, question: Question, deadline: Deadline) -> Result<Vec<Operation>> {
        match question {
            Question::Get { id, wait_ms } => {
                Ok(self.get(&id, wait_ms, deadline).await?.into_iter().collect())
            }
            Question::List { before, limit } => self.list(before, limit, deadline).await,
            Question::Cancel { id } => Ok(vec![self.cancel(&id, deadline).await?]),
        }
    }

    pub async fn get(&self, id: &OperationId, wait_ms: u64, deadline: Deadline) -> Result<Option<Operation>> {
        if wait_ms == 0 {
            return self.find(id, deadline).await;
        }
        let waiting = self.waiters.wait(id);
        let Some(bell) = &waiting.bell else { return self.find(id, deadline).await };
        // Listens before it looks: an end between the two is not missed.
        let mut rung = std::pin::pin!(bell.notified());
        rung.as_mut().enable();
        match self.find(id, deadline).await {
            Ok(Some(operation)) if operation.state != OperationState::Done => {
                let wait = Duration::from_millis(wait_ms.min(WAIT_MS_MAX));
                let _ended = tokio::time::timeout(wait, rung).await;
                self.find(id, Deadline::after(Duration::from_secs(1))).await
            }
            found => found,
        }
    }

    async fn find(&self, id: &OperationId, deadline: Deadline) -> Result<Option<Operation>> {
        match self.requests.run(LogJob::Get { id: id.clone() }, deadline).await? {
            LogReply::Operation(operation) => Ok(operation),
            _ => Err(wrong_reply()),
        }
    }

    pub async fn list(
        &self,
        before: Option<OperationId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Operation>> {
        match self.requests.run(LogJob::List { before, limit }, deadline).await? {
            LogReply::Operations(operations) => Ok(operations),
            _ => Err(wrong_reply()),
        }
    }

    /// The cancellation is a decision like any other and ends by way of the primary, which may know
    /// better: what was applied before stays applied. Answers the end if it comes in time.
    pub async fn cancel(&self, id: &OperationId, deadline: Deadline) -> Result<Operation> {
        let status = json!({ "code": CANCELLED, "message": "cancelled by the client", "details": [] });
        let job = LogJob::GiveUp { id: id.clone(), attempt: None, status };
        if let LogReply::Stepped(true) = self.requests.run(job, deadline).await? {
            self.intake.doorbell.notify_one();
        }
        self.get(id, room_ms(deadline), deadline).await?.ok_or_else(|| not_found(id))
    }
}

/// Milliseconds that one may wait, so that the answer is on its way back before the deadline.
pub fn room_ms(deadline: Deadline) -> u64 {
    u64::try_from(deadline.remaining().saturating_sub(ANSWER_MARGIN).as_millis()).unwrap_or(u64::MAX)
}

/// Operations where there is no request log: finished ones here, the rest at the microservice.
pub struct RecordedOperations {
    pub catalogue: Arc<Catalogue>,
    pub reads: ReadStore,
    pub tokens: Tokens,
    pub microservice: Option<Peer>,
    /// What is not recorded here may be known elsewhere: 421, not 404.
    pub elsewhere: bool,
}

impl RecordedOperations {
    pub async fn get(&self, id: &OperationId, wait_ms: u64, deadline: Deadline) -> Result<Operation> {
        if let Some(operation) = self.reads.operation(id, deadline).await? {
            return self.with_token(operation, deadline).await;
        }
        let question = Question::Get { id: id.clone(), wait_ms: wait_ms.min(room_ms(deadline)) };
        self.ask(question, deadline).await?.into_iter().next().ok_or_else(|| self.unknown(id))
    }

    /// A record is written with its commit and cannot know its position: that of a read of what it
    /// wrote, here and now, is as good for whoever wants to see it elsewhere.
    async fn with_token(&self, mut operation: Operation, deadline: Deadline) -> Result<Operation> {
        if let (None, Some(OperationResult::Response(Answer::Resource { resource, .. }))) =
            (&operation.consistency_token, &operation.result)
        {
            let written = ResourceRef { kind: resource.kind.clone(), key: resource.key.clone() };
            let position = newest_position(&self.catalogue, &self.reads, Some(&written), deadline).await?;
            operation.consistency_token = position.and_then(|position| self.tokens.encode(position));
        }
        Ok(operation)
    }

    /// Newest first. What the microservice still has and what is recorded here are one list.
    pub async fn list(
        &self,
        before: Option<OperationId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Operation>> {
        let mut operations = self.reads.list_operations(before.clone(), limit, deadline).await?;
        operations.extend(self.ask(Question::List { before, limit }, deadline).await?);
        operations.sort_by(|left, right| right.id.cmp(&left.id));
        operations.dedup_by(|later, kept| later.id == kept.id);
        operations.truncate(limit as usize);
        Ok(operations)
    }

    pub async fn cancel(&self, id: &OperationId, deadline: Deadline) -> Result<Operation> {
        if let Some(operation) = self.reads.operation(id, deadline).await? {
            return Ok(operation);
        }
        let answer = self.ask(Question::Cancel { id: id.clone() }, deadline).await?;
        answer.into_iter().next().ok_or_else(|| self.unknown(id))
    }

    async fn ask(&self, question: Question, deadline: Deadline) -> Result<Vec<Operation>> {
        match &self.microservice {
            Some(peer) => super::peer::operations(peer, &question, deadline).await,
            None => Ok(Vec::new()),
        }
    }

    fn unknown(&self, id: &OperationId) -> Error {
        if self.elsewhere {
            let message = format!("operations/{id} is not known here; the microservice knows");
            return Error::new(Reason::NotThisRole, message);
        }
        not_found(id)
    }
}

pub fn not_found(id: &OperationId) -> Error {
    Error::new(Reason::NotFound, format!("there is no operations/{id}; they are kept for 30 days"))
}

fn wrong_reply() -> Error {
    Error::internal("the request log answered another job")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stops_waiting_leaves_nothing_behind() {
        let (waiters, id) = (Waiters::default(), OperationId("op".to_owned()));
        let (first, second) = (waiters.wait(&id), waiters.wait(&id));
        drop(first);
        assert_eq!(waiters.0.lock().len(), 1, "somebody waits still");
        drop(second);
        assert!(waiters.0.lock().is_empty());
        let late = waiters.wait(&id);
        waiters.settled(&id);
        let next = waiters.wait(&id);
        drop(late);
        assert_eq!(waiters.0.lock().len(), 1, "the bell of the next is its own");
        drop(next);
        assert!(waiters.0.lock().is_empty());
    }

    #[test]
    fn a_question_of_a_newer_role_is_understood() {
        let text = r#"{"get":{"id":"op","wait_ms":5,"colour":"blue"}}"#;
        assert!(matches!(serde_json::from_str(text), Ok(Question::Get { wait_ms: 5, .. })));
    }
}
