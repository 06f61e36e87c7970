//! What to tell somebody whose list took too long: which field wants an index.

use crate::model::{Error, Reason};
use crate::query::ListQuery;

/// A list that timed out while documents were looked into names the fields that made it.
pub(super) fn explain_timeout(error: Error, query: &ListQuery) -> Error {
    if error.reason == Reason::StatementTimeout { explain(error, query) } else { error }
}

/// The same where the request's own time was over first: by default both have a second.
pub(super) fn explain_deadline(error: Error, query: &ListQuery) -> Error {
    if error.reason == Reason::Deadline && looks_into_documents(query) {
        return explain(Error { reason: Reason::StatementTimeout, ..error }, query);
    }
    error
}

pub(super) fn looks_into_documents(query: &ListQuery) -> bool {
    let (indexable, nested) = query.filter.unindexed_fields();
    !indexable.is_empty() || !nested.is_empty()
}

fn explain(error: Error, query: &ListQuery) -> Error {
    let (indexable, nested) = query.filter.unindexed_fields();
    if indexable.is_empty() && nested.is_empty() {
        return error;
    }
    let listed = |fields: &[&str]| format!("`{}`", fields.join("`, `"));
    let remedy = if indexable.is_empty() {
        format!("{} has no index, because it is nested: compare an indexed field as well", listed(&nested))
    } else {
        format!(
            "declare `[(trine.v1.index) = true]` on {}, or compare an indexed field as well",
            listed(&indexable)
        )
    };
    let fields = [indexable, nested].concat().join(",");
    let message = format!("the filter took longer than it may: every document was looked into; {remedy}");
    Error { message, ..error }.with_metadata("field", fields)
}
