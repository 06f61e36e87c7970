//! The beginning of every commit: the schema fence, the versions, the key locks, the mark.
//!
//! The mark is a random number that the transaction leaves in this connection's own row of
//! `trine.writers`: after a connection was lost at COMMIT, the row says whether it happened. A
//! noted transaction id cannot: after a crash PostgreSQL gives ids again that never reached the
//! log, and `pg_xact_status` would then tell of somebody else's transaction.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use std::time::Instant;

use super::Stop;
use super::growth::Growth;
use crate::schema::Catalogue;
use crate::store::backend::Patience;
use crate::store::postgres::statement::{Bind, statement};

/// First half of our advisory locks that are no key's: `trin` in ASCII.
pub(in crate::store::postgres) const LOCK_SPACE: i32 = 0x7472_696e;
/// Shared by commits, exclusive for the moment in which the generation moves.
pub(in crate::store::postgres) const FENCE_LOCK: i32 = 1;

type EnteredType = (Text, BigInt, BigInt, Array<BigInt>, Array<Bool>, Array<Bool>);
type Entered = (String, i64, i64, Vec<i64>, Vec<bool>, Vec<bool>);

pub(super) struct Fenced {
    pub schema_id: i64,
    pub versions: Vec<i64>,
    /// One per lock asked for; false: somebody else holds it.
    pub locked: Vec<bool>,
    /// As [`Growth::tries`] has them.
    pub held: Vec<bool>,
    pub mark: i64,
}

/// Opens the transaction, READ COMMITTED by the session's settings; the fence is taken before any snapshot, so that the digest read next is
/// the one under which this transaction commits.
pub(super) fn begin(connection: &mut PgConnection, patience: Patience, growth: &Growth) -> QueryResult<()> {
    let mut text = format!("BEGIN; SELECT pg_advisory_xact_lock_shared({LOCK_SPACE}, {FENCE_LOCK})");
    if let Patience::WaitUntil(deadline) = patience {
        let wait_ms = deadline.saturating_duration_since(Instant::now()).as_millis().clamp(1, 60_000);
        // The lock gives up first: a statement time-out would blame the statement.
        let statement_ms = wait_ms + 1000;
        text = format!(
            "{text}; SET LOCAL lock_timeout = {wait_ms}; SET LOCAL statement_timeout = {statement_ms}"
        );
        // Before any row is locked: whoever waits here holds nothing that others wait for.
        if let Some(wait) = growth.wait() {
            text = format!("{text}; {wait}");
        }
    }
    connection.batch_execute(&text)
}

fn enter_sql() -> String {
    format!(
        "WITH mark AS (UPDATE trine.writers SET mark = $, since = now() WHERE id = $ RETURNING id) \
         SELECT digest, schema_id::bigint, (SELECT count(*) FROM mark), \
                ARRAY(SELECT nextval('trine.version') FROM generate_series(1, $)), \
                ARRAY(SELECT pg_try_advisory_xact_lock(key) FROM unnest($) AS key), \
                ARRAY(SELECT pg_try_advisory_xact_lock_shared({LOCK_SPACE}, tree) FROM unnest($) AS tree) || \
                ARRAY(SELECT pg_try_advisory_xact_lock({LOCK_SPACE}, tree) FROM unnest($) AS tree) \
         FROM trine.generation WHERE id = 1"
    )
}

pub(super) fn enter(
    connection: &mut PgConnection,
    catalogue: &Catalogue,
    writer_id: i64,
    versions: usize,
    locks: Vec<i64>,
    (shared, exclusive): (Vec<i32>, Vec<i32>),
) -> std::result::Result<Fenced, Stop> {
    let mark = rand::random::<i64>();
    let binds = vec![
        Bind::Integer(mark),
        Bind::Integer(writer_id),
        Bind::Integer(i64::try_from(versions).unwrap_or(i64::MAX)),
        Bind::Integers(locks),
        Bind::Ordinals(shared),
        Bind::Ordinals(exclusive),
    ];
    let (digest, schema_id, marked, versions, locked, held) =
        statement::<EnteredType>(&enter_sql(), binds).get_result::<Entered>(connection)?;
    if digest != catalogue.digest {
        return Err(Stop::StaleCatalogue);
    }
    if marked != 1 {
        return Err(Stop::Unregistered);
    }
    Ok(Fenced { schema_id, versions, locked, held, mark })
}
