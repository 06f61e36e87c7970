//! The request log of a microservice on PostgreSQL: one transaction a batch of jobs.
//!
//! Every step after a claim names its attempt in the `WHERE`: a runner that was paused past its
//! lease changes no row. The clock is the database's.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use serde_json::json;
use std::time::Instant;

use super::failure::{Failure, unavailable};
use super::records::{digest, from_json, to_json};
use super::request_steps::{cancel, decide, purge, retry, settle};
use super::session::Session;
use super::statement::{Bind, statement};
use crate::failpoint;
use crate::model::{
    Error, Fingerprint, Operation, OperationId, OperationResult, OperationState, Result, Timestamp,
};
use crate::store::request_log::{AcceptedRequest, Claimed, LogJob, LogReply, RequestLog};

pub(super) struct PostgresRequestLog {
    pub session: Session,
}

impl RequestLog for PostgresRequestLog {
    fn run(&mut self, jobs: &[LogJob]) -> Vec<Result<LogReply>> {
        let refuse = |error: Error| jobs.iter().map(|_| Err(error.clone())).collect();
        if self.session.is_lost() {
            return refuse(unavailable("the connection of the request log is lost"));
        }
        match self.transaction(jobs) {
            Ok(replies) => replies.into_iter().map(Ok).collect(),
            // One bad job must not cost the others: each alone.
            Err(error) if jobs.len() > 1 && !self.session.is_lost() && !error.1 => {
                jobs.iter().flat_map(|job| self.run(std::slice::from_ref(job))).collect()
            }
            Err(error) => refuse(error.0),
        }
    }
}

/// The error, and whether COMMIT had been sent: then nothing may be run again.
struct Broken(Error, bool);

impl PostgresRequestLog {
    fn transaction(&mut self, jobs: &[LogJob]) -> std::result::Result<Vec<LogReply>, Broken> {
        self.session.batch("BEGIN").map_err(|error| Broken(error, false))?;
        let replies = jobs.iter().map(|job| self.job(job)).collect::<Result<Vec<_>>>();
        let replies = match replies {
            Ok(replies) => replies,
            Err(error) => {
                self.roll_back();
                return Err(Broken(error, false));
            }
        };
        failpoint!("append.before");
        let begin = Instant::now();
        let committed = self.session.connection.batch_execute("COMMIT");
        failpoint!("append.after");
        match committed {
            Ok(()) => Ok(replies),
            // The caller retries under the same ids and keys, which finds what was appended.
            Err(error) => {
                let sent = Failure::of(&error) == Failure::Connection;
                Err(Broken(self.session.judge(&error, begin.elapsed()), sent))
            }
        }
    }

