//! Waiting for a state, with a limit.

use std::time::{Duration, Instant};

/// How long a server may take for anything that is not a matter of load.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` sees it; panics with `what` when `limit` passes first.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(25));
    }
}

/// As [`wait_for`], for a condition.
pub fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    wait_for(what, limit, || holds().then_some(()));
}
