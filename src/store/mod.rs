//! The one door to a database: read, commit. Everything that names diesel lives below.
//!
//! A database is reached through *lanes*: bounded queues before a few threads that own a
//! connection each and serve everything that waits as one batch. Handles are cheap to clone.
//! Invariants: `commit` is the only writer of resources; a store opened for reading has no write
//! handle; nothing is acknowledged before it is durable.

pub mod admission;
mod answer_size;
pub mod backend;
mod crash_points;
mod family;
mod fragment;
pub mod handles;
mod json;
mod judge;
pub mod kept_answers;
pub mod lane;
mod list_timeout;
pub mod postgres;
pub mod request_log;
mod retention;
pub mod schema_watch;
pub mod sqlite;
pub mod token;
pub mod watcher;

pub use admission::{Admission, Findings};
pub use backend::{Committed, Patience, Read, Reader, Verdict, Writer};
pub use handles::{Approached, DatabaseUrl, Health, OpenOptions, ReadStore, RequestStore, WriteStore};
pub use schema_watch::SchemaWatch;
pub use token::TokenCodec;
