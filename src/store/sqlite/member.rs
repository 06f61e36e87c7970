//! One write set inside its savepoint: duplicates first, then preconditions and changes, then the
//! answer, its key and its operation.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sqlite::SqliteConnection;

use super::records::{find_answer, find_operation, store_answer, store_operation};
use super::statement::{Bind, run, statement};
use super::table::{Row, RowType, TableSql, promoted};
use super::writer::Batch;
use crate::model::{
    Answer, Change, Document, Edit, Error, Key, Mutation, Operation, OperationResult, OperationState,
    Precondition, Reason, Stored, Timestamp, Version, WriteSet,
};
use crate::schema::ResourceType;
use crate::store::backend::Committed;

/// Why a member is not in.
pub(super) enum Failure {
    /// Its own fault: the others go on.
    Refused(Box<Error>),
    /// The transaction cannot be trusted any more.
    Broken(DieselError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        Self::Broken(error)
    }
}

type Outcome<T> = Result<T, Failure>;

pub(super) struct Member<'a, 'b> {
    connection: &'a mut SqliteConnection,
    batch: &'a mut Batch<'b>,
    write_set: &'a WriteSet,
}

impl<'a, 'b> Member<'a, 'b> {
    pub(super) fn new(
        connection: &'a mut SqliteConnection,
        batch: &'a mut Batch<'b>,
        write_set: &'a WriteSet,
    ) -> Self {
        Self { connection, batch, write_set }
    }

    pub(super) fn apply(mut self) -> Outcome<Committed> {
        if let Some(committed) = self.recorded_operation()? {
            return Ok(committed);
        }
        if let Some(answer) = self.recorded_answer()? {
            self.record_operation(OperationResult::Response(answer.clone()))?;
            return Ok(self.replayed(answer));
        }
        let mut results = Vec::with_capacity(self.write_set.mutations.len());
        for (at, mutation) in self.write_set.mutations.iter().enumerate() {
            results.push(self.mutate(mutation).map_err(|failure| self.locate(failure, at))?);
        }
        if self.write_set.validate_only {
            return Ok(Committed::dry_run(&self.write_set.answer, results));
        }
        let answer = self.write_set.answer.answer(&results);
        self.record_answer(&answer)?;
        let failure = self.failure().cloned();
        self.record_operation(failure.unwrap_or_else(|| OperationResult::Response(answer.clone())))?;
        Ok(Committed { results, answer, replayed: false, position: None })
    }

    fn mutate(&mut self, mutation: &Mutation) -> Outcome<Option<Stored>> {
        let catalogue = self.batch.catalogue;
        let kind = catalogue.resource(&mutation.resource.kind).ok_or_else(|| {
            Error::new(Reason::InvalidBody, format!("`{}` is no resource type here", mutation.resource.kind))
        })?;
        let tables = self.batch.tables;
        let table = tables
            .get(&kind.name)
            .ok_or_else(|| Error::internal(format!("no statements for {}", kind.name)))?;
        let mut row = RowChange { member: self, kind, table, key: &mutation.resource.key };
        match &mutation.change {
            Change::Create(document) => row.create(document, mutation.precondition).map(Some),
            Change::Update(edits) => row.update(edits, mutation.precondition).map(Some),
            Change::Delete => row.delete(mutation.precondition).map(|()| None),
            Change::Check => row.check(mutation.precondition).map(|()| None),
        }
    }

    /// Names the mutation when there are several.
    fn locate(&self, failure: Failure, at: usize) -> Failure {
        match failure {
            Failure::Refused(error) if self.write_set.mutations.len() > 1 => {
                Failure::from(error.with_metadata("mutation", format!("mutations[{at}]")))
            }
            other => other,
        }
    }

