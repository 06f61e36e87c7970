//! Writing: the one way to change a resource.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::{DatabaseUrl, Health, OpenOptions};
use crate::model::{Deadline, Error, Reason, Result, WriteSet};
use crate::schema::Catalogue;
use crate::store::backend::{Committed, Database};
use crate::store::lane::Lane;
use crate::store::lane::gate::Gate;
use crate::store::lane::queue::Queue;
use crate::store::lane::slow::SlowService;
use crate::store::lane::write::{Committer, WriteService, WriteWork};
use crate::store::watcher::Watcher;

/// A commit that has begun ends by the database's own time-outs; only a network that swallows
/// answers lasts longer, and then nobody knows.
const ANSWER_GRACE_MS: u64 = 2000;

#[derive(Clone)]
pub struct WriteStore {
    lane: Arc<Lane<WriteService>>,
    gate: Arc<Gate>,
    watcher: Watcher,
    grace: Duration,
}

impl WriteStore {
    /// Opens the write lane of a primary: chassis migrations, additive schema apply of `catalogue`
    /// (kept in the history), lock file on SQLite, refusal of a second writer.
    pub fn open(url: &DatabaseUrl, options: OpenOptions, catalogue: &Catalogue) -> Result<Self> {
        Self::with_database(url.open(options)?, options, catalogue, url.write_threads(options))
    }

    /// As [`WriteStore::open`] on a database that is opened already.
    pub fn with_database(
        database: Arc<dyn Database>,
        options: OpenOptions,
        catalogue: &Catalogue,
        threads: u32,
    ) -> Result<Self> {
        let admitted = database.prepare_primary(catalogue)?;
        let watcher = Watcher::start(database.clone(), true);
        let committer = Arc::new(Committer { database, catalogue: ArcSwap::from_pointee(admitted) });
        let slow_options = options.lane("primary", "slow", 1);
        let slow_service = Arc::new(SlowService { committer: committer.clone() });
        let slow = Lane::start(Arc::new(Queue::new(slow_options)), slow_options, slow_service)?;

        let gate = Arc::new(Gate::default());
        let options_of_lane = options.lane("primary", "write", threads);
        let queue = Arc::new(Queue::new(options_of_lane));
        gate.set_queue(&queue);
        let service = Arc::new(WriteService { committer, gate: gate.clone(), slow });
        let lane = Arc::new(Lane::start(queue, options_of_lane, service)?);
        let limits_ms = u64::from(options.write_timeout_ms) + u64::from(options.lock_timeout_ms);
        Ok(Self { lane, gate, watcher, grace: Duration::from_millis(limits_ms + ANSWER_GRACE_MS) })
    }

    /// Commits or refuses; the only way to change a resource.
    pub async fn commit(&self, write_set: WriteSet, deadline: Deadline) -> Result<Committed> {
        let pass = self.gate.enter(&write_set)?;
        let (reply, answer) = oneshot::channel();
        self.lane.submit(WriteWork { write_set, deadline, pass, reply });
        // The lane answers what it has not begun by the deadline; what it has begun is waited for.
        match tokio::time::timeout_at((deadline.instant() + self.grace).into(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(outcome_unknown("the batch panicked")),
            Err(_) => Err(outcome_unknown("the database has not answered")),
        }
    }

    pub fn health(&self) -> Health {
        match self.lane.health() {
            Health::Ready => self.watcher.health(),
            trouble => trouble,
        }
    }
}

fn outcome_unknown(context: &str) -> Error {
    Error::new(
        Reason::CommitOutcomeUnknown,
        "the commit may or may not have happened; ask again with the same idempotency key",
    )
    .with_context(context)
    .with_retry_after_s(1)
}
