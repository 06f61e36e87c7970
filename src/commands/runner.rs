//! The runner: carries out accepted requests on the microservice.
//!
//! Claims by lease, lets the rule decide against the replica, makes the decision durable, and hands
//! it to the relay. It may be killed anywhere: a lease runs out and the request is claimed again; a
//! decision that is durable is pushed as it is, never decided twice while the first may be applied.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::ask::Ask;
use super::contention::{Turn, Turns};
use super::planner::Planner;
use crate::events::guards::is_transient;
use crate::events::relay::{Parcel, pause};
use crate::failpoint;
use crate::model::{
    AnswerPlan, Deadline, Error, Operation, OperationResult, OperationState, Position, Reason, Result,
    WriteSet,
};
use crate::store::request_log::{AcceptedRequest, Claimed, LogJob, LogReply, Work};
use crate::store::{ReadStore, RequestStore};

/// Requests under way at once, from claim to settlement.
const UNDER_WAY_MAX: usize = 512;
/// Longer than any step between claim and settlement may take.
const LEASE_MS: u64 = 30_000;
/// The doorbell rings for what is appended here; the clock finds what became due.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const REPLICA_WAIT_MS: u64 = 1000;
const TURN_WAIT: Duration = Duration::from_secs(5);
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// A rule that still fails for reasons of our own after this many attempts has failed.
const ATTEMPTS_MAX: u32 = 30;

#[derive(Clone)]
pub struct Runner {
    pub planner: Planner,
    pub reads: ReadStore,
    pub requests: RequestStore,
    pub doorbell: Arc<Notify>,
    pub turns: Arc<Turns>,
    pub relay: mpsc::Sender<Parcel>,
}

