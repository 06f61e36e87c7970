//! One write set inside its savepoint: duplicates first, then preconditions and changes, then the
//! answer, its key and its operation.

use diesel::result::Error as DieselError;
use diesel::sqlite::SqliteConnection;

use super::change::{Applied, RowChange};
use super::records::{find_answer, find_operation, store_answer, store_operation};
use super::tree::Tree;
use super::writer::Batch;
use crate::model::{
    Answer, Error, Mutation, Operation, OperationResult, OperationState, Reason, Stored, WriteSet,
};
use crate::store::answer_size::refuse_large_answer;
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

pub(super) type Outcome<T> = Result<T, Failure>;

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
        self.batch.families.refuse_overlaps(self.write_set)?;
        let mut applied = Vec::with_capacity(self.write_set.mutations.len());
        for (at, mutation) in self.write_set.mutations.iter().enumerate() {
            applied.push(self.mutate(mutation).map_err(|failure| self.locate(failure, at))?);
        }
        for (at, mutation) in self.write_set.mutations.iter().enumerate().filter(|(at, _)| applied[*at].wrote)
        {
            let tree = Tree { connection: self.connection, batch: self.batch, write_set: self.write_set };
            tree.check(mutation).map_err(|failure| self.locate(failure, at))?;
        }
        let created: Vec<bool> = applied.iter().map(|applied| applied.created).collect();
        let results: Vec<Option<Stored>> = applied.into_iter().map(|applied| applied.result).collect();
        let created = |at: usize| created[at];
        refuse_large_answer(self.write_set, results.iter().flatten())?;
        if self.write_set.validate_only {
            return Ok(Committed::dry_run(&self.write_set.answer, results, created));
        }
        let answer = self.write_set.answer.answer(&results, created);
        self.record_answer(&answer)?;
        let failure = self.failure().cloned();
        self.record_operation(failure.unwrap_or_else(|| OperationResult::Response(answer.clone())))?;
        Ok(Committed { results, answer, replayed: false, position: None })
    }

    fn mutate(&mut self, mutation: &Mutation) -> Outcome<Applied> {
        let catalogue = self.batch.catalogue;
        let kind = catalogue.resource(&mutation.resource.kind).ok_or_else(|| {
            Error::new(Reason::InvalidBody, format!("`{}` is no resource type here", mutation.resource.kind))
        })?;
        let tables = self.batch.tables;
        let table = tables
            .get(&kind.name)
            .ok_or_else(|| Error::internal(format!("no statements for {}", kind.name)))?;
        let (connection, batch, write_set) = (&mut *self.connection, &mut *self.batch, self.write_set);
        RowChange { connection, batch, write_set, kind, table, resource: &mutation.resource }.apply(mutation)
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
