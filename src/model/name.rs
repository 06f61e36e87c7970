//! Names: the message type of a resource, and the ids that address one resource of it.
//!
//! Invariant: a [`Key`] is never empty and its segments are never empty.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The full name of a resource's message, `blog.v1.Entry`: its name in events, filters, configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeName(Arc<str>);

impl TypeName {
    pub fn new(full_name: &str) -> Self {
        Self(full_name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The ids along a resource's pattern, joined by `/`: `alice/0192…` for `users/alice/entries/0192…`.
///
/// The primary key of every pbtable. Ids cannot contain `/`, so the join loses nothing, and all
/// children of one parent are one range of the primary key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Arc<str>);

impl Key {
    pub fn new(path: &str) -> Self {
        debug_assert!(!path.is_empty() && path.split('/').all(|id| !id.is_empty()));
        Self(path.into())
    }

    /// The key of the child `id` of `parent`; an empty parent means a top-level resource.
    pub fn child(parent: &str, id: &str) -> Self {
        if parent.is_empty() { Self::new(id) } else { Self::new(&format!("{parent}/{id}")) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The ids of the ancestors joined by `/`; empty for a top-level resource.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// The resource's own id, the last segment.
    pub fn id(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, id)| id)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
