//! The relay: carries decided write sets up to the monolith's inbox and brings their ends back.
//!
//! The request of whatever it holds is durable in the request log, so it may be killed at any point:
//! what was not settled is claimed and pushed again. A decision need not outlast a power loss: it is
//! taken again then, and the primary keeps the first of an operation that reaches it. The relay holds no more than what is under way here; when the
//! monolith is away it hands everything back to the log, due later, and waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use parking_lot::Mutex;
use rand::RngExt;
use tokio::sync::oneshot;

use super::body::Body;
use super::cloud_event::{CloudEvent, INBOX_PATH, InboxResult, InboxResults, MEDIA_TYPE};
use super::convoy::Convoy;
use super::ending::{Ending, Results, Settlement};
use super::guards::{FAULTS_MAX, is_fault};
use super::peer::Peer;
use super::replans::Replans;
use crate::failpoint;
use crate::model::{Deadline, Error, OperationId, OperationResult, Position, Reason, Result, Timestamp};
use crate::store::RequestStore;
use crate::store::request_log::{LogJob, LogReply};

/// Events of one push.
const BATCH_MAX: usize = 256;
/// Decided anew so often without a pause, and in all.
const REPLANS_AT_ONCE: u32 = 5;
const REPLANS_MAX: u32 = 50;
const PUSH_TIMEOUT: Duration = Duration::from_secs(10);
const LOG_TIMEOUT: Duration = Duration::from_secs(5);
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A `Retry-After` is obeyed up to this.
const ASKED_MAX: Duration = Duration::from_secs(60);

/// A decided write set under way.
pub struct Parcel {
    /// Its id is the operation's.
    pub event: CloudEvent,
    pub attempt: u32,
    pub faults: u32,
    /// Told when the relay is done with it.
    pub done: oneshot::Sender<Delivered>,
}

/// What the relay brings back besides what it has put into the log.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// Where the primary was.
    pub position: Option<Position>,
    /// Something in the log is: the request is to be decided anew, or another waited for its end.
    pub due_again: bool,
}

#[derive(Clone)]
pub struct Relay {
    monolith: Peer,
    requests: RequestStore,
    settled: Arc<dyn Fn(&OperationId) + Send + Sync>,
    /// Pushes in a row that the monolith did not answer.
    failures: Arc<Mutex<u32>>,
    replans: Arc<Replans>,
}

impl Relay {
    /// `settled` is called after an operation's end is durable.
    pub fn new(
        monolith: Peer,
        requests: RequestStore,
        settled: Arc<dyn Fn(&OperationId) + Send + Sync>,
    ) -> Self {
        Self { monolith, requests, settled, failures: Arc::default(), replans: Arc::default() }
    }

    /// What is given to the convoy is pushed. Whoever gives keeps what is under way within bounds.
    pub fn start(self) -> Arc<Convoy<Parcel>> {
        Convoy::new("monolith", BATCH_MAX, move |batch| {
            let relay = self.clone();
            async move { relay.push_in_time(batch).await }.boxed()
        })
    }

    /// Pushes once the monolith may be there again.
    async fn push_in_time(&self, batch: Vec<Parcel>) {
        let failures = *self.failures.lock();
        if failures > 0 {
            tokio::time::sleep(pause(failures)).await;
        }
        let all_well = self.push(batch).await;
        let mut failures = self.failures.lock();
        *failures = if all_well { 0 } else { failures.saturating_add(1) };
    }

    /// Pushes a batch in bodies of bounded size; false when the monolith did not answer.
    async fn push(&self, batch: Vec<Parcel>) -> bool {
        let mut all_well = true;
        let mut body = Body::default();
        for parcel in batch {
            match serialise(&parcel) {
                Ok(event) => {
                    if !body.has_room(&event) {
                        all_well &= self.push_body(std::mem::take(&mut body)).await.is_ok();
                    }
                    body.add(parcel, &event);
                }
                Err(error) => self.trouble(parcel, &error).await,
            }
        }
        all_well & self.push_body(body).await.is_ok()
    }

    /// Fails when the monolith did not answer; what was in the body is back in the log then.
    async fn push_body(&self, body: Body<Parcel>) -> Result<()> {
        let Body { members: parcels, text } = body;
        let Some(first) = parcels.first() else { return Ok(()) };
        let id = format!("{}.{}", first.event.id, first.attempt);
        failpoint!("push.before");
        let deadline = Deadline::after(PUSH_TIMEOUT);
        let answer: Result<InboxResults> =
            self.monolith.post(INBOX_PATH, &id, MEDIA_TYPE, text, deadline).await;
        failpoint!("push.after");
        match answer {
            Ok(answer) => {
                self.end(parcels, answer.results).await;
                Ok(())
            }
            // One of them is to blame, and the answer does not say which.
            Err(error) if is_fault(&error) && parcels.len() > 1 => self.push_each(parcels).await,
            Err(error) => {
                self.put_off(parcels, &error).await;
                if is_fault(&error) { Ok(()) } else { Err(error) }
            }
        }
    }

