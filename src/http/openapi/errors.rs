//! Which errors an action may answer, by class: reasons of the contract's table, grouped by status.
//!
//! A test provokes what can be provoked and finds each of it here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Scope;
use super::components::{ERROR_HEADERS, headers};
use super::method::Class;
use crate::http::errors::status;
use crate::model::Reason::{self, *};
use crate::role::Given;

/// Whatever is asked, these may be the answer.
const ALWAYS: &[Reason] = &[
    InvalidParameter,
    InvalidBody,
    NotAcceptable,
    NotFound,
    InvalidId,
    Origin,
    Overloaded,
    DatabaseUnavailable,
    Deadline,
    StatementTimeout,
    Internal,
];
const READS: &[Reason] = &[ConsistencyTokenInvalid];
const BODIES: &[Reason] =
    &[InvalidField, UnknownField, Required, BodyTooLarge, BodyTimeout, MediaType, ContentEncoding];
const WRITES: &[Reason] = &[
    ConsistencyTokenInvalid,
    IdempotencyKeyReused,
    IdempotencyKeyRequired,
    InProgress,
    Conflict,
    ReadOnlyMode,
    CommitOutcomeUnknown,
    NotThisRole,
    NotImplemented,
];

/// All reasons of a class.
pub fn reasons(class: Class, scope: &Scope<'_>) -> Vec<Reason> {
    let own: &[&[Reason]] = match class {
        Class::Get => &[READS, &[IfMatch, InvalidMask, NotImplemented]],
        Class::List => &[
            READS,
            &[InvalidFilter, InvalidOrder, InvalidMask, PageTokenInvalid, PageTokenStale, NotImplemented],
        ],
        Class::Create => &[BODIES, WRITES, &[AlreadyExists, UniqueViolation]],
        Class::Update => &[
            BODIES,
            WRITES,
            &[Immutable, InvalidMask, IfMatch, EtagMismatch, UniqueViolation, AlreadyExists],
        ],
        Class::Delete => &[WRITES, &[IfMatch, EtagMismatch, FailedPrecondition]],
        Class::BatchGet => &[READS, &[InvalidField, Required, InvalidMask, NotImplemented]],
        Class::BatchCreate => &[BODIES, WRITES, &[AlreadyExists, UniqueViolation]],
        Class::BatchUpdate => {
            &[BODIES, WRITES, &[Immutable, InvalidMask, EtagMismatch, UniqueViolation, AlreadyExists]]
        }
        Class::BatchDelete => &[BODIES, WRITES, &[EtagMismatch, FailedPrecondition]],
        Class::WriteSet => &[
            BODIES,
            WRITES,
            &[AlreadyExists, UniqueViolation, Immutable, InvalidMask, EtagMismatch, FailedPrecondition],
        ],
        Class::Undelete => &[BODIES, WRITES, &[IfMatch, EtagMismatch, AlreadyExists, UniqueViolation]],
        Class::Command => &[
            BODIES,
            WRITES,
            &[AlreadyExists, UniqueViolation, Immutable, FailedPrecondition, EtagMismatch, IfMatch],
        ],
        Class::GetOperation => &[&[NotThisRole, ReplicaBehind]],
        Class::ListOperations => &[&[PageTokenInvalid, NotImplemented, NotThisRole]],
        Class::CancelOperation => &[&[FailedPrecondition, Conflict, NotThisRole, ReadOnlyMode]],
        Class::Peer => {
            &[BODIES, &[NoCredentials, BadCredentials, ReadOnlyMode, CommitOutcomeUnknown, Conflict]]
        }
        Class::Document => {
            return vec![Origin, InvalidParameter, InvalidBody, NotAcceptable, Deadline, Internal];
        }
    };
    let mut all = ALWAYS.to_vec();
    own.iter().for_each(|reasons| all.extend_from_slice(reasons));
    if scope.asks_for_credentials && class != Class::Peer {
        all.extend([NoCredentials, BadCredentials, KeysUnavailable]);
        all.push(Reason::Scope);
    }
    if scope.plan.replica == Given::Required {
        all.extend([ReplicaBehind, StrongRead, NotThisRole]);
    }
    all
}

/// Status codes with the names of their reasons.
fn by_status(class: Class, scope: &Scope<'_>) -> BTreeMap<u16, Vec<Reason>> {
    let mut grouped: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for reason in reasons(class, scope) {
        let names = grouped.entry(status(reason).as_u16()).or_default();
        if !names.contains(&reason) {
            names.push(reason);
        }
    }
    grouped
}

/// References for an operation's `responses`.
pub fn references(class: Class, scope: &Scope<'_>) -> Map<String, Value> {
    let codes = by_status(class, scope).into_keys();
    codes
        .map(|code| (code.to_string(), json!({ "$ref": format!("#/components/responses/{class:?}-{code}") })))
        .collect()
}

/// The responses of these classes for `components.responses`.
pub fn responses(classes: &[Class], scope: &Scope<'_>) -> Map<String, Value> {
    let mut all = Map::new();
    for class in classes {
        for (code, reasons) in by_status(*class, scope) {
            let example = example(code, reasons[0]);
            let reasons: Vec<&str> = reasons.into_iter().map(Reason::as_str).collect();
            let response = json!({
                "description": reasons.join(", "),
                "headers": headers(&ERROR_HEADERS),
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Error" },
                    "example": example,
                }},
                "x-reasons": reasons,
            });
            all.insert(format!("{class:?}-{code}"), response);
        }
    }
    all
}

fn example(code: u16, reason: Reason) -> Value {
    json!({ "error": {
        "code": code,
        "status": reason.code().1,
        "message": "says what is wrong, where, and what to do",
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason.as_str(),
            "domain": "trine",
            "metadata": {},
        }],
    }})
}
