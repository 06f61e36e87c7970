//! How much the answers kept under idempotency keys take, and when that is enough (`idempotency.max_bytes`).
//!
//! Measured now and then in the database, counted in between. Over the limit new keys are refused; what is
//! kept is kept for its whole time. Not exact: a transaction that was begun below the limit may end above it,
//! so the excess is at most what the transactions under way at that moment keep, one a writing connection,
//! and what was accepted before: an accepted operation ends whatever the limit, and its answer is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{Answer, Error, OperationResult, Reason, Stored, WriteSet};

/// Row, index entry and key beside the answer itself.
const BESIDE_ANSWER_BYTES: u64 = 300;

pub struct KeptAnswers {
    max_bytes: AtomicU64,
    /// At the last measurement.
    measured_bytes: AtomicU64,
    /// Since the process began; only ever more.
    added_bytes: AtomicU64,
    /// Of those, what the last measurement has seen.
    seen_bytes: AtomicU64,
}

impl Default for KeptAnswers {
    /// Without a limit, until one is set.
    fn default() -> Self {
        Self {
            max_bytes: AtomicU64::new(u64::MAX),
            measured_bytes: AtomicU64::default(),
            added_bytes: AtomicU64::default(),
            seen_bytes: AtomicU64::default(),
        }
    }
}

impl KeptAnswers {
    pub fn limit(&self, max_bytes: u64) {
        self.max_bytes.store(max_bytes, Ordering::Relaxed);
        metrics::gauge!("trine_idempotency_max_bytes").set(max_bytes as f64);
    }

    /// Takes a measurement. What is committed while it runs is counted twice rather than not at all.
    pub fn measure<E>(&self, bytes: impl FnOnce() -> Result<u64, E>) -> Result<(), E> {
        let seen = self.added_bytes.load(Ordering::Acquire);
        self.measured_bytes.store(bytes()?, Ordering::Relaxed);
        self.seen_bytes.store(seen, Ordering::Release);
        self.show();
        Ok(())
    }

    pub fn bytes(&self) -> u64 {
        // A measurement may end between the two loads.
        let added = self.added_bytes.load(Ordering::Acquire);
        let unseen = added.saturating_sub(self.seen_bytes.load(Ordering::Acquire));
        self.measured_bytes.load(Ordering::Relaxed).saturating_add(unseen)
    }

    /// 503 for a write set that would keep an answer when there is no room for one. Its 202 has promised an
    /// accepted operation that it ends, and its twin may have been recorded already: it is never refused.
    pub(super) fn admit(&self, write_set: &WriteSet) -> Result<(), Error> {
        let accepted = write_set.operation.is_some();
        if accepted || !keeps(write_set) || self.bytes() < self.max_bytes.load(Ordering::Relaxed) {
            return Ok(());
        }
        metrics::counter!("trine_idempotency_refused_total").increment(1);
        let message = "no room for another idempotency key: nothing was written; try again later, or send the \
                       request without a key if it may happen twice";
        Err(Error::new(Reason::Overloaded, message).with_retry_after_s(60))
    }

    /// Counts an answer that was committed.
    pub(super) fn add(&self, write_set: &WriteSet, answer: &Answer) {
        if keeps(write_set) {
            self.added_bytes.fetch_add(BESIDE_ANSWER_BYTES + size(answer), Ordering::AcqRel);
            self.show();
        }
    }

    fn show(&self) {
        metrics::gauge!("trine_idempotency_bytes").set(self.bytes() as f64);
    }
}

fn keeps(write_set: &WriteSet) -> bool {
    let result = write_set.operation.as_ref().and_then(|operation| operation.result.as_ref());
    // A failure leaves its key free.
    let fails = matches!(result, Some(OperationResult::Error(_)));
    write_set.idempotency.is_some() && !write_set.validate_only && !fails
}

/// About the bytes of its JSON.
fn size(answer: &Answer) -> u64 {
    let resource = |stored: &Stored| stored.document.len() + 200;
    let bytes = match answer {
        Answer::Resource { resource: stored, .. } => resource(stored),
        Answer::Resources(resources) => resources.iter().flatten().map(resource).sum(),
        Answer::Message(text) => text.len(),
        Answer::Empty => 0,
    };
    bytes as u64
}
