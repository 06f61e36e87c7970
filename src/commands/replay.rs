//! Replays: what a key has already been answered is answered again, cheaply, before a rule runs.
//!
//! Only a shortcut: the commit looks the key up again in its own transaction and is the arbiter.

use super::engine::{Invocation, Reply};
use crate::events::guards::current_position;
use crate::model::{Answer, Deadline, Error, Idempotency, Reason, Result};
use crate::schema::Catalogue;
use crate::store::ReadStore;

/// The stored answer as a reply, if the invocation's key has one.
pub async fn stored_answer(
    catalogue: &Catalogue,
    reads: &ReadStore,
    invocation: &Invocation,
) -> Result<Option<Reply>> {
    let Some(idempotency) = &invocation.idempotency else { return Ok(None) };
    let Some(answer) = answer_of(reads, idempotency, invocation.deadline).await? else { return Ok(None) };
    // Where the answer is, its effect is too: whoever lost the first answer reads on from here. The
    // answer is good without it.
    let position = current_position(catalogue, reads, invocation.deadline).await.unwrap_or(None);
    Ok(Some(Reply::Done { answer, position, replayed: true }))
}

/// The stored answer of a key; a key that was used for another request is refused.
pub async fn answer_of(
    reads: &ReadStore,
    idempotency: &Idempotency,
    deadline: Deadline,
) -> Result<Option<Answer>> {
    match reads.answer(&idempotency.key, deadline).await? {
        Some((fingerprint, _)) if fingerprint != idempotency.fingerprint => Err(key_reused()),
        known => Ok(known.map(|(_, answer)| answer)),
    }
}

pub fn key_reused() -> Error {
    let message = "this idempotency key was used for another request; use a new key for a new request";
    Error::new(Reason::IdempotencyKeyReused, message)
}
