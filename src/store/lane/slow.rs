//! The slow lane: write sets whose rows are locked by somebody else, a thread each until it is in or
//! its deadline has come. A few locked rows hold up only those who need them; when more write sets
//! wait for locks than there are threads, the next ones wait for a thread, until their deadlines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::work::{Work, deadline_passed};
use super::write::{Committer, WriteWork};
use crate::model::{Error, Reason, Result};
use crate::store::backend::{Patience, Writer};

/// Threads where many may write at once; their connections are made when they are needed.
pub(in crate::store) const SLOW_THREADS: u32 = 4;

/// A deadlock's victim leaves the other one time to end.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(10);

pub(in crate::store) struct SlowService {
    pub committer: Arc<Committer>,
}

impl Service for SlowService {
    type Work = WriteWork;
    type Connection = Box<dyn Writer>;

    fn connect(&self) -> Result<Self::Connection> {
        self.committer.database.writer()
    }

    /// Nearly always there is nothing to do here.
    fn connects_ahead(&self) -> bool {
        false
    }

    /// One: what another thread could begin at once must not wait behind it.
    fn take(&self, waiting: &mut VecDeque<WriteWork>, _limit: usize) -> Vec<WriteWork> {
        waiting.pop_front().into_iter().collect()
    }

    fn serve(&self, writer: &mut Self::Connection, batch: Vec<WriteWork>) -> bool {
        let mut fit = true;
        for work in batch {
            if work.deadline.has_passed() {
                work.fail(deadline_passed());
                continue;
            }
            fit &= self.wait_and_commit(writer.as_mut(), work);
        }
        fit
    }
}

impl SlowService {
    /// Busy may be said before the deadline too: by a deadlock, or by a key that was taken and freed.
    fn wait_and_commit(&self, writer: &mut dyn Writer, work: WriteWork) -> bool {
        let patience = Patience::WaitUntil(work.deadline.instant());
        let (mut busy, mut fit) = self.committer.commit(writer, vec![work], patience);
        while let Some(work) = busy.pop() {
            if !fit || work.deadline.has_passed() {
                work.fail(still_locked());
                continue;
            }
            std::thread::sleep(TRY_AGAIN_AFTER);
            let (again, still_fit) = self.committer.commit(writer, vec![work], patience);
            busy.extend(again);
            fit &= still_fit;
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
