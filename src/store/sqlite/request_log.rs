//! The request log of a microservice on SQLite: one transaction a batch of jobs.
//!
//! Every step after a claim names its attempt in the `WHERE`: a runner that was paused past its
//! lease changes no row. The clock is the database's.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use serde_json::json;

use super::connection::{failed_commit, unavailable};
use super::presence::Presence;
use super::records::{from_json, to_json};
use super::request_steps::{decide, give_up, purge, renew, retry, settle};
use super::room::Room;
use super::statement::{Bind, run, statement};
use crate::model::{Error, Operation, OperationId, OperationResult, OperationState, Result, Timestamp};
use crate::store::backend::is_disk_full;
use crate::store::crash_points;
use crate::store::request_log::{
    AcceptedRequest, Broken, COUNT_MAX, Claimed, FIRST_ATTEMPT, LogJob, LogReply, RequestLog,
    outcome_unknown, readable,
};

pub(super) struct SqliteRequestLog {
    connection: SqliteConnection,
    room: Room,
    presence: Presence,
    /// Whether a COMMIT waits for the disk.
    waits: bool,
}

/// An error of ours or of the database: either rolls the batch back.
pub(super) fn broken(error: diesel::result::Error) -> Error {
    unavailable(format!("request log: {error}"))
}

impl RequestLog for SqliteRequestLog {
    fn transaction(&mut self, jobs: &[LogJob]) -> std::result::Result<Vec<LogReply>, Broken> {
        let outcome = self.attempt(jobs);
        if let Err(broken) = &outcome {
            self.room.note(&broken.error);
        }
        outcome
    }
}

/// No job of the batch is the cause.
fn for_all(error: Error) -> Broken {
    Broken { error, by_one: false }
}

/// A full disk is nobody's fault, whichever statement met it.
fn by_one(error: Error) -> Broken {
    Broken { by_one: !is_disk_full(&error), error }
}

impl SqliteRequestLog {
    /// On a connection that was opened for writing, which waits for the disk.
    pub(super) fn new(connection: SqliteConnection, room: Room, presence: Presence) -> Self {
        Self { connection, room, presence, waits: true }
    }

    /// The log is written in order, so whatever is not waited for now is on the disk with the next that is.
    fn wait_for_disk(&mut self, waits: bool) -> Result<()> {
        let waits = waits && !crate::failpoint::misbehaves("log.relaxed");
        if self.waits != waits {
            let level = if waits { "FULL" } else { "NORMAL" };
            let pragma = format!("PRAGMA synchronous = {level}");
            self.connection.batch_execute(&pragma).map_err(broken)?;
            self.waits = waits;
        }
        Ok(())
    }

