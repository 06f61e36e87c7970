//! What waits in a lane: an input, a deadline and the caller's ear.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::model::{Deadline, Error, Reason, Result};
use crate::store::request_log::{LogJob, LogReply};

/// A commit that is under way at its deadline, or a wait for a lock that ends there, has this long to
/// tell how it went. No longer: the database may hang, and the client was promised an answer by now.
pub(in crate::store) const ANSWER_GRACE: Duration = Duration::from_millis(200);

pub(in crate::store) trait Work: Send + 'static {
    fn deadline(&self) -> Deadline;
    fn fail(self, error: Error);

    /// Whether it may be turned away when too much waits; else something else must bound its number.
    fn may_be_refused(&self) -> bool {
        true
    }

    /// A thread that is connected is about to serve it: from here on it may have had an effect.
    fn begin(&self) {}
}

/// One input that waits for one output.
pub(in crate::store) struct Job<I, O> {
    pub input: I,
    pub deadline: Deadline,
    pub reply: oneshot::Sender<Result<O>>,
}

impl<I, O> Job<I, O> {
    pub(in crate::store) fn new(input: I, deadline: Deadline) -> (Self, oneshot::Receiver<Result<O>>) {
        let (reply, answer) = oneshot::channel();
        (Self { input, deadline, reply }, answer)
    }

    pub(in crate::store) fn answer(self, result: Result<O>) {
        // Nobody listens any more: the client has gone, which is no failure.
        drop(self.reply.send(result));
    }

    pub(in crate::store) fn fail(self, error: Error) {
        self.answer(Err(error));
    }
}

impl Work for Job<LogJob, LogReply> {
    fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn fail(self, error: Error) {
        self.answer(Err(error));
    }

    fn may_be_refused(&self) -> bool {
        self.input.may_be_refused()
    }
}

pub(in crate::store) fn deadline_passed() -> Error {
    Error::new(Reason::Deadline, "the request's deadline passed before it was begun; nothing was written")
}
