//! Crash points around the COMMIT of the request log, named by what the batch does. Nothing is
//! compiled into them without the feature `failpoints`.

use super::request_log::LogJob;

/// `append.before`, `claim.before`, `decide.before`, `settle.before`
pub(super) fn before_commit(_jobs: &[LogJob]) {
    #[cfg(feature = "failpoints")]
    for job in _jobs {
        match job {
            LogJob::Append { .. } => crate::failpoint!("append.before"),
            LogJob::Claim { .. } => crate::failpoint!("claim.before"),
            LogJob::Decide { .. } => crate::failpoint!("decide.before"),
            LogJob::Settle { .. } => crate::failpoint!("settle.before"),
            _ => {}
        }
    }
}

/// `append.after`, `claim.after`, `decide.after`, `settle.after`
pub(super) fn after_commit(_jobs: &[LogJob]) {
    #[cfg(feature = "failpoints")]
    for job in _jobs {
        match job {
            LogJob::Append { .. } => crate::failpoint!("append.after"),
            LogJob::Claim { .. } => crate::failpoint!("claim.after"),
            LogJob::Decide { .. } => crate::failpoint!("decide.after"),
            LogJob::Settle { .. } => crate::failpoint!("settle.after"),
            _ => {}
        }
    }
}
