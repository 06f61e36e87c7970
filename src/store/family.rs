//! Who is above and below whom: `users/{user}` is above `users/{user}/entries/{entry}`.
//!
//! Parents need not exist: a resource can be created under a name that no resource has. Two things
//! are kept true all the same, by every commit: what is deleted has no living children, unless they go with
//! it (`force`); and nothing comes alive under a parent that is soft-deleted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Change, Error, Key, Mutation, Reason, Result, TypeName, WriteSet};
use crate::schema::{Catalogue, Pattern, ResourceType};

/// Resources that one forced deletion takes along: all in one transaction, which others wait for.
pub(in crate::store) const SWEPT_MAX: usize = 1000;

#[derive(Default)]
pub(in crate::store) struct Family {
    /// Types above that can be soft-deleted, each with the length of its pattern.
    pub soft_ancestors: Vec<(Arc<ResourceType>, usize)>,
    pub descendants: Vec<Arc<ResourceType>>,
}

/// All families of a catalogue.
#[derive(Default)]
pub(in crate::store) struct Families {
    by_type: HashMap<TypeName, Family>,
    none: Family,
}

impl Families {
    pub(in crate::store) fn new(catalogue: &Catalogue) -> Self {
        let path = |kind: &ResourceType, depth| (kind.package.clone(), collections(&kind.pattern, depth));
        let by_path: HashMap<_, _> =
            catalogue.types.iter().map(|kind| (path(kind, kind.pattern.depth()), kind)).collect();
        let mut by_type: HashMap<TypeName, Family> = HashMap::new();
        for kind in &catalogue.types {
            for depth in 1..kind.pattern.depth() {
                let Some(above) = by_path.get(&path(kind, depth)) else { continue };
                by_type.entry(above.name.clone()).or_default().descendants.push(Arc::clone(kind));
                if above.soft_delete {
                    let own = by_type.entry(kind.name.clone()).or_default();
                    own.soft_ancestors.push((Arc::clone(above), depth));
                }
            }
        }
        Self { by_type, none: Family::default() }
    }

    pub(in crate::store) fn of(&self, kind: &TypeName) -> &Family {
        self.by_type.get(kind).unwrap_or(&self.none)
    }

    /// Whether what is above or below the resource has a say, once the mutation is applied.
    pub(in crate::store) fn is_looked_around(&self, mutation: &Mutation) -> bool {
        let family = self.of(&mutation.resource.kind);
        match mutation.change.deletion() {
            Some(_) => !family.descendants.is_empty(),
            None => brings_alive(&mutation.change) && !family.soft_ancestors.is_empty(),
        }
    }

    /// Whether it may bring something alive under a parent that can be soft-deleted.
    pub(in crate::store) fn grows(&self, mutation: &Mutation) -> bool {
        brings_alive(&mutation.change) && !self.of(&mutation.resource.kind).soft_ancestors.is_empty()
    }

    /// Whether it takes what is below along, or closes it: nothing may grow there meanwhile.
    pub(in crate::store) fn sweeps(&self, kind: &ResourceType, mutation: &Mutation) -> bool {
        let deletion = mutation.change.deletion();
        deletion.is_some_and(|deletion| deletion.force || kind.soft_delete)
            && !self.of(&kind.name).descendants.is_empty()
    }

    /// A tree and something in it cannot be changed by one write set: it would depend on the order.
    /// Children may be deleted by name together with their parent, where nothing sweeps them away.
    pub(in crate::store) fn refuse_overlaps(&self, write_set: &WriteSet) -> Result<()> {
        for (above, mutation) in write_set.mutations.iter().enumerate() {
            let Some(deletion) = mutation.change.deletion() else { continue };
            let family = self.of(&mutation.resource.kind);
            if family.descendants.is_empty() || write_set.mutations.len() == 1 {
                continue;
            }
            let meets = |change: &Change| match change {
                Change::Check => false,
                Change::Delete | Change::DeleteWith(_) => deletion.force,
                _ => true,
            };
            let below = write_set.mutations.iter().position(|other| {
                meets(&other.change)
                    && family.descendants.iter().any(|kind| kind.name == other.resource.kind)
                    && is_below(&other.resource.key, &mutation.resource.key)
            });
            if let Some(below) = below {
                let message = format!(
                    "mutations[{below}] is below mutations[{above}], which deletes what is above it; leave one of them out"
                );
                let error = Error::new(Reason::InvalidParameter, message);
                return Err(error.with_metadata("mutation", format!("mutations[{below}]")));
            }
        }
        Ok(())
    }
}

pub(in crate::store) fn brings_alive(change: &Change) -> bool {
    matches!(change, Change::Create(_) | Change::Upsert(_) | Change::Undelete)
}

/// The key of the ancestor whose pattern has `depth` segments.
pub(in crate::store) fn ancestor_key(key: &Key, depth: usize) -> Key {
    Key::new(&key.ids().take(depth).collect::<Vec<_>>().join("/"))
}

/// Bounds, both exclusive, of the keys below one. `0` is the character after `/`.
pub(in crate::store) fn range_below(key: &Key) -> (String, String) {
    (format!("{key}/"), format!("{key}0"))
}

/// `child` is the key of one of them.
pub(in crate::store) fn has_children(
    (parent, key): (&ResourceType, &Key),
    (kind, child): (&ResourceType, &str),
) -> Error {
    let child = kind.pattern.resource_name(child);
    let message =
        format!("it has children, `{child}` for one; delete them first, or all at once with `force`");
    Error::new(Reason::FailedPrecondition, message)
        .with_metadata("child", child)
        .with_metadata("resource", parent.pattern.resource_name(key.as_str()))
}

/// Of children that are not one's own nothing is said but that they are there.
pub(in crate::store) fn has_others_children(parent: &ResourceType, key: &Key) -> Error {
    let message = "it has children that belong to others, and goes when they are gone";
    Error::new(Reason::FailedPrecondition, message)
        .with_metadata("resource", parent.pattern.resource_name(key.as_str()))
}

pub(in crate::store) fn parent_is_deleted(parent: &ResourceType, key: &Key) -> Error {
    let name = parent.pattern.resource_name(key.as_str());
    let message = format!("`{name}`, above it, is deleted; undelete that first");
    Error::new(Reason::NotFound, message).with_metadata("resource", name)
}

pub(in crate::store) fn too_many_below() -> Error {
    let message = format!(
        "more than {SWEPT_MAX} resources are below it, and `force` deletes them in one transaction; delete \
         some of them first"
    );
    Error::new(Reason::FailedPrecondition, message)
}

fn is_below(key: &Key, above: &Key) -> bool {
    key.as_str().strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

fn collections(pattern: &Pattern, depth: usize) -> Vec<String> {
    pattern.segments[..depth].iter().map(|(collection, _)| collection.clone()).collect()
}
