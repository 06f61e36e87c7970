//! A mutation against the row it found: allowed or not, and what becomes of the row. No SQL here.
//!
//! Both databases ask the same judge, so that they give the same answers. Not here: what other rows
//! have to say (unique values, children, parents).

use std::borrow::Cow;
use std::sync::Arc;

use super::json::{from_json, to_json};
use crate::model::{
    Change, Deletion, Document, Edit, Error, Mutation, Precondition, Principal, Reason, ResourceRef, Result,
    Scalar, Stored, Timestamp, Upsert, Version,
};
use crate::schema::ResourceType;

/// How long a soft-deleted resource can be brought back (AIP-164).
pub(in crate::store) const PURGE_AFTER_DAYS: i64 = 30;

/// What is to be written.
pub(in crate::store) enum Effect {
    /// `columns` are the values of [`ResourceType::columns`].
    Insert {
        stored: Stored,
        columns: Vec<Scalar>,
    },
    /// `before`: the values that the row has now, where a unique index needs them.
    Update {
        stored: Stored,
        columns: Vec<Scalar>,
        before: Vec<Scalar>,
    },
    /// The row stays. Its times are this process' until the database has its say.
    SoftDelete {
        stored: Stored,
    },
    Undelete {
        stored: Stored,
        columns: Vec<Scalar>,
    },
    Remove,
    /// The row as it is, where the answer shows it.
    Nothing(Option<Stored>),
}

pub(in crate::store) struct Judge<'a> {
    pub kind: &'a Arc<ResourceType>,
    pub resource: &'a ResourceRef,
    /// Who asks. Of a type with owners `row` is none when it is another's, except where it takes an id.
    pub principal: &'a Principal,
    /// None also for a create that leaves the look to its insert.
    pub row: Option<&'a Stored>,
    /// Of the row as it will be.
    pub version: Version,
    pub now: &'a Timestamp,
}

