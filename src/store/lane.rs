//! Lanes: a bounded queue before a few threads that own a connection each.
//!
//! A free thread takes everything that waits, up to a cap, and serves it as one batch. Nobody waits
//! for a batch to fill: without load a request runs alone, under load batches form by themselves.
//! Not here: what a batch does (`read`, `write`, `log`).
//! Invariants: every work that was taken in is answered or dropped, and a dropped one's caller is
//! told so; work past its deadline is not begun; a panic costs its batch and its connection, never
//! the thread.

pub(super) mod gate;
pub(super) mod link;
pub(super) mod log;
pub(super) mod pulse;
pub(super) mod queue;
pub(super) mod read;
pub(super) mod slow;
pub(super) mod work;
pub(super) mod write;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::link::Link;
use self::queue::{Next, Queue};
use self::work::Work;
use super::handles::Health;
use crate::model::{Error, Result};

/// What a lane does with its batches.
pub(super) trait Service: Send + Sync + 'static {
    type Work: Work;
    type Connection: Send;

    fn connect(&self) -> Result<Self::Connection>;

    /// Whether an idle thread connects, and connects again; else only when there is work.
    fn connects_ahead(&self) -> bool {
        true
    }

    /// Chooses the next batch from what waits; runs under the queue's lock.
    fn take(&self, waiting: &mut VecDeque<Self::Work>, limit: usize) -> Vec<Self::Work> {
        waiting.drain(..limit.min(waiting.len())).collect()
    }

    /// Answers every member. False: the connection must not be used again.
    fn serve(&self, connection: &mut Self::Connection, batch: Vec<Self::Work>) -> bool;
}

/// What a lane is called and how much it may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneOptions {
    /// `primary`, `replica`, `events`: label of the metrics.
    pub database: &'static str,
    pub lane: &'static str,
    pub threads: u32,
    pub queue_length_max: usize,
    pub batch_length_max: usize,
}

/// What waits is served within this when a lane ends. Longer lasts only what hangs, and its callers have
/// been told: the end of the process must not wait for a database that may never answer.
const DRAIN_MAX: Duration = Duration::from_secs(2);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(1);

/// Dropping it drains what waits, then ends the threads.
pub(super) struct Lane<S: Service> {
    queue: Arc<Queue<S::Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Service> Lane<S> {
    /// Metrics are registered here: install their recorder first.
    pub(super) fn start(queue: Arc<Queue<S::Work>>, options: LaneOptions, service: Arc<S>) -> Result<Self> {
        let threads = (0..options.threads.max(1))
            .map(|number| {
                let worker = Worker::new(&queue, options, &service, number as usize);
                std::thread::Builder::new()
                    .name(format!("{}-{}-{number}", options.database, options.lane))
                    .spawn(move || worker.run())
                    .map_err(|error| Error::internal(format!("a lane thread did not start: {error}")))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { queue, threads })
    }

    /// Takes the work in, or answers it with 503 when too much waits.
    pub(super) fn submit(&self, work: S::Work) {
        self.queue.push(work);
    }

    /// As [`Lane::submit`] for several that belong into one batch.
    pub(super) fn submit_all(&self, works: Vec<S::Work>) {
        self.queue.push_all(works.into_iter());
    }

    /// How many it has when all is well: one a thread.
    pub(super) fn connections(&self) -> usize {
        self.threads.len()
    }

    /// Ready while a thread is connected, else what the last attempt to connect said.
    pub(super) fn health(&self) -> Health {
        self.queue.health()
    }

    /// How long the thread that has waited longest has been waiting for the database.
    pub(super) fn longest_wait(&self) -> Duration {
        self.queue.pulse.longest_wait()
    }
}

impl<S: Service> Drop for Lane<S> {
    fn drop(&mut self) {
        self.queue.close();
        let until = Instant::now() + DRAIN_MAX;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(LOOK_AGAIN_AFTER);
            }
            if thread.is_finished() {
                // Its panics were caught and logged where they happened.
                drop(thread.join());
            } else {
                tracing::warn!(thread = thread.thread().name(), "still waits for its database; left behind");
            }
        }
    }
}