    /// A duplicate push: the operation has already ended, and ended only once.
    fn recorded_operation(&mut self) -> Outcome<Option<Committed>> {
        let Some(operation) = &self.write_set.operation else { return Ok(None) };
        let Some(recorded) = find_operation(self.connection, &operation.id)?.transpose()? else {
            return Ok(None);
        };
        match recorded.result {
            Some(OperationResult::Response(answer)) => Ok(Some(self.replayed(answer))),
            Some(OperationResult::Error(_)) if self.write_set.mutations.is_empty() => {
                Ok(Some(self.replayed(Answer::Empty)))
            }
            _ => Err(Error::new(
                Reason::FailedPrecondition,
                format!("operations/{} has already failed; nothing of it is applied", operation.id),
            )
            .into()),
        }
    }

    fn recorded_answer(&mut self) -> Outcome<Option<Answer>> {
        let Some(idempotency) = &self.write_set.idempotency else { return Ok(None) };
        match find_answer(self.connection, &idempotency.key)?.transpose()? {
            None => Ok(None),
            Some((fingerprint, answer)) if fingerprint == idempotency.fingerprint => Ok(Some(answer)),
            // The key is another request's: a failure that was recorded takes nothing from it.
            Some(_) if self.failure().is_some() => Ok(None),
            Some(_) => Err(Error::new(
                Reason::IdempotencyKeyReused,
                "the idempotency key was used for another request; take a new one",
            )
            .into()),
        }
    }

    fn record_answer(&mut self, answer: &Answer) -> Outcome<()> {
        let Some(idempotency) = self.write_set.idempotency.as_ref().filter(|_| self.failure().is_none())
        else {
            return Ok(());
        };
        let hour = self.batch.now.seconds_and_nanos().0 / 3600;
        store_answer(self.connection, idempotency, answer, hour)??;
        Ok(())
    }

    fn record_operation(&mut self, result: OperationResult) -> Outcome<()> {
        let Some(operation) = &self.write_set.operation else { return Ok(()) };
        let operation = Operation {
            state: OperationState::Done,
            apply_time: operation.apply_time.clone().or_else(|| Some(self.batch.now.clone())),
            result: Some(result),
            ..operation.clone()
        };
        // The position moves, so that whoever learns of the end can wait for it.
        self.batch.version += 1;
        store_operation(self.connection, &operation, &self.batch.now)??;
        Ok(())
    }

    /// Failures are recorded as operations, never under a key.
    fn failure(&self) -> Option<&'a OperationResult> {
        let result = self.write_set.operation.as_ref()?.result.as_ref()?;
        matches!(result, OperationResult::Error(_)).then_some(result)
    }

    fn replayed(&self, answer: Answer) -> Committed {
        let results = self.write_set.mutations.iter().map(|_| None).collect();
        Committed { results, answer, replayed: true, position: None }
    }
}

/// One mutation on one row.
struct RowChange<'a, 'b, 'c> {
    member: &'a mut Member<'b, 'c>,
    kind: &'a Arc<ResourceType>,
    table: &'a TableSql,
    key: &'a Key,
}

