//! The request log of a microservice on PostgreSQL: one transaction a batch of jobs, without BEGIN and
//! COMMIT where it is one statement.
//!
//! Every step after a claim names its attempt in the `WHERE`: a runner that was paused past its
//! lease changes no row. The clock is the database's.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use serde_json::json;
use std::time::Instant;

use super::failure::{Failure, is_transient, unavailable};
use super::records::{digest, from_json};
use super::request_batches as batches;
use super::request_steps::{give_up, purge, renew, retry};
use super::session::Session;
use super::statement::{Bind, statement};
use crate::model::{
    Error, Operation, OperationId, OperationResult, OperationState, Reason, Result, Timestamp,
};
use crate::store::crash_points;
use crate::store::request_log::{
    AcceptedRequest, Broken, COUNT_MAX, Claimed, LogJob, LogReply, RequestLog, outcome_unknown, readable,
};

pub(super) struct PostgresRequestLog {
    pub session: Session,
}

impl RequestLog for PostgresRequestLog {
    fn transaction(&mut self, jobs: &[LogJob]) -> std::result::Result<Vec<LogReply>, Broken> {
        if self.session.is_lost() {
            return Err(for_all(unavailable("the connection of the request log is lost")));
        }
        if batches::is_one_statement(jobs) {
            return self.statement(jobs);
        }
        self.session.batch("BEGIN").map_err(for_all)?;
        let replies = match batches::lock(&mut self.session, jobs).and_then(|()| self.jobs(jobs)) {
            Ok(replies) => replies,
            Err(error) => {
                self.roll_back();
                return Err(self.broken(error));
            }
        };
        crash_points::before_commit(jobs);
        let begin = Instant::now();
        let committed = self.session.connection.batch_execute("COMMIT");
        crash_points::after_commit(jobs);
        match committed {
            Ok(()) => Ok(replies),
            // The caller retries under the same ids and keys, which finds what was appended.
            Err(error) => {
                let sent = Failure::of(&error) == Failure::Connection;
                let error = self.session.judge(&error, begin.elapsed());
                Err(if sent { for_all(outcome_unknown(error)) } else { self.broken(error) })
            }
        }
    }
}

/// No job of the batch is the cause.
fn for_all(error: Error) -> Broken {
    Broken { error, by_one: false }
}

impl PostgresRequestLog {
    /// A violated constraint or a value that does not fit is of one job, and a deadlock has let the other go
    /// on. Time-outs, locks and a server without room or in read-only mode await the next job too.
    fn broken(&self, error: Error) -> Broken {
        let by_one = error.reason == Reason::Internal || is_transient(&error);
        Broken { by_one: by_one && !self.session.is_lost(), error }
    }

    /// One statement is a transaction by itself, which spares two turns of the server.
    fn statement(&mut self, jobs: &[LogJob]) -> std::result::Result<Vec<LogReply>, Broken> {
        crash_points::before_commit(jobs);
        let replies = self.jobs(jobs);
        crash_points::after_commit(jobs);
        replies.map_err(|error| match self.session.is_lost() {
            true => for_all(outcome_unknown(error)),
            false => self.broken(error),
        })
    }

