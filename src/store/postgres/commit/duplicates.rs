//! One effect for one key: what was answered before is answered again, nothing is written twice.
//!
//! A key is arbitrated by an advisory lock of the transaction, taken without waiting in the
//! statement *before* the one that looks for the kept answer: a look that began earlier could miss
//! a commit between the two.

use std::collections::HashMap;

use super::Stop;
use super::attempt::{Attempt, Member, State};
use crate::model::{
    Answer, Error, Fingerprint, Operation, OperationResult, OperationState, Reason, Timestamp, WriteSet,
};
use crate::store::backend::Verdict;
use crate::store::postgres::records::{self, KeptAnswer, to_json};
use crate::store::postgres::statement::{Bind, statement};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

/// A member whose effect is there already.
pub(super) struct Duplicate {
    pub answer: Answer,
    /// The operation has no record of its own yet.
    pub record_operation: bool,
}

/// Fingerprint and answer.
type AnswersByDigest = HashMap<Vec<u8>, (Vec<u8>, String)>;

/// Position of the member, and the lock it needs: one for its key, one for its operation.
pub(super) fn locks(members: &[Member<'_>]) -> Vec<(usize, i64)> {
    let mut locks = Vec::new();
    for (at, member) in members.iter().enumerate() {
        if let Some(idempotency) = &member.write_set.idempotency {
            locks.push((at, lock_number(&records::digest(&idempotency.key))));
        }
        if let Some(operation) = &member.write_set.operation {
            locks.push((at, lock_number(&Sha256::digest(operation.id.0.as_bytes()))));
        }
    }
    locks
}

fn lock_number(digest: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

pub(super) fn in_progress() -> Error {
    Error::new(
        Reason::InProgress,
        "a request with this idempotency key is being worked on; ask again for its answer",
    )
    .with_retry_after_s(1)
}

pub(super) fn find(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    let operations = find_operations(attempt)?;
    let answers = find_answers(attempt)?;
    for member in &mut attempt.members {
        if !matches!(member.state, State::Writing { .. }) {
            continue;
        }
        let operation = member.write_set.operation.as_ref().and_then(|own| operations.get(&own.id.0));
        let kept = member
            .write_set
            .idempotency
            .as_ref()
            .and_then(|own| answers.get(&records::digest(&own.key)).map(|kept| (own.fingerprint, kept)));
        if let Some(text) = operation {
            member.state =
                readable(records::parse_operation(text), |operation| recorded(member.write_set, &operation));
        } else if let Some((fingerprint, (kept, answer))) = kept {
            member.state = readable(records::parse_answer(kept.clone(), answer), |(kept, answer)| {
                replayed(member.write_set, fingerprint, kept, answer)
            });
        }
    }
    Ok(())
}

/// A record that cannot be read refuses its own member; the others of the batch have no part in it.
fn readable<T>(record: Result<T, Error>, state: impl FnOnce(T) -> State) -> State {
    record.map_or_else(State::Refused, state)
}

fn find_operations(attempt: &mut Attempt<'_>) -> Result<HashMap<String, String>, Stop> {
    let own = attempt.members.iter().filter_map(|member| member.write_set.operation.as_ref());
    let ids: Vec<String> = own.map(|operation| operation.id.0.clone()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(records::find_operations(attempt.connection(), ids)?.into_iter().collect())
}

fn find_answers(attempt: &mut Attempt<'_>) -> Result<AnswersByDigest, Stop> {
    let own = attempt.members.iter().filter_map(|member| member.write_set.idempotency.as_ref());
    let digests: Vec<Vec<u8>> = own.map(|idempotency| records::digest(&idempotency.key)).collect();
    if digests.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<KeptAnswer> = records::find_answers(attempt.connection(), digests)?;
    Ok(found.into_iter().map(|(digest, fingerprint, answer)| (digest, (fingerprint, answer))).collect())
}

/// A duplicate push: the operation has already ended, and ended only once.
fn recorded(write_set: &WriteSet, operation: &Operation) -> State {
    let duplicate = |answer| State::Duplicate(Duplicate { answer, record_operation: false });
    match &operation.result {
        Some(OperationResult::Response(answer)) => duplicate(answer.clone()),
        Some(OperationResult::Error(_)) if write_set.mutations.is_empty() => duplicate(Answer::Empty),
        _ => State::Refused(Error::new(
            Reason::FailedPrecondition,
            format!("operations/{} has already failed; nothing of it is applied", operation.id),
        )),
    }
}

fn replayed(write_set: &WriteSet, own: Fingerprint, kept: Fingerprint, answer: Answer) -> State {
    if own == kept {
        return State::Duplicate(Duplicate { answer, record_operation: true });
    }
    if failure(write_set).is_some() {
        // The key is another request's: a failure that is recorded takes nothing from it.
        return State::Writing { plan: Vec::new(), results: Vec::new() };
    }
    State::Refused(Error::new(
        Reason::IdempotencyKeyReused,
        "the idempotency key was used for another request; take a new one",
    ))
}

/// Keeps the answers and the operations of everything that this transaction commits.
pub(super) fn record(attempt: &mut Attempt<'_>, ended: &[(usize, Verdict)]) -> Result<(), Stop> {
    let (mut answers, mut operations) = (Vec::new(), Vec::new());
    for (member, (_, verdict)) in attempt.members.iter().zip(ended) {
        let Verdict::Committed(committed) = verdict else { continue };
        let writing = matches!(member.state, State::Writing { .. });
        let duplicate = matches!(&member.state, State::Duplicate(found) if found.record_operation);
        if let Some(idempotency) = &member.write_set.idempotency
            && writing
            && failure(member.write_set).is_none()
        {
            answers.push((idempotency, to_json(&committed.answer)?));
        }
        if let Some(operation) = &member.write_set.operation
            && (writing || duplicate)
        {
            // What its key was answered before counts more than a failure that was decided since.
            let failure = failure(member.write_set).filter(|_| writing).cloned();
            let result = failure.unwrap_or_else(|| OperationResult::Response(committed.answer.clone()));
            let ended = ended_operation(operation, result, &attempt.now);
            operations.push((operation.id.0.clone(), to_json(&ended)?));
        }
    }
    if !answers.is_empty() {
        let binds = vec![
            Bind::BytesArray(answers.iter().map(|(own, _)| records::digest(&own.key)).collect()),
            Bind::BytesArray(answers.iter().map(|(own, _)| own.fingerprint.0.to_vec()).collect()),
            Bind::Texts(answers.into_iter().map(|(_, answer)| answer).collect()),
        ];
        statement::<()>(
            "INSERT INTO trine.idempotency (digest, fingerprint, answer) SELECT * FROM unnest($, $, $)",
            binds,
        )
        .execute(attempt.connection())?;
    }
    if !operations.is_empty() {
        let (ids, texts) = operations.into_iter().unzip();
        statement::<()>(
            "INSERT INTO trine.operations (id, operation) SELECT * FROM unnest($, $)",
            vec![Bind::Texts(ids), Bind::Texts(texts)],
        )
        .execute(attempt.connection())?;
    }
    Ok(())
}

/// Failures are recorded as operations, never under a key.
fn failure(write_set: &WriteSet) -> Option<&OperationResult> {
    let result = write_set.operation.as_ref()?.result.as_ref()?;
    matches!(result, OperationResult::Error(_)).then_some(result)
}

fn ended_operation(operation: &Operation, result: OperationResult, now: &Timestamp) -> Operation {
    Operation {
        state: OperationState::Done,
        apply_time: operation.apply_time.clone().or_else(|| Some(now.clone())),
        result: Some(result),
        ..operation.clone()
    }
}