    /// One after the other, as long as the monolith answers: where it hangs each would cost a time-out.
    async fn push_each(&self, parcels: Vec<Parcel>) -> Result<()> {
        let mut parcels = parcels.into_iter();
        while let Some(parcel) = parcels.next() {
            match serialise(&parcel) {
                Ok(event) => {
                    let mut alone = Body::default();
                    alone.add(parcel, &event);
                    if let Err(error) = Box::pin(self.push_body(alone)).await {
                        self.put_off(parcels, &error).await;
                        return Err(error);
                    }
                }
                Err(error) => self.trouble(parcel, &error).await,
            }
        }
        Ok(())
    }

    async fn put_off(&self, parcels: impl IntoIterator<Item = Parcel>, error: &Error) {
        join_all(parcels.into_iter().map(|parcel| self.trouble(parcel, error))).await;
    }

    /// Those that have ended together, in one step of the log; each of the others for itself.
    async fn end(&self, parcels: Vec<Parcel>, results: Vec<InboxResult>) {
        let mut results = Results::new(results);
        let (mut ended, mut others) = (Vec::new(), Vec::new());
        for parcel in parcels {
            match Ending::of(results.take(&parcel.event.id)) {
                Ending::Settled(settlement) => ended.push((parcel, settlement)),
                Ending::Replan(position) => others.push(self.replan(parcel, position).boxed()),
                Ending::Trouble(error) => {
                    others.push(async move { self.trouble(parcel, &error).await }.boxed());
                }
            }
        }
        join(self.settle(ended), join_all(others)).await;
    }

    async fn settle(&self, ended: Vec<(Parcel, Settlement)>) {
        if ended.is_empty() {
            return;
        }
        let apply_time = Timestamp::now();
        let (mut jobs, mut told) = (Vec::new(), Vec::new());
        for (parcel, Settlement { recorded, result, consistency_token, position }) in ended {
            let (id, attempt, apply_time) = (parcel.event.id.clone(), parcel.attempt, apply_time.clone());
            jobs.push(LogJob::Settle { id, attempt, recorded, result, apply_time, consistency_token });
            told.push((parcel, position));
        }
        self.replans.forget(told.iter().map(|(parcel, _)| &parcel.event.id));
        failpoint!("settle.before");
        let settled = self.requests.run_all(jobs, Deadline::after(LOG_TIMEOUT)).await;
        failpoint!("settle.after");
        for ((parcel, position), settled) in told.into_iter().zip(settled) {
            let due_again = matches!(settled, Ok(LogReply::Settled { next_is_due: true, .. }));
            if has_stepped(settled) {
                (self.settled)(&parcel.event.id);
            }
            // Nobody listens any more when the runner has been told to stop.
            let _ = parcel.done.send(Delivered { position, due_again });
        }
    }

    /// A guard failed, so nothing was written: decide anew on what is there now. Who loses every race
    /// is given room, and in the end an answer.
    async fn replan(&self, parcel: Parcel, position: Option<Position>) {
        metrics::counter!("trine_rule_reruns_total").increment(1);
        let replans = self.replans.count(&parcel.event.id, Instant::now());
        if replans >= REPLANS_MAX {
            let message =
                format!("what it relies on changed {replans} times while it was decided; try again");
            return self.give_up(parcel, &Error::new(Reason::Conflict, message)).await;
        }
        let delay = if replans > REPLANS_AT_ONCE { pause(replans - REPLANS_AT_ONCE) } else { Duration::ZERO };
        self.step(LogJob::Retry {
            id: parcel.event.id.clone(),
            attempt: parcel.attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            forget_decision: true,
            fault: false,
            not_before: position,
        })
        .await;
        let _ = parcel.done.send(Delivered { position, due_again: delay.is_zero() });
    }

    /// It may have been applied: the decision is kept and pushed again, but a fault not without end.
    async fn trouble(&self, parcel: Parcel, error: &Error) {
        let fault = is_fault(error);
        if fault && parcel.faults + 1 >= FAULTS_MAX {
            return self.give_up(parcel, error).await;
        }
        let asked = Duration::from_secs(error.retry_after_s.unwrap_or(0).into()).min(ASKED_MAX);
        let delay = pause(if fault { parcel.faults + 1 } else { parcel.attempt }).max(asked);
        tracing::debug!(operation = %parcel.event.id, %error, ?delay, "push again later");
        self.step(LogJob::Retry {
            id: parcel.event.id.clone(),
            attempt: parcel.attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            forget_decision: false,
            fault,
            not_before: None,
        })
        .await;
        let _ = parcel.done.send(Delivered { position: None, due_again: false });
    }

