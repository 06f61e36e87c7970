//! The schemas that a file has admitted, and the catalogue that its writer uses.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::unavailable;
use super::schema::broken;
use super::statement::{Bind, run, statement};
use crate::model::{Result, Timestamp};
use crate::schema::Catalogue;
use crate::store::admission::{self, Admission, Generation, Past, State};

/// `served`: this very schema, if it is what is stored, need not be compiled once more.
pub(super) fn storage_catalogue(
    connection: &mut SqliteConnection,
    served: Option<&Catalogue>,
) -> Result<Catalogue> {
    let (digest, newest) = statement::<(Text, Binary)>(
        "SELECT g.digest, h.descriptor_set FROM trine_schema_history h \
         JOIN trine_generation g ON g.schema_id = h.id",
        vec![],
    )
    .get_result::<(String, Vec<u8>)>(connection)
    .map_err(|error| unavailable(format!("no schema admitted yet: {error}")))?;
    if let Some(served) = served.filter(|served| served.digest == digest) {
        return Ok(served.clone());
    }
    // A chassis that is older has no overlay yet: readers ask this too.
    let overlay: String = statement::<Text>("SELECT overlay FROM trine_generation", vec![])
        .get_result(connection)
        .unwrap_or_default();
    let mut older = Vec::new();
    for id in admission::overlay_ids(&overlay) {
        let sql = "SELECT descriptor_set FROM trine_schema_history WHERE id = ?";
        let set = statement::<Binary>(sql, vec![Bind::integer(id)]).get_result(connection).map_err(broken)?;
        older.push(set);
    }
    admission::storage_catalogue(&newest, &older, digest)
}

/// All sets, the newest first.
pub(super) fn all(connection: &mut SqliteConnection) -> Result<Vec<Past>> {
    // A chassis that is older has no states yet: a check is made before anything is changed.
    let states: i64 = statement::<BigInt>(
        "SELECT count(*) FROM pragma_table_info('trine_schema_history') WHERE name = 'state'",
        vec![],
    )
    .get_result(connection)
    .map_err(broken)?;
    let state = if states == 0 { "''" } else { "state" };
    let sql =
        format!("SELECT id, digest, descriptor_set, {state} FROM trine_schema_history ORDER BY id DESC");
    let rows: Vec<(i64, String, Vec<u8>, String)> =
        statement::<(BigInt, Text, Binary, Text)>(&sql, vec![]).load(connection).map_err(broken)?;
    Ok(rows
        .into_iter()
        .map(|(id, digest, set, state)| Past { id, digest, set, state: State::parse(&state) })
        .collect())
}

/// What is known of this very set.
pub(super) fn state(connection: &mut SqliteConnection, digest: &str) -> Result<Option<State>> {
    let sql = "SELECT state FROM trine_schema_history WHERE digest = ?";
    let found: Option<String> =
        statement::<Text>(sql, vec![Bind::text(digest)]).get_result(connection).optional().map_err(broken)?;
    Ok(found.map(|state| State::parse(&state)))
}

/// Makes `catalogue` the newest.
pub(super) fn admit(
    connection: &mut SqliteConnection,
    catalogue: &Catalogue,
    generation: &Generation,
    admission: Admission,
) -> diesel::QueryResult<()> {
    run(
        connection,
        "INSERT INTO trine_schema_history (digest, descriptor_set, admitted_time, state) VALUES (?, ?, ?, ?)",
        vec![
            Bind::text(catalogue.digest.as_str()),
            Bind::Bytes(catalogue.descriptor_set.clone()),
            Bind::text(Timestamp::now().as_str()),
            Bind::text(admission.state()),
        ],
    )?;
    run(
        connection,
        "INSERT INTO trine_generation (id, generation, digest, schema_id, overlay) \
         SELECT 1, 1, ?, id, ? FROM trine_schema_history WHERE digest = ? \
         ON CONFLICT (id) DO UPDATE SET generation = generation + 1, digest = excluded.digest, \
         schema_id = excluded.schema_id, overlay = excluded.overlay",
        vec![
            Bind::text(generation.digest.as_str()),
            Bind::text(generation.overlay.as_str()),
            Bind::text(catalogue.digest.as_str()),
        ],
    )?;
    let drafts = "DELETE FROM trine_schema_history WHERE state = 'draft' \
                  AND id <> (SELECT schema_id FROM trine_generation)";
    run(connection, drafts, vec![]).map(drop)
}

/// A draft that is meant to stay.
pub(super) fn make_permanent(connection: &mut SqliteConnection, digest: &str) -> diesel::QueryResult<()> {
    let sql = "UPDATE trine_schema_history SET state = 'permanent' WHERE digest = ?";
    run(connection, sql, vec![Bind::text(digest)]).map(drop)
}

/// Every set but the newest is for nobody any more.
pub(super) fn keep_newest_only(connection: &mut SqliteConnection, digest: &str) -> diesel::QueryResult<()> {
    let sql = "UPDATE trine_generation SET generation = generation + 1, digest = ?, overlay = ''";
    run(connection, sql, vec![Bind::text(digest)])?;
    let sql = "UPDATE trine_schema_history SET state = 'pruned' \
               WHERE id <> (SELECT schema_id FROM trine_generation)";
    run(connection, sql, vec![]).map(drop)
}

/// Digest of the newest set itself, not of what is kept beside it.
pub(super) fn newest_digest(connection: &mut SqliteConnection) -> Result<Option<String>> {
    let sql = "SELECT h.digest FROM trine_schema_history h JOIN trine_generation g ON g.schema_id = h.id";
    statement::<Text>(sql, vec![]).get_result(connection).optional().map_err(broken)
}
