//! Writing: the one way to change a resource.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::{Approached, DatabaseUrl, Health, OpenOptions};
use crate::model::{Deadline, Error, Reason, Result, WriteSet};
use crate::schema::Catalogue;
use crate::store::admission::Admission;
use crate::store::backend::{Committed, Database};
use crate::store::kept_answers::KeptAnswers;
use crate::store::lane::Lane;
use crate::store::lane::gate::Gate;
use crate::store::lane::queue::Queue;
use crate::store::lane::slow::{SLOW_THREADS, SlowService};
use crate::store::lane::work::{ANSWER_GRACE, deadline_passed};
use crate::store::lane::write::{Committer, WriteService, WriteWork};
use crate::store::watcher::Watcher;

#[derive(Clone)]
pub struct WriteStore {
    lane: Arc<Lane<WriteService>>,
    gate: Arc<Gate>,
    watcher: Watcher,
    committer: Arc<Committer>,
}

impl WriteStore {
    /// Opens the write lane of a primary: chassis migrations, additive schema apply of `catalogue`
    /// (kept in the history), lock file on SQLite, refusal of a second writer.
    pub fn open(url: &DatabaseUrl, options: OpenOptions, catalogue: &Catalogue) -> Result<Self> {
        Self::open_as(url, options, catalogue, Admission::Permanent)
    }

    /// As [`WriteStore::open`] with a schema that may be a draft.
    pub fn open_as(
        url: &DatabaseUrl,
        options: OpenOptions,
        catalogue: &Catalogue,
        admission: Admission,
    ) -> Result<Self> {
        Self::open_approached(url.approach(options)?, catalogue, admission)
    }

    /// As [`WriteStore::open_as`] on what was approached while `catalogue` was being read.
    pub fn open_approached(
        Approached { database, options, write_threads }: Approached,
        catalogue: &Catalogue,
        admission: Admission,
    ) -> Result<Self> {
        Self::with_database(database, options, catalogue, admission, write_threads)
    }

    /// As [`WriteStore::open`] on a database that is opened already.
    pub fn with_database(
        database: Arc<dyn Database>,
        options: OpenOptions,
        catalogue: &Catalogue,
        admission: Admission,
        threads: u32,
    ) -> Result<Self> {
        let admitted = database.prepare_primary(catalogue, admission)?;
        let watcher = Watcher::start(database.clone(), true);
        let committer = Arc::new(Committer {
            database,
            catalogue: ArcSwap::from_pointee(admitted),
            kept: KeptAnswers::default(),
        });
        // Where one thread writes, the database has but one lock.
        let slow_threads = if threads > 1 { SLOW_THREADS } else { 1 };
        let slow_options = options.lane("primary", "slow", slow_threads);
        let slow_service = Arc::new(SlowService { committer: committer.clone() });
        let slow = Lane::start(Arc::new(Queue::new(slow_options)), slow_options, slow_service)?;

        let gate = Arc::new(Gate::default());
        let options_of_lane = options.lane("primary", "write", threads);
        let queue = Arc::new(Queue::new(options_of_lane));
        gate.set_queue(&queue);
        let service = Arc::new(WriteService { committer: committer.clone(), gate: gate.clone(), slow });
        let lane = Arc::new(Lane::start(queue, options_of_lane, service)?);
        Ok(Self { lane, gate, watcher, committer })
    }

    /// Brings the database up to another schema while it is written. Blocks. Commits under the old one
    /// end first; those that begin later go by the new one.
    pub fn admit(&self, catalogue: &Catalogue, admission: Admission) -> Result<()> {
        let admitted = self.committer.database.prepare_primary(catalogue, admission)?;
        self.committer.catalogue.store(Arc::new(admitted));
        Ok(())
    }

    /// Commits or refuses; the only way to change a resource.
    pub async fn commit(&self, write_set: WriteSet, deadline: Deadline) -> Result<Committed> {
        let (work, entered) = self.enter(write_set, deadline)?;
        self.lane.submit(work);
        self.verdict(entered, deadline).await
    }

    /// As [`WriteStore::commit`] for several that share one transaction, as far as their resources allow.
    pub async fn commit_all(&self, write_sets: Vec<WriteSet>, deadline: Deadline) -> Vec<Result<Committed>> {
        let (mut works, mut entered) = (Vec::new(), Vec::new());
        for write_set in write_sets {
            entered.push(self.enter(write_set, deadline).map(|(work, entered)| {
                works.push(work);
                entered
            }));
        }
        self.lane.submit_all(works);
        join_all(entered.into_iter().map(async |entered| self.verdict(entered?, deadline).await)).await
    }

