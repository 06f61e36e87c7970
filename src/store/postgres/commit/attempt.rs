//! One transaction, step by step. Everything is judged before the first write, so that almost
//! always a refused member costs nothing; one that fails later takes the transaction with it.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;

use super::change::{Court, Planned, Rows, plan_member};
use super::duplicates::{self, Duplicate};
use super::fence::{self, Fenced};
use super::growth::Growth;
use super::{PostgresWriter, Stop, rows, tree, unique, write};
use crate::failpoint;
use crate::model::{Change, Error, Position, Reason, Stored, Timestamp, TypeName, WriteSet};
use crate::schema::Catalogue;
use crate::store::backend::{Committed, Patience, Verdict};
use crate::store::family::Families;
use crate::store::postgres::failure::Failure;
use crate::store::postgres::session::Session;
use crate::store::postgres::table::TableSql;

/// Where a member stands.
pub(super) enum State {
    /// Its plan is to be written, its results are known.
    Writing {
        plan: Vec<Planned>,
        results: Vec<Option<Arc<Stored>>>,
    },
    Duplicate(Duplicate),
    Refused(Error),
    Busy,
}

pub(super) struct Member<'a> {
    pub index: usize,
    pub write_set: &'a WriteSet,
    pub state: State,
}

pub(super) enum Outcome {
    /// Committed, or nothing was written.
    Ended(Vec<(usize, Verdict)>),
    /// The connection went away at COMMIT.
    Unknown { mark: i64, ended: Vec<(usize, Verdict)>, error: Error },
}

pub(super) struct Attempt<'a> {
    session: &'a mut Session,
    pub tables: &'a HashMap<TypeName, TableSql>,
    pub catalogue: &'a Catalogue,
    pub families: &'a Families,
    writer_id: i64,
    patience: Patience,
    pub members: Vec<Member<'a>>,
    pub now: Timestamp,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        writer: &'a mut PostgresWriter,
        catalogue: &'a Catalogue,
        batch: &'a [WriteSet],
        group: &[usize],
        patience: Patience,
    ) -> Self {
        let member = |index: &usize| Member {
            index: *index,
            write_set: &batch[*index],
            state: State::Writing { plan: Vec::new(), results: Vec::new() },
        };
        Self {
            session: &mut writer.session,
            tables: &writer.tables,
            catalogue,
            families: &writer.families,
            writer_id: writer.writer_id,
            patience,
            members: group.iter().map(member).collect(),
            now: Timestamp::now(),
        }
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.session.connection
    }

    pub(super) fn run(&mut self) -> Result<Outcome, Stop> {
        let patience = self.patience;
        let growth = self.growth();
        fence::begin(self.connection(), patience, &growth)?;
        let fenced = self.enter(&growth)?;
        duplicates::find(self)?;
        let found = rows::lock(self, patience)?;
        self.plan(&found, &fenced);
        tree::check(self)?;
        unique::check_updates(self)?;
        write::apply(self, fenced.schema_id)?;
        tree::sweep(self)?;
        let ended = self.ended();
        if self.is_dry_run() {
            self.connection().batch_execute("ROLLBACK")?;
            return Ok(Outcome::Ended(ended));
        }
        if !ended.iter().any(|(_, verdict)| matches!(verdict, Verdict::Committed(_))) {
            // Nothing to keep; what a refused member wrote before its refusal goes too.
            self.connection().batch_execute("ROLLBACK")?;
            return Ok(Outcome::Ended(ended));
        }
        duplicates::record(self, &ended)?;
        self.commit(ended, fenced.mark)
    }

    /// A dry run is alone in its transaction: its rows must not be in the way of anybody's.
    fn is_dry_run(&self) -> bool {
        self.members.iter().any(|member| member.write_set.validate_only)
    }

    fn growth(&self) -> Growth {
        let write_sets = self.members.iter().map(|member| member.write_set);
        Growth::new(self.catalogue, self.families, write_sets)
    }

    fn enter(&mut self, growth: &Growth) -> Result<Fenced, Stop> {
        let versions = self.members.iter().map(|member| member.write_set.mutations.len()).sum();
        let locks = duplicates::locks(&self.members);
        let wanted = locks.iter().map(|(_, lock)| *lock).collect();
        let (catalogue, writer_id) = (self.catalogue, self.writer_id);
        // Who waits has them already.
        let waits = matches!(self.patience, Patience::WaitUntil(_));
        let trees = if waits { Default::default() } else { growth.tries() };
        let fenced = fence::enter(self.connection(), catalogue, writer_id, versions, wanted, trees)?;
        for at in if waits { Vec::new() } else { growth.blocked(&fenced.held) } {
            self.members[at].state = State::Busy;
        }
        for ((at, _), locked) in locks.iter().zip(&fenced.locked) {
            if !locked {
                self.members[*at].state = State::Refused(duplicates::in_progress());
            }
        }
        Ok(fenced)
    }

    /// Judges every member that still stands, on the rows that are locked now.
    fn plan(&mut self, found: &Rows, fenced: &Fenced) {
        let mut versions = fenced.versions.iter().copied();
        let court = Court { catalogue: self.catalogue, families: self.families, rows: found, now: &self.now };
        for member in &mut self.members {
            let own: Vec<i64> = versions.by_ref().take(member.write_set.mutations.len()).collect();
            if let State::Writing { .. } = member.state {
                member.state = plan_member(&court, member.write_set, &own);
            }
        }
    }

    /// Verdicts as they will be once COMMIT came back; the position follows then. Takes the results.
    fn ended(&mut self) -> Vec<(usize, Verdict)> {
        self.members.iter_mut().map(|member| (member.index, verdict(member))).collect()
    }

    fn commit(&mut self, ended: Vec<(usize, Verdict)>, mark: i64) -> Result<Outcome, Stop> {
        failpoint!("commit.before");
        let committed = self.connection().batch_execute("COMMIT");
        failpoint!("commit.after");
        if let Err(error) = committed {
            if Failure::of(&error) != Failure::Connection {
                return Err(Stop::Sql(error));
            }
            let error = self.session.judge(&error, std::time::Duration::ZERO);
            return Ok(Outcome::Unknown { mark, ended, error });
        }
        match self.session.position() {
            Ok(position) => Ok(Outcome::Ended(placed(ended, position))),
            Err(error) => {
                // An older position would let a replica pass off what was before this commit as the newest.
                tracing::warn!(%error, context = error.context, "committed, but the position could not be read");
                Ok(Outcome::Ended(ended))
            }
        }
    }
}

