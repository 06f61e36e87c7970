//! The one error of the crate: HTTP-free, public words apart from private context.
//!
//! `message` and `metadata` reach clients; `context` reaches only the log. An unknown failure is
//! [`Reason::Internal`], never a client's fault. Source: AIP-193 and the contract's error table.

use serde_json::{Value, json};

/// Why a request failed: `ErrorInfo.reason` in SCREAMING_SNAKE_CASE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    InvalidBody,
    InvalidField,
    UnknownField,
    Required,
    Immutable,
    InvalidFilter,
    InvalidOrder,
    InvalidMask,
    InvalidParameter,
    InvalidId,
    PageTokenInvalid,
    PageTokenStale,
    ConsistencyTokenInvalid,
    IdempotencyKeyRequired,
    NoCredentials,
    BadCredentials,
    /// The credentials lack the scope that this needs.
    Scope,
    /// A browser's page of an origin that is not listed.
    Origin,
    /// Rows of this type are created for oneself and stay with their owner.
    Owner,
    NotFound,
    MethodNotAllowed,
    ReadOnlyRole,
    NotImplemented,
    AlreadyExists,
    UniqueViolation,
    EtagMismatch,
    InProgress,
    Conflict,
    IfMatch,
    /// A rule of the domain refused (AIP-193 FAILED_PRECONDITION, 400): the message says which.
    FailedPrecondition,
    BodyTooLarge,
    MediaType,
    ContentEncoding,
    /// 406: no media type that the client accepts is served.
    NotAcceptable,
    /// 408: the body did not arrive in time.
    BodyTimeout,
    ReplicaBehind,
    StrongRead,
    NotThisRole,
    IdempotencyKeyReused,
    Overloaded,
    DatabaseUnavailable,
    ReadOnlyMode,
    /// The keys that a token would be checked with cannot be fetched.
    KeysUnavailable,
    CommitOutcomeUnknown,
    Deadline,
    StatementTimeout,
    Internal,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FieldViolation {
    /// Path as the client wrote or would write it: `author.displayName`.
    pub field: String,
    pub description: String,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason:?}: {message}")]
