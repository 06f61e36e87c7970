//! The relay: carries decided write sets up to the monolith's inbox and brings their ends back.
//!
//! Whatever it holds is durable in the request log, so it may be killed at any point: what was not
//! settled is claimed and pushed again. It holds no queue of its own beyond a short channel; when
//! the monolith is away it hands everything back to the log, due later, and waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rand::RngExt;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::cloud_event::{CloudEvent, Decided, INBOX_PATH, InboxResult, InboxResults, MEDIA_TYPE, Outcome};
use super::peer::Peer;
use crate::failpoint;
use crate::model::{Deadline, Error, OperationId, OperationResult, Position, Result, Timestamp, WriteSet};
use crate::store::RequestStore;
use crate::store::request_log::{LogJob, LogReply};

/// Events of one push; bytes below the inbox's limit for a body.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 768 << 10;
/// Batches under way at once: a slow one does not hold up the next.
const PUSHES_MAX: usize = 4;
const PUSH_TIMEOUT: Duration = Duration::from_secs(10);
const LOG_TIMEOUT: Duration = Duration::from_secs(5);
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A `Retry-After` is obeyed up to this.
const ASKED_MAX: Duration = Duration::from_secs(60);

/// A decided write set under way.
pub struct Parcel {
    pub id: OperationId,
    pub attempt: u32,
    pub write_set: WriteSet,
    pub replan: bool,
    /// Told when the relay is done with it.
    pub done: oneshot::Sender<Delivered>,
}

/// What the relay brings back besides what it has put into the log.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// Where the primary was.
    pub position: Option<Position>,
    /// The request is to be decided anew, at once.
    pub due_again: bool,
}

#[derive(Clone)]
pub struct Relay {
    monolith: Peer,
    requests: RequestStore,
    settled: Arc<dyn Fn(&OperationId) + Send + Sync>,
    pushes: Arc<Semaphore>,
}

impl Relay {
    /// `settled` is called after an operation's end is durable.
    pub fn new(
        monolith: Peer,
        requests: RequestStore,
        settled: Arc<dyn Fn(&OperationId) + Send + Sync>,
    ) -> Self {
        Self { monolith, requests, settled, pushes: Arc::new(Semaphore::new(PUSHES_MAX)) }
    }

    /// Runs until the runner drops its end of the channel and everything in it has been pushed.
    pub async fn run(self, mut parcels: mpsc::Receiver<Parcel>) {
        let backoff = Arc::new(parking_lot::Mutex::new(0u32));
        loop {
            let Ok(permit) = self.pushes.clone().acquire_owned().await else { return };
            let failures = *backoff.lock();
            if failures > 0 {
                tokio::time::sleep(pause(failures)).await;
            }
            let mut batch = Vec::new();
            if parcels.recv_many(&mut batch, BATCH_MAX).await == 0 {
                break;
            }
            let (relay, backoff) = (self.clone(), backoff.clone());
            tokio::spawn(async move {
                let all_well = relay.push(batch).await;
                let mut failures = backoff.lock();
                *failures = if all_well { 0 } else { failures.saturating_add(1) };
                drop(permit);
            });
        }
        // The last pushes give their permits back when they are done.
        let _last = self.pushes.acquire_many(PUSHES_MAX as u32).await;
    }

    /// Pushes a batch in bodies of bounded size; false when the monolith did not answer.
    async fn push(&self, batch: Vec<Parcel>) -> bool {
        let mut all_well = true;
        let mut body = Body::default();
        for parcel in batch {
            match serialise(&parcel) {
                Ok(event) if body.has_room(&event) => body.add(parcel, event),
                Ok(event) => {
                    all_well &= self.push_body(std::mem::take(&mut body)).await;
                    body.add(parcel, event);
                }
                Err(error) => self.retry(parcel, &error, None).await,
            }
        }
        all_well & self.push_body(body).await
    }

    async fn push_body(&self, body: Body) -> bool {
        let Some(first) = body.parcels.first() else { return true };
        let id = format!("{}.{}", first.id, first.attempt);
        failpoint!("push.before");
        let deadline = Deadline::after(PUSH_TIMEOUT);
        let answer: Result<InboxResults> =
            self.monolith.post(INBOX_PATH, &id, MEDIA_TYPE, body.text, deadline).await;
        failpoint!("push.after");
        match answer {
            Ok(answer) => {
                let mut results: HashMap<OperationId, InboxResult> =
                    answer.results.into_iter().map(|result| (result.id.clone(), result)).collect();
                join_all(body.parcels.into_iter().map(|parcel| {
                    let result = results.remove(&parcel.id);
                    self.end(parcel, result)
                }))
                .await;
                true
            }
            Err(error) => {
                join_all(
                    body.parcels.into_iter().map(|parcel| self.retry(parcel, &error, error.retry_after_s)),
                )
                .await;
                false
            }
        }
    }

