//! Steps of the request log that come in numbers: all of one kind in a batch are one statement.
//!
//! Invariants: rows are locked in the order of their ids before any is changed, so that two connections
//! never wait for each other; a step counts as taken only when its row came back, so one that was fenced off says so
//! for itself.

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::records::{digest, to_json};
use super::session::Session;
use super::statement::{Bind, statement};
use crate::model::{Error, OperationResult, Result};
use crate::store::request_log::{AcceptedRequest, FIRST_ATTEMPT, LogJob, LogReply};

/// Whether these jobs change something in one statement only.
pub(super) fn is_one_statement(jobs: &[LogJob]) -> bool {
    match jobs {
        [LogJob::Claim { .. } | LogJob::Renew { .. } | LogJob::Purge { .. }] => true,
        [first, others @ ..] => {
            matches!(first, LogJob::Append { .. } | LogJob::Decide { .. } | LogJob::Settle { .. })
                && others.iter().all(|job| discriminant(job) == discriminant(first))
        }
        [] => false,
    }
}

/// Locks what a batch of several statements changes: each of those alone would lock in an order of its own.
pub(super) fn lock(session: &mut Session, jobs: &[LogJob]) -> Result<()> {
    let mut ids: Vec<String> = Vec::new();
    for job in jobs {
        match job {
            LogJob::Decide { id, .. } | LogJob::Settle { id, .. } => ids.push(id.0.clone()),
            LogJob::Retry { id, .. } | LogJob::GiveUp { id, .. } => ids.push(id.0.clone()),
            LogJob::Renew { claims, .. } => ids.extend(claims.iter().map(|(id, _)| id.0.clone())),
            LogJob::Append { .. } | LogJob::Claim { .. } | LogJob::Purge { .. } => {}
            LogJob::Get { .. } | LogJob::List { .. } | LogJob::Backlog => {}
        }
    }
    if ids.len() < 2 {
        return Ok(());
    }
    let sql = "SELECT FROM trine.requests WHERE id = ANY($) ORDER BY id FOR UPDATE";
    session.execute(sql, vec![Bind::Texts(ids)]).map(|_| ())
}

/// Answers the jobs that it ran; the others run alone. An append whose key is taken is one of them.
pub(super) fn run(session: &mut Session, jobs: &[LogJob]) -> Result<Vec<Option<LogReply>>> {
    let mut replies: Vec<Option<LogReply>> = jobs.iter().map(|_| None).collect();
    append(session, jobs, &mut replies)?;
    decide(session, jobs, &mut replies)?;
    settle(session, jobs, &mut replies)?;
    Ok(replies)
}

/// One row to append, in the order of the statement's columns.
struct Appended {
    at: usize,
    id: String,
    digest: Vec<u8>,
    fingerprint: Vec<u8>,
    request: String,
    resource: Option<String>,
    attempt: i64,
    lease_ms: i64,
}

impl Appended {
    fn of(at: usize, job: &LogJob) -> Option<Result<Self>> {
        let LogJob::Append { request, lease_ms } = job else { return None };
        Some(Self::from_request(at, request, *lease_ms))
    }

    fn from_request(at: usize, request: &AcceptedRequest, lease_ms: Option<u64>) -> Result<Self> {
        Ok(Self {
            at,
            id: request.id.0.clone(),
            digest: digest(&request.idempotency.key),
            fingerprint: request.idempotency.fingerprint.0.to_vec(),
            request: to_json(request)?,
            resource: request.resource()?,
            attempt: if lease_ms.is_some() { FIRST_ATTEMPT.into() } else { 0 },
            lease_ms: i64::try_from(lease_ms.unwrap_or(0)).unwrap_or(i64::MAX),
        })
    }
}

/// The statement does not see its own rows: of one resource only the first may be claimed.
fn leave_claims_to_the_first(rows: &mut [Appended]) {
    let mut resources = HashSet::new();
    for row in rows {
        if row.resource.as_ref().is_some_and(|resource| !resources.insert(resource.clone())) {
            row.attempt = 0;
        }
    }
}

