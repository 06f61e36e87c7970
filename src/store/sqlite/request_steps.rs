//! Steps of the request log that end or hand on a claim.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use super::records::{from_json, to_json};
use super::request_log::broken;
use super::statement::{Bind, run, statement};
use crate::model::{Error, OperationId, OperationResult, Position, Result, Timestamp, WriteSet};
use crate::store::request_log::{AcceptedRequest, LogJob, LogReply};

/// Finished rows that one purge drops: a long delete would stop every append.
const PURGE_ROWS: i64 = 1000;

pub(super) fn decide(
    connection: &mut SqliteConnection,
    id: &OperationId,
    attempt: u32,
    write_set: &WriteSet,
) -> Result<LogReply> {
    step(
        connection,
        "UPDATE trine_requests SET state = 'APPLYING', decided = ? \
         WHERE id = ? AND attempt = ? AND state = 'RUNNING'",
        vec![Bind::text(to_json(write_set)?), Bind::text(id.0.as_str()), Bind::integer(attempt.into())],
    )
}

pub(super) fn renew(
    connection: &mut SqliteConnection,
    claims: &[(OperationId, u32)],
    lease_ms: u64,
    now_ms: i64,
) -> Result<LogReply> {
    let until = now_ms.saturating_add(i64::try_from(lease_ms).unwrap_or(i64::MAX));
    for (id, attempt) in claims {
        step(
            connection,
            "UPDATE trine_requests SET due_ms = ? \
             WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING')",
            vec![Bind::integer(until), Bind::text(id.0.as_str()), Bind::integer((*attempt).into())],
        )?;
    }
    Ok(LogReply::Stepped(true))
}

/// Runs a [`LogJob::Retry`].
pub(super) fn retry(connection: &mut SqliteConnection, job: &LogJob, now_ms: i64) -> Result<LogReply> {
    let LogJob::Retry { id, attempt, delay_ms, forget_decision, fault, not_before } = job else {
        return Err(Error::internal("not a retry"));
    };
    let due = now_ms.saturating_add(i64::try_from(*delay_ms).unwrap_or(i64::MAX));
    let stepped = step(
        connection,
        "UPDATE trine_requests SET state = 'ACCEPTED', due_ms = ?, faults = faults + ?, \
         decided = CASE WHEN ? THEN NULL ELSE decided END \
         WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING')",
        vec![
            Bind::integer(due),
            Bind::integer(i64::from(*fault)),
            Bind::integer(i64::from(*forget_decision)),
            Bind::text(id.0.as_str()),
            Bind::integer((*attempt).into()),
        ],
    )?;
    if let (LogReply::Stepped(true), Some(position)) = (&stepped, not_before) {
        read_not_before(connection, id, *position)?;
    }
    Ok(stepped)
}

/// The next attempt reads no older state than this.
fn read_not_before(connection: &mut SqliteConnection, id: &OperationId, position: Position) -> Result<()> {
    let text: String =
        statement::<Text>("SELECT request FROM trine_requests WHERE id = ?", vec![Bind::text(id.0.as_str())])
            .get_result(connection)
            .map_err(broken)?;
    let mut request: AcceptedRequest = from_json(&text)?;
    if !request.read_not_before(position) {
        return Ok(());
    }
    let binds = vec![Bind::text(to_json(&request)?), Bind::text(id.0.as_str())];
    run(connection, "UPDATE trine_requests SET request = ? WHERE id = ?", binds).map_err(broken)?;
    Ok(())
}

/// Runs a [`LogJob::Settle`].
pub(super) fn settle(connection: &mut SqliteConnection, job: &LogJob) -> Result<LogReply> {
    let LogJob::Settle { id, attempt, result, apply_time, consistency_token, .. } = job else {
        return Err(Error::internal("not a settlement"));
    };
    let failed = matches!(result, OperationResult::Error(_));
    let settled: Option<i64> = statement::<BigInt>(
        "UPDATE trine_requests SET state = 'DONE', result = ?, apply_time = ?, consistency_token = ?, \
         done_time = ?, failed = ?, decided = NULL \
         WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING') \
         RETURNING EXISTS (SELECT 1 FROM trine_requests later WHERE later.resource = trine_requests.resource \
                           AND later.number > trine_requests.number AND later.state <> 'DONE')",
        vec![
            Bind::text(to_json(result)?),
            Bind::text(apply_time.as_str()),
            Bind::Text(consistency_token.clone()),
            Bind::text(Timestamp::now().as_str()),
            Bind::integer(failed.into()),
            Bind::text(id.0.as_str()),
            Bind::integer((*attempt).into()),
        ],
    )
    .get_result(connection)
    .optional()
    .map_err(broken)?;
    Ok(LogReply::Settled { stepped: settled.is_some(), next_is_due: settled == Some(1) })
}

/// Runs a [`LogJob::GiveUp`].
pub(super) fn give_up(connection: &mut SqliteConnection, job: &LogJob, now_ms: i64) -> Result<LogReply> {
    let LogJob::GiveUp { id, attempt: wanted, status } = job else {
        return Err(Error::internal("not a job to give up"));
    };
    let pending: Option<(String, i64)> = statement::<(Text, BigInt)>(
        "SELECT request, attempt FROM trine_requests WHERE id = ? AND state <> 'DONE'",
        vec![Bind::text(id.0.as_str())],
    )
    .get_result(connection)
    .optional()
    .map_err(broken)?;
    let Some((request, attempt)) = pending else { return Ok(LogReply::Stepped(false)) };
    if wanted.is_some_and(|wanted| i64::from(wanted) != attempt) {
        return Ok(LogReply::Stepped(false));
    }
    let attempts = u32::try_from(attempt).map_err(|_| Error::internal("attempts overflow"))?;
    let failure = from_json::<AcceptedRequest>(&request)?.failure(attempts, status.clone());
    step(
        connection,
        "UPDATE trine_requests SET state = 'ACCEPTED', due_ms = ?, decided = ?, faults = 0 WHERE id = ?",
        vec![Bind::integer(now_ms), Bind::text(to_json(&failure)?), Bind::text(id.0.as_str())],
    )
}

pub(super) fn purge(connection: &mut SqliteConnection, done_before: &Timestamp) -> Result<LogReply> {
    step(
        connection,
        "DELETE FROM trine_requests WHERE id IN (SELECT id FROM trine_requests \
         WHERE state = 'DONE' AND done_time < ? ORDER BY done_time LIMIT ?)",
        vec![Bind::text(done_before.as_str()), Bind::integer(PURGE_ROWS)],
    )
}

fn step(connection: &mut SqliteConnection, sql: &str, binds: Vec<Bind>) -> Result<LogReply> {
    run(connection, sql, binds).map(|count| LogReply::Stepped(count > 0)).map_err(broken)
}
