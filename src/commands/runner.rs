//! The runner: carries out accepted requests on the microservice.
//!
//! Takes what was claimed as it was accepted and claims the rest by lease, lets the rule decide
//! against the replica, keeps the decision in the log, and hands it to the relay. It may be killed
//! anywhere: a lease runs out and the request is claimed again; a decision that is kept is pushed as it
//! is. One that a power loss took is decided anew, see [`LogJob::may_be_lost`]: the primary takes the
//! first decision of an operation and answers another with what came of that.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::ask::Ask;
use super::contention::{Turn, Turns};
use super::intake::{Arrival, Intake};
use super::leases::{LEASE_MS, Leases};
use super::planner::Planner;
use super::sight;
use crate::events::cloud_event::{CloudEvent, Decided};
use crate::events::convoy::Convoy;
use crate::events::guards::{FAULTS_MAX, is_fault, is_transient};
use crate::events::relay::{Parcel, pause};
use crate::failpoint;
use crate::model::{Deadline, Error, Position, Reason, Result, WriteSet};
use crate::schema::Catalogue;
use crate::store::request_log::{AcceptedRequest, Claimed, LogJob, LogReply, Work};
use crate::store::{ReadStore, RequestStore};

/// The doorbell rings for what is appended here; the clock finds what became due.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const REPLICA_WAIT_MS: u64 = 1000;
/// Attempts that wait for the replica, some minutes: a position that is not there by then (the primary
/// was restored from a backup) will not come.
const REPLICA_ATTEMPTS_MAX: u32 = 100;
const TURN_WAIT: Duration = Duration::from_secs(5);
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Runner {
    pub catalogue: Arc<Catalogue>,
    pub planner: Planner,
    pub reads: ReadStore,
    pub requests: RequestStore,
    pub intake: Arc<Intake>,
    pub turns: Arc<Turns>,
    pub leases: Leases,
    pub relay: Arc<Convoy<Parcel>>,
}

