//! How often an operation was decided anew because a guard had failed.
//!
//! Known to this process only, which bounds the attempts well enough. Invariant: it does not grow for
//! ever: of an operation that ended elsewhere (another microservice claimed it) nobody tells here.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::model::OperationId;

/// An operation that is still being decided anew is counted more often than this.
const KEEP: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub struct Replans(Mutex<State>);

#[derive(Default)]
struct State {
    counts: HashMap<OperationId, Count>,
    swept: Option<Instant>,
}

struct Count {
    replans: u32,
    last: Instant,
}

impl Replans {
    /// One more; how often that makes.
    pub fn count(&self, id: &OperationId, now: Instant) -> u32 {
        let mut state = self.0.lock();
        state.sweep(now);
        let count = state.counts.entry(id.clone()).or_insert(Count { replans: 0, last: now });
        count.replans += 1;
        count.last = now;
        count.replans
    }

    pub fn forget<'i>(&self, ids: impl IntoIterator<Item = &'i OperationId>) {
        let mut state = self.0.lock();
        for id in ids {
            state.counts.remove(id);
        }
    }
}

impl State {
    /// Seldom, because it looks at all of them.
    fn sweep(&mut self, now: Instant) {
        let swept = *self.swept.get_or_insert(now);
        if now.duration_since(swept) >= KEEP {
            self.counts.retain(|_, count| now.duration_since(count.last) < KEEP);
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_speaks_of_any_more_is_forgotten() {
        let (replans, begin) = (Replans::default(), Instant::now());
        let id = |text: &str| OperationId(text.to_owned());
        let counts = [(0, "elsewhere"), (0, "busy"), (1800, "busy"), (3601, "busy")]
            .map(|(at_s, name)| replans.count(&id(name), begin + Duration::from_secs(at_s)));
        assert_eq!(counts, [1, 1, 2, 3]);
        assert_eq!(replans.0.lock().counts.len(), 1);
        replans.forget([&id("busy")]);
        assert!(replans.0.lock().counts.is_empty());
    }
}