fn append(session: &mut Session, jobs: &[LogJob], replies: &mut [Option<LogReply>]) -> Result<()> {
    let rows = jobs.iter().enumerate().filter_map(|(at, job)| Appended::of(at, job));
    let mut rows: Vec<Appended> = rows.collect::<Result<_>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    // Two connections that append the same keys wait for each other in one direction.
    rows.sort_by(|left, right| left.digest.cmp(&right.digest));
    leave_claims_to_the_first(&mut rows);
    let at: Vec<usize> = rows.iter().map(|row| row.at).collect();
    let inserted: HashMap<String, i64> = session
        .run(|connection| {
            statement::<(Text, BigInt)>(
                "WITH new AS MATERIALIZED (\
                     SELECT id, digest, fingerprint, request, resource, lease_ms, \
                            CASE WHEN EXISTS (SELECT 1 FROM trine.requests older \
                                              WHERE older.resource = new.resource AND NOT older.done) \
                                 THEN 0 ELSE attempt END AS attempt \
                     FROM unnest($, $, $, $, $, $, $) \
                          AS new (id, digest, fingerprint, request, resource, attempt, lease_ms)) \
                 INSERT INTO trine.requests \
                     (id, digest, fingerprint, request, resource, attempt, state, due_time) \
                 SELECT id, digest, fingerprint, request, resource, attempt, \
                        CASE attempt WHEN 0 THEN 'ACCEPTED' ELSE 'RUNNING' END, \
                        clock_timestamp() + sign(attempt) * lease_ms * interval '1 millisecond' \
                 FROM new ON CONFLICT DO NOTHING RETURNING id, attempt",
                append_binds(rows),
            )
            .load::<(String, i64)>(connection)
        })?
        .into_iter()
        .collect();
    for at in at {
        if let LogJob::Append { request, .. } = &jobs[at]
            && let Some(attempt) = inserted.get(&request.id.0)
        {
            let (operation, fingerprint) = (request.accepted(), request.idempotency.fingerprint);
            let claimed = *attempt == i64::from(FIRST_ATTEMPT);
            replies[at] = Some(LogReply::Appended { operation, fingerprint, existed: false, claimed });
        }
    }
    Ok(())
}

fn append_binds(rows: Vec<Appended>) -> Vec<Bind> {
    let (mut ids, mut digests, mut fingerprints) = (Vec::new(), Vec::new(), Vec::new());
    let (mut requests, mut resources) = (Vec::new(), Vec::new());
    let (mut attempts, mut leases_ms) = (Vec::new(), Vec::new());
    for row in rows {
        ids.push(row.id);
        digests.push(row.digest);
        fingerprints.push(row.fingerprint);
        requests.push(row.request);
        resources.push(row.resource);
        attempts.push(row.attempt);
        leases_ms.push(row.lease_ms);
    }
    vec![
        Bind::Texts(ids),
        Bind::BytesArray(digests),
        Bind::BytesArray(fingerprints),
        Bind::Texts(requests),
        Bind::OptionalTexts(resources),
        Bind::Integers(attempts),
        Bind::Integers(leases_ms),
    ]
}

/// RUNNING → APPLYING with what was decided.
fn decide(session: &mut Session, jobs: &[LogJob], replies: &mut [Option<LogReply>]) -> Result<()> {
    let mut steps = Steps::default();
    let mut decisions = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        if let LogJob::Decide { id, attempt, write_set } = job {
            steps.add(at, &id.0, *attempt);
            decisions.push(to_json(write_set)?);
        }
    }
    let sql = "WITH step AS MATERIALIZED (\
                        SELECT step.* FROM trine.requests r \
                        JOIN unnest($, $, $) AS step (id, attempt, decided) ON r.id = step.id \
                        ORDER BY r.id FOR UPDATE OF r) \
               UPDATE trine.requests r SET state = 'APPLYING', decided = step.decided \
               FROM step \
               WHERE r.id = step.id AND r.attempt = step.attempt AND r.state = 'RUNNING' \
               RETURNING r.id, r.attempt, FALSE";
    let reply = |taken: Option<bool>| LogReply::Stepped(taken.is_some());
    steps.take(session, sql, vec![Bind::Texts(decisions)], replies, reply)
}

