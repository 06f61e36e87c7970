//! Reading: from a primary or from a replica, the same calls.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{DatabaseUrl, Health, OpenOptions, WriteStore};
use crate::model::{
    Answer, Deadline, Error, Fingerprint, IdempotencyKey, Key, Operation, OperationId, Position, Reason,
    Result, Sight, Stored,
};
use crate::query::ListQuery;
use crate::schema::ResourceType;
use crate::store::backend::{Asked, Database, Identity, Read, Reading};
use crate::store::lane::Lane;
use crate::store::lane::queue::Queue;
use crate::store::lane::read::{ReadService, ReadWork};
use crate::store::lane::work::{Job, deadline_passed};
use crate::store::list_timeout::{explain_deadline, looks_into_documents};
use crate::store::watcher::Watcher;

#[derive(Clone)]
pub struct ReadStore {
    by_key: Arc<Lane<ReadService>>,
    lists: Arc<Lane<ReadService>>,
    watcher: Watcher,
}

impl ReadStore {
    /// Opens read lanes; does not fail because the database is away (then it is not ready, and comes back by
    /// itself). On a replica (or `read_only`) sessions are read only and the position watcher runs;
    /// start is refused when the login could write.
    pub fn open(url: &DatabaseUrl, options: OpenOptions, read_only: bool) -> Result<Self> {
        let database = url.open(options)?;
        if read_only {
            refuse_what_could_write(database.as_ref())?;
        }
        let watcher = Watcher::start(database.clone(), !read_only);
        Self::start(url, options, database, watcher, read_only)
    }

    /// Opens read lanes on the primary that is written already, and looks at it together with who writes.
    pub fn beside(writes: &WriteStore, url: &DatabaseUrl, options: OpenOptions) -> Result<Self> {
        Self::start(url, options, writes.database(), writes.watcher(), false)
    }

    fn start(
        url: &DatabaseUrl,
        options: OpenOptions,
        database: Arc<dyn Database>,
        watcher: Watcher,
        read_only: bool,
    ) -> Result<Self> {
        let label = if read_only { "replica" } else { "primary" };
        let lane = |name, reading| {
            let options = options.lane(label, name, url.read_threads(reading, options));
            let service = Arc::new(ReadService { database: database.clone(), reading, read_only });
            Lane::start(Arc::new(Queue::new(options)), options, service).map(Arc::new)
        };
        Ok(Self { by_key: lane("read", Reading::ByKey)?, lists: lane("list", Reading::Lists)?, watcher })
    }

    /// One resource by key, where `sight` and the type show it. Concurrent calls become one statement.
    pub async fn get(
        &self,
        kind: &Arc<ResourceType>,
        key: &Key,
        sight: &Sight,
        deadline: Deadline,
    ) -> Result<Read<Option<Stored>>> {
        let Read { value, position } = self.get_kept(kind, key, sight, deadline).await?;
        Ok(Read { value: value.filter(|stored| is_shown(kind, stored)), position })
    }

    /// Also what was deleted softly by another schema's binaries, where this one's type knows of no such thing:
    /// it takes its id.
    pub async fn get_kept(
        &self,
        kind: &Arc<ResourceType>,
        key: &Key,
        sight: &Sight,
        deadline: Deadline,
    ) -> Result<Read<Option<Stored>>> {
        // Where nobody owns anything all see the same, and one read serves them all.
        let sight = if kind.owner.is_some() { sight.clone() } else { Sight::All };
        let asked = Asked { key: key.clone(), sight };
        self.run(ReadWork::Get, (kind.clone(), asked), deadline).await
    }

    /// Several resources of one type in one statement, in the order asked; none for what is not there or not shown. Each
    /// key once.
    pub async fn get_several(
        &self,
        kind: &Arc<ResourceType>,
        keys: Vec<Key>,
        sight: &Sight,
        deadline: Deadline,
    ) -> Result<Read<Vec<Option<Stored>>>> {
        let sight = if kind.owner.is_some() { sight.clone() } else { Sight::All };
        let asked = keys.into_iter().map(|key| Asked { key, sight: sight.clone() }).collect();
        let mut read = self.run(ReadWork::GetSeveral, (kind.clone(), asked), deadline).await?;
        for row in &mut read.value {
            row.take_if(|stored| !is_shown(kind, stored));
        }
        Ok(read)
    }

    pub async fn list(
        &self,
        kind: &Arc<ResourceType>,
        query: ListQuery,
        deadline: Deadline,
    ) -> Result<Read<Vec<Stored>>> {
        let slow = looks_into_documents(&query).then(|| query.clone());
        explained(self.run(ReadWork::List, (kind.clone(), query), deadline).await, slow)
    }