impl Runner {
    /// Runs until `stop` turns true, then lets what is under way end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Some(arrivals) = self.intake.open() else { return };
        let renewal = tokio::spawn(self.leases.clone().keep(self.requests.clone()));
        let until_all_ended = async {
            self.look(&mut stop).await;
            self.intake.close().await;
        };
        tokio::select! {
            () = self.take_in(arrivals) => {}
            () = until_all_ended => {}
        }
        renewal.abort();
    }

    async fn take_in(&self, mut arrivals: UnboundedReceiver<Arrival>) {
        while let Some(arrival) = arrivals.recv().await {
            self.begin(arrival);
        }
    }

    fn begin(&self, (claimed, room): Arrival) {
        let runner = self.clone();
        tokio::spawn(async move {
            runner.carry_out(claimed).await;
            drop(room);
        });
    }

    /// Looks into the log for what is due.
    async fn look(&self, stop: &mut watch::Receiver<bool>) {
        while !*stop.borrow() {
            // Under load there may be no room for long, and what is claimed after the stop is only given back.
            let room = tokio::select! {
                biased;
                _ = stop.changed() => return,
                room = self.intake.enter() => room,
            };
            let Some(room) = room else { return };
            if self.claim(room).await {
                continue;
            }
            tokio::select! {
                () = self.intake.doorbell.notified() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Claims as many requests as there is room for, and tells whether more may be due.
    async fn claim(&self, mut room: OwnedSemaphorePermit) -> bool {
        let limit = room.num_permits();
        let job = LogJob::Claim { limit: u32::try_from(limit).unwrap_or(u32::MAX), lease_ms: LEASE_MS };
        let claimed = match self.requests.run(job, Deadline::after(STEP_TIMEOUT)).await {
            Ok(LogReply::Claimed(claimed)) => claimed,
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, context = error.context, "request log");
                Vec::new()
            }
        };
        let may_be_more = claimed.len() == limit;
        for claimed in claimed {
            if let Some(room) = room.split(1) {
                self.begin((claimed, room));
            }
        }
        may_be_more
    }

    async fn carry_out(&self, mut claimed: Claimed) {
        let _lease = self.leases.hold(&claimed);
        let outcome = match (claimed.decided.take(), &claimed.request.work) {
            (Some(write_set), _) => Ok((write_set, None)),
            // Decided by the client: the same in every attempt, and durable since it was accepted.
            (None, Work::WriteSet(_)) => self.decided_already(&claimed.request, claimed.attempt),
            (None, Work::Rule(_)) => self.decide(&claimed).await,
        };
        match outcome {
            Ok((write_set, turn)) => self.send(&claimed, write_set, turn).await,
            Err(error) => self.retry(&claimed, &error).await,
        }
    }

    fn decided_already(&self, request: &AcceptedRequest, attempt: u32) -> Result<(WriteSet, Option<Turn>)> {
        let write_set = Ask::from(request).into_write_set()?;
        Ok((WriteSet { operation: Some(request.ended(attempt, None)), ..write_set }, None))
    }

    /// A durable decision: what to write, or that the request has failed.
    async fn decide(&self, claimed: &Claimed) -> Result<(WriteSet, Option<Turn>)> {
        let Claimed { request, attempt, .. } = claimed;
        let (write_set, turn) = match self.plan(claimed).await {
            Ok((write_set, turn)) => {
                (WriteSet { operation: Some(request.ended(*attempt, None)), ..write_set }, Some(turn))
            }
            Err(error) if may_pass(&error, claimed.faults) => return Err(error),
            Err(error) => {
                if is_transient(&error) {
                    let context = error.context.as_deref();
                    tracing::error!(operation = %request.id, method = request.method, context, "given up");
                    metrics::counter!("trine_operations_given_up_total").increment(1);
                }
                (request.failure(*attempt, error.to_status()), None)
            }
        };
        let id = request.id.clone();
        let job = LogJob::Decide { id, attempt: *attempt, write_set: Box::new(write_set.clone()) };
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
    async fn plan(&self, claimed: &Claimed) -> Result<(WriteSet, Turn)> {
        let Claimed { request, attempt, .. } = claimed;
        self.wait_for_replica(request.position, *attempt).await?;
        let write_set = self.planner.plan(Ask::from(request.as_ref()), Deadline::after(STEP_TIMEOUT)).await?;
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
        self.wait_for_replica(newest, *attempt).await?;
        let write_set = self.planner.plan(Ask::from(request.as_ref()), Deadline::after(STEP_TIMEOUT)).await?;
        Ok((write_set, turn))
    }

    async fn wait_for_replica(&self, position: Option<Position>, attempt: u32) -> Result<()> {
        let Some(position) = position else { return Ok(()) };
        let deadline = Deadline::after(STEP_TIMEOUT);
        if sight::shows(&self.catalogue, &self.reads, position, REPLICA_WAIT_MS, deadline).await {
            return Ok(());
        }
        if attempt >= REPLICA_ATTEMPTS_MAX {
            tracing::error!(?position, attempt, "never reached by the replica; decided without it");
            return Ok(());
        }
        Err(Error::new(Reason::ReplicaBehind, "the replica has not yet what this request relies on"))
    }

    /// Gives the decision to the relay and keeps the turn until it has been answered.
    async fn send(&self, claimed: &Claimed, write_set: WriteSet, mut turn: Option<Turn>) {
        let (done, answered) = oneshot::channel();
        let replan = matches!(claimed.request.work, Work::Rule(_));
        let event = CloudEvent::decided(claimed.request.id.clone(), Decided { write_set, replan });
        self.relay.push(Parcel { event, attempt: claimed.attempt, faults: claimed.faults, done });
        let Ok(delivered) = answered.await else { return };
        if let Some(turn) = turn.as_mut() {
            turn.leave(delivered.position);
        }
        if delivered.due_again {
            self.intake.doorbell.notify_one();
        }
    }

    async fn retry(&self, claimed: &Claimed, error: &Error) {
        let fault = is_fault(error);
        let delay = pause(if fault { claimed.faults + 1 } else { claimed.attempt });
        let (id, attempt) = (claimed.request.id.clone(), claimed.attempt);
        // Ordinary waiting: with many for one resource, a line a turn would be all that the log holds.
        tracing::debug!(operation = %id, %error, context = error.context, ?delay, "tried again later");
        metrics::counter!("trine_operations_tried_again_total").increment(1);
        let job = LogJob::Retry {
            id,
            attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            forget_decision: false,
            fault,
            not_before: None,
        };
        if let Err(error) = self.requests.run(job, Deadline::after(STEP_TIMEOUT)).await {
            tracing::warn!(%error, context = error.context, "request log; the lease will run out");
        }
    }
}

/// Trouble of the moment is waited out; our own bugs only so often.
fn may_pass(error: &Error, faults: u32) -> bool {
    is_transient(error) && (!is_fault(error) || faults + 1 < FAULTS_MAX)
}
