//! Named crash points for the fault tests: nothing is compiled without the feature `failpoints`.
//!
//! `TRINE_FAILPOINT=commit.after:3` aborts the process the third time the point is passed. It is
//! an abort, not a panic: a killed process runs no destructor either. A misbehaviour has no count: it
//! lasts as long as the process.

/// Aborts here when the environment asks for this point.
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {{
        #[cfg(feature = "failpoints")]
        $crate::failpoint::pass($name);
    }};
}

#[cfg(feature = "failpoints")]
pub fn pass(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("TRINE_FAILPOINT") else { return };
    let (point, count) = match wanted.split_once(':') {
        Some((point, count)) => (point, count.parse().unwrap_or(1)),
        None => (wanted.as_str(), 1),
    };
    if point == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == count {
        std::process::abort();
    }
}

/// Whether the environment asks for this misbehaviour: what a test of a promise must be able to find out.
pub fn misbehaves(name: &str) -> bool {
    cfg!(feature = "failpoints") && std::env::var("TRINE_FAILPOINT").is_ok_and(|wanted| wanted == name)
}
