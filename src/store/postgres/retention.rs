//! What is kept and for how long: partitions of idempotency answers are made ahead and dropped
//! whole; old operations and rows of writers that are gone are deleted, resources purged.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::purge::purge;
use super::session::{Purpose, Session};
use super::statement::{Bind, statement};
use crate::model::Result;
use crate::store::handles::OpenOptions;
use crate::store::retention::first_failure;

/// Partitions that are there before their hour begins.
const HOURS_AHEAD: i64 = 3;
const OPERATIONS_KEPT_DAYS: i64 = 30;

type Step = fn(&mut Session, i64) -> Result<()>;

/// Each goes on from what is there, so that one that fails (somebody holds a lock) keeps no other from its work.
const STEPS: [Step; 5] = [
    |session, _| make_partitions(session),
    drop_partitions,
    |session, _| delete_operations(session),
    |session, _| purge(session),
    |session, _| delete_writers(session),
];

/// Makes the partitions of the next hours, drops those older than `keep_hours`, and deletes what is old. To be
/// called every few minutes; does nothing twice. Errors with the first failure, when all has been tried.
pub fn retain(url: &str, options: &OpenOptions, keep_hours: u32) -> Result<()> {
    let mut session = Session::open(url, options, Purpose::Schema)?;
    let ended = STEPS.map(|step| step(&mut session, i64::from(keep_hours)));
    first_failure(ended)
}

fn delete_operations(session: &mut Session) -> Result<()> {
    let sql = "DELETE FROM trine.operations WHERE done_time < now() - make_interval(days => $::int)";
    session.execute(sql, vec![Bind::Integer(OPERATIONS_KEPT_DAYS)]).map(drop)
}

/// One that was silent for so long registers again when it finds its row missing.
fn delete_writers(session: &mut Session) -> Result<()> {
    session.batch("DELETE FROM trine.writers WHERE since < now() - interval '1 day'")
}

pub(super) fn make_partitions(session: &mut Session) -> Result<()> {
    let (present, now) = partitions(session)?;
    for hour in now..=now + HOURS_AHEAD {
        if present.contains(&hour) {
            continue;
        }
        // A row of this hour in the partition for the others is in the way; then it stays there.
        let made = session.batch(&format!(
            "CREATE TABLE IF NOT EXISTS trine.idempotency_{hour} PARTITION OF trine.idempotency \
             FOR VALUES FROM ({hour}) TO ({})",
            hour + 1
        ));
        if let Err(error) = made {
            tracing::warn!(hour, %error, context = error.context, "no partition for the idempotency keys of this hour");
        }
    }
    Ok(())
}

fn drop_partitions(session: &mut Session, keep_hours: i64) -> Result<()> {
    let (present, now) = partitions(session)?;
    for hour in present.into_iter().filter(|hour| *hour < now - keep_hours) {
        session.batch(&format!("DROP TABLE trine.idempotency_{hour}"))?;
    }
    session
        .execute("DELETE FROM trine.idempotency_other WHERE hour < $", vec![Bind::Integer(now - keep_hours)])
        .map(|_| ())
}

/// Hours that have a partition, and the hour by the database's clock.
fn partitions(session: &mut Session) -> Result<(Vec<i64>, i64)> {
    let now = session.run(|connection| {
        statement::<BigInt>("SELECT floor(extract(epoch FROM now()) / 3600)::bigint", vec![])
            .uncached()
            .get_result::<i64>(connection)
    })?;
    let names: Vec<String> = session.run(|connection| {
        statement::<Text>(
            "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
             WHERE i.inhparent = 'trine.idempotency'::regclass",
            vec![],
        )
        .uncached()
        .load(connection)
    })?;
    let hours = names.iter().filter_map(|name| name.strip_prefix("idempotency_")?.parse().ok());
    Ok((hours.collect(), now))
}
