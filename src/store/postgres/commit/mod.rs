//! The writing connection: waiting write sets in one transaction of set-based statements.
//!
//! Invariants: a member is wholly in or wholly out; one bad member never costs the others their
//! commit (it is taken out, or the batch is cut in halves until it is alone or their deadlines have
//! passed); nothing is reported as committed before COMMIT came back or was proved to have happened.

mod attempt;
mod change;
mod duplicates;
mod fence;
mod growth;
mod others;
mod outcome;
mod rows;
mod tree;
mod unique;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use diesel::result::Error as DieselError;

use self::attempt::{Attempt, Outcome, located};
pub(super) use self::fence::{FENCE_LOCK, LOCK_SPACE};
pub(super) use self::growth::{exclusive_in_sql, shared_in_sql};
use super::failure::Failure;
use super::ownership::Ownership;
use super::session::Session;
use super::table::TableSql;
use crate::model::{Error, Mutation, Reason, Result, TypeName, WriteSet};
use crate::schema::Catalogue;
use crate::store::backend::{Patience, Verdict, Writer, explains_itself};
use crate::store::family::Families;
use crate::store::handles::OpenOptions;
use crate::store::lane::work::deadline_passed;

pub(super) struct PostgresWriter {
    session: Session,
    url: String,
    options: OpenOptions,
    ownership: Arc<Ownership>,
    /// This connection's row in `trine.writers`.
    writer_id: i64,
    /// Where this connection's commits are; on another timeline nothing can be proved about them.
    timeline: u32,
    tables: HashMap<TypeName, TableSql>,
    families: Families,
    /// Digest of the catalogue that `tables` and `families` were made from.
    digest: String,
}

/// Why a transaction was given up.
enum Stop {
    Sql(DieselError),
    /// While this mutation of a member was written alone.
    InMutation(usize, DieselError),
    /// These members cannot be in it, and something of them was written.
    Without(Vec<usize>),
    StaleCatalogue,
    /// This connection's row was cleaned away after a long silence.
    Unregistered,
    /// Ours to repair, nobody's fault.
    Internal(Error),
}

