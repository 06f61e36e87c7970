//! Finished operations, as records hold them.

use trine::model::{Operation, OperationId, OperationState, Timestamp};

/// One of nobody in particular, whose result the commit fills in.
pub fn finished(id: &str, method: &str) -> Operation {
    Operation {
        id: OperationId(id.to_owned()),
        method: method.to_owned(),
        principal: "anonymous".to_owned(),
        state: OperationState::Done,
        attempts: 1,
        accept_time: Timestamp::now(),
        apply_time: None,
        consistency_token: None,
        result: None,
    }
}
