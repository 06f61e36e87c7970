//! The storage catalogue: the newest admitted schema, and what older ones need that it has no more.
//!
//! Binaries of older schemas run beside the newest: they write fields that it has deleted, filter by columns whose
//! option it has removed, serve pbtables that it has dropped. Until a prune their columns are filled and their
//! oneofs cleared like its own. Invariant: what is only the older ones' never changes what is the newest's.

use std::collections::HashMap;
use std::sync::Arc;

use super::shape::Shapes;
use super::{Catalogue, Column, Index, ResourceType};

/// Whether the storage catalogue must keep something of `older` beside `newest`.
pub fn needs(newest: &Catalogue, older: &Catalogue) -> bool {
    newest.shapes.lacks_of(&older.shapes)
        || older.types.iter().any(|kind| match newest.resource(&kind.name) {
            None => true,
            Some(own) => {
                let lacks_column = kind.columns.iter().any(|column| position(own, &column.field).is_none());
                let lacks_softness = kind.soft_delete && !own.soft_delete;
                lacks_softness
                    || lacks_column
                    || kind.indexes.iter().any(|index| !has_index(own, kind, index))
            }
        })
}

/// Whether documents of `older` may hold values that `newest` does not show, though it has their field.
pub fn hides(newest: &Catalogue, older: &Catalogue) -> bool {
    newest.shapes.hides_of(&older.shapes)
}

/// `older` from the newest to the oldest. `digest` is what the database calls the result.
pub fn overlay(newest: Catalogue, older: &[Catalogue], digest: String) -> Catalogue {
    if older.is_empty() {
        return newest;
    }
    let mut shapes: Option<Shapes> = None;
    for set in older {
        let merged = shapes.as_ref().unwrap_or(&newest.shapes).overlaid(&set.shapes);
        shapes = Some(merged);
    }
    let shapes = shapes.map_or_else(|| Arc::clone(&newest.shapes), Arc::new);
    let mut types: Vec<ResourceType> = newest.types.iter().map(|kind| (**kind).clone()).collect();
    for kind in older.iter().flat_map(|set| &set.types) {
        match types.iter_mut().find(|own| own.name == kind.name) {
            Some(own) => add(own, kind),
            None => types.push((**kind).clone()),
        }
    }
    for kind in &mut types {
        // Every message of every set is in it.
        kind.root = shapes.find(kind.name.as_str()).unwrap_or(kind.root);
        kind.shapes = Arc::clone(&shapes);
    }
    let by_name: HashMap<_, _> =
        types.iter().enumerate().map(|(index, kind)| (kind.name.clone(), index)).collect();
    let left_out = newest.left_out || older.iter().any(|set| set.left_out);
    Catalogue {
        left_out,
        shapes,
        types: types.into_iter().map(Arc::new).collect(),
        by_name,
        digest,
        ..newest
    }
}

fn add(own: &mut ResourceType, older: &ResourceType) {
    // Clients of the older binaries delete what they mean to be able to bring back.
    own.soft_delete |= older.soft_delete;
    for column in &older.columns {
        if position(own, &column.field).is_none() {
            own.columns.push(column.clone());
        }
    }
    for index in &older.indexes {
        if !has_index(own, older, index) {
            let columns = index.columns.iter().filter_map(|at| position(own, &older.columns[*at].field));
            own.indexes.push(Index { columns: columns.collect(), unique: index.unique });
        }
    }
}

fn position(kind: &ResourceType, field: &str) -> Option<usize> {
    kind.columns.iter().position(|column| column.field == field)
}

fn has_index(own: &ResourceType, other: &ResourceType, index: &Index) -> bool {
    let wanted: Option<Vec<usize>> =
        index.columns.iter().map(|at| position(own, &other.columns[*at].field)).collect();
    wanted.is_some_and(|wanted| {
        own.indexes.iter().any(|own| own.unique == index.unique && own.columns == wanted)
    })
}

/// What `served` reads by and `storage` does not have yet, as the end of a sentence; none when all is there.
pub fn missing(storage: &Catalogue, served: &Catalogue) -> Option<String> {
    served.types.iter().find_map(|kind| {
        let Some(stored) = storage.resource(&kind.name) else {
            return Some(format!("pbtable `{}`", kind.name));
        };
        let is_there = |column: &&Column| {
            let found = position(stored, &column.field).map(|at| &stored.columns[at]);
            found.is_some_and(|found| found.kind == column.kind)
        };
        let column = kind.columns.iter().find(|column| !is_there(column));
        let index = || kind.indexes.iter().find(|index| !has_index(stored, kind, index));
        let field =
            column.or_else(|| index().and_then(|index| Some(&kind.columns[*index.columns.first()?])))?;
        Some(format!("the column and the index of `{}.{}`", kind.name, field.field))
    })
}
