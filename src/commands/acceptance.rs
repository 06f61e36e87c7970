//! Acceptance: the microservice's 202. The request is durable, under its key, before it is answered.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::ask::Ask;
use super::intake::Intake;
use super::leases::LEASE_MS;
use super::planner::Planner;
use super::replay;
use crate::failpoint;
use crate::model::{Deadline, Error, Operation, OperationId, Reason, Result, Timestamp};
use crate::store::RequestStore;
use crate::store::request_log::{AcceptedRequest, Claimed, FIRST_ATTEMPT, LogJob, LogReply, Work};

#[derive(Clone)]
pub struct Acceptance {
    pub planner: Planner,
    pub requests: RequestStore,
    pub intake: Arc<Intake>,
}

/// A request that is durable.
pub struct Appended {
    pub operation: Operation,
    /// It was there before, under the same key.
    pub existed: bool,
}

/// A request that is about to be appended, claimed if there is room to carry it out.
struct Appending {
    request: Arc<AcceptedRequest>,
    room: Option<OwnedSemaphorePermit>,
}

impl Acceptance {
    /// The operation of the request's key: a new one, or the one that the key already has.
    pub async fn accept(&self, ask: Ask, deadline: Deadline) -> Result<Appended> {
        let accepted = self.accept_all(vec![ask], deadline).await;
        accepted.into_iter().next().unwrap_or_else(|| Err(wrong_reply()))
    }

    /// As [`Acceptance::accept`] for several, which share a transaction.
    pub async fn accept_all(&self, asks: Vec<Ask>, deadline: Deadline) -> Vec<Result<Appended>> {
        let requests: Vec<Result<AcceptedRequest>> = asks.into_iter().map(|ask| self.request(ask)).collect();
        let count = requests.len();
        let acceptance = self.clone();
        // A caller that goes takes its future along, and with it what was claimed: that would lie
        // still until its lease ends.
        let appended = tokio::spawn(async move { acceptance.append(requests, deadline).await });
        appended.await.unwrap_or_else(|error| {
            let error = Error::internal(format!("an append panicked: {error}"));
            (0..count).map(|_| Err(error.clone())).collect()
        })
    }

    fn request(&self, ask: Ask) -> Result<AcceptedRequest> {
        if let Work::Rule(request) = &ask.work {
            self.planner.parse(&ask.method, request)?;
        }
        Ok(AcceptedRequest {
            id: OperationId(uuid::Uuid::now_v7().to_string()),
            method: ask.method,
            work: ask.work,
            idempotency: ask.idempotency.ok_or_else(key_required)?,
            scopes: ask.scopes,
            position: ask.position,
            request_id: ask.request_id,
            traceparent: ask.traceparent,
            accept_time: Timestamp::now(),
        })
    }

    async fn append(
        &self,
        requests: Vec<Result<AcceptedRequest>>,
        deadline: Deadline,
    ) -> Vec<Result<Appended>> {
        let mut jobs = Vec::with_capacity(requests.len());
        let mut appending = Vec::with_capacity(requests.len());
        for request in requests {
            appending.push(request.map(|request| {
                let (request, room) = (Arc::new(request), self.intake.try_enter());
                let lease_ms = room.is_some().then_some(LEASE_MS);
                jobs.push(LogJob::Append { request: request.clone(), lease_ms });
                Appending { request, room }
            }));
        }
        failpoint!("accept.before");
        let mut replies = self.requests.run_all(jobs, deadline).await.into_iter();
        failpoint!("accept.after");
        let answer = |appending: Result<Appending>| {
            let appending = appending?;
            self.accepted(appending, replies.next().unwrap_or_else(|| Err(wrong_reply()))?)
        };
        appending.into_iter().map(answer).collect()
    }

    fn accepted(&self, appending: Appending, reply: LogReply) -> Result<Appended> {
        let LogReply::Appended { operation, fingerprint, existed, claimed } = reply else {
            return Err(wrong_reply());
        };
        let Appending { request, room } = appending;
        if fingerprint != request.idempotency.fingerprint {
            return Err(replay::key_reused());
        }
        match room {
            Some(room) if claimed => {
                self.intake
                    .arrive((Claimed { request, attempt: FIRST_ATTEMPT, faults: 0, decided: None }, room));
            }
            Some(_room_for_others) if existed => {}
            // Without room, or behind an older write, which may have ended meanwhile unseen.
            _ => self.intake.doorbell.notify_one(),
        }
        Ok(Appended { operation, existed })
    }
}

pub fn key_required() -> Error {
    let message =
        "an asynchronous write needs an `Idempotency-Key`, so that a retry cannot double it; send one";
    Error::new(Reason::IdempotencyKeyRequired, message)
}

fn wrong_reply() -> Error {
    Error::internal("the request log answered another job")
}
