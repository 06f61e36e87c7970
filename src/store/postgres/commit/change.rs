//! A mutation against the row it found: allowed or not, and what the row becomes. No SQL here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::attempt::{State, located, unknown_type};
use crate::model::{
    Change, Document, Edit, Error, Mutation, Precondition, Reason, ResourceRef, Result, Stored, Timestamp,
    Version, WriteSet,
};
use crate::query::Scalar;
use crate::schema::{Catalogue, ResourceType};
use crate::store::postgres::records::{from_json, to_json};

/// Rows that this transaction has locked, and those that somebody else has.
#[derive(Default)]
pub(super) struct Rows {
    pub locked: HashMap<ResourceRef, Stored>,
    pub skipped: HashSet<ResourceRef>,
}

/// What is to be written for one mutation.
pub(super) enum Planned {
    Insert { kind: Arc<ResourceType>, stored: Arc<Stored>, columns: Arc<[Scalar]> },
    Update { kind: Arc<ResourceType>, stored: Arc<Stored>, columns: Arc<[Scalar]>, before: Vec<Scalar> },
    Delete { kind: Arc<ResourceType> },
    Nothing,
}

pub(super) fn plan_member(
    catalogue: &Catalogue,
    write_set: &WriteSet,
    rows: &Rows,
    versions: &[i64],
    now: &Timestamp,
) -> State {
    if write_set.mutations.iter().any(|mutation| rows.skipped.contains(&mutation.resource)) {
        return State::Busy;
    }
    let (mut plan, mut results) = (Vec::new(), Vec::new());
    for (at, (mutation, version)) in write_set.mutations.iter().zip(versions).enumerate() {
        match plan_mutation(catalogue, mutation, rows, Version(*version), now) {
            Ok(planned) => {
                results.push(planned.result());
                plan.push(planned);
            }
            Err(error) => return State::Refused(located(error, write_set, at)),
        }
    }
    State::Writing { plan, results }
}

impl Planned {
    /// None when nothing is written.
    pub(super) fn kind(&self) -> Option<&ResourceType> {
        match self {
            Self::Insert { kind, .. } | Self::Update { kind, .. } | Self::Delete { kind } => Some(kind),
            Self::Nothing => None,
        }
    }

    fn result(&self) -> Option<Arc<Stored>> {
        match self {
            Self::Insert { stored, .. } | Self::Update { stored, .. } => Some(Arc::clone(stored)),
            Self::Delete { .. } | Self::Nothing => None,
        }
    }
}

fn plan_mutation(
    catalogue: &Catalogue,
    mutation: &Mutation,
    rows: &Rows,
    version: Version,
    now: &Timestamp,
) -> Result<Planned> {
    let resource = &mutation.resource;
    let kind = catalogue.resource(&resource.kind).ok_or_else(|| unknown_type(&resource.kind))?;
    let found = Found { kind, resource, row: rows.locked.get(resource) };
    match &mutation.change {
        Change::Create(document) => found.create(document, mutation.precondition, version, now),
        Change::Update(edits) => found.update(edits, mutation.precondition, version, now),
        Change::Delete => {
            found.existing(mutation.precondition)?;
            Ok(Planned::Delete { kind: Arc::clone(kind) })
        }
        Change::Check => found.check(mutation.precondition).map(|()| Planned::Nothing),
    }
}

struct Found<'a> {
    kind: &'a Arc<ResourceType>,
    resource: &'a ResourceRef,
    row: Option<&'a Stored>,
}

impl Found<'_> {
    fn create(
        &self,
        document: &Document,
        precondition: Precondition,
        version: Version,
        now: &Timestamp,
    ) -> Result<Planned> {
        if !matches!(precondition, Precondition::None | Precondition::Absent) {
            return Err(self.conflict("a create cannot demand that the resource exists"));
        }
        if self.row.is_some() {
            return Err(already_exists(self.kind, self.resource));
        }
        let columns = self.kind.column_values(document, now, now).into();
        let stored = Arc::new(self.stored(document, version, now, now)?);
        Ok(Planned::Insert { kind: Arc::clone(self.kind), stored, columns })
    }

    fn update(
        &self,
        edits: &[Edit],
        precondition: Precondition,
        version: Version,
        now: &Timestamp,
    ) -> Result<Planned> {
        let row = self.existing(precondition)?;
        let mut document: Document = from_json(&row.document)?;
        let before = self.kind.column_values(&document, &row.create_time, &row.update_time);
        self.kind.apply(&mut document, edits)?;
        let columns = self.kind.column_values(&document, &row.create_time, now).into();
        let stored = Arc::new(self.stored(&document, version, &row.create_time, now)?);
        Ok(Planned::Update { kind: Arc::clone(self.kind), stored, columns, before })
    }

    fn check(&self, precondition: Precondition) -> Result<()> {
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Absent => self.row.is_none(),
            Precondition::Exists => self.row.is_some(),
            Precondition::Version(wanted) => self.row.is_some_and(|row| row.version == wanted),
        };
        if holds { Ok(()) } else { Err(self.conflict("it changed since it was read")) }
    }

    /// The row that an update or a delete needs, in the version it demands.
    fn existing(&self, precondition: Precondition) -> Result<&Stored> {
        let row = self.row.ok_or_else(|| {
            refused(self.kind, self.resource, Reason::NotFound, |name| format!("`{name}` does not exist"))
        })?;
        match precondition {
            Precondition::Absent => Err(self.conflict("it exists")),
            Precondition::Version(wanted) if wanted != row.version => {
                Err(self.conflict("it changed since it was read"))
            }
            _ => Ok(row),
        }
    }

    fn stored(
        &self,
        document: &Document,
        version: Version,
        create_time: &Timestamp,
        update_time: &Timestamp,
    ) -> Result<Stored> {
        self.kind.check_indexed(document)?;
        Ok(Stored {
            kind: self.resource.kind.clone(),
            key: self.resource.key.clone(),
            version,
            create_time: create_time.clone(),
            update_time: update_time.clone(),
            delete_time: None,
            purge_time: None,
            document: to_json(document)?,
        })
    }

    fn conflict(&self, what: &str) -> Error {
        refused(self.kind, self.resource, Reason::Conflict, |name| {
            format!("`{name}`: {what}; read it again and retry")
        })
    }
}

pub(super) fn already_exists(kind: &ResourceType, resource: &ResourceRef) -> Error {
    refused(kind, resource, Reason::AlreadyExists, |name| format!("`{name}` already exists; take another id"))
}

pub(super) fn refused(
    kind: &ResourceType,
    resource: &ResourceRef,
    reason: Reason,
    message: impl Fn(&str) -> String,
) -> Error {
    let name = kind.pattern.resource_name(resource.key.as_str());
    Error::new(reason, message(&name)).with_metadata("resource", name)
}
