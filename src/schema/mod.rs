//! `.proto` files in, a catalogue out: resources, their columns and indexes, their commands.
//!
//! Not here: SQL text (store), HTTP routes (http). Depends only on `model`.
//! Invariant: whatever is in a [`Catalogue`] has been checked; nobody checks it again.

pub mod batch;
pub mod catalogue;
mod columns;
mod comments;
mod constraint;
mod descriptor_set;
pub mod document;
pub mod evolution;
mod import_cycle;
mod json_names;
pub mod json_schema;
pub mod load;
mod location;
mod methods;
mod misplaced;
mod nesting;
mod options;
mod paths;
mod remedy;
mod resource;
mod service;
pub(crate) mod shape;
mod source;
mod standard_messages;
pub mod storage;
mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod view;

pub use batch::{Batch, BatchAnswer};
pub use catalogue::{
    Catalogue, Column, ColumnKind, ColumnSource, Command, Index, ListAnswer, Pattern, ResourceType,
    StandardFields, StandardMethod, StandardRoute, TotalSize,
};
pub use constraint::Description;
pub use load::{SchemaProblem, from_descriptor_set, load};
