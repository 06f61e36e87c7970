//! The schemas that a database has admitted, its identity, and the catalogue that writers use.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use super::commit::{FENCE_LOCK, LOCK_SPACE};
use super::failure::unavailable;
use super::session::Session;
use super::statement::{Bind, statement};
use crate::model::Result;
use crate::schema::Catalogue;
use crate::store::admission::{self, Admission, Generation, Past, State};

/// `served`: this very schema, if it is what is stored, need not be compiled once more.
pub(super) fn storage_catalogue(session: &mut Session, served: Option<&Catalogue>) -> Result<Catalogue> {
    // A chassis that is older has no overlay yet: this is also asked of replicas.
    let sql = "SELECT g.digest, to_jsonb(g) ->> 'overlay' FROM trine.generation g";
    let found: Option<(String, Option<String>)> = session.run(|connection| {
        statement::<(Text, Nullable<Text>)>(sql, vec![]).uncached().get_result(connection).optional()
    })?;
    let (digest, overlay) = found.ok_or_else(|| unavailable("no schema was admitted yet"))?;
    if let Some(served) = served.filter(|served| served.digest == digest) {
        return Ok(served.clone());
    }
    let sql = "SELECT h.descriptor_set FROM trine.schema_history h \
               JOIN trine.generation g ON g.schema_id = h.id";
    let newest: Vec<u8> =
        session.run(|connection| statement::<Binary>(sql, vec![]).uncached().get_result(connection))?;
    let ids = admission::overlay_ids(&overlay.unwrap_or_default());
    let sql = "SELECT descriptor_set FROM trine.schema_history WHERE id = ANY($) ORDER BY id DESC";
    let older: Vec<Vec<u8>> = session
        .run(|connection| statement::<Binary>(sql, vec![Bind::Integers(ids)]).uncached().load(connection))?;
    admission::storage_catalogue(&newest, &older, digest)
}

/// All sets, the newest first.
pub(super) fn all(session: &mut Session) -> Result<Vec<Past>> {
    let sql = "SELECT id::bigint, digest, descriptor_set, to_jsonb(h) ->> 'state' FROM trine.schema_history h \
               ORDER BY id DESC";
    let rows: Vec<(i64, String, Vec<u8>, Option<String>)> = session.run(|connection| {
        statement::<(BigInt, Text, Binary, Nullable<Text>)>(sql, vec![]).uncached().load(connection)
    })?;
    Ok(rows
        .into_iter()
        .map(|(id, digest, set, state)| {
            let state = State::parse(&state.unwrap_or_default());
            Past { id, digest, set, state }
        })
        .collect())
}

/// What is known of this very set.
pub(super) fn state(session: &mut Session, digest: &str) -> Result<Option<State>> {
    let sql = "SELECT state FROM trine.schema_history WHERE digest = $";
    let found: Option<String> = session.run(|connection| {
        statement::<Text>(sql, vec![Bind::text(digest)]).uncached().get_result(connection).optional()
    })?;
    Ok(found.map(|state| State::parse(&state)))
}

/// Makes `catalogue` the newest. Commits that began under the old one end first; those that begin later see
/// that the generation has moved.
pub(super) fn admit(
    session: &mut Session,
    catalogue: &Catalogue,
    generation: &Generation,
    admission: Admission,
) -> Result<()> {
    move_generation(session, |connection| {
        statement::<()>(
            "INSERT INTO trine.schema_history (digest, descriptor_set, state) VALUES ($, $, $)",
            vec![
                Bind::text(&catalogue.digest),
                Bind::Bytes(catalogue.descriptor_set.clone()),
                Bind::text(admission.state()),
            ],
        )
        .uncached()
        .execute(connection)?;
        statement::<()>(
            "INSERT INTO trine.generation (id, generation, digest, schema_id, overlay) \
             SELECT 1, 1, $, id, $ FROM trine.schema_history WHERE digest = $ \
             ON CONFLICT (id) DO UPDATE SET generation = trine.generation.generation + 1, \
             digest = excluded.digest, schema_id = excluded.schema_id, overlay = excluded.overlay",
            vec![
                Bind::text(&generation.digest),
                Bind::text(&generation.overlay),
                Bind::text(&catalogue.digest),
            ],
        )
        .uncached()
        .execute(connection)?;
        connection.batch_execute(
            "DELETE FROM trine.backfill; \
             DELETE FROM trine.schema_history WHERE state = 'draft' AND id <> (SELECT schema_id FROM trine.generation)",
        )
    })
}

/// A draft that is meant to stay.
pub(super) fn make_permanent(session: &mut Session, digest: &str) -> Result<()> {
    let sql = "UPDATE trine.schema_history SET state = 'permanent' WHERE digest = $";
    session.execute(sql, vec![Bind::text(digest)]).map(drop)
}

/// Every set but the newest is for nobody any more.
pub(super) fn keep_newest_only(session: &mut Session, digest: &str) -> Result<()> {
    move_generation(session, |connection| {
        statement::<()>(
            "UPDATE trine.generation SET generation = generation + 1, digest = $, overlay = ''",
            vec![Bind::text(digest)],
        )
        .uncached()
        .execute(connection)?;
        connection.batch_execute(
            "UPDATE trine.schema_history SET state = 'pruned' WHERE id <> (SELECT schema_id FROM trine.generation)",
        )
    })
}

fn move_generation(
    session: &mut Session,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<()>,
) -> Result<()> {
    let fence = format!("SELECT pg_advisory_xact_lock({LOCK_SPACE}, {FENCE_LOCK})");
    session.run(|connection| {
        connection.transaction(|connection| {
            connection.batch_execute(&fence)?;
            work(connection)
        })
    })
}

/// Digest of the newest set itself, not of what is kept beside it.
pub(super) fn newest_digest(session: &mut Session) -> Result<Option<String>> {
    let sql = "SELECT h.digest FROM trine.schema_history h JOIN trine.generation g ON g.schema_id = h.id";
    session.run(|connection| statement::<Text>(sql, vec![]).uncached().get_result(connection).optional())
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