fn verdict(member: &mut Member<'_>) -> Verdict {
    match &mut member.state {
        State::Busy => Verdict::Busy,
        State::Refused(error) => Verdict::Rejected(error.clone()),
        State::Duplicate(duplicate) => Verdict::Committed(Committed {
            results: member.write_set.mutations.iter().map(|_| None).collect(),
            answer: duplicate.answer.clone(),
            replayed: true,
            position: None,
        }),
        State::Writing { plan, results } => {
            let created = |at: usize| {
                let is_upsert = matches!(member.write_set.mutations[at].change, Change::Upsert(_));
                is_upsert && matches!(plan[at], Planned::Insert { .. })
            };
            let results: Vec<Option<Stored>> =
                std::mem::take(results).into_iter().map(|stored| stored.map(Arc::unwrap_or_clone)).collect();
            if member.write_set.validate_only {
                return Verdict::Committed(Committed::dry_run(&member.write_set.answer, results, created));
            }
            let answer = member.write_set.answer.answer(&results, created);
            Verdict::Committed(Committed { results, answer, replayed: false, position: None })
        }
    }
}

pub(super) fn placed(mut ended: Vec<(usize, Verdict)>, position: Position) -> Vec<(usize, Verdict)> {
    for (_, verdict) in &mut ended {
        if let Verdict::Committed(committed) = verdict {
            committed.position = Some(position);
        }
    }
    ended
}

/// A refusal that names the mutation when there are several.
pub(super) fn located(error: Error, write_set: &WriteSet, at: usize) -> Error {
    if write_set.mutations.len() > 1 {
        error.with_metadata("mutation", format!("mutations[{at}]"))
    } else {
        error
    }
}

pub(super) fn unknown_type(kind: &TypeName) -> Error {
    Error::new(Reason::InvalidBody, format!("`{kind}` is no resource type here"))
}