    /// How many rows the query has on all its pages.
    pub async fn count(
        &self,
        kind: &Arc<ResourceType>,
        query: ListQuery,
        deadline: Deadline,
    ) -> Result<Read<i64>> {
        let slow = looks_into_documents(&query).then(|| query.clone());
        explained(self.run(ReadWork::Count, (kind.clone(), query), deadline).await, slow)
    }

    pub async fn answer(
        &self,
        key: &IdempotencyKey,
        deadline: Deadline,
    ) -> Result<Option<(Fingerprint, Answer)>> {
        self.run(ReadWork::Answer, key.clone(), deadline).await
    }

    pub async fn operation(&self, id: &OperationId, deadline: Deadline) -> Result<Option<Operation>> {
        self.run(ReadWork::Operation, id.clone(), deadline).await
    }

    pub async fn list_operations(
        &self,
        before: Option<OperationId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Operation>> {
        self.run(ReadWork::Operations, (before, limit), deadline).await
    }

    /// Waits, holding no connection, until this database has replayed `position`; false after `wait_ms_max`.
    /// At once true on a primary of the same cluster, unless the position is of a later timeline. On a
    /// replica another timeline counts as behind.
    pub async fn caught_up(&self, position: Position, wait_ms_max: u64) -> bool {
        self.watcher.caught_up(position, wait_ms_max).await
    }

    /// Whether a read that was evaluated at `read` includes `wanted`: behind a balancer the watcher and
    /// a reading connection may look at different replicas.
    pub fn covers(&self, read: Position, wanted: Position) -> bool {
        self.watcher.covers(read, wanted)
    }

    /// None until the database has been reached for the first time.
    pub fn identity(&self) -> Option<Identity> {
        self.watcher.identity()
    }

    /// WAL bytes received but not replayed.
    pub fn lag_bytes(&self) -> u64 {
        self.watcher.lag_bytes()
    }

    pub fn health(&self) -> Health {
        let lanes = [self.by_key.health(), self.lists.health()];
        let trouble = lanes.into_iter().find(|health| *health != Health::Ready);
        trouble.unwrap_or_else(|| self.watcher.health())
    }

    /// Reads, and again where the connection turned out to be dead: after a restart of the server nobody
    /// knows that before the first use, and a read leaves nothing behind. Each connection of a lane may be
    /// dead, and each costs one attempt.
    async fn run<I: Clone, O>(
        &self,
        work: impl Fn(Job<I, O>) -> ReadWork,
        input: I,
        deadline: Deadline,
    ) -> Result<O> {
        for _ in 0..self.by_key.connections().max(self.lists.connections()) {
            match self.run_once(&work, input.clone(), deadline).await {
                Err(error) if error.reason == Reason::DatabaseUnavailable => {}
                outcome => return outcome,
            }
        }
        self.run_once(&work, input, deadline).await
    }

    async fn run_once<I, O>(
        &self,
        work: &impl Fn(Job<I, O>) -> ReadWork,
        input: I,
        deadline: Deadline,
    ) -> Result<O> {
        let (job, answer) = Job::new(input, deadline);
        let work = work(job);
        match work.reading() {
            Reading::ByKey => self.by_key.submit(work),
            Reading::Lists => self.lists.submit(work),
        }
        // A database that does not answer must not hold the caller: a read leaves nothing behind.
        match tokio::time::timeout_at(deadline.instant().into(), answer).await {
            Ok(answer) => answer.unwrap_or_else(dropped),
            Err(_) => Err(deadline_passed()),
        }
    }
}

/// A deleted row is shown as deleted, never as living.
fn is_shown(kind: &ResourceType, stored: &Stored) -> bool {
    kind.soft_delete || !stored.is_deleted()
}

fn explained<T>(outcome: Result<T>, slow: Option<ListQuery>) -> Result<T> {
    outcome.map_err(|error| match slow {
        Some(query) => explain_deadline(error, &query),
        None => error,
    })
}

/// A login that could write is a mistake of the deployment; a database that is away is not.
fn refuse_what_could_write(database: &dyn Database) -> Result<()> {
    match database.reader(Reading::ByKey, true) {
        Ok(_) => Ok(()),
        Err(error) if error.reason == Reason::DatabaseUnavailable => Ok(()),
        Err(error) => Err(error),
    }
}

fn dropped<O>(_: oneshot::error::RecvError) -> Result<O> {
    Err(Error::internal("the read's batch panicked"))
}
