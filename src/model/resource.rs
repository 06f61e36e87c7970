//! A resource as it is stored: its document and what the chassis knows about it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Key, Timestamp, TypeName};

/// One number for the whole database, never reused: a deleted and recreated resource cannot be
/// mistaken for the old one. Also the resource's strong ETag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

/// The canonical proto3 JSON of a resource without what the chassis fills in (`name`, `uid`,
/// times, `etag`): those are columns and are added when the document is rendered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Map<String, Value>);

/// One row of a pbtable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    #[serde(rename = "type")]
    pub kind: TypeName,
    pub key: Key,
    pub version: Version,
    pub create_time: Timestamp,
    pub update_time: Timestamp,
    /// Set while the resource is soft-deleted (AIP-164).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_time: Option<Timestamp>,
    /// When a soft-deleted resource goes for good; set together with `delete_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_time: Option<Timestamp>,
    /// The schema in which the database says the document is written; 0 for whom nobody knows.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub schema_id: i64,
    /// JSON text of the [`Document`], kept as text so that a read passes it through unparsed.
    pub document: String,
}

fn is_unknown(schema_id: &i64) -> bool {
    *schema_id == 0
}

impl Stored {
    /// Soft-deleted: still there by name, in no list.
    pub fn is_deleted(&self) -> bool {
        self.delete_time.is_some()
    }
}
