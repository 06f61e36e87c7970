//! The schemas that a database has admitted, its identity, and the catalogue that writers use.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool};

use super::commit::{FENCE_LOCK, LOCK_SPACE};
use super::failure::unavailable;
use super::session::Session;
use super::statement::{Bind, statement};
use crate::model::{Error, Reason, Result};
use crate::schema::Catalogue;
use crate::schema::evolution::additive;
use crate::schema::load::from_descriptor_set;

/// The newest schema that this database has admitted.
pub(super) fn storage_catalogue(session: &mut Session) -> Result<Catalogue> {
    let sql = "SELECT h.descriptor_set FROM trine.schema_history h \
               JOIN trine.generation g ON g.schema_id = h.id";
    let set: Option<Vec<u8>> = session
        .run(|connection| statement::<Binary>(sql, vec![]).uncached().get_result(connection).optional())?;
    decoded(&set.ok_or_else(|| unavailable("no schema was admitted yet"))?)
}

fn decoded(set: &[u8]) -> Result<Catalogue> {
    from_descriptor_set(set).map_err(|problems| Error::internal(format!("admitted schema: {problems:?}")))
}

/// A new set must only add to every set that was ever admitted: rows of each are stored.
pub(super) fn refuse_what_takes_away(session: &mut Session, catalogue: &Catalogue) -> Result<()> {
    let sets: Vec<Vec<u8>> = session.run(|connection| {
        statement::<Binary>("SELECT descriptor_set FROM trine.schema_history ORDER BY id DESC", vec![])
            .uncached()
            .load(connection)
    })?;
    for set in sets {
        let problems = additive(&decoded(&set)?, catalogue);
        if problems.is_empty() {
            continue;
        }
        let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let message = format!(
            "the schema does not only add to what the database has admitted: {}",
            sentences.join("; ")
        );
        let refused = Error::new(Reason::FailedPrecondition, message);
        return Err(problems
            .into_iter()
            .fold(refused, |error, problem| error.with_violation(problem.location, problem.message)));
    }
    Ok(())
}

/// Whether a set was admitted before: then it applies no DDL, whichever is the newest.
pub(super) fn is_admitted(session: &mut Session, digest: &str) -> Result<bool> {
    session.run(|connection| {
        statement::<Bool>(
            "SELECT EXISTS (SELECT FROM trine.schema_history WHERE digest = $)",
            vec![Bind::text(digest)],
        )
        .uncached()
        .get_result(connection)
    })
}

/// Makes `catalogue` the storage catalogue. Commits that began under the old one end first; those
/// that begin later see that the generation has moved.
pub(super) fn admit(session: &mut Session, catalogue: &Catalogue) -> Result<()> {
    let fence = format!("SELECT pg_advisory_xact_lock({LOCK_SPACE}, {FENCE_LOCK})");
    session.run(|connection| {
        connection.transaction(|connection| {
            connection.batch_execute(&fence)?;
            statement::<()>(
                "INSERT INTO trine.schema_history (digest, descriptor_set) VALUES ($, $)",
                vec![Bind::text(&catalogue.digest), Bind::Bytes(catalogue.descriptor_set.clone())],
            )
            .uncached()
            .execute(connection)?;
            statement::<()>(
                "INSERT INTO trine.generation (id, generation, digest, schema_id) \
                 SELECT 1, 1, digest, id FROM trine.schema_history WHERE digest = $ \
                 ON CONFLICT (id) DO UPDATE SET generation = trine.generation.generation + 1, \
                 digest = excluded.digest, schema_id = excluded.schema_id",
                vec![Bind::text(&catalogue.digest)],
            )
            .uncached()
            .execute(connection)?;
            connection.batch_execute("DELETE FROM trine.backfill")
        })
    })
}

pub(super) fn make_identity(session: &mut Session) -> Result<()> {
    let secret = rand::random::<[u8; 32]>().to_vec();
    let sql = "INSERT INTO trine.identity (id, token_secret) VALUES (1, $) ON CONFLICT DO NOTHING";
    session.execute(sql, vec![Bind::Bytes(secret)]).map(|_| ())
}

pub(super) fn token_secret(session: &mut Session) -> Result<Vec<u8>> {
    session.run(|connection| {
        statement::<Binary>("SELECT token_secret FROM trine.identity", vec![])
            .uncached()
            .get_result(connection)
    })
}
