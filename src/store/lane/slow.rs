//! The slow lane: write sets whose rows are locked by somebody else, one at a time, each until its
//! deadline, so that one locked row holds up nobody but those who need it.

use std::sync::Arc;

use super::Service;
use super::work::{Work, deadline_passed};
use super::write::{Committer, WriteWork};
use crate::model::{Error, Reason, Result};
use crate::store::backend::{Patience, Writer};

pub(in crate::store) struct SlowService {
    pub committer: Arc<Committer>,
}

impl Service for SlowService {
    type Work = WriteWork;
    type Connection = Box<dyn Writer>;

    fn connect(&self) -> Result<Self::Connection> {
        self.committer.database.writer()
    }

    fn serve(&self, writer: &mut Self::Connection, batch: Vec<WriteWork>) -> bool {
        let mut fit = true;
        for work in batch {
            if work.deadline.has_passed() {
                work.fail(deadline_passed());
                continue;
            }
            let patience = Patience::WaitUntil(work.deadline.instant());
            let (busy, still_fit) = self.committer.commit(writer.as_mut(), vec![work], patience);
            fit &= still_fit;
            busy.into_iter().for_each(|work| work.fail(still_locked()));
        }
        fit
    }
}

fn still_locked() -> Error {
    Error::new(
        Reason::Deadline,
        "what this request writes was locked by somebody else until its deadline; nothing was written",
    )
}
