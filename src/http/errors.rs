//! The one conversion from [`Error`] to a status code and AIP-193 JSON.
//!
//! Invariant: what reaches a client is `message`, `metadata` and field violations; `context` (SQL,
//! paths, the database's words) goes to the log alone.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use serde_json::json;

use super::access;
use crate::model::{Error, Reason};

/// The status code of the contract's error table.
pub fn status(reason: Reason) -> StatusCode {
    use Reason::*;
    match reason {
        InvalidBody
        | InvalidField
        | UnknownField
        | Required
        | Immutable
        | InvalidFilter
        | InvalidOrder
        | InvalidMask
        | InvalidParameter
        | InvalidId
        | PageTokenInvalid
        | PageTokenStale
        | ConsistencyTokenInvalid
        | IdempotencyKeyRequired
        | FailedPrecondition => StatusCode::BAD_REQUEST,
        NoCredentials | BadCredentials => StatusCode::UNAUTHORIZED,
        Scope | Owner | Origin => StatusCode::FORBIDDEN,
        NotFound => StatusCode::NOT_FOUND,
        MethodNotAllowed | ReadOnlyRole => StatusCode::METHOD_NOT_ALLOWED,
        NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        NotImplemented => StatusCode::NOT_IMPLEMENTED,
        AlreadyExists | UniqueViolation | EtagMismatch | InProgress | Conflict => StatusCode::CONFLICT,
        IfMatch => StatusCode::PRECONDITION_FAILED,
        BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        MediaType | ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ReplicaBehind | StrongRead | NotThisRole => StatusCode::MISDIRECTED_REQUEST,
        IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Overloaded | DatabaseUnavailable | ReadOnlyMode | KeysUnavailable | CommitOutcomeUnknown => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Deadline | StatementTimeout => StatusCode::GATEWAY_TIMEOUT,
        Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer that a failed request gets.
pub fn response(error: &Error, request_id: &str) -> HttpResponse {
    let code = status(error.reason);
    let mut answer = HttpResponse::build(code);
    answer.insert_header((CONTENT_TYPE, "application/json")).insert_header((VARY, "Accept"));
    let allow = error.metadata.iter().find(|(key, _)| *key == "allow");
    if let Some(value) = allow.and_then(|(_, allow)| HeaderValue::from_str(allow).ok()) {
        answer.insert_header((ALLOW, value));
    }
    if code == StatusCode::MISDIRECTED_REQUEST {
        // RFC 9110 lets caches keep a 421 by heuristics; the replica will have caught up by then.
        answer.insert_header((CACHE_CONTROL, "no-store"));
    }
    if let Some(seconds) = error.retry_after_s.or((code == StatusCode::SERVICE_UNAVAILABLE).then_some(1)) {
        answer.insert_header((RETRY_AFTER, seconds));
    }
    if let Some(challenge) = access::challenge(error) {
        answer.insert_header((WWW_AUTHENTICATE, challenge));
    }
    if error.reason == Reason::ContentEncoding {
        answer.insert_header((ACCEPT_ENCODING, "identity"));
    }
    if matches!(error.reason, Reason::BodyTimeout | Reason::BodyTooLarge) {
        // What is left of the body would be read as the next request's head.
        answer.force_close();
    }
    answer.body(body(error, code, request_id))
}

fn body(error: &Error, code: StatusCode, request_id: &str) -> String {
    let mut status = error.clone();
    if error.reason == Reason::Internal {
        status = Error::internal("").with_metadata("requestId", request_id);
    }
    shorten(&mut status);
    json!({ "error": {
        "code": code.as_u16(),
        "status": status.reason.code().1,
        "message": status.message,
        "details": status.details(),
    }})
    .to_string()
}

/// What a client sent is quoted back to it, but not by the kilobyte.
const QUOTED_MAX: usize = 500;

fn shorten(error: &mut Error) {
    let violations = error.violations.iter_mut();
    let texts = violations.flat_map(|violation| [&mut violation.field, &mut violation.description]);
    let values = error.metadata.iter_mut().map(|(_, value)| value);
    for text in texts.chain(values).chain([&mut error.message]) {
        if let Some((end, _)) = text.char_indices().nth(QUOTED_MAX) {
            text.truncate(end);
            text.push('…');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_stays_out_of_answers() {
        let mut error = Error::internal("SELECT secret FROM /var/lib");
        error.message = "SELECT secret".to_owned();
        error = error.with_metadata("path", "/var/lib");
        let text = body(&error, status(error.reason), "r-1");
        assert!(!text.contains("secret") && !text.contains("/var") && text.contains("r-1"), "{text}");
    }

    #[test]
    fn refusals_carry_what_their_status_needs() {
        let header = |error: &Error, name| {
            let response = response(error, "r-1");
            response.headers().get(name).map(|value| value.to_str().expect("ASCII").to_owned())
        };
        let behind = Error::new(Reason::ReplicaBehind, "behind");
        assert_eq!(header(&behind, CACHE_CONTROL).as_deref(), Some("no-store"));
        let overloaded = Error::new(Reason::Overloaded, "full");
        assert_eq!(header(&overloaded, RETRY_AFTER).as_deref(), Some("1"));
        assert_eq!(header(&overloaded.with_retry_after_s(7), RETRY_AFTER).as_deref(), Some("7"));
        let encoded = Error::new(Reason::ContentEncoding, "gzip");
        assert_eq!(header(&encoded, ACCEPT_ENCODING).as_deref(), Some("identity"));
    }
}
