//! What a batch is about to write: the judge's word on every mutation, on the rows that are locked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::attempt::{State, located, unknown_type};
use crate::model::{Mutation, Principal, ResourceRef, Result, Stored, Timestamp, Version, WriteSet};
use crate::query::Scalar;
use crate::schema::{Catalogue, ResourceType};
use crate::store::answer_size::refuse_large_answer;
use crate::store::family::Families;
use crate::store::judge::{Effect, Judge};

/// Rows that this transaction has locked, and those that somebody else has.
#[derive(Default)]
pub(super) struct Rows {
    pub locked: HashMap<ResourceRef, Stored>,
    pub skipped: HashSet<ResourceRef>,
}

/// What is to be written for one mutation: an [`Effect`] whose rows can be shared.
pub(super) enum Planned {
    Insert { kind: Arc<ResourceType>, stored: Arc<Stored>, columns: Arc<[Scalar]> },
    Update { kind: Arc<ResourceType>, stored: Arc<Stored>, columns: Arc<[Scalar]>, before: Vec<Scalar> },
    SoftDelete { kind: Arc<ResourceType>, stored: Arc<Stored> },
    Undelete { kind: Arc<ResourceType>, stored: Arc<Stored>, columns: Arc<[Scalar]> },
    Delete { kind: Arc<ResourceType> },
    Nothing { shown: Option<Arc<Stored>> },
}

/// What a member is judged by.
pub(super) struct Court<'a> {
    pub catalogue: &'a Catalogue,
    pub families: &'a Families,
    pub rows: &'a Rows,
    pub now: &'a Timestamp,
}

pub(super) fn plan_member(court: &Court<'_>, write_set: &WriteSet, versions: &[i64]) -> State {
    if write_set.mutations.iter().any(|mutation| court.rows.skipped.contains(&mutation.resource)) {
        return State::Busy;
    }
    if let Err(error) = court.families.refuse_overlaps(write_set) {
        return State::Refused(error);
    }
    let (mut plan, mut results) = (Vec::new(), Vec::new());
    for (at, (mutation, version)) in write_set.mutations.iter().zip(versions).enumerate() {
        match plan_mutation(court, &write_set.principal, mutation, Version(*version)) {
            Ok(planned) => {
                results.push(planned.result());
                plan.push(planned);
            }
            Err(error) => return State::Refused(located(error, write_set, at)),
        }
    }
    match refuse_large_answer(write_set, results.iter().flatten().map(Arc::as_ref)) {
        Ok(()) => State::Writing { plan, results },
        Err(error) => State::Refused(error),
    }
}

impl Planned {
    /// None when nothing is written.
    pub(super) fn kind(&self) -> Option<&Arc<ResourceType>> {
        match self {
            Self::Insert { kind, .. }
            | Self::Update { kind, .. }
            | Self::SoftDelete { kind, .. }
            | Self::Undelete { kind, .. }
            | Self::Delete { kind } => Some(kind),
            Self::Nothing { .. } => None,
        }
    }

    pub(super) fn takes_away(&self) -> bool {
        matches!(self, Self::SoftDelete { .. } | Self::Delete { .. })
    }

    pub(super) fn brings_alive(&self) -> bool {
        matches!(self, Self::Insert { .. } | Self::Undelete { .. })
    }

    fn result(&self) -> Option<Arc<Stored>> {
        match self {
            Self::Insert { stored, .. }
            | Self::Update { stored, .. }
            | Self::SoftDelete { stored, .. }
            | Self::Undelete { stored, .. } => Some(Arc::clone(stored)),
            Self::Delete { .. } => None,
            Self::Nothing { shown } => shown.clone(),
        }
    }
}

fn plan_mutation(
    court: &Court<'_>,
    principal: &Principal,
    mutation: &Mutation,
    version: Version,
) -> Result<Planned> {
    let resource = &mutation.resource;
    let kind = court.catalogue.resource(&resource.kind).ok_or_else(|| unknown_type(&resource.kind))?;
    let (row, now) = (court.rows.locked.get(resource), court.now);
    let judge = Judge { kind, resource, principal, row, version, now };
    let kind = Arc::clone(kind);
    Ok(match judge.effect(mutation)? {
        Effect::Insert { stored, columns } => {
            Planned::Insert { kind, stored: Arc::new(stored), columns: columns.into() }
        }
        Effect::Update { stored, columns, before } => {
            Planned::Update { kind, stored: Arc::new(stored), columns: columns.into(), before }
        }
        Effect::SoftDelete { stored } => Planned::SoftDelete { kind, stored: Arc::new(stored) },
        Effect::Undelete { stored, columns } => {
            Planned::Undelete { kind, stored: Arc::new(stored), columns: columns.into() }
        }
        Effect::Remove => Planned::Delete { kind },
        Effect::Nothing(shown) => Planned::Nothing { shown: shown.map(Arc::new) },
    })
}
