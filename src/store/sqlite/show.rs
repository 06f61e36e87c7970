//! The DDL of a schema as text, for people to read: what a first apply to an empty file runs.

use super::table::{create_index, create_purge_index, create_table};
use super::views;
use crate::schema::Catalogue;

/// Statements without their semicolons: for each pbtable its table, indexes and view.
pub fn definitions(catalogue: &Catalogue) -> Vec<String> {
    let mut views = views::show(catalogue);
    let of_kind = catalogue.types.iter().flat_map(|kind| {
        let indexes = kind.indexes.iter().map(|index| create_index(kind, index));
        let view = views.remove(&kind.name).unwrap_or_default();
        let purge = create_purge_index(kind);
        std::iter::once(create_table(kind)).chain(indexes).chain(purge).chain(view).collect::<Vec<_>>()
    });
    of_kind.collect()
}