impl From<DieselError> for Stop {
    fn from(error: DieselError) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl PostgresWriter {
    pub(super) fn new(
        mut session: Session,
        url: &str,
        options: OpenOptions,
        ownership: Arc<Ownership>,
    ) -> Result<Self> {
        let writer_id = ownership.register(&mut session)?;
        let timeline = session.position()?.timeline;
        Ok(Self {
            session,
            url: url.to_owned(),
            options,
            ownership,
            writer_id,
            timeline,
            tables: HashMap::new(),
            families: Families::default(),
            digest: String::new(),
        })
    }

    fn prepare_tables(&mut self, catalogue: &Catalogue) {
        if self.digest != catalogue.digest {
            self.tables =
                catalogue.types.iter().map(|kind| (kind.name.clone(), TableSql::new(kind))).collect();
            self.families = Families::new(catalogue);
            self.digest.clone_from(&catalogue.digest);
        }
    }

    /// All in one, except those that sweep a tree: each stays alone, so that no other member can be in it.
    fn groups(&self, catalogue: &Catalogue, batch: &[WriteSet], all: Vec<usize>) -> Vec<Vec<usize>> {
        let sweeps = |mutation: &Mutation| {
            let kind = catalogue.resource(&mutation.resource.kind);
            kind.is_some_and(|kind| self.families.sweeps(kind, mutation))
        };
        let is_sweeping = |index: &usize| batch[*index].mutations.iter().any(sweeps);
        let (sweeping, rest): (Vec<usize>, Vec<usize>) = all.into_iter().partition(is_sweeping);
        let alone = sweeping.into_iter().map(|index| vec![index]);
        alone.chain(std::iter::once(rest)).filter(|group| !group.is_empty()).collect()
    }

    /// One transaction with these members; groups that must be tried again come back.
    fn attempt(
        &mut self,
        catalogue: &Catalogue,
        batch: &[WriteSet],
        group: Vec<usize>,
        patience: Patience,
        verdicts: &mut [Option<Verdict>],
    ) -> Vec<Vec<usize>> {
        let begin = Instant::now();
        let mut attempt = Attempt::new(self, catalogue, batch, &group, patience);
        match attempt.run() {
            Ok(Outcome::Ended(ended)) => put(verdicts, ended),
            Ok(Outcome::Unknown { mark, ended, error }) => {
                self.resolve(mark, ended, &error, verdicts);
                Vec::new()
            }
            Err(Stop::Without(out)) => self.without(group, &out),
            Err(Stop::StaleCatalogue) => {
                self.roll_back();
                fill(verdicts, &group, |_| Verdict::StaleCatalogue)
            }
            Err(Stop::Unregistered) => {
                self.roll_back();
                match self.ownership.register(&mut self.session) {
                    Ok(writer_id) => {
                        self.writer_id = writer_id;
                        vec![group]
                    }
                    Err(error) => fill(verdicts, &group, |_| Verdict::Rejected(error.clone())),
                }
            }
            Err(Stop::Internal(error)) => {
                self.roll_back();
                fill(verdicts, &group, |_| Verdict::Rejected(error.clone()))
            }
            Err(Stop::Sql(error)) => {
                self.after_failure(catalogue, &error, begin, group, verdicts, |error| error)
            }
            Err(Stop::InMutation(at, error)) => {
                let write_set = &batch[group[0]];
                let locate = |error| located(error, write_set, at);
                self.after_failure(catalogue, &error, begin, group, verdicts, locate)
            }
        }
    }

    /// The others together; each of those taken out alone, for an answer of its own.
    fn without(&mut self, group: Vec<usize>, out: &[usize]) -> Vec<Vec<usize>> {
        self.roll_back();
        let rest: Vec<usize> = group.into_iter().filter(|index| !out.contains(index)).collect();
        let alone = out.iter().map(|index| vec![*index]);
        alone.chain(std::iter::once(rest)).filter(|group| !group.is_empty()).collect()
    }

    fn after_failure(
        &mut self,
        catalogue: &Catalogue,
        error: &DieselError,
        begin: Instant,
        group: Vec<usize>,
        verdicts: &mut [Option<Verdict>],
        locate: impl Fn(Error) -> Error,
    ) -> Vec<Vec<usize>> {
        let failure = Failure::of(error);
        let public = self.session.judge(error, begin.elapsed());
        if self.session.is_lost() || explains_itself(&public) {
            // COMMIT was not sent, or refused: nothing of it can be there, and halves of it would fare no better.
            self.roll_back();
            return fill(verdicts, &group, |_| Verdict::Rejected(public.clone()));
        }
        self.roll_back();
        if group.len() > 1 {
            let (left, right) = group.split_at(group.len() / 2);
            return vec![left.to_vec(), right.to_vec()];
        }
        fill(verdicts, &group, |_| match failure {
            Failure::LockTimeout | Failure::Transient => Verdict::Busy,
            Failure::UniqueViolation => unique::by_constraint(catalogue, error)
                .map_or(Verdict::Busy, |violation| Verdict::Rejected(locate(violation))),
            _ => Verdict::Rejected(public.clone()),
        })
    }

    fn roll_back(&mut self) {
        if !self.session.is_lost()
            && let Err(error) = self.session.batch("ROLLBACK")
        {
            // Outside a transaction it only warns: here nobody knows what is still open.
            tracing::warn!(%error, context = error.context, "a rollback failed; its connection is replaced");
            self.session.give_up();
        }
    }

    /// A lost session is replaced before the next batch; this one has its verdicts already.
    fn reopen_if_lost(&mut self) -> Result<()> {
        if self.session.is_lost() {
            let mut session = Session::open(&self.url, &self.options, super::session::Purpose::Write)?;
            self.writer_id = self.ownership.register(&mut session)?;
            self.timeline = session.position()?.timeline;
            self.session = session;
        }
        Ok(())
    }
}

/// What shares a transaction. A dry run is never in it, and others do not wait for one either: it goes to
/// the slow lane, where each has a transaction of its own.
fn together(batch: &[WriteSet], patience: Patience, verdicts: &mut [Option<Verdict>]) -> Vec<usize> {
    let is_later =
        |write_set: &WriteSet| write_set.validate_only && matches!(patience, Patience::SkipLocked(_));
    let (later, now): (Vec<usize>, Vec<usize>) = (0..batch.len()).partition(|at| is_later(&batch[*at]));
    fill(verdicts, &later, |_| Verdict::Busy);
    now
}

fn put(verdicts: &mut [Option<Verdict>], ended: Vec<(usize, Verdict)>) -> Vec<Vec<usize>> {
    for (index, verdict) in ended {
        verdicts[index] = Some(verdict);
    }
    Vec::new()
}

fn fill(
    verdicts: &mut [Option<Verdict>],
    group: &[usize],
    verdict: impl Fn(usize) -> Verdict,
) -> Vec<Vec<usize>> {
    for index in group {
        verdicts[*index] = Some(verdict(*index));
    }
    Vec::new()
}

impl Writer for PostgresWriter {
    /// A session keeps the read-only mode that it began with.
    fn is_lost_by(&self, error: &Error) -> bool {
        self.session.is_lost() || error.reason == Reason::ReadOnlyMode
    }

    fn commit(&mut self, catalogue: &Catalogue, batch: &[WriteSet], patience: Patience) -> Vec<Verdict> {
        self.prepare_tables(catalogue);
        let mut verdicts: Vec<Option<Verdict>> = batch.iter().map(|_| None).collect();
        let together = together(batch, patience, &mut verdicts);
        let mut groups = self.groups(catalogue, batch, together);
        let mut again = false;
        while let Some(group) = groups.pop().filter(|group| !group.is_empty()) {
            // Each part may take as long as a statement may: two hundred of them would hold up everybody else.
            if std::mem::replace(&mut again, true) && patience.is_over() {
                groups.extend(fill(&mut verdicts, &group, |_| Verdict::Rejected(deadline_passed())));
                continue;
            }
            match self.reopen_if_lost() {
                Ok(()) => groups.extend(self.attempt(catalogue, batch, group, patience, &mut verdicts)),
                Err(error) => {
                    groups.extend(fill(&mut verdicts, &group, |_| Verdict::Rejected(error.clone())))
                }
            }
        }
        let missing = || Verdict::Rejected(Error::internal("a write set of the batch got no verdict"));
        verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(missing)).collect()
    }
}
