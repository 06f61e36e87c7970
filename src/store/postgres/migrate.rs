//! Migrations of the chassis' own tables. They live in the schema `trine`, and so does the list
//! of those that ran. Both kinds of databases count theirs in that list, so each is refused where the
//! other is wanted: it would seem to have nothing to do.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::session::Session;
use super::statement::statement;
use crate::model::{Error, Result};
use crate::store::backend::{holds_requests, holds_resources};

const PRIMARY: EmbeddedMigrations = embed_migrations!("migrations/postgres/primary");
const EVENTS: EmbeddedMigrations = embed_migrations!("migrations/postgres/events");

/// Its address holds a password.
const HERE: &str = "this database";

pub(super) fn primary(session: &mut Session) -> Result<()> {
    if session.has_table("trine.requests")? {
        return Err(holds_requests(HERE));
    }
    run(session, PRIMARY)
}

/// A microservice's own events database.
pub(super) fn events(session: &mut Session) -> Result<()> {
    if session.has_table("trine.schema_history")? {
        return Err(holds_resources(HERE));
    }
    super::schema::alone(session, |session| run(session, EVENTS))
}

fn run(session: &mut Session, migrations: EmbeddedMigrations) -> Result<()> {
    let there: bool = session.run(|connection| {
        statement::<Bool>("SELECT to_regnamespace('trine') IS NOT NULL", vec![])
            .uncached()
            .get_result(connection)
    })?;
    if !there {
        session.batch("CREATE SCHEMA trine")?;
    }
    session.batch("SET search_path TO trine")?;
    let ran = session.connection.run_pending_migrations(migrations).map(|versions| versions.len());
    match ran {
        Ok(0) => Ok(()),
        Ok(count) => {
            tracing::info!(count, "migrations ran");
            Ok(())
        }
        Err(error) => Err(Error::internal(format!("migrations of the chassis tables: {error}"))),
    }
}
