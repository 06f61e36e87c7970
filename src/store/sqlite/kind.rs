//! The two kinds of files that are kept: a monolith's resources, a microservice's accepted requests.
//!
//! Both count their migrations in a table of the same name, so each would take the other's for its
//! own, find nothing to do, and then miss every table. A file of the other kind is refused instead.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::connection::unavailable;
use super::statement::{Bind, statement};
use crate::model::Result;
use crate::store::backend::{holds_requests, holds_resources};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Primary,
    Events,
}

impl Kind {
    pub(super) fn migrations(self) -> EmbeddedMigrations {
        const PRIMARY: EmbeddedMigrations = embed_migrations!("migrations/sqlite/primary");
        const EVENTS: EmbeddedMigrations = embed_migrations!("migrations/sqlite/events");
        match self {
            Self::Primary => PRIMARY,
            Self::Events => EVENTS,
        }
    }

    pub(super) fn refuse_the_other(self, connection: &mut SqliteConnection, path: &Path) -> Result<()> {
        let (others_table, refusal): (_, fn(&str) -> _) = match self {
            Self::Primary => ("trine_requests", holds_requests),
            Self::Events => ("trine_schema_history", holds_resources),
        };
        let found: i64 = statement::<BigInt>(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?",
            vec![Bind::text(others_table)],
        )
        .get_result(connection)
        .map_err(|error| unavailable(format!("{}: {error}", path.display())))?;
        if found == 0 { Ok(()) } else { Err(refusal(&path.display().to_string())) }
    }
}
