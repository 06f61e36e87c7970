//! The writing connection: one transaction a batch, a savepoint for each write set of several statements.
//!
//! Invariants: a member is wholly in or wholly out; an error that is not a member's own fault rolls
//! the whole batch back; nothing is reported as committed before COMMIT came back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::{failed_commit, is_locked, roll_back, unavailable};
use super::member::{Failure, Member};
use super::presence::Presence;
use super::room::Room;
use super::statement::{Bind, run, statement};
use super::table::TableSql;
use crate::failpoint;
use crate::model::{Error, Position, Reason, Timestamp, TypeName, WriteSet};
use crate::schema::Catalogue;
use crate::store::backend::{Committed, Patience, Verdict, Writer};
use crate::store::family::Families;

pub(super) struct SqliteWriter {
    pub connection: SqliteConnection,
    pub cluster: u64,
    pub lock_timeout_ms: u32,
    room: Room,
    presence: Presence,
    tables: HashMap<TypeName, TableSql>,
    families: Families,
    /// Digest of the catalogue that `tables` and `families` were made from.
    digest: String,
}

/// What the whole batch shares.
pub(super) struct Batch<'a> {
    pub catalogue: &'a Catalogue,
    pub tables: &'a HashMap<TypeName, TableSql>,
    pub families: &'a Families,
    pub schema_id: i64,
    pub now: Timestamp,
    /// Last version given; members count it on.
    pub version: i64,
}

/// Why no transaction was begun.
enum NotBegun {
    Busy,
    Stale,
    Broken(Error),
}

impl SqliteWriter {
    pub(super) fn new(
        connection: SqliteConnection,
        cluster: u64,
        lock_timeout_ms: u32,
        (room, presence): (Room, Presence),
    ) -> Self {
        Self {
            connection,
            cluster,
            lock_timeout_ms,
            room,
            presence,
            tables: HashMap::new(),
            families: Families::default(),
            digest: String::new(),
        }
    }

    /// Takes the write lock and reads what the batch starts from: schema id and last version.
    fn begin(&mut self, catalogue: &Catalogue, patience: Patience) -> Result<(i64, i64), NotBegun> {
        self.presence.check().map_err(NotBegun::Broken)?;
        if let Patience::WaitUntil(deadline) = patience {
            self.wait_for_lock(deadline.saturating_duration_since(Instant::now()));
        }
        let begun = run(&mut self.connection, "BEGIN IMMEDIATE", vec![]);
        if let Patience::WaitUntil(_) = patience {
            self.wait_for_lock(Duration::from_millis(u64::from(self.lock_timeout_ms)));
        }
        begun.map_err(|error| match is_locked(&error) {
            true => NotBegun::Busy,
            false => NotBegun::Broken(unavailable(error.to_string())),
        })?;
        let state = statement::<(Text, BigInt, BigInt)>(
            "SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c",
            vec![],
        )
        .get_result::<(String, i64, i64)>(&mut self.connection);
        match state {
            Ok((digest, schema_id, version)) if digest == catalogue.digest => Ok((schema_id, version)),
            Ok(_) => {
                roll_back(&mut self.connection);
                Err(NotBegun::Stale)
            }
            Err(error) => {
                roll_back(&mut self.connection);
                Err(NotBegun::Broken(unavailable(error.to_string())))
            }
        }
    }

    fn wait_for_lock(&mut self, longest: Duration) {
        let pragma = format!("PRAGMA busy_timeout = {}", longest.as_millis().min(60_000));
        if let Err(error) = self.connection.batch_execute(&pragma) {
            tracing::warn!(%error, "busy_timeout was not set");
        }
    }

    fn prepare_tables(&mut self, catalogue: &Catalogue) {
        if self.digest != catalogue.digest {
            self.tables =
                catalogue.types.iter().map(|kind| (kind.name.clone(), TableSql::new(kind))).collect();
            self.families = Families::new(catalogue);
            self.digest.clone_from(&catalogue.digest);
        }
    }

