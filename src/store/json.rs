//! Records that both databases keep as JSON text: one way in, one way out.

use crate::model::{Error, Result};

pub(in crate::store) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("a record does not serialise: {error}")))
}

pub(in crate::store) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("a stored record does not parse: {error}")))
}
