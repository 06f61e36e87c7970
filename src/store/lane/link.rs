//! A thread's connection: made when needed, replaced after a failure, with bounded backoff.
//!
//! While the database is away work is answered at once with the last failure; nobody queues up
//! behind attempts to connect.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::model::{Error, Reason, Result};
use crate::store::backend::explains_itself;

const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

pub(super) struct Link<C> {
    connection: Option<C>,
    failure: Option<Error>,
    backoff: Duration,
    retry_at: Instant,
    /// Broken connections of the lane that this link has taken note of.
    breakages: u64,
}

impl<C> Link<C> {
    pub(super) fn new() -> Self {
        Self { connection: None, failure: None, backoff: BACKOFF_MIN, retry_at: Instant::now(), breakages: 0 }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    pub(super) fn is_due(&self) -> bool {
        self.connection.is_none() && Instant::now() >= self.retry_at
    }

    pub(super) fn breakages(&self) -> u64 {
        self.breakages
    }

    /// When an idle thread should try again; none while connected.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.connection.is_none().then_some(self.retry_at)
    }

    pub(super) fn set(&mut self, outcome: Result<C>) {
        match outcome {
            Ok(connection) => {
                self.connection = Some(connection);
                self.failure = None;
                self.backoff = BACKOFF_MIN;
            }
            Err(error) => {
                self.failure = Some(error);
                self.retry_at = Instant::now() + self.backoff;
                self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
            }
        }
    }

    pub(super) fn connection(&mut self) -> Result<&mut C> {
        self.connection.as_mut().ok_or_else(|| {
            if let Some(told) = self.failure.as_ref().filter(|error| explains_itself(error)) {
                return told.clone();
            }
            let context = self
                .failure
                .as_ref()
                .map(|error| error.context.clone().unwrap_or_else(|| error.message.clone()));
            let mut error =
                Error::new(Reason::DatabaseUnavailable, "the database cannot be reached; try again")
                    .with_retry_after_s(1);
            error.context = context;
            error
        })
    }

    /// Replaces a connection that was made before the lane's last breakage.
    pub(super) fn discard_if_older_than(&mut self, breakages: u64) {
        if self.breakages < breakages {
            self.breakages = breakages;
            self.discard();
        }
    }

    /// This link's own breakage is no reason to replace what it connects next.
    pub(super) fn note_breakage(&mut self, before: u64) {
        if self.breakages == before {
            self.breakages += 1;
        }
    }

    /// The next attempt is at once: most failures are of one connection, not of the database.
    pub(super) fn discard(&mut self) {
        let connection = self.connection.take();
        // diesel panics when SQLite cannot finalise a statement of a broken connection.
        if catch_unwind(AssertUnwindSafe(|| drop(connection))).is_err() {
            tracing::warn!("a broken connection did not close cleanly");
        }
        self.retry_at = Instant::now();
    }
}