    fn attempt(&mut self, jobs: &[LogJob]) -> std::result::Result<Vec<LogReply>, Broken> {
        let reads_only = jobs.iter().all(LogJob::is_read);
        if !reads_only {
            self.presence.check().map_err(for_all)?;
            self.wait_for_disk(!jobs.iter().all(LogJob::may_be_lost)).map_err(for_all)?;
        }
        let begin = if reads_only { "BEGIN" } else { "BEGIN IMMEDIATE" };
        run(&mut self.connection, begin, vec![]).map_err(|error| for_all(broken(error)))?;
        let replies = self.jobs(jobs).map_err(by_one).and_then(|replies| {
            crash_points::before_commit(jobs);
            run(&mut self.connection, "COMMIT", vec![]).map_err(|error| {
                let unknown = |text| outcome_unknown(unavailable(text));
                for_all(failed_commit(&mut self.connection, &error, unknown))
            })?;
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
            LogJob::Append { request, lease_ms } => append(connection, request, *lease_ms, now_ms),
            LogJob::Claim { limit, lease_ms } => claim(connection, *limit, *lease_ms, now_ms),
            LogJob::Renew { claims, lease_ms } => renew(connection, claims, *lease_ms, now_ms),
            LogJob::Decide { id, attempt, write_set } => decide(connection, id, *attempt, write_set),
            LogJob::Retry { .. } => retry(connection, job, now_ms),
            LogJob::Settle { .. } => settle(connection, job),
            LogJob::GiveUp { .. } => give_up(connection, job, now_ms),
            LogJob::Get { id } => Ok(LogReply::Operation(find(connection, id)?)),
            LogJob::List { before, limit } => list(connection, before.as_ref(), *limit),
            LogJob::Backlog => backlog(connection, now_ms),
            LogJob::Purge { done_before } => purge(connection, done_before),
        }
    }
}

fn append(
    connection: &mut SqliteConnection,
    request: &AcceptedRequest,
    lease_ms: Option<u64>,
    now_ms: i64,
) -> Result<LogReply> {
    let resource = request.resource()?;
    let granted_ms = match &resource {
        Some(resource) if lease_ms.is_some() && is_pending(connection, resource)? => None,
        _ => lease_ms,
    };
    let claimed = granted_ms.is_some();
    let (state, attempt) = if claimed { ("RUNNING", FIRST_ATTEMPT) } else { ("ACCEPTED", 0) };
    let due_ms = now_ms.saturating_add(i64::try_from(granted_ms.unwrap_or(0)).unwrap_or(i64::MAX));
    let idempotency = &request.idempotency;
    let (seconds, nanos) = request.accept_time.seconds_and_nanos();
    let inserted = run(
        connection,
        "INSERT INTO trine_requests (id, resource, principal, scope, key, fingerprint, request, state, \
                                     attempt, due_ms, accepted_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        vec![
            Bind::text(request.id.0.as_str()),
            Bind::Text(resource),
            Bind::text(idempotency.key.principal.as_str()),
            Bind::text(idempotency.key.scope.as_str()),
            Bind::text(idempotency.key.key.as_str()),
            Bind::Bytes(idempotency.fingerprint.0.to_vec()),
            Bind::text(to_json(request)?),
            Bind::text(state),
            Bind::integer(attempt.into()),
            Bind::integer(due_ms),
            Bind::integer(seconds * 1000 + i64::from(nanos / 1_000_000)),
        ],
    )
    .map_err(broken)?;
    if inserted > 0 {
        let (operation, fingerprint) = (request.accepted(), idempotency.fingerprint);
        return Ok(LogReply::Appended { operation, fingerprint, existed: false, claimed });
    }
    find_appended(connection, request, lease_ms)
}

/// Whether a write to the resource is not yet done.
fn is_pending(connection: &mut SqliteConnection, resource: &str) -> Result<bool> {
    let pending: i64 = statement::<BigInt>(
        "SELECT EXISTS (SELECT 1 FROM trine_requests WHERE resource = ? AND state <> 'DONE')",
        vec![Bind::text(resource)],
    )
    .get_result(connection)
    .map_err(broken)?;
    Ok(pending != 0)
}

/// The request that has the key, or the id, already.
fn find_appended(
    connection: &mut SqliteConnection,
    request: &AcceptedRequest,
    lease_ms: Option<u64>,
) -> Result<LogReply> {
    let key = &request.idempotency.key;
    let (id, fingerprint): (String, Vec<u8>) = statement::<(Text, Binary)>(
        "SELECT id, fingerprint FROM trine_requests \
         WHERE (principal = ? AND scope = ? AND key = ? AND failed = 0) OR id = ?",
        vec![
            Bind::text(key.principal.as_str()),
            Bind::text(key.scope.as_str()),
            Bind::text(key.key.as_str()),
            Bind::text(request.id.0.as_str()),
        ],
    )
    .get_result(connection)
    .map_err(broken)?;
    let operation =
        find(connection, &OperationId(id))?.ok_or_else(|| Error::internal("a request vanished"))?;
    LogReply::found(request, lease_ms, operation, fingerprint)
}

