//! Acceptance: the microservice's 202. The request is durable, under its key, before it is answered.

use std::sync::Arc;

use tokio::sync::Notify;

use super::ask::Ask;
use super::planner::Planner;
use super::replay;
use crate::failpoint;
use crate::model::{Deadline, Error, Operation, OperationId, Reason, Result, Timestamp};
use crate::store::RequestStore;
use crate::store::request_log::{AcceptedRequest, LogJob, LogReply, Work};

pub struct Acceptance {
    pub planner: Planner,
    pub requests: RequestStore,
    /// Rung after each append.
    pub doorbell: Arc<Notify>,
}

impl Acceptance {
    /// The operation of the request's key: a new one, or the one that the key already has.
    pub async fn accept(&self, ask: Ask, deadline: Deadline) -> Result<Operation> {
        if let Work::Rule(request) = &ask.work {
            self.planner.parse(&ask.method, request)?;
        }
        let idempotency = ask.idempotency.ok_or_else(key_required)?;
        let request = AcceptedRequest {
            id: OperationId(uuid::Uuid::now_v7().to_string()),
            method: ask.method,
            work: ask.work,
            idempotency: idempotency.clone(),
            position: ask.position,
            request_id: ask.request_id,
            traceparent: ask.traceparent,
            accept_time: Timestamp::now(),
        };
        failpoint!("accept.before");
        let appended = self.requests.run(LogJob::Append(request), deadline).await?;
        failpoint!("accept.after");
        let LogReply::Appended { operation, fingerprint, .. } = appended else {
            return Err(Error::internal("the request log answered another job"));
        };
        if fingerprint != idempotency.fingerprint {
            return Err(replay::key_reused());
        }
        self.doorbell.notify_one();
        Ok(operation)
    }
}

pub fn key_required() -> Error {
    let message =
        "an asynchronous write needs an `Idempotency-Key`, so that a retry cannot double it; send one";
    Error::new(Reason::IdempotencyKeyRequired, message)
}