    fn enter(&self, write_set: WriteSet, deadline: Deadline) -> Result<(WriteWork, Entered)> {
        let pass = self.gate.enter(&write_set)?;
        let begun = pass.begun();
        let (reply, answer) = oneshot::channel();
        Ok((WriteWork { write_set, deadline, pass, reply }, Entered { begun, answer }))
    }

    async fn verdict(&self, entered: Entered, deadline: Deadline) -> Result<Committed> {
        let Entered { begun, mut answer } = entered;
        let panicked = |_| Err(outcome_unknown("the batch panicked"));
        if let Ok(answer) = tokio::time::timeout_at(deadline.instant().into(), &mut answer).await {
            return answer.unwrap_or_else(panicked);
        }
        // A thread marks the work first and looks at the deadline then: what is not marked by now will
        // not be committed, even if all threads hang while they connect.
        if !begun.load(Ordering::SeqCst) {
            return Err(deadline_passed());
        }
        match tokio::time::timeout(ANSWER_GRACE, answer).await {
            Ok(answer) => answer.unwrap_or_else(panicked),
            Err(_) => Err(outcome_unknown("the database has not answered")),
        }
    }

    pub(super) fn database(&self) -> Arc<dyn Database> {
        self.committer.database.clone()
    }

    pub(super) fn watcher(&self) -> Watcher {
        self.watcher.clone()
    }

    /// What the answers kept under idempotency keys take, and their limit.
    pub fn kept_answers(&self) -> &KeptAnswers {
        &self.committer.kept
    }

    pub fn health(&self) -> Health {
        match self.lane.health() {
            Health::Ready => self.watcher.health(),
            trouble => trouble,
        }
    }
}

/// What the caller keeps of a write set that is in the lane.
struct Entered {
    begun: Arc<AtomicBool>,
    answer: oneshot::Receiver<Result<Committed>>,
}

fn outcome_unknown(context: &str) -> Error {
    Error::new(
        Reason::CommitOutcomeUnknown,
        "the commit may have happened, or may still happen; ask again with the same idempotency key",
    )
    .with_context(context)
    .with_retry_after_s(1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::*;
    use crate::model::AnswerPlan;
    use crate::store::admission::Findings;
    use crate::store::backend::{PositionSource, Reader, Reading, Writer};
    use crate::store::request_log::RequestLog;

    /// A database that answers until somebody wants to write: then connecting hangs.
    struct Hanging {
        database: Arc<dyn Database>,
        released: Mutex<Receiver<()>>,
    }

    impl Database for Hanging {
        fn prepare_primary(&self, catalogue: &Catalogue, admission: Admission) -> Result<Catalogue> {
            self.database.prepare_primary(catalogue, admission)
        }
        fn check_schema(&self, catalogue: &Catalogue) -> Result<Findings> {
            self.database.check_schema(catalogue)
        }
        fn prune(&self, catalogue: &Catalogue, really: bool) -> Result<Vec<String>> {
            self.database.prune(catalogue, really)
        }
        fn prepare_events(&self) -> Result<()> {
            self.database.prepare_events()
        }
        fn storage_catalogue(&self) -> Result<Catalogue> {
            self.database.storage_catalogue()
        }
        fn reader(&self, reading: Reading, read_only: bool) -> Result<Box<dyn Reader>> {
            self.database.reader(reading, read_only)
        }
        fn writer(&self) -> Result<Box<dyn Writer>> {
            self.released.lock().recv().unwrap_or_default();
            self.database.writer()
        }
        fn request_log(&self) -> Result<Box<dyn RequestLog>> {
            self.database.request_log()
        }
        fn position_source(&self, primary: bool) -> Result<Box<dyn PositionSource>> {
            self.database.position_source(primary)
        }
    }

    #[tokio::test]
    async fn work_that_no_thread_has_begun_ends_at_its_deadline_and_was_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let options = OpenOptions { queue_length_max: 10, ..OpenOptions::SMALL };
        let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
        let catalogue = crate::schema::load(&[proto], &["*".to_owned()]).unwrap();
        let database = crate::store::sqlite::open(&directory.path().join("a.db"), options).unwrap();
        let (release, released) = channel();
        let hanging = Arc::new(Hanging { database, released: Mutex::new(released) });
        let store = WriteStore::with_database(hanging, options, &catalogue, Admission::Permanent, 1).unwrap();
        let nothing = WriteSet {
            mutations: Vec::new(),
            answer: AnswerPlan::Empty,
            idempotency: None,
            operation: None,
            principal: crate::model::Principal::default(),
            request_id: String::new(),
            traceparent: None,
            validate_only: false,
        };
        let outcome = store.commit(nothing, Deadline::after(Duration::from_millis(20))).await;
        // Before the store is dropped: it waits for its threads.
        drop(release);
        assert_eq!(outcome.unwrap_err().reason, Reason::Deadline);
    }
}
