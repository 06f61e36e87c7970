//! Steps of the request log that end or hand on a claim.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::records::{from_json, to_json};
use super::session::Session;
use super::statement::{Bind, statement};
use crate::model::{Error, OperationId, Position, Result, Timestamp};
use crate::store::request_log::{AcceptedRequest, LogJob, LogReply};

/// Finished rows that one purge drops: a long delete would stop every append.
const PURGE_ROWS: i64 = 1000;

pub(super) fn renew(session: &mut Session, claims: &[(OperationId, u32)], lease_ms: u64) -> Result<LogReply> {
    let (ids, attempts): (Vec<String>, Vec<i64>) =
        claims.iter().map(|(id, attempt)| (id.0.clone(), i64::from(*attempt))).unzip();
    step(
        session,
        "WITH claim AS MATERIALIZED (\
             SELECT claim.* FROM trine.requests r \
             JOIN unnest($, $) AS claim (id, attempt) ON r.id = claim.id \
             ORDER BY r.id FOR UPDATE OF r) \
         UPDATE trine.requests r SET due_time = clock_timestamp() + $ * interval '1 millisecond' \
         FROM claim \
         WHERE r.id = claim.id AND r.attempt = claim.attempt AND r.state IN ('RUNNING', 'APPLYING')",
        vec![
            Bind::Texts(ids),
            Bind::Integers(attempts),
            Bind::Integer(i64::try_from(lease_ms).unwrap_or(i64::MAX)),
        ],
    )
}

/// Runs a [`LogJob::Retry`].
pub(super) fn retry(session: &mut Session, job: &LogJob) -> Result<LogReply> {
    let LogJob::Retry { id, attempt, delay_ms, forget_decision, fault, not_before } = job else {
        return Err(Error::internal("not a retry"));
    };
    let stepped = step(
        session,
        "UPDATE trine.requests SET state = 'ACCEPTED', \
             due_time = clock_timestamp() + $ * interval '1 millisecond', faults = faults + $, \
             decided = CASE WHEN $ THEN NULL ELSE decided END \
         WHERE id = $ AND attempt = $ AND state IN ('RUNNING', 'APPLYING')",
        vec![
            Bind::Integer(i64::try_from(*delay_ms).unwrap_or(i64::MAX)),
            Bind::Integer(i64::from(*fault)),
            Bind::Boolean(*forget_decision),
            Bind::text(id.0.as_str()),
            Bind::Integer((*attempt).into()),
        ],
    )?;
    if let (LogReply::Stepped(true), Some(position)) = (&stepped, not_before) {
        read_not_before(session, id, *position)?;
    }
    Ok(stepped)
}

/// The next attempt reads no older state than this.
fn read_not_before(session: &mut Session, id: &OperationId, position: Position) -> Result<()> {
    let text: String = session.run(|connection| {
        statement::<Text>("SELECT request FROM trine.requests WHERE id = $", vec![Bind::text(id.0.as_str())])
            .get_result(connection)
    })?;
    let mut request: AcceptedRequest = from_json(&text)?;
    if !request.read_not_before(position) {
        return Ok(());
    }
    let binds = vec![Bind::text(to_json(&request)?), Bind::text(id.0.as_str())];
    session.execute("UPDATE trine.requests SET request = $ WHERE id = $", binds).map(|_| ())
}

/// Runs a [`LogJob::GiveUp`].
pub(super) fn give_up(session: &mut Session, job: &LogJob) -> Result<LogReply> {
    let LogJob::GiveUp { id, attempt: wanted, status } = job else {
        return Err(Error::internal("not a job to give up"));
    };
    let pending: Option<(String, i64)> = session.run(|connection| {
        statement::<(Text, BigInt)>(
            "SELECT request, attempt FROM trine.requests WHERE id = $ AND NOT done FOR UPDATE",
            vec![Bind::text(id.0.as_str())],
        )
        .get_result(connection)
        .optional()
    })?;
    let Some((request, attempt)) = pending else { return Ok(LogReply::Stepped(false)) };
    if wanted.is_some_and(|wanted| i64::from(wanted) != attempt) {
        return Ok(LogReply::Stepped(false));
    }
    let attempts = u32::try_from(attempt).map_err(|_| Error::internal("attempts overflow"))?;
    let failure = from_json::<AcceptedRequest>(&request)?.failure(attempts, status.clone());
    step(
        session,
        "UPDATE trine.requests SET state = 'ACCEPTED', due_time = clock_timestamp(), decided = $, \
             faults = 0 WHERE id = $",
        vec![Bind::text(to_json(&failure)?), Bind::text(id.0.as_str())],
    )
}

pub(super) fn purge(session: &mut Session, done_before: &Timestamp) -> Result<LogReply> {
    step(
        session,
        "DELETE FROM trine.requests WHERE id IN (SELECT id FROM trine.requests \
         WHERE done AND done_time < $::timestamptz ORDER BY done_time LIMIT $)",
        vec![Bind::text(done_before.as_str()), Bind::Integer(PURGE_ROWS)],
    )
}

fn step(session: &mut Session, sql: &str, binds: Vec<Bind>) -> Result<LogReply> {
    session.execute(sql, binds).map(|count| LogReply::Stepped(count > 0))
}