impl Judge<'_> {
    pub(in crate::store) fn effect(&self, mutation: &Mutation) -> Result<Effect> {
        let precondition = mutation.precondition;
        match &mutation.change {
            Change::Create(document) => self.create(document, precondition),
            Change::Update(edits) => self.update(self.live(precondition)?, edits),
            Change::Upsert(upsert) => self.upsert(upsert, precondition),
            Change::Delete => self.delete(Deletion::default(), precondition),
            Change::DeleteWith(deletion) => self.delete(*deletion, precondition),
            Change::Undelete => self.undelete(precondition),
            Change::Check => self.check(precondition).map(|()| Effect::Nothing(None)),
        }
    }

    fn create(&self, document: &Document, precondition: Precondition) -> Result<Effect> {
        if !matches!(precondition, Precondition::None | Precondition::Absent) {
            return Err(self.conflict("a create cannot demand that the resource exists"));
        }
        match self.row {
            Some(row) => Err(already_exists(self.kind, self.resource, row.is_deleted() && self.is_own(row)?)),
            None => self.insert(document),
        }
    }

    fn insert(&self, document: &Document) -> Result<Effect> {
        let mut document = Cow::Borrowed(document);
        if self.kind.owner.is_some() {
            self.kind.claim(document.to_mut(), self.principal)?;
        }
        let document = document.as_ref();
        let columns = self.kind.column_values(document, self.now, self.now);
        Ok(Effect::Insert { stored: self.stored(document, self.now)?, columns })
    }

    fn update(&self, row: &Stored, edits: &[Edit]) -> Result<Effect> {
        let mut document: Document = from_json(&row.document)?;
        let values = |document: &Document, time| self.kind.column_values(document, &row.create_time, time);
        let is_unique = self.kind.indexes.iter().any(|index| index.unique);
        let before = if is_unique { values(&document, &row.update_time) } else { Vec::new() };
        let owner = self.kind.owner_of(&document).to_owned();
        self.kind.apply(&mut document, edits)?;
        self.kind.keep_owner(&owner, &mut document, self.principal)?;
        let columns = values(&document, self.now);
        Ok(Effect::Update { stored: self.stored(&document, &row.create_time)?, columns, before })
    }

    fn upsert(&self, upsert: &Upsert, precondition: Precondition) -> Result<Effect> {
        // Another's row is none to update, and takes the id all the same.
        let row = self.row.map(|row| self.is_own(row).map(|own| own.then_some(row))).transpose()?.flatten();
        match (row, precondition) {
            (None, Precondition::None | Precondition::Absent) if self.row.is_some() => {
                Err(already_exists(self.kind, self.resource, false))
            }
            (None, Precondition::None | Precondition::Absent) => {
                self.kind.check_required(&upsert.document)?;
                self.insert(&upsert.document)
            }
            (None, _) => Err(self.conflict("it does not exist")),
            (Some(row), Precondition::None | Precondition::Exists) if row.is_deleted() => {
                Err(already_exists(self.kind, self.resource, true))
            }
            (Some(_), _) => self.update(self.live(precondition)?, &upsert.edits),
        }
    }

    fn delete(&self, deletion: Deletion, precondition: Precondition) -> Result<Effect> {
        match self.row.filter(|row| !row.is_deleted()) {
            None if deletion.allow_missing => {
                self.already_gone(precondition).map(|()| Effect::Nothing(self.row.cloned()))
            }
            Some(row) if self.kind.soft_delete => {
                self.live(precondition)?;
                let times = (Some(self.now.clone()), Some(self.now.plus_days(PURGE_AFTER_DAYS)));
                Ok(Effect::SoftDelete { stored: self.marked(row, times) })
            }
            _ => self.live(precondition).map(|_| Effect::Remove),
        }
    }

    /// A deletion that has nothing to do may still have been meant for another state.
    fn already_gone(&self, precondition: Precondition) -> Result<()> {
        match (self.row, precondition) {
            (_, Precondition::None) | (None, Precondition::Absent) => Ok(()),
            (Some(row), Precondition::Version(wanted)) if row.version == wanted => Ok(()),
            _ => Err(self.conflict("it was deleted since it was read")),
        }
    }

    fn undelete(&self, precondition: Precondition) -> Result<Effect> {
        let row = self.row.ok_or_else(|| self.not_found("does not exist"))?;
        self.in_version(row, precondition)?;
        if !row.is_deleted() {
            return Err(refused(self.kind, self.resource, Reason::AlreadyExists, |name| {
                format!("`{name}` is not deleted, so there is nothing to bring back")
            }));
        }
        let document: Document = from_json(&row.document)?;
        let columns = self.kind.column_values(&document, &row.create_time, self.now);
        Ok(Effect::Undelete { stored: self.marked(row, (None, None)), columns })
    }

    /// `Absent`: the id is free. `Exists`: there is one that is not deleted.
    fn check(&self, precondition: Precondition) -> Result<()> {
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Absent => self.row.is_none(),
            Precondition::Exists => self.row.is_some_and(|row| !row.is_deleted()),
            Precondition::Version(wanted) => self.row.is_some_and(|row| row.version == wanted),
        };
        if holds { Ok(()) } else { Err(self.conflict("it changed since it was read")) }
    }

    /// The row that a change needs, not deleted and in the version it demands.
    fn live(&self, precondition: Precondition) -> Result<&Stored> {
        let row = self.row.ok_or_else(|| self.not_found("does not exist"))?;
        if precondition == Precondition::Absent {
            return Err(self.conflict("it exists"));
        }
        if row.is_deleted() {
            let is_shown = self.kind.standard.delete_time;
            return Err(self.not_found(if is_shown {
                "is deleted; undelete it first"
            } else {
                "is deleted; undelete it where that is served"
            }));
        }
        self.in_version(row, precondition)?;
        Ok(row)
    }

    fn in_version(&self, row: &Stored, precondition: Precondition) -> Result<()> {
        match precondition {
            Precondition::Absent => Err(self.conflict("it exists")),
            Precondition::Version(wanted) if wanted != row.version => {
                Err(self.conflict("it changed since it was read"))
            }
            _ => Ok(()),
        }
    }

    /// Of what another owns nothing is said but that its id is taken.
    fn is_own(&self, row: &Stored) -> Result<bool> {
        if self.kind.owner.is_none() {
            return Ok(true);
        }
        let document: Document = from_json(&row.document)?;
        Ok(self.principal.sight().sees(self.kind.owner_of(&document)))
    }

    fn stored(&self, document: &Document, create_time: &Timestamp) -> Result<Stored> {
        self.kind.check_indexed(document)?;
        Ok(Stored {
            kind: self.resource.kind.clone(),
            key: self.resource.key.clone(),
            version: self.version,
            create_time: create_time.clone(),
            update_time: self.now.clone(),
            delete_time: None,
            purge_time: None,
            // Of the row as it was; whoever writes it knows the next.
            schema_id: self.row.map_or(0, |row| row.schema_id),
            document: to_json(document)?,
        })
    }

    fn marked(&self, row: &Stored, times: (Option<Timestamp>, Option<Timestamp>)) -> Stored {
        let (delete_time, purge_time) = times;
        let (version, update_time) = (self.version, self.now.clone());
        Stored { version, update_time, delete_time, purge_time, ..row.clone() }
    }

    fn not_found(&self, what: &str) -> Error {
        refused(self.kind, self.resource, Reason::NotFound, |name| format!("`{name}` {what}"))
    }

    fn conflict(&self, what: &str) -> Error {
        refused(self.kind, self.resource, Reason::Conflict, |name| {
            format!("`{name}`: {what}; read it again and retry")
        })
    }
}

pub(in crate::store) fn already_exists(
    kind: &ResourceType,
    resource: &ResourceRef,
    is_deleted: bool,
) -> Error {
    refused(kind, resource, Reason::AlreadyExists, |name| match is_deleted {
        true if kind.standard.delete_time => {
            format!("`{name}` is deleted and keeps its id until it is purged; undelete it or take another id")
        }
        // Only binaries of an older schema could show it and bring it back.
        true => format!(
            "`{name}` is deleted and keeps its id until it is purged, because an older schema deletes softly; \
             undelete it where that is served, take another id, or run `trine schema prune` when no binary of that schema runs any more"
        ),
        false => format!("`{name}` already exists; take another id"),
    })
}

/// What is said of a value of a unique index that another row holds.
pub(in crate::store) fn same_values(fields: &[&str]) -> String {
    format!("another resource has the same `{}`; it must be unique", fields.join(", "))
}

/// Names the fields that must be unique.
pub(in crate::store) fn blame(error: Error, fields: &[&str]) -> Error {
    let error = error.with_metadata("field", fields.join(", "));
    fields.iter().fold(error, |error, field| error.with_violation(*field, "must be unique"))
}

pub(in crate::store) fn refused(
    kind: &ResourceType,
    resource: &ResourceRef,
    reason: Reason,
    message: impl Fn(&str) -> String,
) -> Error {
    let name = kind.pattern.resource_name(resource.key.as_str());
    Error::new(reason, message(&name)).with_metadata("resource", name)
}
