//! Rows that somebody wrote past the API, by SQL: nobody's schema (0), read with care and never passed through.
//!
//! What fits is shown in its canonical form, the rest is left out: one bad value must neither fail the
//! resource, or a page of them, nor reach a client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::canonical::Source;
use crate::model::{Error, Stored};
use crate::schema::ResourceType;
use crate::telemetry::metrics::STORED_VALUES_LEFT_OUT;

/// The schema of rows that SQL has written, and of those of whom nobody knows.
pub(super) const NOBODYS_SCHEMA: i64 = 0;

impl ResourceType {
    /// What this schema can make of a document that nobody has checked.
    pub(super) fn careful_text(&self, stored: &Stored) -> String {
        let object = serde_json::from_str::<Map<String, Value>>(&stored.document).map_err(|error| {
            Error::internal(format!("stored {} `{}` is no JSON: {error}", self.name, stored.key))
        });
        let object = object.and_then(|mut object| {
            object.retain(|key, _| key == "uid" || !self.is_standard(key));
            self.canonical(object, Source::Store)
        });
        let known = object.unwrap_or_else(|error| {
            left_out(&error);
            Map::new()
        });
        Value::Object(known).to_string()
    }
}

/// A stored value that is none of its field's. Told at most once a second.
pub(super) fn left_out(error: &Error) {
    static LAST_S: AtomicU64 = AtomicU64::new(0);
    metrics::counter!(STORED_VALUES_LEFT_OUT).increment(1);
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if LAST_S.swap(now_s, Ordering::Relaxed) != now_s {
        tracing::warn!(%error, "a stored value was left out of an answer");
    }
}
