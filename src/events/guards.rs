//! Failed guards: did a commit fail because what the rule had read has changed?
//!
//! Then, and only then, running the rule again on newer state helps. A client's own precondition
//! (`If-Match`, a taken id) is the client's to decide.

use crate::model::{
    Change, Deadline, Error, Key, Mutation, Position, Precondition, Reason, ResourceRef, Result, Sight,
    WriteSet,
};
use crate::schema::Catalogue;
use crate::store::ReadStore;

/// Whether a rule might decide otherwise on what is here now than it did in this write set, which failed.
pub async fn may_pass(
    catalogue: &Catalogue,
    reads: &ReadStore,
    (write_set, error): (&WriteSet, &Error),
    deadline: Deadline,
) -> Result<bool> {
    Ok(guard_failed(write_set, error)
        && !is_hidden_rival(catalogue, reads, (write_set, error), deadline).await?)
}

/// Whether `error` may be a failed guard of this decided write set.
fn guard_failed(write_set: &WriteSet, error: &Error) -> bool {
    let guards = |wanted: fn(&Mutation) -> bool| write_set.mutations.iter().any(wanted);
    match error.reason {
        Reason::Conflict | Reason::EtagMismatch | Reason::IfMatch => guards(has_guard),
        // The rule had seen that there was none.
        Reason::AlreadyExists => guards(|mutation| mutation.precondition == Precondition::Absent),
        // The rule had seen one.
        Reason::NotFound => guards(|mutation| matches!(mutation.precondition, Precondition::Version(_))),
        _ => false,
    }
}

/// Whether what is in the way of a create is a row that its principal may not see: the rule would decide the same
/// again, however often it ran.
async fn is_hidden_rival(
    catalogue: &Catalogue,
    reads: &ReadStore,
    (write_set, error): (&WriteSet, &Error),
    deadline: Deadline,
) -> Result<bool> {
    let sight = write_set.principal.sight();
    if error.reason != Reason::AlreadyExists || sight == Sight::All {
        return Ok(false);
    }
    let creates = write_set.mutations.iter().filter(|mutation| mutation.precondition == Precondition::Absent);
    for Mutation { resource: ResourceRef { kind, key }, .. } in creates {
        let Some(kind) = catalogue.resource(kind).filter(|kind| kind.owner.is_some()) else { continue };
        let is_there = reads.get_kept(kind, key, &Sight::All, deadline).await?.value.is_some();
        if is_there && reads.get_kept(kind, key, &sight, deadline).await?.value.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Failures that say nothing about the write set: the same one may be tried again later.
pub fn is_transient(error: &Error) -> bool {
    matches!(
        error.reason,
        Reason::Overloaded
            | Reason::DatabaseUnavailable
            | Reason::ReadOnlyMode
            | Reason::CommitOutcomeUnknown
            | Reason::Deadline
            | Reason::StatementTimeout
            | Reason::InProgress
            | Reason::ReplicaBehind
            | Reason::StrongRead
            | Reason::NotThisRole
            | Reason::Internal
    )
}

/// Times that one request may fail for reasons of our own before it has failed for good.
pub const FAULTS_MAX: u32 = 8;

/// Failures that waiting does not mend: our own bugs, and what the other side will never take.
pub fn is_fault(error: &Error) -> bool {
    error.reason == Reason::Internal || !is_transient(error)
}

fn has_guard(mutation: &Mutation) -> bool {
    matches!(mutation.precondition, Precondition::Version(_) | Precondition::Absent)
        || matches!(mutation.change, Change::Check)
}

/// Where the database is now: at least as new as whatever was written to this resource before.
pub async fn newest_position(
    catalogue: &Catalogue,
    reads: &ReadStore,
    resource: Option<&ResourceRef>,
    deadline: Deadline,
) -> Result<Option<Position>> {
    let Some(ResourceRef { kind, key }) = resource else { return Ok(None) };
    // A type that is not served here: its rows cannot be read, but are as old as what can.
    let Some(kind) = catalogue.resource(kind) else {
        return current_position(catalogue, reads, deadline).await;
    };
    Ok(Some(reads.get(kind, key, &Sight::All, deadline).await?.position))
}

/// Where the database is now, whatever is in it.
pub async fn current_position(
    catalogue: &Catalogue,
    reads: &ReadStore,
    deadline: Deadline,
) -> Result<Option<Position>> {
    let Some(kind) = catalogue.types.first() else { return Ok(None) };
    // What is absent is read at a position too.
    Ok(Some(reads.get(kind, &Key::new("-"), &Sight::All, deadline).await?.position))
}

/// The resource to ask for [`newest_position`] after these mutations.
pub fn first_resource(mutations: &[Mutation]) -> Option<&ResourceRef> {
    mutations.first().map(|mutation| &mutation.resource)
}