    fn roll_back(&mut self) {
        if !self.session.is_lost()
            && let Err(error) = self.session.batch("ROLLBACK")
        {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// All jobs of a batch wait at once, so any order between them is a good one.
    fn jobs(&mut self, jobs: &[LogJob]) -> Result<Vec<LogReply>> {
        let mut replies = batches::run(&mut self.session, jobs)?;
        for (job, reply) in jobs.iter().zip(&mut replies) {
            if reply.is_none() {
                *reply = Some(self.job(job)?);
            }
        }
        Ok(replies.into_iter().flatten().collect())
    }

    fn job(&mut self, job: &LogJob) -> Result<LogReply> {
        let session = &mut self.session;
        match job {
            LogJob::Append { request, lease_ms } => existing(session, request, *lease_ms),
            LogJob::Claim { limit, lease_ms } => claim(session, *limit, *lease_ms),
            LogJob::Renew { claims, lease_ms } => renew(session, claims, *lease_ms),
            LogJob::Retry { .. } => retry(session, job),
            LogJob::Decide { .. } | LogJob::Settle { .. } => Err(Error::internal("a job of a batch")),
            LogJob::GiveUp { .. } => give_up(session, job),
            LogJob::Get { id } => Ok(LogReply::Operation(find(session, id)?)),
            LogJob::List { before, limit } => list(session, before.as_ref(), *limit),
            LogJob::Backlog => backlog(session),
            LogJob::Purge { done_before } => purge(session, done_before),
        }
    }
}

/// The request that has the key, or the id, already.
fn existing(session: &mut Session, request: &AcceptedRequest, lease_ms: Option<u64>) -> Result<LogReply> {
    let (id, fingerprint): (String, Vec<u8>) = session.run(|connection| {
        statement::<(Text, Binary)>(
            "SELECT id, fingerprint FROM trine.requests WHERE (digest = $ AND NOT failed) OR id = $",
            vec![Bind::Bytes(digest(&request.idempotency.key)), Bind::text(request.id.0.as_str())],
        )
        .get_result(connection)
    })?;
    let operation = find(session, &OperationId(id))?.ok_or_else(|| Error::internal("a request vanished"))?;
    LogReply::found(request, lease_ms, operation, fingerprint)
}

/// Oldest first. What another runner is claiming at this moment is skipped, and so is what waits for an
/// older write: an end that this statement does not see yet rings for the next look.
fn claim(session: &mut Session, limit: u32, lease_ms: u64) -> Result<LogReply> {
    let rows: Vec<(String, i64, i64, Option<String>)> = session.run(|connection| {
        statement::<(Text, BigInt, BigInt, Nullable<Text>)>(
            "WITH due AS (SELECT id FROM trine.requests candidate \
                          WHERE NOT done AND due_time <= clock_timestamp() \
                            AND NOT EXISTS (SELECT 1 FROM trine.requests older \
                                            WHERE older.resource = candidate.resource \
                                              AND older.number < candidate.number AND NOT older.done) \
                          ORDER BY id LIMIT $ FOR UPDATE SKIP LOCKED) \
             UPDATE trine.requests r SET attempt = r.attempt + 1, \
                 due_time = clock_timestamp() + $ * interval '1 millisecond', \
                 state = CASE WHEN r.decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END \
             FROM due WHERE r.id = due.id RETURNING r.request, r.attempt, r.faults, r.decided",
            vec![Bind::Integer(i64::from(limit)), Bind::Integer(i64::try_from(lease_ms).unwrap_or(i64::MAX))],
        )
        .load(connection)
    })?;
    Ok(LogReply::Claimed(readable(rows.into_iter().map(Claimed::from_row))))
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
    let rows: Vec<(String, i64, i64)> = session.run(|connection| {
        statement::<(Text, BigInt, BigInt)>(
            "SELECT state, count(*), \
                    (extract(epoch FROM clock_timestamp() - min(accepted_time)) * 1000)::bigint \
             FROM (SELECT state, accepted_time FROM trine.requests WHERE NOT done ORDER BY id LIMIT $) pending \
             GROUP BY state",
            vec![Bind::Integer(COUNT_MAX)],
        )
        .load(connection)
    })?;
    let done: i64 = session.run(|connection| {
        statement::<BigInt>(
            "SELECT count(*) FROM (SELECT 1 FROM trine.requests WHERE done LIMIT $) finished",
            vec![Bind::Integer(COUNT_MAX)],
        )
        .get_result(connection)
    })?;
    let count = |wanted: &str| {
        rows.iter().filter(|(state, ..)| state == wanted).map(|(_, count, _)| count.unsigned_abs()).sum()
    };
    let oldest = rows.iter().map(|(.., age_ms)| *age_ms).max();
    Ok(LogReply::Backlog {
        accepted: count("ACCEPTED"),
        running: count("RUNNING"),
        applying: count("APPLYING"),
        done: done.unsigned_abs(),
        oldest_pending_ms: oldest.unwrap_or(0).max(0).unsigned_abs(),
    })
}
