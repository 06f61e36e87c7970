//! The handles that the rest of the program holds: async in front, lanes behind.
//!
//! `ReadStore` reads; `WriteStore` commits; `RequestStore` is the microservice's events database.
//! A role gets only the handles its plan names, so that code without a `WriteStore` cannot write.

mod read;
mod request;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use read::ReadStore;
pub use request::RequestStore;
pub use write::WriteStore;

use super::backend::{Database, Reading};
use super::lane::LaneOptions;
use crate::model::Result;
use crate::schema::Catalogue;
use crate::store::admission::Findings;

/// `sqlite:PATH` or `postgres://…`, parsed once.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

/// A database that is being connected to; nothing of it has been read or changed.
pub struct Approached {
    database: Arc<dyn Database>,
    options: OpenOptions,
    write_threads: u32,
}

impl DatabaseUrl {
    /// The sentence that says what is wrong is for the configuration's key.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.to_owned())),
            _ => Err("is no database; write sqlite:PATH or postgres://user@host/name".to_owned()),
        }
    }
}

/// Never the login: an address in a log must not be a secret.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let address = url.split('?').next().filter(|address| address.contains("://"));
                let host = address.and_then(|address| address.rsplit_once('@'));
                write!(formatter, "postgres://…@{}", host.map_or("…", |(_, host)| host))
            }
        }
    }
}

/// Limits of one database's lanes; from `database.*` of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    pub connections: u32,
    pub read_timeout_ms: u32,
    pub write_timeout_ms: u32,
    pub lock_timeout_ms: u32,
    /// Jobs that may wait in a lane; the next one is refused with 503 OVERLOADED.
    pub queue_length_max: usize,
    /// Jobs that one batch serves.
    pub batch_length_max: usize,
}

/// What `/readyz` is told. Never "probably": each is something that was just seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// One sentence: what is wrong and what to look at.
    NotReady(String),
}

impl DatabaseUrl {
    /// The DDL of a schema on this kind of database, as text. Connects to nothing.
    pub fn definitions(&self, catalogue: &Catalogue) -> Vec<String> {
        match self {
            Self::Sqlite(_) => super::sqlite::definitions(catalogue),
            Self::Postgres(_) => super::postgres::definitions(catalogue),
        }
    }

    /// A primary that is going to be opened when its schema has been read.
    pub fn approach(&self, options: OpenOptions) -> Result<Approached> {
        let database = self.open(options)?;
        database.approach();
        Ok(Approached { database, options, write_threads: self.write_threads(options) })
    }

    /// Connects to nothing yet.
    pub(super) fn open(&self, options: OpenOptions) -> Result<Arc<dyn Database>> {
        match self {
            Self::Sqlite(path) => super::sqlite::open(path, options),
            Self::Postgres(url) => super::postgres::open(url, options),
        }
    }

    /// What `catalogue` would mean for this database; changes nothing. Blocks.
    pub fn check_schema(&self, options: OpenOptions, catalogue: &Catalogue) -> Result<Findings> {
        self.open(options)?.check_schema(catalogue)
    }

    /// What only schemas older than `catalogue`, the newest, need: a line each; removed when `really`. Blocks.
    pub fn prune(&self, options: OpenOptions, catalogue: &Catalogue, really: bool) -> Result<Vec<String>> {
        self.open(options)?.prune(catalogue, really)
    }

    /// Drops answers under idempotency keys that are older than `keep_hours`, and old operations.
    /// Blocks; to be called every few minutes by the one who writes.
    pub fn retain(&self, options: OpenOptions, keep_hours: u32) -> Result<()> {
        match self {
            Self::Sqlite(path) => super::sqlite::retention::retain(path, &options, keep_hours),
            Self::Postgres(url) => super::postgres::retention::retain(url, &options, keep_hours),
        }
    }

    /// Bytes of all answers kept under idempotency keys. Blocks; on SQLite it reads them.
    pub fn kept_answer_bytes(&self, options: OpenOptions) -> Result<u64> {
        match self {
            Self::Sqlite(path) => super::sqlite::kept_answers::bytes(path, &options),
            Self::Postgres(url) => super::postgres::kept_answers::bytes(url, &options),
        }
    }

    /// `connections` are shared by the two reading lanes. More threads than processors that read by key only
    /// split each other's batches.
    fn read_threads(&self, reading: Reading, options: OpenOptions) -> u32 {
        let processors = std::thread::available_parallelism().map_or(2, |count| count.get() as u32);
        let by_key = (options.connections / 2).clamp(1, processors);
        let rest = options.connections.saturating_sub(by_key).max(1);
        match (self, reading) {
            (_, Reading::ByKey) => by_key,
            // Nor does a list wait for a network here.
            (Self::Sqlite(_), Reading::Lists) => rest.min(processors),
            (Self::Postgres(_), Reading::Lists) => rest,
        }
    }

    /// SQLite has one writer, whoever asks. On PostgreSQL two threads fill each other's waiting for
    /// the disk; more would only make the batches smaller.
    fn write_threads(&self, options: OpenOptions) -> u32 {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => options.connections.clamp(1, 2),
        }
    }
}

impl OpenOptions {
    /// For unit tests: one connection, short queues.
    #[cfg(test)]
    pub(crate) const SMALL: Self = Self {
        connections: 1,
        read_timeout_ms: 1000,
        write_timeout_ms: 1000,
        lock_timeout_ms: 100,
        queue_length_max: 100,
        batch_length_max: 10,
    };

    fn lane(self, database: &'static str, lane: &'static str, threads: u32) -> LaneOptions {
        LaneOptions {
            database,
            lane,
            threads,
            queue_length_max: self.queue_length_max,
            batch_length_max: self.batch_length_max,
        }
    }
}
