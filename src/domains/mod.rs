//! Domains: what CRUD cannot say, as ordinary functions on typed messages.
//!
//! A domain is a module with its generated messages and its rules. Depends only on `commands` (the
//! context) and `model`; knows nothing of databases, roles or modes.

pub mod blog;

use crate::commands::Registry;

/// Registers the rules of every bundled domain.
pub fn register(registry: &mut Registry) {
    blog::register(registry);
}
