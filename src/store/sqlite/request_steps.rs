//! Steps of the request log that end or hand on a claim.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use serde_json::json;

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

/// Runs a [`LogJob::Retry`].
pub(super) fn retry(connection: &mut SqliteConnection, job: &LogJob, now_ms: i64) -> Result<LogReply> {
    let LogJob::Retry { id, attempt, delay_ms, forget_decision, not_before } = job else {
        return Err(Error::internal("not a retry"));
    };
    let due = now_ms.saturating_add(i64::try_from(*delay_ms).unwrap_or(i64::MAX));
    let stepped = step(
        connection,
        "UPDATE trine_requests SET state = 'ACCEPTED', due_ms = ?, \
         decided = CASE WHEN ? THEN NULL ELSE decided END \
         WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING')",
        vec![
            Bind::integer(due),
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
    if request.position.is_some_and(|known| is_later(known, position)) {
        return Ok(());
    }
    request.position = Some(position);
    let binds = vec![Bind::text(to_json(&request)?), Bind::text(id.0.as_str())];
    run(connection, "UPDATE trine_requests SET request = ? WHERE id = ?", binds).map_err(broken)?;
    Ok(())
}

/// On another timeline the newer word counts.
fn is_later(known: Position, position: Position) -> bool {
    (known.cluster, known.timeline) == (position.cluster, position.timeline) && known.offset > position.offset
}

/// Runs a [`LogJob::Settle`].
pub(super) fn settle(connection: &mut SqliteConnection, job: &LogJob) -> Result<LogReply> {
    let LogJob::Settle { id, attempt, result, apply_time, consistency_token } = job else {
        return Err(Error::internal("not a settlement"));
    };
    let failed = matches!(result, OperationResult::Error(_));
    step(
        connection,
        "UPDATE trine_requests SET state = 'DONE', result = ?, apply_time = ?, consistency_token = ?, \
         done_time = ?, failed = ?, decided = NULL \
         WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING')",
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
}

/// Only what nobody has decided: a decided write set may have been applied although its
/// acknowledgement was lost.
pub(super) fn cancel(connection: &mut SqliteConnection, id: &OperationId) -> Result<LogReply> {
    let status = json!({ "code": 1, "message": "cancelled before it was decided", "details": [] });
    let now = Timestamp::now();
    step(
        connection,
        "UPDATE trine_requests SET state = 'DONE', failed = 1, result = ?, done_time = ? \
         WHERE id = ? AND state = 'ACCEPTED' AND decided IS NULL",
        vec![
            Bind::text(to_json(&OperationResult::Error(status))?),
            Bind::text(now.as_str()),
            Bind::text(id.0.as_str()),
        ],
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
