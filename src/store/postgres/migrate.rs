//! Migrations of the chassis' own tables. They live in the schema `trine`, and so does the list
//! of those that ran.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::session::Session;
use super::statement::statement;
use crate::model::{Error, Result};

const PRIMARY: EmbeddedMigrations = embed_migrations!("migrations/postgres/primary");
const EVENTS: EmbeddedMigrations = embed_migrations!("migrations/postgres/events");

pub(super) fn primary(session: &mut Session) -> Result<()> {
    run(session, PRIMARY)
}

/// A microservice's own events database.
pub(super) fn events(session: &mut Session) -> Result<()> {
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
