//! What a retention says of its steps: each is tried, whatever became of the others.

use crate::model::Result;

/// The first failure, for the caller to tell; further ones are told here, or nobody would hear of them.
pub(super) fn first_failure<const STEPS: usize>(ended: [Result<()>; STEPS]) -> Result<()> {
    let mut failures = ended.into_iter().filter_map(Result::err);
    let first = failures.next();
    for error in failures {
        tracing::warn!(error = error.message, context = error.context, "another step of the retention");
    }
    first.map_or(Ok(()), Err)
}
