//! What PostgreSQL and SQLite must each be able to do, one connection and one thread at a time.
//!
//! Lanes own these; nobody else calls them. Sync on purpose: diesel is, and a lane has its thread.

use std::time::Instant;

use super::request_log::RequestLog;
use crate::model::{
    Answer, AnswerPlan, Error, Fingerprint, IdempotencyKey, Key, Operation, OperationId, Position, Reason,
    Result, Sight, Stored, Version, WriteSet,
};
use crate::query::ListQuery;
use crate::schema::{Catalogue, ResourceType};
use crate::store::admission::{Admission, Findings};

/// A read and the position it was read at, both from one statement.
#[derive(Clone, Debug)]
pub struct Read<T> {
    pub value: T,
    pub position: Position,
}

/// A point read: which row, and whose eyes see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub key: Key,
    pub sight: Sight,
}

/// What a commit left behind: one result per mutation (none for a deleted or only checked one).
#[derive(Clone, Debug)]
pub struct Committed {
    pub results: Vec<Option<Stored>>,
    pub answer: Answer,
    /// The key had been used before: `answer` is the stored one and nothing was written.
    pub replayed: bool,
    /// Read after COMMIT; none when the connection went before it could be: an older one would pass for it.
    pub position: Option<Position>,
}

impl Committed {
    /// What a dry run says: its versions were never given, so nobody can mistake them for another's.
    pub(super) fn dry_run(
        plan: &AnswerPlan,
        mut results: Vec<Option<Stored>>,
        created: impl Fn(usize) -> bool,
    ) -> Self {
        results.iter_mut().flatten().for_each(|stored| stored.version = Version(0));
        let answer = plan.answer(&results, created);
        Self { results, answer, replayed: false, position: None }
    }
}

/// What became of one write set of a batch.
#[derive(Debug)]
pub enum Verdict {
    Committed(Committed),
    Rejected(Error),
    /// A row it needs is locked by somebody else: try it in the slow lane until its deadline.
    Busy,
    /// The schema generation moved: reload the storage catalogue and try again.
    StaleCatalogue,
}

/// How long a commit may wait for rows locked by others.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// Not at all: members whose rows are locked come back as [`Verdict::Busy`]. What broke a transaction is
    /// looked for in parts of the batch until then, when nobody waits for an answer any more.
    SkipLocked(Instant),
    /// The slow lane, one member at a time.
    WaitUntil(Instant),
}

impl Patience {
    pub(super) fn is_over(self) -> bool {
        let (Self::SkipLocked(until) | Self::WaitUntil(until)) = self;
        Instant::now() >= until
    }
}

/// One reading connection.
pub trait Reader: Send {
    /// Whether this error leaves the connection of no more use.
    fn is_lost_by(&self, error: &Error) -> bool {
        breaks_connection(error)
    }

    /// Point reads of one pbtable in one statement, in the order asked; none where there is no such row
    /// or it is not to be seen.
    fn get(&mut self, kind: &ResourceType, asked: &[Asked]) -> Result<Read<Vec<Option<Stored>>>>;

    /// Until its end all statements see the same.
    fn begin_snapshot(&mut self) -> Result<()>;

    fn end_snapshot(&mut self) -> Result<()>;