struct Worker<S: Service> {
    queue: Arc<Queue<S::Work>>,
    service: Arc<S>,
    number: usize,
    batch_length_max: usize,
    batch_size: metrics::Histogram,
    batch_duration: metrics::Histogram,
    connections: metrics::Gauge,
}

impl<S: Service> Worker<S> {
    fn new(queue: &Arc<Queue<S::Work>>, options: LaneOptions, service: &Arc<S>, number: usize) -> Self {
        let labels = [("database", options.database), ("lane", options.lane)];
        Self {
            queue: queue.clone(),
            service: service.clone(),
            number,
            batch_length_max: options.batch_length_max.max(1),
            batch_size: metrics::histogram!("trine_lane_batch_size", &labels),
            batch_duration: metrics::histogram!("trine_lane_batch_duration_seconds", &labels),
            connections: metrics::gauge!("trine_lane_connections", &labels),
        }
    }

    fn run(self) {
        let mut link = Link::new();
        let mut counted = false;
        loop {
            // Where one connection broke the server has usually gone, and taken all of them: without this each
            // would cost a batch of its own before it is replaced.
            link.discard_if_older_than(self.queue.breakages());
            if self.service.connects_ahead() {
                self.connect(&mut link);
            }
            self.count(&link, &mut counted);
            let take = |waiting: &mut VecDeque<S::Work>| self.service.take(waiting, self.batch_length_max);
            let retry_at = link.retry_at().filter(|_| self.service.connects_ahead());
            match self.queue.next(take, retry_at, link.breakages()) {
                Next::Batch(batch) => self.serve(&mut link, batch),
                Next::Retry => {}
                Next::Closed => {
                    link.discard();
                    self.count(&link, &mut counted);
                    return;
                }
            }
        }
    }

    /// Keeps the gauge of connections true: each thread counts its own in and out.
    fn count(&self, link: &Link<S::Connection>, counted: &mut bool) {
        match (link.is_connected(), *counted) {
            (true, false) => self.connections.increment(1.0),
            (false, true) => self.connections.decrement(1.0),
            _ => {}
        }
        *counted = link.is_connected();
    }

    /// Connects when it is time to; says in the lane's health how it went.
    fn connect(&self, link: &mut Link<S::Connection>) {
        if link.is_due() {
            let _waiting = self.queue.pulse.begin(self.number);
            let outcome = catch_unwind(AssertUnwindSafe(|| self.service.connect()))
                .unwrap_or_else(|_| Err(Error::internal("panic while connecting")));
            self.queue.set_health(outcome.as_ref().err());
            if outcome.is_ok() {
                self.queue.join(link.breakages());
            }
            link.set(outcome);
        }
    }

    fn serve(&self, link: &mut Link<S::Connection>, batch: Vec<S::Work>) {
        self.connect(link);
        let connection = match link.connection() {
            Ok(connection) => connection,
            Err(error) => {
                batch.into_iter().for_each(|work| work.fail(error.clone()));
                return;
            }
        };
        batch.iter().for_each(Work::begin);
        self.batch_size.record(batch.len() as f64);
        let begun = Instant::now();
        let _waiting = self.queue.pulse.begin(self.number);
        // A panic drops the batch: its callers see their channel closed and say what that means.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.service.serve(connection, batch)));
        self.batch_duration.record(begun.elapsed().as_secs_f64());
        if outcome.is_err() {
            tracing::error!("a batch panicked; its connection is replaced");
        }
        if !matches!(outcome, Ok(true)) {
            link.discard();
            link.note_breakage(self.queue.note_breakage());
        }
    }
}

#[cfg(test)]
mod tests;