impl RowChange<'_, '_, '_> {
    fn create(&mut self, document: &Document, precondition: Precondition) -> Outcome<Stored> {
        if !matches!(precondition, Precondition::None | Precondition::Absent) {
            return Err(self.conflict("a create cannot demand that the resource exists").into());
        }
        let now = self.member.batch.now.clone();
        let stored = self.stored(document, now.clone())?;
        let write_set = self.member.write_set;
        let mut binds = vec![
            Bind::text(self.key.as_str()),
            Bind::text(self.key.parent()),
            Bind::text(stored.document.as_str()),
            Bind::integer(stored.version.0),
            Bind::integer(self.member.batch.schema_id),
            Bind::text(now.as_str()),
            Bind::text(now.as_str()),
            Bind::text(write_set.request_id.as_str()),
            Bind::Text(write_set.traceparent.clone()),
        ];
        self.bind_promoted(&mut binds, document, &stored);
        match self.write(&self.table.insert, binds)? {
            0 => Err(self
                .error(Reason::AlreadyExists, format!("`{}` already exists; take another id", self.name()))
                .into()),
            _ => Ok(stored),
        }
    }

    fn update(&mut self, edits: &[Edit], precondition: Precondition) -> Outcome<Stored> {
        let (_, text, _, create_time, ..) = self.existing(precondition)?;
        let mut document: Document = super::records::from_json(&text)?;
        self.kind.apply(&mut document, edits)?;
        let stored = self.stored(&document, Timestamp::from_stored(&create_time))?;
        let write_set = self.member.write_set;
        let mut binds = vec![
            Bind::text(stored.document.as_str()),
            Bind::integer(stored.version.0),
            Bind::integer(self.member.batch.schema_id),
            Bind::text(stored.update_time.as_str()),
            Bind::text(write_set.request_id.as_str()),
            Bind::Text(write_set.traceparent.clone()),
        ];
        self.bind_promoted(&mut binds, &document, &stored);
        binds.push(Bind::text(self.key.as_str()));
        self.write(&self.table.update, binds)?;
        Ok(stored)
    }

    fn delete(&mut self, precondition: Precondition) -> Outcome<()> {
        self.existing(precondition)?;
        self.member.batch.version += 1;
        self.write(&self.table.delete, vec![Bind::text(self.key.as_str())])?;
        Ok(())
    }

    fn check(&mut self, precondition: Precondition) -> Outcome<()> {
        let version = self.find()?.map(|row| row.2);
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Absent => version.is_none(),
            Precondition::Exists => version.is_some(),
            Precondition::Version(wanted) => version == Some(wanted.0),
        };
        if holds { Ok(()) } else { Err(self.conflict("it changed since it was read").into()) }
    }

    /// The row that an update or a delete needs, in the version it demands.
    fn existing(&mut self, precondition: Precondition) -> Outcome<Row> {
        let row = self
            .find()?
            .ok_or_else(|| self.error(Reason::NotFound, format!("`{}` does not exist", self.name())))?;
        match precondition {
            Precondition::Absent => Err(self.conflict("it exists").into()),
            Precondition::Version(wanted) if wanted.0 != row.2 => {
                Err(self.conflict("it changed since it was read").into())
            }
            _ => Ok(row),
        }
    }

    fn find(&mut self) -> Outcome<Option<Row>> {
        let binds = vec![Bind::text(self.key.as_str())];
        Ok(statement::<RowType>(&self.table.get, binds)
            .get_result::<Row>(self.member.connection)
            .optional()?)
    }

    /// The row as it will be, under the next version.
    fn stored(&mut self, document: &Document, create_time: Timestamp) -> Outcome<Stored> {
        self.kind.check_indexed(document)?;
        self.member.batch.version += 1;
        Ok(Stored {
            kind: self.kind.name.clone(),
            key: self.key.clone(),
            version: Version(self.member.batch.version),
            create_time,
            update_time: self.member.batch.now.clone(),
            delete_time: None,
            purge_time: None,
            document: super::records::to_json(document)?,
        })
    }

    fn bind_promoted(&self, binds: &mut Vec<Bind>, document: &Document, stored: &Stored) {
        let values = self.kind.column_values(document, &stored.create_time, &stored.update_time);
        binds.extend(promoted(self.kind).map(|(at, column)| Bind::scalar(column.kind, &values[at])));
    }

    fn write(&mut self, sql: &str, binds: Vec<Bind>) -> Outcome<usize> {
        match run(self.member.connection, sql, binds) {
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
        let named = fields.join(", ");
        let mut error = self
            .error(
                Reason::UniqueViolation,
                format!("another resource has the same `{named}`; it must be unique"),
            )
            .with_metadata("field", named.as_str())
            .with_context(message);
        for field in fields {
            error = error.with_violation(field, "must be unique");
        }
        error
    }

    fn conflict(&self, what: &str) -> Error {
        self.error(Reason::Conflict, format!("`{}`: {what}; read it again and retry", self.name()))
    }

    fn error(&self, reason: Reason, message: String) -> Error {
        Error::new(reason, message).with_metadata("resource", self.name())
    }

    fn name(&self) -> String {
        self.kind.pattern.resource_name(self.key.as_str())
    }
}