impl Runner {
    /// Runs until `stop` turns true, then lets what is under way end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        while !*stop.borrow() {
            let claimed = self.claim(&under_way).await;
            if claimed.is_empty() {
                tokio::select! {
                    () = self.doorbell.notified() => {}
                    () = tokio::time::sleep(LOOK_INTERVAL) => {}
                    _ = stop.changed() => break,
                }
            }
            for (claimed, permit) in claimed {
                let runner = self.clone();
                tokio::spawn(async move {
                    runner.carry_out(claimed).await;
                    drop(permit);
                });
            }
        }
        let _all_ended = under_way.acquire_many(UNDER_WAY_MAX as u32).await;
    }

    /// Claims as many requests as there is room for.
    async fn claim(&self, under_way: &Arc<Semaphore>) -> Vec<(Claimed, OwnedSemaphorePermit)> {
        let room = under_way.available_permits().clamp(1, 128) as u32;
        let Ok(mut permits) = under_way.clone().acquire_many_owned(room).await else { return Vec::new() };
        let job = LogJob::Claim { limit: room, lease_ms: LEASE_MS };
        let claimed = match self.requests.run(job, Deadline::after(STEP_TIMEOUT)).await {
            Ok(LogReply::Claimed(claimed)) => claimed,
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, context = error.context, "request log");
                Vec::new()
            }
        };
        claimed.into_iter().filter_map(|claimed| Some((claimed, permits.split(1)?))).collect()
    }

    async fn carry_out(&self, claimed: Claimed) {
        let Claimed { request, attempt, decided } = claimed;
        let outcome = match decided {
            Some(write_set) => Ok((write_set, None)),
            None => self.decide(&request, attempt).await,
        };
        match outcome {
            Ok((write_set, turn)) => self.send(&request, attempt, write_set, turn).await,
            Err(error) => self.retry(&request, attempt, &error).await,
        }
    }

    /// A durable decision: what to write, or that the request has failed.
    async fn decide(&self, request: &AcceptedRequest, attempt: u32) -> Result<(WriteSet, Option<Turn>)> {
        let (write_set, turn) = match self.plan(request).await {
            Ok((write_set, turn)) => {
                (WriteSet { operation: Some(ended(request, attempt, None)), ..write_set }, Some(turn))
            }
            Err(error) if may_pass(&error, attempt) => return Err(error),
            Err(error) => (failure(request, attempt, &error), None),
        };
        let job = LogJob::Decide { id: request.id.clone(), attempt, write_set: Box::new(write_set.clone()) };
        failpoint!("decide.before");
        let reply = self.requests.run(job, Deadline::after(STEP_TIMEOUT)).await?;
        failpoint!("decide.after");
        match reply {
            LogReply::Stepped(true) => Ok((write_set, turn)),
            _ => Err(Error::internal("the lease ran out; another attempt goes on")),
        }
    }

    /// Runs the rule once it is this request's turn on what it writes, on state that shows the last
    /// turn's write.
    async fn plan(&self, request: &AcceptedRequest) -> Result<(WriteSet, Turn)> {
        self.wait_for_replica(request.position).await?;
        let write_set = self.planner.plan(Ask::from(request), Deadline::after(STEP_TIMEOUT)).await?;
        let turn = tokio::time::timeout(TURN_WAIT, self.turns.take(&write_set)).await;
        let turn = turn.map_err(|_| Error::new(Reason::Overloaded, "many requests for one resource"))?;
        // A plan from before the last turn's write would fail its guard at the monolith.
        let newest = turn.newest();
        let seen = match newest {
            Some(position) => self.reads.caught_up(position, 0).await,
            None => true,
        };
        if seen && !turn.waited {
            return Ok((write_set, turn));
        }
        self.wait_for_replica(newest).await?;
        let write_set = self.planner.plan(Ask::from(request), Deadline::after(STEP_TIMEOUT)).await?;
        Ok((write_set, turn))
    }

    async fn wait_for_replica(&self, position: Option<Position>) -> Result<()> {
        match position {
            Some(position) if !self.reads.caught_up(position, REPLICA_WAIT_MS).await => {
                Err(Error::new(Reason::ReplicaBehind, "the replica has not yet what this request relies on"))
            }
            _ => Ok(()),
        }
    }

    /// Gives the decision to the relay and keeps the turn until it has been answered.
    async fn send(
        &self,
        request: &AcceptedRequest,
        attempt: u32,
        write_set: WriteSet,
        mut turn: Option<Turn>,
    ) {
        let (done, answered) = oneshot::channel();
        let replan = matches!(request.work, Work::Rule(_));
        let parcel = Parcel { id: request.id.clone(), attempt, write_set, replan, done };
        if self.relay.send(parcel).await.is_err() {
            return;
        }
        let Ok(delivered) = answered.await else { return };
        if let Some(turn) = turn.as_mut() {
            turn.leave(delivered.position);
        }
        if delivered.due_again {
            self.doorbell.notify_one();
        }
    }

    async fn retry(&self, request: &AcceptedRequest, attempt: u32, error: &Error) {
        let delay = pause(attempt);
        tracing::info!(operation = %request.id, %error, context = error.context, ?delay, "tried again later");
        let job = LogJob::Retry {
            id: request.id.clone(),
            attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            forget_decision: false,
            not_before: None,
        };
        if let Err(error) = self.requests.run(job, Deadline::after(STEP_TIMEOUT)).await {
            tracing::warn!(%error, context = error.context, "request log; the lease will run out");
        }
    }
}

/// Trouble of the moment is waited out; our own bugs only for so long.
fn may_pass(error: &Error, attempt: u32) -> bool {
    is_transient(error) && (error.reason != Reason::Internal || attempt < ATTEMPTS_MAX)
}

/// The operation as it will be recorded with its commit; none: with the answer of the commit.
fn ended(request: &AcceptedRequest, attempt: u32, result: Option<OperationResult>) -> Operation {
    Operation {
        id: request.id.clone(),
        method: request.method.clone(),
        principal: request.idempotency.key.principal.clone(),
        state: OperationState::Done,
        attempts: attempt,
        accept_time: request.accept_time.clone(),
        apply_time: None,
        consistency_token: None,
        result,
    }
}

/// A refused request changes nothing but its operation, which the primary learns of too.
fn failure(request: &AcceptedRequest, attempt: u32, error: &Error) -> WriteSet {
    WriteSet {
        mutations: Vec::new(),
        answer: AnswerPlan::Empty,
        idempotency: Some(request.idempotency.clone()),
        operation: Some(ended(request, attempt, Some(OperationResult::Error(error.to_status())))),
        request_id: request.request_id.clone(),
        traceparent: request.traceparent.clone(),
    }
}
