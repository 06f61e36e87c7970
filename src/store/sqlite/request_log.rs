//! The request log of a microservice on SQLite: one transaction a batch of jobs.
//!
//! Every step after a claim names its attempt in the `WHERE`: a runner that was paused past its
//! lease changes no row. The clock is the database's.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use serde_json::json;

use super::connection::unavailable;
use super::records::{from_json, to_json};
use super::request_steps::{cancel, decide, purge, retry, settle};
use super::statement::{Bind, run, statement};
use crate::model::{
    Error, Fingerprint, Operation, OperationId, OperationResult, OperationState, Result, Timestamp,
};
use crate::store::crash_points;
use crate::store::request_log::{AcceptedRequest, Claimed, LogJob, LogReply, RequestLog};

pub(super) struct SqliteRequestLog {
    pub connection: SqliteConnection,
}

/// An error of ours or of the database: either rolls the batch back.
pub(super) fn broken(error: diesel::result::Error) -> Error {
    unavailable(format!("request log: {error}"))
}

impl RequestLog for SqliteRequestLog {
    fn run(&mut self, jobs: &[LogJob]) -> Vec<Result<LogReply>> {
        match self.transaction(jobs) {
            Ok(replies) => replies.into_iter().map(Ok).collect(),
            Err(error) => jobs.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

impl SqliteRequestLog {
    fn transaction(&mut self, jobs: &[LogJob]) -> Result<Vec<LogReply>> {
        let reads_only = jobs.iter().all(is_read);
        let begin = if reads_only { "BEGIN" } else { "BEGIN IMMEDIATE" };
        run(&mut self.connection, begin, vec![]).map_err(broken)?;
        let replies = self.jobs(jobs).and_then(|replies| {
            crash_points::before_commit(jobs);
            run(&mut self.connection, "COMMIT", vec![]).map_err(broken)?;
            crash_points::after_commit(jobs);
            Ok(replies)
        });
        if replies.is_err() {
            // Nothing of the batch may stay; the lane makes a new connection anyway.
            if let Err(failure) = run(&mut self.connection, "ROLLBACK", vec![]) {
                tracing::debug!(%failure, "nothing to roll back");
            }
        }
        replies
    }

    fn jobs(&mut self, jobs: &[LogJob]) -> Result<Vec<LogReply>> {
        let now_ms: i64 = statement::<BigInt>("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)", vec![])
            .get_result(&mut self.connection)
            .map_err(broken)?;
        jobs.iter().map(|job| self.job(job, now_ms)).collect()
    }

    fn job(&mut self, job: &LogJob, now_ms: i64) -> Result<LogReply> {
        let connection = &mut self.connection;
        match job {
            LogJob::Append(request) => append(connection, request, now_ms),
            LogJob::Claim { limit, lease_ms } => claim(connection, *limit, *lease_ms, now_ms),
            LogJob::Decide { id, attempt, write_set } => decide(connection, id, *attempt, write_set),
            LogJob::Retry { .. } => retry(connection, job, now_ms),
            LogJob::Settle { .. } => settle(connection, job),
            LogJob::Cancel { id } => cancel(connection, id),
            LogJob::Get { id } => Ok(LogReply::Operation(find(connection, id)?)),
            LogJob::List { before, limit } => list(connection, before.as_ref(), *limit),
            LogJob::Backlog => backlog(connection, now_ms),
            LogJob::Purge { done_before } => purge(connection, done_before),
        }
    }
}

fn is_read(job: &LogJob) -> bool {
    matches!(job, LogJob::Get { .. } | LogJob::List { .. } | LogJob::Backlog)
}

fn append(connection: &mut SqliteConnection, request: &AcceptedRequest, now_ms: i64) -> Result<LogReply> {
    let idempotency = &request.idempotency;
    let found: Option<(String, Vec<u8>)> = statement::<(Text, Binary)>(
        "SELECT id, fingerprint FROM trine_requests WHERE principal = ? AND scope = ? AND key = ? AND failed = 0",
        vec![
            Bind::text(idempotency.key.principal.as_str()),
            Bind::text(idempotency.key.scope.as_str()),
            Bind::text(idempotency.key.key.as_str()),
        ],
    )
    .get_result(connection)
    .optional()
    .map_err(broken)?;
    if let Some((id, fingerprint)) = found {
        let operation =
            find(connection, &OperationId(id))?.ok_or_else(|| Error::internal("a request vanished"))?;
        let bytes =
            fingerprint.try_into().map_err(|_| Error::internal("stored fingerprint of another length"))?;
        return Ok(LogReply::Appended { operation, fingerprint: Fingerprint(bytes), existed: true });
    }
    let (seconds, nanos) = request.accept_time.seconds_and_nanos();
    let binds = vec![
        Bind::text(request.id.0.as_str()),
        Bind::text(idempotency.key.principal.as_str()),
        Bind::text(idempotency.key.scope.as_str()),
        Bind::text(idempotency.key.key.as_str()),
        Bind::Bytes(idempotency.fingerprint.0.to_vec()),
        Bind::text(to_json(request)?),
        Bind::integer(now_ms),
        Bind::integer(seconds * 1000 + i64::from(nanos / 1_000_000)),
    ];
    run(
        connection,
        "INSERT INTO trine_requests (id, principal, scope, key, fingerprint, request, state, due_ms, accepted_ms) \
         VALUES (?, ?, ?, ?, ?, ?, 'ACCEPTED', ?, ?)",
        binds,
    )
    .map_err(broken)?;
    let operation = find(connection, &request.id)?.ok_or_else(|| Error::internal("a request vanished"))?;
    Ok(LogReply::Appended { operation, fingerprint: idempotency.fingerprint, existed: false })
}

fn claim(connection: &mut SqliteConnection, limit: u32, lease_ms: u64, now_ms: i64) -> Result<LogReply> {
    let rows: Vec<(String, String, i64, Option<String>)> = statement::<(Text, Text, BigInt, Nullable<Text>)>(
        "SELECT id, request, attempt, decided FROM trine_requests \
         WHERE state <> 'DONE' AND due_ms <= ? ORDER BY due_ms, id LIMIT ?",
        vec![Bind::integer(now_ms), Bind::integer(i64::from(limit))],
    )
    .load(connection)
    .map_err(broken)?;
    let until = now_ms.saturating_add(i64::try_from(lease_ms).unwrap_or(i64::MAX));
    let mut claimed = Vec::with_capacity(rows.len());
    for (id, request, attempt, decided) in rows {
        let attempt = attempt + 1;
        run(
            connection,
            "UPDATE trine_requests SET attempt = ?, due_ms = ?, \
             state = CASE WHEN decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END WHERE id = ?",
            vec![Bind::integer(attempt), Bind::integer(until), Bind::text(id)],
        )
        .map_err(broken)?;
        claimed.push(Claimed {
            request: from_json(&request)?,
            attempt: u32::try_from(attempt).map_err(|_| Error::internal("attempts overflow"))?,
            decided: decided.as_deref().map(from_json).transpose()?,
        });
    }
    Ok(LogReply::Claimed(claimed))
}

type OperationRowType = (Text, Text, BigInt, Nullable<Text>, Nullable<Text>, Nullable<Text>);
type OperationRow = (String, String, i64, Option<String>, Option<String>, Option<String>);

const OPERATION_COLUMNS: &str = "request, state, attempt, apply_time, consistency_token, result";

fn find(connection: &mut SqliteConnection, id: &OperationId) -> Result<Option<Operation>> {
    statement::<OperationRowType>(
        &format!("SELECT {OPERATION_COLUMNS} FROM trine_requests WHERE id = ?"),
        vec![Bind::text(id.0.as_str())],
    )
    .get_result::<OperationRow>(connection)
    .optional()
    .map_err(broken)?
    .map(operation)
    .transpose()
}

fn list(connection: &mut SqliteConnection, before: Option<&OperationId>, limit: u32) -> Result<LogReply> {
    // Ids are UUIDs in lowercase: every one sorts before `g`.
    let before = before.map_or("g", |id| id.0.as_str());
    let rows: Vec<OperationRow> = statement::<OperationRowType>(
        &format!("SELECT {OPERATION_COLUMNS} FROM trine_requests WHERE id < ? ORDER BY id DESC LIMIT ?"),
        vec![Bind::text(before), Bind::integer(i64::from(limit))],
    )
    .load(connection)
    .map_err(broken)?;
    Ok(LogReply::Operations(rows.into_iter().map(operation).collect::<Result<_>>()?))
}

fn operation((request, state, attempt, apply_time, token, result): OperationRow) -> Result<Operation> {
    let request: AcceptedRequest = from_json(&request)?;
    let state: OperationState = from_json(&json!(state).to_string())?;
    Ok(Operation {
        id: request.id,
        method: request.method,
        principal: request.idempotency.key.principal,
        state,
        attempts: u32::try_from(attempt).map_err(|_| Error::internal("attempts overflow"))?,
        accept_time: request.accept_time,
        apply_time: apply_time.as_deref().map(Timestamp::from_stored),
        consistency_token: token,
        result: result.as_deref().map(from_json::<OperationResult>).transpose()?,
    })
}

fn backlog(connection: &mut SqliteConnection, now_ms: i64) -> Result<LogReply> {
    let pending: Vec<(String, i64, i64)> = statement::<(Text, BigInt, BigInt)>(
        "SELECT state, count(*), min(accepted_ms) FROM trine_requests WHERE state <> 'DONE' GROUP BY state",
        vec![],
    )
    .load(connection)
    .map_err(broken)?;
    let done: i64 = statement::<BigInt>("SELECT count(*) FROM trine_requests WHERE state = 'DONE'", vec![])
        .get_result(connection)
        .map_err(broken)?;
    let count = |wanted: &str| {
        pending.iter().filter(|(state, ..)| state == wanted).map(|(_, count, _)| count.unsigned_abs()).sum()
    };
    let oldest = pending.iter().map(|(_, _, accepted_ms)| *accepted_ms).min();
    Ok(LogReply::Backlog {
        accepted: count("ACCEPTED"),
        running: count("RUNNING"),
        applying: count("APPLYING"),
        done: done.unsigned_abs(),
        oldest_pending_ms: oldest.map_or(0, |accepted| now_ms.saturating_sub(accepted).max(0).unsigned_abs()),
    })
}