/// RUNNING, APPLYING → DONE.
fn settle(session: &mut Session, jobs: &[LogJob], replies: &mut [Option<LogReply>]) -> Result<()> {
    let mut steps = Steps::default();
    let (mut results, mut failed) = (Vec::new(), Vec::new());
    let (mut apply_times, mut tokens) = (Vec::new(), Vec::new());
    for (at, job) in jobs.iter().enumerate() {
        if let LogJob::Settle { id, attempt, result, apply_time, consistency_token, .. } = job {
            steps.add(at, &id.0, *attempt);
            results.push(to_json(result)?);
            failed.push(Some(matches!(result, OperationResult::Error(_))));
            apply_times.push(apply_time.as_str().to_owned());
            tokens.push(consistency_token.clone());
        }
    }
    let sql = "WITH step AS MATERIALIZED (\
                        SELECT step.* FROM trine.requests r \
                        JOIN unnest($, $, $, $, $, $) \
                             AS step (id, attempt, result, failed, apply_time, token) ON r.id = step.id \
                        ORDER BY r.id FOR UPDATE OF r) \
               UPDATE trine.requests r SET state = 'DONE', done = TRUE, done_time = clock_timestamp(), \
                   result = step.result, failed = step.failed, apply_time = step.apply_time, \
                   consistency_token = step.token, decided = NULL \
               FROM step \
               WHERE r.id = step.id AND r.attempt = step.attempt AND r.state IN ('RUNNING', 'APPLYING') \
               RETURNING r.id, r.attempt, \
                         EXISTS (SELECT 1 FROM trine.requests later WHERE later.resource = r.resource \
                                 AND later.number > r.number AND NOT later.done)";
    let binds = vec![
        Bind::Texts(results),
        Bind::OptionalBooleans(failed),
        Bind::Texts(apply_times),
        Bind::OptionalTexts(tokens),
    ];
    let reply = |taken: Option<bool>| LogReply::Settled {
        stepped: taken.is_some(),
        next_is_due: taken.unwrap_or_default(),
    };
    steps.take(session, sql, binds, replies, reply)
}

/// Steps of one kind: which jobs they are, and the claims that they belong to.
#[derive(Default)]
struct Steps {
    at: Vec<usize>,
    ids: Vec<String>,
    attempts: Vec<i64>,
}

impl Steps {
    fn add(&mut self, at: usize, id: &str, attempt: u32) {
        self.at.push(at);
        self.ids.push(id.to_owned());
        self.attempts.push(attempt.into());
    }

    /// Runs `sql`, whose first two arrays are the claims, and says of each what became of it: `reply` of
    /// what came back with its row, of nothing when it was not current.
    fn take(
        self,
        session: &mut Session,
        sql: &str,
        binds: Vec<Bind>,
        replies: &mut [Option<LogReply>],
        reply: impl Fn(Option<bool>) -> LogReply,
    ) -> Result<()> {
        if self.at.is_empty() {
            return Ok(());
        }
        let mut all = vec![Bind::Texts(self.ids.clone()), Bind::Integers(self.attempts.clone())];
        all.extend(binds);
        let rows: Vec<(String, i64, bool)> =
            session.run(|connection| statement::<(Text, BigInt, Bool)>(sql, all).load(connection))?;
        let taken: HashMap<(String, i64), bool> =
            rows.into_iter().map(|(id, attempt, told)| ((id, attempt), told)).collect();
        for ((at, id), attempt) in self.at.into_iter().zip(self.ids).zip(self.attempts) {
            let place = replies.get_mut(at).ok_or_else(|| Error::internal("a job that is none"))?;
            *place = Some(reply(taken.get(&(id, attempt)).copied()));
        }
        Ok(())
    }
}