pub struct Error {
    pub reason: Reason,
    /// What happened, where, and what to do; one sentence for the client.
    pub message: String,
    pub metadata: Vec<(&'static str, String)>,
    pub violations: Vec<FieldViolation>,
    /// For the log only: SQL, paths, the database's own words.
    pub context: Option<String>,
    /// Seconds after which a retry makes sense.
    pub retry_after_s: Option<u32>,
}

impl Error {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: Vec::new(),
            violations: Vec::new(),
            context: None,
            retry_after_s: None,
        }
    }

    /// A failure that is ours: the client learns the request id and nothing else.
    pub fn internal(context: impl Into<String>) -> Self {
        let mut error = Self::new(Reason::Internal, "internal error; quote the request id to the operator");
        error.context = Some(context.into());
        error
    }

    pub fn with_metadata(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    pub fn with_violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        self.violations.push(FieldViolation { field: field.into(), description: description.into() });
        self
    }

    /// An error of a part of the request: which part, and its fields from the outside.
    pub fn within(mut self, path: &str) -> Self {
        self.message = format!("{path}: {}", self.message);
        for violation in &mut self.violations {
            violation.field = format!("{path}.{}", violation.field);
        }
        if self.violations.is_empty() {
            let description = self.message.clone();
            self = self.with_violation(path, description);
        }
        self
    }

    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    pub fn with_retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl Reason {
    /// `ErrorInfo.reason`.
    pub fn as_str(self) -> &'static str {
        use Reason::*;
        match self {
            InvalidBody => "INVALID_BODY",
            InvalidField => "INVALID_FIELD",
            UnknownField => "UNKNOWN_FIELD",
            Required => "REQUIRED",
            Immutable => "IMMUTABLE",
            InvalidFilter => "INVALID_FILTER",
            InvalidOrder => "INVALID_ORDER",
            InvalidMask => "INVALID_MASK",
            InvalidParameter => "INVALID_PARAMETER",
            InvalidId => "INVALID_ID",
            PageTokenInvalid => "PAGE_TOKEN_INVALID",
            PageTokenStale => "PAGE_TOKEN_STALE",
            ConsistencyTokenInvalid => "CONSISTENCY_TOKEN_INVALID",
            IdempotencyKeyRequired => "IDEMPOTENCY_KEY_REQUIRED",
            NoCredentials => "NO_CREDENTIALS",
            BadCredentials => "BAD_CREDENTIALS",
            Scope => "SCOPE",
            Origin => "ORIGIN",
            Owner => "OWNER",
            NotFound => "NOT_FOUND",
            MethodNotAllowed => "METHOD_NOT_ALLOWED",
            ReadOnlyRole => "READ_ONLY_ROLE",
            NotImplemented => "NOT_IMPLEMENTED",
            AlreadyExists => "ALREADY_EXISTS",
            UniqueViolation => "UNIQUE_VIOLATION",
            EtagMismatch => "ETAG_MISMATCH",
            InProgress => "IN_PROGRESS",
            Conflict => "CONFLICT",
            IfMatch => "IF_MATCH",
            FailedPrecondition => "FAILED_PRECONDITION",
            BodyTooLarge => "BODY_TOO_LARGE",
            MediaType => "MEDIA_TYPE",
            ContentEncoding => "CONTENT_ENCODING",
            NotAcceptable => "NOT_ACCEPTABLE",
            BodyTimeout => "BODY_TIMEOUT",
            ReplicaBehind => "REPLICA_BEHIND",
            StrongRead => "STRONG_READ",
            NotThisRole => "NOT_THIS_ROLE",
            IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Overloaded => "OVERLOADED",
            DatabaseUnavailable => "DATABASE_UNAVAILABLE",
            ReadOnlyMode => "READ_ONLY_MODE",
            KeysUnavailable => "KEYS_UNAVAILABLE",
            CommitOutcomeUnknown => "COMMIT_OUTCOME_UNKNOWN",
            Deadline => "DEADLINE",
            StatementTimeout => "STATEMENT_TIMEOUT",
            Internal => "INTERNAL",
        }
    }

    /// `google.rpc.Code`: its number and its name.
    pub fn code(self) -> (i32, &'static str) {
        use Reason::*;
        match self {
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
            | BodyTooLarge
            | MediaType
            | ContentEncoding
            | NotAcceptable
            | IdempotencyKeyReused => (3, "INVALID_ARGUMENT"),
            NoCredentials => (16, "UNAUTHENTICATED"),
            BadCredentials => (16, "UNAUTHENTICATED"),
            Scope | Owner | Origin => (7, "PERMISSION_DENIED"),
            NotFound => (5, "NOT_FOUND"),
            MethodNotAllowed | ReadOnlyRole | NotImplemented => (12, "UNIMPLEMENTED"),
            AlreadyExists | UniqueViolation => (6, "ALREADY_EXISTS"),
            EtagMismatch | InProgress | Conflict => (10, "ABORTED"),
            IfMatch | FailedPrecondition => (9, "FAILED_PRECONDITION"),
            Overloaded => (8, "RESOURCE_EXHAUSTED"),
            ReplicaBehind | StrongRead | NotThisRole | DatabaseUnavailable | ReadOnlyMode
            | KeysUnavailable | CommitOutcomeUnknown => (14, "UNAVAILABLE"),
            Deadline | StatementTimeout | BodyTimeout => (4, "DEADLINE_EXCEEDED"),
            Internal => (13, "INTERNAL"),
        }
    }
}

impl Error {
    /// The error as `google.rpc.Status` JSON, the form in which a finished operation keeps it.
    pub fn to_status(&self) -> Value {
        json!({ "code": self.reason.code().0, "message": self.message, "details": self.details() })
    }

    /// AIP-193 details: `ErrorInfo` always, `BadRequest` when fields are to blame.
    pub fn details(&self) -> Value {
        let metadata: serde_json::Map<String, Value> =
            self.metadata.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let mut details = vec![json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason.as_str(),
            "domain": "trine",
            "metadata": metadata,
        })];
        if !self.violations.is_empty() {
            let violations: Vec<Value> = self
                .violations
                .iter()
                .map(|violation| json!({ "field": violation.field, "description": violation.description }))
                .collect();
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": violations,
            }));
        }
        Value::Array(details)
    }
}
