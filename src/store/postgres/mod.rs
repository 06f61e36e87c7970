//! PostgreSQL (13 or newer) behind the door: one primary with one writer, replicas that are read.
//!
//! Invariants: a commit is on the disk before it is answered (`synchronous_commit = on`); readers
//! cannot write (`default_transaction_read_only`, a login without the rights); one monolith writes
//! to a database at a time (advisory lock of a session).

mod ahead;
mod commit;
mod database;
mod definition;
mod failure;
mod filter;
mod fragment;
pub mod grants;
mod history;
pub(super) mod kept_answers;
mod list;
mod looks;
mod migrate;
mod ownership;
mod position;
mod prune;
mod purge;
mod reader;
mod records;
mod request_batches;
mod request_steps;
mod requests;
pub mod retention;
mod rows;
mod schema;
mod session;
mod shapes;
mod show;
mod statement;
mod table;
mod views;
mod watch;

use std::sync::Arc;

use super::backend::Database;
use super::handles::OpenOptions;
use crate::model::Result;

pub use show::definitions;

/// Connects to nothing yet: each kind of connection is made when a lane asks for it.
pub fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(database::PostgresDatabase::new(url, options)))
}