    async fn end(&self, parcel: Parcel, result: Option<InboxResult>) {
        let Some(result) = result else {
            return self.retry(parcel, &Error::internal("the inbox said nothing of it"), None).await;
        };
        let ended = match (result.outcome, result.answer, result.error) {
            (Outcome::Applied, Some(answer), _) => OperationResult::Response(answer),
            (Outcome::Failed, _, Some(status)) => OperationResult::Error(status),
            (Outcome::Replan, ..) => return self.replan(parcel, result.position).await,
            (_, _, error) => {
                let context =
                    error.map_or_else(|| "an answer without content".to_owned(), |error| error.to_string());
                return self.retry(parcel, &Error::internal(context), None).await;
            }
        };
        failpoint!("settle.before");
        let settle = LogJob::Settle {
            id: parcel.id.clone(),
            attempt: parcel.attempt,
            result: ended,
            apply_time: Timestamp::now(),
            consistency_token: result.consistency_token,
        };
        if self.step(settle).await {
            (self.settled)(&parcel.id);
        }
        failpoint!("settle.after");
        // Nobody listens any more when the runner has been told to stop.
        let _ = parcel.done.send(Delivered { position: result.position, due_again: false });
    }

    /// A guard failed, so nothing was written: decide anew on what is there now.
    async fn replan(&self, parcel: Parcel, position: Option<Position>) {
        metrics::counter!("trine_rule_reruns_total").increment(1);
        self.step(LogJob::Retry {
            id: parcel.id.clone(),
            attempt: parcel.attempt,
            delay_ms: 0,
            forget_decision: true,
            not_before: position,
        })
        .await;
        let _ = parcel.done.send(Delivered { position, due_again: true });
    }

    /// It may have been applied: the decision is kept and pushed again.
    async fn retry(&self, parcel: Parcel, error: &Error, retry_after_s: Option<u32>) {
        let asked = Duration::from_secs(retry_after_s.unwrap_or(0).into()).min(ASKED_MAX);
        let delay = pause(parcel.attempt).max(asked);
        tracing::debug!(operation = %parcel.id, %error, ?delay, "push again later");
        self.step(LogJob::Retry {
            id: parcel.id.clone(),
            attempt: parcel.attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            forget_decision: false,
            not_before: None,
        })
        .await;
        let _ = parcel.done.send(Delivered { position: None, due_again: false });
    }

    /// A step that fails leaves the row to its lease: it is claimed again.
    async fn step(&self, job: LogJob) -> bool {
        match self.requests.run(job, Deadline::after(LOG_TIMEOUT)).await {
            Ok(LogReply::Stepped(stepped)) => stepped,
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(%error, context = error.context, "request log; the lease will run out");
                false
            }
        }
    }
}

#[derive(Default)]
struct Body {
    parcels: Vec<Parcel>,
    /// A JSON array in the making.
    text: Vec<u8>,
}

impl Body {
    fn has_room(&self, event: &[u8]) -> bool {
        self.parcels.is_empty() || self.text.len() + event.len() < BATCH_BYTES_MAX
    }

    fn add(&mut self, parcel: Parcel, event: Vec<u8>) {
        match self.text.pop() {
            None => self.text.push(b'['),
            Some(_closing) => self.text.push(b','),
        }
        self.text.extend_from_slice(&event);
        self.text.push(b']');
        self.parcels.push(parcel);
    }
}

fn serialise(parcel: &Parcel) -> Result<Vec<u8>> {
    let data = Decided { write_set: parcel.write_set.clone(), replan: parcel.replan };
    serde_json::to_vec(&CloudEvent::decided(parcel.id.clone(), data))
        .map_err(|error| Error::internal(error.to_string()))
}

/// Exponential with full jitter, so that a fleet does not come back as one.
pub fn pause(failures: u32) -> Duration {
    let longest = BACKOFF_MIN.saturating_mul(2u32.saturating_pow(failures.min(16))).min(BACKOFF_MAX);
    longest.mul_f64(rand::rng().random_range(0.0..1.0))
}