    /// The monolith cannot apply it: what is pushed from now on is that it failed. When the monolith
    /// cannot record that either, only the log here knows the end.
    async fn give_up(&self, parcel: Parcel, error: &Error) {
        metrics::counter!("trine_operations_given_up_total").increment(1);
        self.replans.forget([&parcel.event.id]);
        let operation = parcel.event.data.write_set.operation.as_ref();
        let pushes_failure = operation.is_some_and(|operation| operation.result.is_none());
        tracing::error!(operation = %parcel.event.id, %error, context = error.context, pushes_failure, "given up");
        let status = error.to_status();
        if !pushes_failure {
            let result = OperationResult::Error(status);
            let settlement = Settlement { recorded: false, result, consistency_token: None, position: None };
            return self.settle(vec![(parcel, settlement)]).await;
        }
        self.step(LogJob::GiveUp { id: parcel.event.id.clone(), attempt: Some(parcel.attempt), status })
            .await;
        let _ = parcel.done.send(Delivered { position: None, due_again: true });
    }

    async fn step(&self, job: LogJob) -> bool {
        has_stepped(self.requests.run(job, Deadline::after(LOG_TIMEOUT)).await)
    }
}

/// A step that fails leaves the row to its lease: it is claimed again.
fn has_stepped(reply: Result<LogReply>) -> bool {
    match reply {
        Ok(LogReply::Stepped(stepped) | LogReply::Settled { stepped, .. }) => stepped,
        Ok(_) => false,
        Err(error) => {
            tracing::warn!(%error, context = error.context, "request log; the lease will run out");
            false
        }
    }
}

fn serialise(parcel: &Parcel) -> Result<Vec<u8>> {
    serde_json::to_vec(&parcel.event).map_err(|error| Error::internal(error.to_string()))
}

/// Exponential with full jitter, so that a fleet does not come back as one.
pub fn pause(failures: u32) -> Duration {
    let longest = BACKOFF_MIN.saturating_mul(2u32.saturating_pow(failures.min(16))).min(BACKOFF_MAX);
    longest.mul_f64(rand::rng().random_range(0.0..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::cloud_event::Decided;
    use crate::events::signature::Secrets;
    use crate::model::{Fingerprint, Idempotency, IdempotencyKey, WriteSet};
    use crate::store::request_log::{AcceptedRequest, Work};
    use crate::store::{DatabaseUrl, OpenOptions};

    fn request() -> AcceptedRequest {
        let key = IdempotencyKey { principal: "a".into(), scope: "s".into(), key: "k".into() };
        AcceptedRequest {
            id: OperationId("op".to_owned()),
            method: "m".to_owned(),
            work: Work::Rule("{}".to_owned()),
            idempotency: Idempotency { key, fingerprint: Fingerprint([0; 32]) },
            position: None,
            scopes: Default::default(),
            request_id: String::new(),
            traceparent: None,
            accept_time: Timestamp::now(),
        }
    }

    fn parcel(attempt: u32) -> Parcel {
        let failure = request().failure(attempt, serde_json::Value::Null);
        let write_set = WriteSet { operation: Some(request().ended(attempt, None)), ..failure };
        let event = CloudEvent::decided(request().id, Decided { write_set, replan: true });
        Parcel { event, attempt, faults: 0, done: oneshot::channel().0 }
    }

    #[tokio::test]
    async fn who_loses_every_race_is_answered_in_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("events.db"));
        let requests = RequestStore::open(&url, OpenOptions::SMALL).unwrap();
        let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let monolith = Peer::new("http://127.0.0.1:1", secrets).unwrap();
        let relay = Relay::new(monolith, requests.clone(), Arc::new(|_| {}));
        let run = |job| requests.run(job, Deadline::after(LOG_TIMEOUT));
        run(LogJob::append(request())).await.unwrap();
        let claim = LogJob::Claim { limit: 1, lease_ms: 60_000 };
        run(claim.clone()).await.unwrap();
        // Of an attempt that is over: they count and leave the row alone.
        for _ in 1..REPLANS_MAX {
            relay.replan(parcel(99), None).await;
        }
        relay.replan(parcel(1), None).await;
        let LogReply::Claimed(claimed) = run(claim).await.unwrap() else { panic!("claims") };
        let operation = claimed[0].decided.as_ref().and_then(|decided| decided.operation.clone()).unwrap();
        let Some(OperationResult::Error(status)) = operation.result else { panic!("{operation:?}") };
        assert_eq!(status["details"][0]["reason"], "CONFLICT");
        assert_eq!(relay.replans.count(&request().id, Instant::now()), 1, "forgotten");
    }
}
