//! Since when each thread of a lane has been waiting for its database.
//!
//! A server that hangs fails nothing: whoever asked it waits. The age of the longest wait is all that
//! can be seen of it. Only a lane that always has short work can tell by it that something is wrong.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(in crate::store) struct Pulse {
    origin: Instant,
    /// Milliseconds from `origin`, counted from one; zero: this thread waits for nothing.
    begun_ms: Box<[AtomicU64]>,
}

/// A thread waits for the database for as long as this lives, also when it panics.
pub(super) struct Waiting<'a>(&'a AtomicU64);

impl Pulse {
    pub(super) fn new(threads: u32) -> Self {
        let begun_ms = (0..threads.max(1)).map(|_| AtomicU64::new(0)).collect();
        Self { origin: Instant::now(), begun_ms }
    }

    pub(super) fn begin(&self, thread: usize) -> Waiting<'_> {
        let begun_ms = &self.begun_ms[thread];
        begun_ms.store(self.now_ms(), Ordering::Relaxed);
        Waiting(begun_ms)
    }

    pub(super) fn longest_wait(&self) -> Duration {
        let begun = self.begun_ms.iter().map(|begun_ms| begun_ms.load(Ordering::Relaxed));
        let first = begun.filter(|begun_ms| *begun_ms > 0).min();
        first.map_or(Duration::ZERO, |begun_ms| Duration::from_millis(self.now_ms().saturating_sub(begun_ms)))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
