//! A microservice's own events database: what was answered 202.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot::Receiver;

use super::{DatabaseUrl, Health, OpenOptions};
use crate::model::{Deadline, Error, Reason, Result};
use crate::store::backend::Database;
use crate::store::lane::Lane;
use crate::store::lane::log::LogService;
use crate::store::lane::queue::Queue;
use crate::store::lane::work::{ANSWER_GRACE, Job, deadline_passed};
use crate::store::request_log::{LogJob, LogReply};
use crate::store::watcher::{SILENCE_MAX, silent};

#[derive(Clone)]
pub struct RequestStore {
    lane: Arc<Lane<LogService>>,
}

impl RequestStore {
    /// Opens the events database of a microservice and migrates its chassis tables.
    pub fn open(url: &DatabaseUrl, options: OpenOptions) -> Result<Self> {
        Self::with_database(url.open(options)?, options, url.write_threads(options))
    }

    /// As [`RequestStore::open`] on a database that is opened already.
    pub fn with_database(database: Arc<dyn Database>, options: OpenOptions, threads: u32) -> Result<Self> {
        database.prepare_events()?;
        let options = options.lane("events", "log", threads);
        let lane = Lane::start(Arc::new(Queue::new(options)), options, Arc::new(LogService { database }))?;
        Ok(Self { lane: Arc::new(lane) })
    }

    /// Concurrent jobs share one transaction.
    pub async fn run(&self, job: LogJob, deadline: Deadline) -> Result<LogReply> {
        let is_read = job.is_read();
        let (job, answer) = Job::new(job, deadline);
        self.lane.submit(job);
        answered(answer, deadline, is_read).await
    }

    /// These jobs share one transaction, as far as one takes so many.
    pub async fn run_all(&self, jobs: Vec<LogJob>, deadline: Deadline) -> Vec<Result<LogReply>> {
        let open = |job: LogJob| {
            let is_read = job.is_read();
            let (job, answer) = Job::new(job, deadline);
            (job, answered(answer, deadline, is_read))
        };
        let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(open).unzip();
        self.lane.submit_all(jobs);
        join_all(answers).await
    }

    /// The runner looks for work several times a second, so a database that hangs keeps a thread waiting.
    pub fn health(&self) -> Health {
        let silence = self.lane.longest_wait();
        match self.lane.health() {
            Health::Ready if silence > SILENCE_MAX => silent(silence),
            health => health,
        }
    }
}

async fn answered(answer: Receiver<Result<LogReply>>, deadline: Deadline, is_read: bool) -> Result<LogReply> {
    let grace = if is_read { Duration::ZERO } else { ANSWER_GRACE };
    match tokio::time::timeout_at((deadline.instant() + grace).into(), answer).await {
        Ok(Ok(answer)) => answer,
        // Nobody wonders what a read has left behind.
        Err(_) if is_read => Err(deadline_passed()),
        Ok(Err(_)) if is_read => Err(Error::internal("the read's batch panicked")),
        // Every step may be asked again: the key, the attempt or the state makes it harmless.
        Ok(Err(_)) | Err(_) => Err(Error::new(
            Reason::CommitOutcomeUnknown,
            "the events database has not answered; ask again with the same idempotency key",
        )
        .with_retry_after_s(1)),
    }
}
