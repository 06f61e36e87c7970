//! Documents: client input → canonical JSON, edits, promoted values, rendering.
//!
//! Everything here hangs on [`crate::schema::ResourceType`]; each file below is one direction a document travels.
//! Invariant: a stored document is patched by path, never parsed and written again, so that what a
//! newer schema put there survives an older binary.

mod apply;
mod canonical;
mod difference;
mod edits;
pub(crate) mod fitness;
mod holds;
mod input;
mod known;
mod left_out;
mod mask;
mod owner;
pub(super) mod path;
mod promote;
mod render;
pub(crate) mod required;
pub(crate) mod scalar;
pub(crate) mod strict_json;
pub(crate) mod time;
mod well_known;

mod request;

pub use input::{object_from_json, object_from_message};

pub use self::mask::ReadMask;
use crate::model::Document;

/// What a client sent for a resource, checked and canonical.
#[derive(Debug)]
pub struct Input {
    pub document: Document,
    /// `etag` of the body, if the message declares one and the client sent it.
    pub etag: Option<String>,
    /// `name` of the body, if sent.
    pub name: Option<String>,
    /// JSON paths of the fields that the body populates (for an update without a mask).
    pub populated: Vec<Vec<String>>,
}
