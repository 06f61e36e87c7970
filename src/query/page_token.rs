//! Page tokens: where the next page begins, opaque and signed.
//!
//! A token belongs to one list (type, parent, filter, order, deleted ones too or not): with another it is refused, because
//! the page would silently be a wrong one. Fields are held by number, so that a token outlives a
//! push; a field that no longer orders makes it stale.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{After, OrderBy, Scalar};
use crate::model::{Error, Key, Reason, Result};
use crate::schema::{ColumnKind, ResourceType};

/// Half of HMAC-SHA256: enough against forgery, and the token stays short.
const SIGNATURE_BYTES: usize = 16;

/// The list that a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope([u8; 16]);

impl Scope {
    /// `filter` and `order_by` are the request's own texts; `parent` is none for all parents.
    pub fn new(
        kind: &ResourceType,
        parent: Option<&str>,
        filter: &str,
        order_by: &str,
        show_deleted: bool,
    ) -> Self {
        let mut hash = Sha256::new();
        for part in [kind.name.as_str(), parent.unwrap_or("-"), filter.trim(), order_by.trim()] {
            // The length first: `a` + `bc` is not `ab` + `c`.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        // Nothing where it is off: such tokens are as old as lists.
        if show_deleted {
            hash.update(b"showDeleted");
        }
        let mut scope = [0; 16];
        scope.copy_from_slice(&hash.finalize()[..16]);
        Self(scope)
    }
}

#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(rename = "s")]
    scope: [u8; 16],
    /// Numbers of the ordering fields, negative when descending.
    #[serde(rename = "f")]
    fields: Vec<i64>,
    #[serde(rename = "v")]
    values: Vec<Value>,
    #[serde(rename = "k")]
    key: String,
}

/// The token for what follows `after`.
pub fn encode(
    kind: &ResourceType,
    secret: &[u8],
    scope: Scope,
    order: &[OrderBy],
    after: &After,
) -> Result<String> {
    let payload = Payload {
        scope: scope.0,
        fields: order.iter().map(|term| field_number(kind, *term)).collect(),
        values: after.values.iter().map(to_json).collect(),
        key: after.key.as_str().to_owned(),
    };
    let mut bytes = serde_json::to_vec(&payload).map_err(|error| Error::internal(error.to_string()))?;
    let signature = signature(secret, &bytes);
    bytes.extend_from_slice(&signature);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Where the page begins. `order` is none when the request's order is not served (any more).
pub fn decode(
    kind: &ResourceType,
    secret: &[u8],
    scope: Scope,
    order: Option<&[OrderBy]>,
    token: &str,
) -> Result<After> {
    let payload = verified(secret, token).ok_or_else(invalid)?;
    if payload.scope != scope.0 {
        return Err(invalid());
    }
    let order = order.ok_or_else(stale)?;
    let fields: Vec<i64> = order.iter().map(|term| field_number(kind, *term)).collect();
    if fields != payload.fields || payload.values.len() != order.len() {
        return Err(stale());
    }
    let values = order.iter().zip(&payload.values);
    let values: Option<Vec<Scalar>> =
        values.map(|(term, value)| from_json(kind.columns[term.column].kind, value)).collect();
    let depth = payload.key.split('/').filter(|id| !id.is_empty()).count();
    if depth != kind.pattern.depth() {
        return Err(invalid());
    }
    Ok(After { values: values.ok_or_else(stale)?, key: Key::new(&payload.key) })
}

fn verified(secret: &[u8], token: &str) -> Option<Payload> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (payload, found) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE_BYTES)?)?;
    let expected = signature(secret, payload);
    // In constant time: how far a forgery matched must not show.
    let is_ours: bool = subtle::ConstantTimeEq::ct_eq(expected.as_slice(), found).into();
    if is_ours { serde_json::from_slice(payload).ok() } else { None }
}

fn signature(secret: &[u8], payload: &[u8]) -> [u8; SIGNATURE_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    // The purpose is signed too, so that nothing else signed with this secret passes for a page token.
    mac.update(b"page-token-1");
    mac.update(payload);
    let mut signature = [0; SIGNATURE_BYTES];
    signature.copy_from_slice(&mac.finalize().into_bytes()[..SIGNATURE_BYTES]);
    signature
}

fn field_number(kind: &ResourceType, term: OrderBy) -> i64 {
    let field = kind.descriptor.get_field_by_name(&kind.columns[term.column].field);
    let number = field.map_or(0, |field| i64::from(field.number()));
    if term.descending { -number } else { number }
}

fn to_json(value: &Scalar) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Text(text) => Value::from(text.as_str()),
        Scalar::Integer(number) => Value::from(*number),
        Scalar::Unsigned(number) => Value::from(*number),
        // As bits: JSON has no infinities, and a rounded value would skip or repeat a row.
        Scalar::Real(number) => Value::from(number.to_bits()),
        Scalar::Boolean(value) => Value::from(*value),
    }
}

fn from_json(kind: ColumnKind, value: &Value) -> Option<Scalar> {
    match (kind, value) {
        (_, Value::Null) => Some(Scalar::Null),
        (ColumnKind::Text | ColumnKind::Timestamp, Value::String(text)) => Some(Scalar::Text(text.clone())),
        (ColumnKind::Integer, value) => value.as_i64().map(Scalar::Integer),
        (ColumnKind::Unsigned, value) => value.as_u64().map(Scalar::Unsigned),
        (ColumnKind::Real, value) => value.as_u64().map(f64::from_bits).map(Scalar::Real),
        (ColumnKind::Boolean, value) => value.as_bool().map(Scalar::Boolean),
        _ => None,
    }
}

fn invalid() -> Error {
    let message = "pageToken: it belongs to another list or was changed; start at the first page";
    Error::new(Reason::PageTokenInvalid, message).with_violation("pageToken", "not a token of this list")
}

fn stale() -> Error {
    let message = "pageToken: its order is no longer served; start at the first page";
    Error::new(Reason::PageTokenStale, message).with_violation("pageToken", "its order is no longer served")
}