fn claim(connection: &mut SqliteConnection, limit: u32, lease_ms: u64, now_ms: i64) -> Result<LogReply> {
    let until = now_ms.saturating_add(i64::try_from(lease_ms).unwrap_or(i64::MAX));
    let rows: Vec<(String, i64, i64, Option<String>)> = statement::<(Text, BigInt, BigInt, Nullable<Text>)>(
        "UPDATE trine_requests SET attempt = attempt + 1, due_ms = ?, \
         state = CASE WHEN decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END \
         WHERE number IN (\
             SELECT number FROM trine_requests due WHERE state <> 'DONE' AND due_ms <= ? \
                 AND NOT EXISTS (SELECT 1 FROM trine_requests older WHERE older.resource = due.resource \
                                 AND older.number < due.number AND older.state <> 'DONE') \
             ORDER BY due_ms, number LIMIT ?) \
         RETURNING request, attempt, faults, decided",
        vec![Bind::integer(until), Bind::integer(now_ms), Bind::integer(i64::from(limit))],
    )
    .load(connection)
    .map_err(broken)?;
    Ok(LogReply::Claimed(readable(rows.into_iter().map(Claimed::from_row))))
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
        "SELECT state, count(*), min(accepted_ms) \
         FROM (SELECT state, accepted_ms FROM trine_requests WHERE state <> 'DONE' ORDER BY due_ms LIMIT ?) \
         GROUP BY state",
        vec![Bind::integer(COUNT_MAX)],
    )
    .load(connection)
    .map_err(broken)?;
    let done: i64 = statement::<BigInt>(
        "SELECT count(*) FROM (SELECT 1 FROM trine_requests WHERE state = 'DONE' LIMIT ?)",
        vec![Bind::integer(COUNT_MAX)],
    )
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Fingerprint, Idempotency, IdempotencyKey, Position};
    use crate::store::backend::Database;
    use crate::store::handles::OpenOptions;
    use crate::store::request_log::Work;
    use crate::store::sqlite::connection::{Mode, connect};
    use crate::store::sqlite::database::SqliteDatabase;

    fn append(id: &str) -> LogJob {
        let key = IdempotencyKey { principal: "a".into(), scope: "s".into(), key: id.into() };
        LogJob::append(AcceptedRequest {
            id: OperationId(id.to_owned()),
            method: "m".to_owned(),
            work: Work::Rule("{}".to_owned()),
            idempotency: Idempotency { key, fingerprint: Fingerprint([0; 32]) },
            position: Some(Position { cluster: 1, timeline: 2, offset: 3 }),
            scopes: Default::default(),
            request_id: String::new(),
            traceparent: None,
            accept_time: Timestamp::now(),
        })
    }

    /// As a newer binary may leave it.
    #[test]
    fn a_row_that_cannot_be_read_costs_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.db");
        let database = SqliteDatabase::new(&path, OpenOptions::SMALL);
        database.prepare_events().unwrap();
        let mut log = database.request_log().unwrap();
        assert!(log.run(&[append("1"), append("2")]).iter().all(Result::is_ok));
        let spoil = "UPDATE trine_requests SET request = '{}' WHERE id = '1'";
        run(&mut connect(&path, Mode::Write, 100).unwrap(), spoil, vec![]).unwrap();
        let get = LogJob::Get { id: OperationId("1".to_owned()) };
        let replies = log.run(&[get, LogJob::Claim { limit: 10, lease_ms: 60_000 }, append("3")]);
        assert!(replies[0].is_err());
        let Ok(LogReply::Claimed(claimed)) = &replies[1] else { panic!("{replies:?}") };
        let ids: Vec<_> = claimed.iter().map(|claimed| claimed.request.id.0.as_str()).collect();
        assert_eq!(ids, ["2"]);
        assert!(matches!(replies[2], Ok(LogReply::Appended { existed: false, .. })), "{replies:?}");
        // It keeps its lease: the next look does not meet it again at once.
        let again = log.run(&[LogJob::Claim { limit: 10, lease_ms: 60_000 }]);
        assert!(matches!(&again[0], Ok(LogReply::Claimed(claimed)) if claimed[0].request.id.0 == "3"));
    }

    #[test]
    fn the_position_to_reach_only_grows_within_one_history() {
        let LogJob::Append { request, .. } = append("1") else { unreachable!() };
        let mut request = Arc::unwrap_or_clone(request);
        let at = |timeline, offset| Position { cluster: 1, timeline, offset };
        assert!(!request.read_not_before(at(2, 2)));
        assert!(request.read_not_before(at(2, 4)));
        assert!(request.read_not_before(at(3, 1)));
        assert_eq!(request.position, Some(at(3, 1)));
    }
}
