//! A point in a database's history: what a consistency token says a reader has seen.

use serde::{Deserialize, Serialize};

/// PostgreSQL: system identifier, timeline, WAL position. SQLite: the file's own id, 1, the version counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub cluster: u64,
    pub timeline: u32,
    pub offset: u64,
}
