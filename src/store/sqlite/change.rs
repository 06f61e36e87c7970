//! One mutation on one row: the judge decides, this writes.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sqlite::SqliteConnection;

use super::member::Outcome;
use super::statement::{Bind, run, statement};
use super::table::{Row, RowType, TableSql, promoted, stored};
use super::writer::Batch;
use crate::model::{Change, Error, Mutation, Reason, ResourceRef, Scalar, Stored, Version, WriteSet};
use crate::schema::ResourceType;
use crate::store::judge::{Effect, Judge, already_exists, blame, refused, same_values};

pub(super) struct RowChange<'a, 'b> {
    pub connection: &'a mut SqliteConnection,
    pub batch: &'a mut Batch<'b>,
    pub write_set: &'a WriteSet,
    pub kind: &'a Arc<ResourceType>,
    pub table: &'a TableSql,
    pub resource: &'a ResourceRef,
}

/// What a mutation did.
pub(super) struct Applied {
    /// What it leaves behind.
    pub result: Option<Stored>,
    pub wrote: bool,
    /// An upsert that created.
    pub created: bool,
}

impl RowChange<'_, '_> {
    pub(super) fn apply(mut self, mutation: &Mutation) -> Outcome<Applied> {
        // The insert of a create tells by itself whether its key is free.
        let row = if matches!(mutation.change, Change::Create(_)) { None } else { self.find()? };
        let now = self.batch.now.clone();
        let version = Version(self.batch.version + 1);
        let (kind, resource, principal) = (self.kind, self.resource, &self.write_set.principal);
        let judge = Judge { kind, resource, principal, row: row.as_ref(), version, now: &now };
        let effect = judge.effect(mutation)?;
        if let Effect::Nothing(result) = effect {
            return Ok(Applied { result, wrote: false, created: false });
        }
        self.batch.version += 1;
        let created = matches!((&effect, &mutation.change), (Effect::Insert { .. }, Change::Upsert(_)));
        Ok(Applied { result: self.write(effect)?, wrote: true, created })
    }

    /// The row, where it is to be seen.
    fn find(&mut self) -> Outcome<Option<Stored>> {
        let mut binds = vec![Bind::text(self.resource.key.as_str())];
        if self.kind.owner.is_some() {
            let owner = self.write_set.principal.sight().owner().map(str::to_owned);
            binds.extend([Bind::Text(owner.clone()), Bind::Text(owner)]);
        }
        let row = statement::<RowType>(&self.table.get, binds).get_result::<Row>(self.connection);
        Ok(row.optional()?.map(|row| stored(&self.kind.name, row)))
    }

    fn write(&mut self, effect: Effect) -> Outcome<Option<Stored>> {
        match effect {
            Effect::Insert { stored, columns } => self.insert(stored, &columns).map(Some),
            Effect::Update { stored, columns, .. } => self.update(stored, &columns).map(Some),
            Effect::SoftDelete { stored } | Effect::Undelete { stored, .. } => self.mark(stored).map(Some),
            Effect::Remove => {
                self.run(&self.table.delete, vec![Bind::text(self.resource.key.as_str())])?;
                Ok(None)
            }
            Effect::Nothing(shown) => Ok(shown),
        }
    }

    fn insert(&mut self, mut stored: Stored, columns: &[Scalar]) -> Outcome<Stored> {
        stored.schema_id = self.batch.schema_id;
        let mut binds = vec![
            Bind::text(stored.key.as_str()),
            Bind::text(stored.key.parent()),
            Bind::text(stored.document.as_str()),
            Bind::integer(stored.version.0),
            Bind::integer(stored.schema_id),
            Bind::text(stored.create_time.as_str()),
            Bind::text(stored.update_time.as_str()),
            Bind::text(self.write_set.request_id.as_str()),
            Bind::Text(self.write_set.traceparent.clone()),
        ];
        self.bind_promoted(&mut binds, columns);
        if self.run(&self.table.insert, binds)? > 0 {
            return Ok(stored);
        }
        let is_deleted = self.find()?.is_some_and(|row| row.is_deleted());
        Err(already_exists(self.kind, self.resource, is_deleted).into())
    }

    fn update(&mut self, mut stored: Stored, columns: &[Scalar]) -> Outcome<Stored> {
        // What SQL wrote is still in a row of nobody's schema.
        if stored.schema_id != 0 {
            stored.schema_id = self.batch.schema_id;
        }
        let mut binds = vec![
            Bind::text(stored.document.as_str()),
            Bind::integer(stored.version.0),
            Bind::integer(stored.schema_id),
            Bind::text(stored.update_time.as_str()),
            Bind::text(self.write_set.request_id.as_str()),
            Bind::Text(self.write_set.traceparent.clone()),
        ];
        self.bind_promoted(&mut binds, columns);
        binds.push(Bind::text(stored.key.as_str()));
        self.run(&self.table.update, binds)?;
        Ok(stored)
    }

    fn mark(&mut self, stored: Stored) -> Outcome<Stored> {
        let time = |time: &Option<crate::model::Timestamp>| {
            Bind::Text(time.as_ref().map(|time| time.as_str().to_owned()))
        };
        let binds = vec![
            Bind::integer(stored.version.0),
            Bind::text(stored.update_time.as_str()),
            time(&stored.delete_time),
            time(&stored.purge_time),
            Bind::text(self.write_set.request_id.as_str()),
            Bind::Text(self.write_set.traceparent.clone()),
            Bind::text(stored.key.as_str()),
        ];
        self.run(&self.table.mark, binds)?;
        Ok(stored)
    }

    fn bind_promoted(&self, binds: &mut Vec<Bind>, columns: &[Scalar]) {
        binds.extend(promoted(self.kind).map(|(at, column)| Bind::scalar(column.kind, &columns[at])));
    }

    fn run(&mut self, sql: &str, binds: Vec<Bind>) -> Outcome<usize> {
        match run(self.connection, sql, binds) {
            Ok(count) => Ok(count),
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, information)) => {
                Err(self.unique_violation(information.message()).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// SQLite says `UNIQUE constraint failed: blog.v1.User.f_email, blog.v1.User.f_team`.
    fn unique_violation(&self, message: &str) -> Error {
        let columns = message.rsplit_once(": ").map_or("", |(_, columns)| columns);
        let fields: Vec<&str> = columns
            .split(", ")
            .filter_map(|column| column.rsplit_once('.'))
            .map(|(_, column)| column.strip_prefix("f_").unwrap_or(column))
            .collect();
        let error = refused(self.kind, self.resource, Reason::UniqueViolation, |_| same_values(&fields));
        blame(error, &fields).with_context(message)
    }
}
