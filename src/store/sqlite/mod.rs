//! SQLite behind the door: one file, one writer, readers in parallel (WAL).
//!
//! Invariants: the file belongs to one monolith (lock file); a commit is on the disk before it is
//! answered (`synchronous=FULL`); readers cannot write (`mode=ro`, `query_only`).
//! Lists alone have a time-out (`clock`): diesel hands out no way to interrupt a statement.

mod change;
mod clock;
mod connection;
mod database;
mod document;
mod filter;
mod fragment;
mod history;
pub(super) mod kept_answers;
mod kind;
mod list;
mod member;
mod ownership;
mod position;
mod presence;
mod prune;
mod purge;
mod reader;
mod records;
mod request_log;
mod request_steps;
pub mod retention;
mod room;
mod rows;
mod schema;
mod show;
mod statement;
mod table;
mod tree;
mod views;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use super::backend::Database;
use super::handles::OpenOptions;
use crate::model::Result;

pub use show::definitions;

/// Opens nothing yet: each kind of connection is made when a lane asks for it.
pub fn open(path: &Path, options: OpenOptions) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(database::SqliteDatabase::new(path, options)))
}
