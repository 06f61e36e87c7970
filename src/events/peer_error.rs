//! Errors between roles: `google.rpc.Status` JSON and back, so that a refusal reads the same
//! whichever role's rule refused.

use std::collections::HashSet;

use parking_lot::Mutex;
use serde_json::Value;

use crate::model::{Error, Reason};

/// Reasons with which another role may refuse; anything else is an internal error of that role.
const REASONS: [Reason; 30] = [
    Reason::InvalidBody,
    Reason::InvalidField,
    Reason::UnknownField,
    Reason::Required,
    Reason::Immutable,
    Reason::InvalidMask,
    Reason::InvalidParameter,
    Reason::InvalidId,
    Reason::IdempotencyKeyRequired,
    Reason::IdempotencyKeyReused,
    Reason::NotFound,
    Reason::NotImplemented,
    Reason::AlreadyExists,
    Reason::UniqueViolation,
    Reason::EtagMismatch,
    Reason::InProgress,
    Reason::Conflict,
    Reason::IfMatch,
    Reason::FailedPrecondition,
    Reason::BodyTooLarge,
    Reason::ReplicaBehind,
    Reason::StrongRead,
    Reason::NotThisRole,
    Reason::Overloaded,
    Reason::DatabaseUnavailable,
    Reason::ReadOnlyMode,
    Reason::CommitOutcomeUnknown,
    Reason::Deadline,
    Reason::StatementTimeout,
    Reason::Internal,
];

/// Names of metadata are literals of the code; a peer's are kept once, and only so many.
const METADATA_KEYS_MAX: usize = 256;

/// The error of an AIP-193 body, if another Trine blames the request in it. Whatever else a peer
/// answers (its own trouble, a call that it does not know, a proxy's page) is none of the client's.
pub fn refusal(body: &[u8]) -> Option<Error> {
    let body: Value = serde_json::from_slice(body).ok()?;
    refusal_of(&body["error"])
}

/// As [`refusal`] of a `google.rpc.Status`.
pub fn refusal_of(status: &Value) -> Option<Error> {
    let error = from_status(status);
    blames_request(error.reason).then_some(error)
}

/// Whether a 5xx answer leaves open what became of the call: another Trine that says why it did not do
/// it is believed, a proxy in between knows nothing.
pub fn leaves_open(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    status_leaves_open(&body["error"])
}

/// As [`leaves_open`] of a `google.rpc.Status`.
pub fn status_leaves_open(status: &Value) -> bool {
    matches!(
        from_status(status).reason,
        Reason::Internal | Reason::CommitOutcomeUnknown | Reason::Deadline | Reason::StatementTimeout
    )
}

/// INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED.
fn blames_request(reason: Reason) -> bool {
    matches!(reason.code().0, 3 | 5 | 6 | 9 | 10)
}

/// The error that [`Error::to_status`] was made from.
pub fn from_status(status: &Value) -> Error {
    let detail = |kind: &str| {
        let details = status["details"].as_array().into_iter().flatten();
        details.into_iter().find(|detail| detail["@type"].as_str().is_some_and(|name| name.ends_with(kind)))
    };
    let info = detail("google.rpc.ErrorInfo").unwrap_or(&Value::Null);
    let ours = info["domain"] == "trine";
    let reason = REASONS.into_iter().find(|reason| ours && Some(reason.as_str()) == info["reason"].as_str());
    let Some(reason) = reason else { return Error::internal(format!("refusal of a peer: {status}")) };
    let mut error = Error::new(reason, status["message"].as_str().unwrap_or_default());
    for (key, value) in info["metadata"].as_object().into_iter().flatten() {
        if let (Some(key), Some(value)) = (kept(key), value.as_str()) {
            error = error.with_metadata(key, value);
        }
    }
    let fields = detail("google.rpc.BadRequest").and_then(|detail| detail["fieldViolations"].as_array());
    for violation in fields.into_iter().flatten() {
        let text = |key: &str| violation[key].as_str().unwrap_or_default().to_owned();
        error = error.with_violation(text("field"), text("description"));
    }
    error
}

fn kept(key: &str) -> Option<&'static str> {
    static KEYS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut keys = KEYS.lock();
    let keys = keys.get_or_insert_default();
    if let Some(known) = keys.get(key) {
        return Some(known);
    }
    if keys.len() >= METADATA_KEYS_MAX {
        return None;
    }
    let key: &'static str = Box::leak(key.to_owned().into_boxed_str());
    keys.insert(key);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_the_way() {
        let error = Error::new(Reason::FailedPrecondition, "too many")
            .with_metadata("limit", "3")
            .with_violation("entry.title", "required");
        let back = from_status(&error.to_status());
        assert_eq!(back.to_status(), error.to_status());
        assert_eq!(back.reason, Reason::FailedPrecondition);
    }

    #[test]
    fn only_what_blames_the_request_is_for_the_client() {
        let body = |error: Error| serde_json::json!({ "error": error.to_status() }).to_string();
        let refused = refusal(body(Error::new(Reason::NotFound, "no such user")).as_bytes());
        assert_eq!(refused.map(|error| error.message).as_deref(), Some("no such user"));
        for trouble in
            [Reason::NotImplemented, Reason::BadCredentials, Reason::ReplicaBehind, Reason::Internal]
        {
            assert!(refusal(body(Error::new(trouble, "")).as_bytes()).is_none(), "{trouble:?}");
        }
        let open = |reason| leaves_open(body(Error::new(reason, "")).as_bytes());
        assert!(open(Reason::CommitOutcomeUnknown) && !open(Reason::Overloaded));
        assert!(leaves_open(b"<html>502 Bad Gateway</html>"));
        assert!(refusal(b"<html>404 Not Found</html>").is_none());
        let foreign = br#"{"error":{"code":404,"details":[{"@type":"google.rpc.ErrorInfo","reason":"NOT_FOUND","domain":"other"}]}}"#;
        assert!(refusal(foreign).is_none());
    }

    #[test]
    fn an_unknown_refusal_is_internal() {
        assert_eq!(from_status(&serde_json::json!({"code": 3})).reason, Reason::Internal);
        assert_eq!(from_status(&Value::Null).reason, Reason::Internal);
    }
}