    fn list(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<Vec<Stored>>>;

    /// How many rows the query has on all its pages.
    fn count(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<i64>>;

    /// Answers kept under idempotency keys, in the order asked.
    fn answers(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<Option<(Fingerprint, Answer)>>>;

    /// Finished operations recorded in this database, in the order asked.
    fn operations(&mut self, ids: &[OperationId]) -> Result<Vec<Option<Operation>>>;

    /// Newest finished operations, `before` exclusive, newest first.
    fn list_operations(&mut self, before: Option<&OperationId>, limit: u32) -> Result<Vec<Operation>>;
}

/// One writing connection.
pub trait Writer: Send {
    /// Whether this error leaves the connection of no more use.
    fn is_lost_by(&self, error: &Error) -> bool {
        breaks_connection(error)
    }

    /// Commits the members in one transaction and says what became of each, in order. Never leaves
    /// a member half-written; never lets one bad member cost the others their commit.
    /// A dry run (`validate_only`) is checked and undone; its verdict is `Committed` all the same.
    /// The caller guarantees: at most one member per resource and per idempotency key.
    fn commit(&mut self, catalogue: &Catalogue, batch: &[WriteSet], patience: Patience) -> Vec<Verdict>;
}

const SCHEMA_IS_OLDER: &str =
    "the database has not this schema yet; start the monolith with the new schema first";

/// A table or column that the database does not have: the monolith goes first with a new schema.
pub(super) fn schema_is_older(context: impl Into<String>) -> Error {
    Error::new(Reason::DatabaseUnavailable, SCHEMA_IS_OLDER).with_context(context).with_retry_after_s(1)
}

const DISK_IS_FULL: &str =
    "nothing was written: the disk of the database is full; the operator has to make room there";

/// Definite: not a word of the transaction is to be found later.
pub(super) fn disk_is_full(context: impl Into<String>) -> Error {
    Error::new(Reason::DatabaseUnavailable, DISK_IS_FULL).with_context(context).with_retry_after_s(1)
}

pub(super) fn is_disk_full(error: &Error) -> bool {
    error.message == DISK_IS_FULL
}

/// Whether the database was reached and has said what is the matter: then that is what a client is told.
pub(super) fn explains_itself(error: &Error) -> bool {
    error.reason == Reason::ReadOnlyMode || is_disk_full(error)
}

/// A microservice's events database where a monolith's is wanted; `place` says which it is.
pub(super) fn holds_requests(place: &str) -> Error {
    Error::new(
        Reason::FailedPrecondition,
        format!(
            "{place} is a microservice's events database (it holds accepted requests); resources need a \
             database of their own: name another one"
        ),
    )
}

/// The reverse of [`holds_requests`].
pub(super) fn holds_resources(place: &str) -> Error {
    Error::new(
        Reason::FailedPrecondition,
        format!(
            "{place} is a monolith's database (it holds resources); a microservice keeps its accepted \
             requests in a database of its own: name another one"
        ),
    )
}

/// Where a connection does not know itself whether it still stands. A schema that is older says
/// nothing about it.
fn breaks_connection(error: &Error) -> bool {
    let broken =
        matches!(error.reason, Reason::DatabaseUnavailable | Reason::CommitOutcomeUnknown | Reason::Internal);
    broken && error.message != SCHEMA_IS_OLDER
}

/// Who a database is and the secret its tokens are signed with. Made at the first schema apply, then never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PostgreSQL: system identifier; SQLite: a random number kept in the file.
    pub cluster: u64,
    pub token_secret: Vec<u8>,
}

/// What a watcher just saw.
#[derive(Clone, Debug)]
pub struct Observed {
    pub position: Position,
    /// Why this database must not be used now (promoted, owned by another); none when healthy. Being
    /// behind is no reason: readers say by their tokens how new it must be.
    pub trouble: Option<String>,
    /// WAL bytes (SQLite: 0) received but not replayed.
    pub lag_bytes: u64,
}

/// A connection of its own that only looks at positions, so that nobody waits holding a pooled one.
pub trait PositionSource: Send {
    fn observe(&mut self) -> Result<Observed>;
    fn identity(&mut self) -> Result<Identity>;
}

/// What a reading connection will be asked for; decides how its statements are planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Resources, answers and operations by their keys.
    ByKey,
    Lists,
}

/// One database, PostgreSQL or SQLite: opens connections of each kind. Connecting may fail now and succeed later.
pub trait Database: Send + Sync {
    /// Begins to connect to what [`Database::prepare_primary`] will need, where that takes time; asks and
    /// changes nothing. Returns at once.
    fn approach(&self) {}
    /// Migrations of the chassis tables, then additive apply of the schema, kept in the history. Returns the
    /// storage catalogue (the newest admitted).
    fn prepare_primary(&self, catalogue: &Catalogue, admission: Admission) -> Result<Catalogue>;
    /// What `catalogue` would mean for what is stored and for the schemas admitted before. Changes nothing.
    fn check_schema(&self, catalogue: &Catalogue) -> Result<Findings>;
    /// What only schemas older than `catalogue`, the newest, need: a line each; removed when `really`.
    fn prune(&self, catalogue: &Catalogue, really: bool) -> Result<Vec<String>>;
    /// Migrations of a microservice's events database.
    fn prepare_events(&self) -> Result<()>;
    fn storage_catalogue(&self) -> Result<Catalogue>;
    /// `read_only`: the session is read only and a login that could write is refused.
    fn reader(&self, reading: Reading, read_only: bool) -> Result<Box<dyn Reader>>;
    fn writer(&self) -> Result<Box<dyn Writer>>;
    fn request_log(&self) -> Result<Box<dyn RequestLog>>;
    /// `primary`: positions are the primary's own, never behind.
    fn position_source(&self, primary: bool) -> Result<Box<dyn PositionSource>>;
}
