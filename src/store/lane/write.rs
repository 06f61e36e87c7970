//! The write lane: gathers waiting write sets into one transaction.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::gate::{Gate, Pass};
use super::slow::SlowService;
use super::work::{Work, deadline_passed};
use super::{Lane, Service};
use crate::model::{Deadline, Error, Reason, Result, WriteSet};
use crate::schema::Catalogue;
use crate::store::backend::{Committed, Database, Patience, Verdict, Writer};
use crate::store::kept_answers::KeptAnswers;

/// Times that a batch is tried again because the schema moved under it.
const STALE_ATTEMPTS: u32 = 3;

/// The caller's ear and the write set's place in the gate.
pub(in crate::store) struct Ticket {
    pub deadline: Deadline,
    pub pass: Pass,
    pub reply: oneshot::Sender<Result<Committed>>,
}

pub(in crate::store) struct WriteWork {
    pub write_set: WriteSet,
    pub deadline: Deadline,
    pub pass: Pass,
    pub reply: oneshot::Sender<Result<Committed>>,
}

impl WriteWork {
    pub(super) fn answer(self, result: Result<Committed>) {
        // Free first: the caller may come again with the same key at once.
        drop(self.pass);
        drop(self.reply.send(result));
    }

    fn split(self) -> (WriteSet, Ticket) {
        (self.write_set, Ticket { deadline: self.deadline, pass: self.pass, reply: self.reply })
    }

    fn join(write_set: WriteSet, ticket: Ticket) -> Self {
        Self { write_set, deadline: ticket.deadline, pass: ticket.pass, reply: ticket.reply }
    }
}

impl Work for WriteWork {
    fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn fail(self, error: Error) {
        self.answer(Err(error));
    }

    fn begin(&self) {
        self.pass.begin();
    }
}

/// What both write lanes commit with.
pub(in crate::store) struct Committer {
    pub database: Arc<dyn Database>,
    /// The newest schema that the database has admitted, as far as is known here.
    pub catalogue: ArcSwap<Catalogue>,
    pub kept: KeptAnswers,
}

impl Committer {
    /// Those that there is room for; the others are answered.
    fn admit(&self, batch: Vec<WriteWork>) -> Vec<WriteWork> {
        let admit = |work: WriteWork| match self.kept.admit(&work.write_set) {
            Ok(()) => Some(work),
            Err(error) => {
                work.answer(Err(error));
                None
            }
        };
        batch.into_iter().filter_map(admit).collect()
    }

    /// Commits and answers; gives back the members that are busy, and whether the connection is fit.
    pub(super) fn commit(
        &self,
        writer: &mut dyn Writer,
        batch: Vec<WriteWork>,
        patience: Patience,
    ) -> (Vec<WriteWork>, bool) {
        let mut pending = self.admit(batch);
        let (mut busy, mut fit) = (Vec::new(), true);
        for _ in 0..STALE_ATTEMPTS {
            let catalogue = self.catalogue.load_full();
            let (write_sets, tickets): (Vec<_>, Vec<_>) = pending.into_iter().map(WriteWork::split).unzip();
            let verdicts = writer.commit(&catalogue, &write_sets, patience);
            pending = Vec::new();
            for ((write_set, ticket), verdict) in write_sets.into_iter().zip(tickets).zip(verdicts) {
                let work = WriteWork::join(write_set, ticket);
                match verdict {
                    Verdict::Committed(committed) => {
                        if !committed.replayed {
                            self.kept.add(&work.write_set, &committed.answer);
                        }
                        work.answer(Ok(committed));
                    }
                    Verdict::Rejected(error) => {
                        fit &= !writer.is_lost_by(&error);
                        work.answer(Err(error));
                    }
                    Verdict::Busy => busy.push(work),
                    Verdict::StaleCatalogue => pending.push(work),
                }
            }
            if pending.is_empty() {
                return (busy, fit);
            }
            match self.database.storage_catalogue() {
                Ok(catalogue) => self.catalogue.store(Arc::new(catalogue)),
                Err(error) => pending.drain(..).for_each(|work| work.answer(Err(error.clone()))),
            }
        }
        let moved = || {
            Error::new(Reason::DatabaseUnavailable, "the schema is changing; try again").with_retry_after_s(1)
        };
        pending.into_iter().for_each(|work| work.answer(Err(moved())));
        (busy, fit)
    }
}

pub(in crate::store) struct WriteService {
    pub committer: Arc<Committer>,
    pub gate: Arc<Gate>,
    pub slow: Lane<SlowService>,
}

impl Service for WriteService {
    type Work = WriteWork;
    type Connection = Box<dyn Writer>;

    fn connect(&self) -> Result<Self::Connection> {
        self.committer.database.writer()
    }

    fn take(&self, waiting: &mut VecDeque<WriteWork>, limit: usize) -> Vec<WriteWork> {
        self.gate.admit(waiting, limit)
    }

    fn serve(&self, writer: &mut Self::Connection, batch: Vec<WriteWork>) -> bool {
        let (late, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|work| work.deadline.has_passed());
        late.into_iter().for_each(|work| work.fail(deadline_passed()));
        let Some(last) = batch.iter().map(|work| work.deadline.instant()).max() else { return true };
        let (busy, fit) = self.committer.commit(writer.as_mut(), batch, Patience::SkipLocked(last));
        // With their places in the gate: later write sets on the same resources stay behind them.
        for work in busy {
            work.pass.rest();
            self.slow.submit(work);
        }
        fit
    }
}
