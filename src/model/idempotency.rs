//! Idempotency keys: one effect for one key, however often and in whichever mode it is retried.
//!
//! Source: draft-ietf-httpapi-idempotency-key-header-07, AIP-155.

use serde::{Deserialize, Serialize};

/// SHA-256 of what the request asks for; a key reused with another fingerprint is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub [u8; 32]);

/// A client's key within its scope: who asked, with which HTTP method, at which path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdempotencyKey {
    pub principal: String,
    /// `POST /blog/v1/users/alice:publish`
    pub scope: String,
    pub key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    pub key: IdempotencyKey,
    pub fingerprint: Fingerprint,
}
