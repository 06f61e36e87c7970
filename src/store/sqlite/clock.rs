//! The time-out of lists: SQLite has none, and diesel hands out no way to interrupt a statement.
//!
//! So the statement asks at each row whether there is time left, by a function of ours that fails
//! when there is none. Invariant: a reader sets its deadline before each statement that asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::connection::unavailable;
use crate::model::{Error, Reason, Result};

diesel::define_sql_function! {
    fn trine_in_time(version: BigInt) -> Bool;
}

/// The condition; the column keeps SQLite from asking but once.
pub(super) const IN_TIME: &str = "trine_in_time(version)";

pub(super) struct Clock {
    origin: Instant,
    /// Milliseconds after `origin`.
    deadline_ms: Arc<AtomicU64>,
    timeout_ms: u32,
}

impl Clock {
    pub(super) fn new(connection: &mut SqliteConnection, timeout_ms: u32) -> Result<Self> {
        let origin = Instant::now();
        let deadline_ms = Arc::new(AtomicU64::new(u64::MAX));
        let deadline = Arc::clone(&deadline_ms);
        let in_time = move |_: i64| {
            let passed_ms = origin.elapsed().as_millis();
            if passed_ms > u128::from(deadline.load(Ordering::Relaxed)) {
                // diesel turns it into the statement's error; unlike a panic it prints nothing.
                std::panic::resume_unwind(Box::new("out of time"));
            }
            true
        };
        trine_in_time_utils::register_nondeterministic_impl(connection, in_time)
            .map_err(|error| unavailable(error.to_string()))?;
        Ok(Self { origin, deadline_ms, timeout_ms })
    }

    /// From now on.
    pub(super) fn start(&self) {
        let deadline = self.origin.elapsed() + Duration::from_millis(self.timeout_ms.into());
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.deadline_ms.store(deadline_ms, Ordering::Relaxed);
    }

    /// What a statement's failure means.
    pub(super) fn explain(&self, error: &diesel::result::Error) -> Error {
        let context = error.to_string();
        if context.contains("trine_in_time") {
            let message = format!(
                "the database took longer than {} ms; filter and order by fields with `(trine.v1.index)`, or ask for less",
                self.timeout_ms
            );
            return Error::new(Reason::StatementTimeout, message).with_context(context);
        }
        unavailable(context)
    }
}