    /// Every member in its savepoint. An error here is nobody's own: the batch is to be rolled back.
    fn members(
        &mut self,
        catalogue: &Catalogue,
        write_sets: &[WriteSet],
        (schema_id, version): (i64, i64),
    ) -> diesel::QueryResult<Vec<Verdict>> {
        let (tables, families) = (&self.tables, &self.families);
        let mut batch = Batch { catalogue, tables, families, schema_id, now: Timestamp::now(), version };
        let mut verdicts = Vec::with_capacity(write_sets.len());
        for write_set in write_sets {
            let before = batch.version;
            let savepoint = may_write_twice(write_set, families);
            if savepoint {
                run(&mut self.connection, "SAVEPOINT member", vec![])?;
            }
            match Member::new(&mut self.connection, &mut batch, write_set).apply() {
                Ok(committed) => {
                    if write_set.validate_only {
                        run(&mut self.connection, "ROLLBACK TO member", vec![])?;
                        batch.version = before;
                    }
                    verdicts.push(Verdict::Committed(committed));
                }
                Err(Failure::Refused(error)) => {
                    if savepoint {
                        run(&mut self.connection, "ROLLBACK TO member", vec![])?;
                    }
                    batch.version = before;
                    verdicts.push(Verdict::Rejected(*error));
                }
                Err(Failure::Broken(error)) => return Err(error),
            }
            if savepoint {
                run(&mut self.connection, "RELEASE member", vec![])?;
            }
        }
        if batch.version != version {
            let value = Bind::integer(batch.version);
            run(&mut self.connection, "UPDATE trine_counter SET value = ? WHERE id = 1", vec![value])?;
        }
        let position = Position { cluster: self.cluster, timeline: 1, offset: batch.version.unsigned_abs() };
        for verdict in &mut verdicts {
            if let Verdict::Committed(committed) = verdict {
                committed.position = Some(position);
            }
        }
        Ok(verdicts)
    }

    fn finish(&mut self, verdicts: Vec<Verdict>) -> Vec<Verdict> {
        failpoint!("commit.before");
        let outcome = run(&mut self.connection, "COMMIT", vec![]);
        failpoint!("commit.after");
        let Err(error) = outcome else { return verdicts };
        let failure = failed_commit(&mut self.connection, &error, outcome_unknown);
        verdicts
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Committed(Committed { .. }) => Verdict::Rejected(failure.clone()),
                other => other,
            })
            .collect()
    }
}

impl Writer for SqliteWriter {
    fn commit(&mut self, catalogue: &Catalogue, batch: &[WriteSet], patience: Patience) -> Vec<Verdict> {
        let verdicts = self.commit_batch(catalogue, batch, patience);
        for verdict in &verdicts {
            if let Verdict::Rejected(error) = verdict {
                self.room.note(error);
            }
        }
        verdicts
    }
}

impl SqliteWriter {
    fn commit_batch(
        &mut self,
        catalogue: &Catalogue,
        batch: &[WriteSet],
        patience: Patience,
    ) -> Vec<Verdict> {
        self.prepare_tables(catalogue);
        let state = match self.begin(catalogue, patience) {
            Ok(state) => state,
            Err(NotBegun::Busy) => return batch.iter().map(|_| Verdict::Busy).collect(),
            Err(NotBegun::Stale) => return batch.iter().map(|_| Verdict::StaleCatalogue).collect(),
            Err(NotBegun::Broken(error)) => {
                return batch.iter().map(|_| Verdict::Rejected(error.clone())).collect();
            }
        };
        match self.members(catalogue, batch, state) {
            Ok(verdicts) => self.finish(verdicts),
            Err(error) => {
                roll_back(&mut self.connection);
                let error = unavailable(format!("the batch was rolled back: {error}"));
                batch.iter().map(|_| Verdict::Rejected(error.clone())).collect()
            }
        }
    }
}

/// A statement that fails undoes itself; only what it follows needs a savepoint. Most write sets are
/// one statement, and two more for each would double the writer's work.
fn may_write_twice(write_set: &WriteSet, families: &Families) -> bool {
    write_set.validate_only
        || write_set.mutations.len() > 1
        || write_set.idempotency.is_some()
        || write_set.operation.is_some()
        || write_set.mutations.iter().any(|mutation| families.is_looked_around(mutation))
}

fn outcome_unknown(context: String) -> Error {
    Error::new(
        Reason::CommitOutcomeUnknown,
        "the commit may or may not have happened; ask again with the same idempotency key",
    )
    .with_context(context)
    .with_retry_after_s(1)
}