    fn roll_back(&mut self) {
        if !self.session.is_lost()
            && let Err(error) = self.session.batch("ROLLBACK")
        {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    fn job(&mut self, job: &LogJob) -> Result<LogReply> {
        let session = &mut self.session;
        match job {
            LogJob::Append(request) => append(session, request),
            LogJob::Claim { limit, lease_ms } => claim(session, *limit, *lease_ms),
            LogJob::Decide { id, attempt, write_set } => decide(session, id, *attempt, write_set),
            LogJob::Retry { .. } => retry(session, job),
            LogJob::Settle { .. } => settle(session, job),
            LogJob::Cancel { id } => cancel(session, id),
            LogJob::Get { id } => Ok(LogReply::Operation(find(session, id)?)),
            LogJob::List { before, limit } => list(session, before.as_ref(), *limit),
            LogJob::Backlog => backlog(session),
            LogJob::Purge { done_before } => purge(session, done_before),
        }
    }
}

fn append(session: &mut Session, request: &AcceptedRequest) -> Result<LogReply> {
    let idempotency = &request.idempotency;
    let digest = digest(&idempotency.key);
    let inserted = session.execute(
        "INSERT INTO trine.requests (id, digest, fingerprint, request, state) \
         VALUES ($, $, $, $, 'ACCEPTED') ON CONFLICT DO NOTHING",
        vec![
            Bind::text(request.id.0.as_str()),
            Bind::Bytes(digest.clone()),
            Bind::Bytes(idempotency.fingerprint.0.to_vec()),
            Bind::text(to_json(request)?),
        ],
    )?;
    if inserted > 0 {
        let operation = Operation {
            id: request.id.clone(),
            method: request.method.clone(),
            principal: idempotency.key.principal.clone(),
            state: OperationState::Accepted,
            attempts: 0,
            accept_time: request.accept_time.clone(),
            apply_time: None,
            consistency_token: None,
            result: None,
        };
        return Ok(LogReply::Appended { operation, fingerprint: idempotency.fingerprint, existed: false });
    }
    let (id, fingerprint): (String, Vec<u8>) = session.run(|connection| {
        statement::<(Text, Binary)>(
            "SELECT id, fingerprint FROM trine.requests WHERE (digest = $ AND NOT failed) OR id = $",
            vec![Bind::Bytes(digest), Bind::text(request.id.0.as_str())],
        )
        .get_result(connection)
    })?;
    let operation = find(session, &OperationId(id))?.ok_or_else(|| Error::internal("a request vanished"))?;
    let bytes =
        fingerprint.try_into().map_err(|_| Error::internal("stored fingerprint of another length"))?;
    Ok(LogReply::Appended { operation, fingerprint: Fingerprint(bytes), existed: true })
}

/// Ids are UUIDv7, so the order of the ids is that of acceptance. What another runner is claiming
/// at this moment is skipped.
fn claim(session: &mut Session, limit: u32, lease_ms: u64) -> Result<LogReply> {
    let rows: Vec<(String, i64, Option<String>)> = session.run(|connection| {
        statement::<(Text, BigInt, Nullable<Text>)>(
            "WITH due AS (SELECT id FROM trine.requests WHERE NOT done AND due_time <= clock_timestamp() \
                          ORDER BY id LIMIT $ FOR UPDATE SKIP LOCKED) \
             UPDATE trine.requests r SET attempt = r.attempt + 1, \
                 due_time = clock_timestamp() + $ * interval '1 millisecond', \
                 state = CASE WHEN r.decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END \
             FROM due WHERE r.id = due.id RETURNING r.request, r.attempt, r.decided",
            vec![Bind::Integer(i64::from(limit)), Bind::Integer(i64::try_from(lease_ms).unwrap_or(i64::MAX))],
        )
        .load(connection)
    })?;
    let mut claimed = Vec::with_capacity(rows.len());
    for (request, attempt, decided) in rows {
        claimed.push(Claimed {
            request: from_json(&request)?,
            attempt: u32::try_from(attempt).map_err(|_| Error::internal("attempts overflow"))?,
            decided: decided.as_deref().map(from_json).transpose()?,
        });
    }
    claimed.sort_by(|left, right| left.request.id.cmp(&right.request.id));
    Ok(LogReply::Claimed(claimed))
}

type OperationRowType = (Text, Text, BigInt, Nullable<Text>, Nullable<Text>, Nullable<Text>);
type OperationRow = (String, String, i64, Option<String>, Option<String>, Option<String>);

fn find(session: &mut Session, id: &OperationId) -> Result<Option<Operation>> {
    let row: Option<OperationRow> = session.run(|connection| {
        statement::<OperationRowType>(
            "SELECT request, state, attempt, apply_time, consistency_token, result \
             FROM trine.requests WHERE id = $",
            vec![Bind::text(id.0.as_str())],
        )
        .get_result(connection)
        .optional()
    })?;
    row.map(operation).transpose()
}

fn list(session: &mut Session, before: Option<&OperationId>, limit: u32) -> Result<LogReply> {
    // Ids are UUIDs in lowercase: every one sorts before `g`.
    let before = before.map_or("g", |id| id.0.as_str());
    let rows: Vec<OperationRow> = session.run(|connection| {
        statement::<OperationRowType>(
            "SELECT request, state, attempt, apply_time, consistency_token, result \
             FROM trine.requests WHERE id < $ ORDER BY id DESC LIMIT $",
            vec![Bind::text(before), Bind::Integer(i64::from(limit))],
        )
        .load(connection)
    })?;
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

fn backlog(session: &mut Session) -> Result<LogReply> {
    let rows: Vec<(String, bool, i64, i64)> = session.run(|connection| {
        statement::<(Text, Bool, BigInt, BigInt)>(
            "SELECT state, done, count(*), \
                    (extract(epoch FROM clock_timestamp() - min(accepted_time)) * 1000)::bigint \
             FROM trine.requests GROUP BY state, done",
            vec![],
        )
        .load(connection)
    })?;
    let count = |wanted: &str| {
        rows.iter().filter(|(state, ..)| state == wanted).map(|(_, _, count, _)| count.unsigned_abs()).sum()
    };
    let oldest = rows.iter().filter(|(_, done, ..)| !done).map(|(.., age_ms)| *age_ms).max();
    Ok(LogReply::Backlog {
        accepted: count("ACCEPTED"),
        running: count("RUNNING"),
        applying: count("APPLYING"),
        done: count("DONE"),
        oldest_pending_ms: oldest.unwrap_or(0).max(0).unsigned_abs(),
    })
}
