//! What a rule has read and wants to write, resource by resource; becomes the mutations of a write set.
//!
//! Invariants: one entry per resource, hence one mutation per resource; whatever was read by name
//! and then written is guarded by what was read, so that a stale read can never overwrite something
//! newer.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{
    Change, Document, Error, Key, Mutation, Precondition, ResourceRef, Result, Stored, TypeName,
};
use crate::schema::ResourceType;

/// What the rule knows of the stored resource.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Never read: the write decides by itself whether it may happen.
    Unread,
    Absent,
    Present(Stored),
}

/// What the rule wants.
#[derive(Clone, Debug)]
pub enum Wanted {
    AsItIs,
    Put(Document),
    Gone,
    /// No longer deleted, as it was before.
    Restored,
}

#[derive(Debug)]
pub struct Touched {
    pub kind: Arc<ResourceType>,
    pub key: Key,
    pub seen: Seen,
    pub wanted: Wanted,
    /// What the rule's own message could hold of the stored resource, once the rule has replaced it:
    /// whatever is missing here the rule never saw, and so has not cleared.
    pub held: Option<Document>,
}

/// All that a rule has touched, in the order of first touch.
#[derive(Debug, Default)]
pub struct Buffer {
    order: Vec<Touched>,
    index: HashMap<(TypeName, Key), usize>,
}

impl Buffer {
    pub fn find(&self, kind: &ResourceType, key: &Key) -> Option<&Touched> {
        self.index.get(&(kind.name.clone(), key.clone())).map(|position| &self.order[*position])
    }

    /// The entry of a resource, unread and as it is when it is new.
    pub fn entry(&mut self, kind: &Arc<ResourceType>, key: &Key) -> &mut Touched {
        let order = &mut self.order;
        let position = *self.index.entry((kind.name.clone(), key.clone())).or_insert_with(|| {
            order.push(Touched {
                kind: kind.clone(),
                key: key.clone(),
                seen: Seen::Unread,
                wanted: Wanted::AsItIs,
                held: None,
            });
            order.len() - 1
        });
        &mut self.order[position]
    }

    /// Entries of one pbtable below `parent`.
    pub fn children<'a>(
        &'a self,
        kind: &'a ResourceType,
        parent: &'a str,
    ) -> impl Iterator<Item = &'a Touched> + 'a {
        self.order
            .iter()
            .filter(move |touched| touched.kind.name == kind.name && touched.key.parent() == parent)
    }

    /// The mutations of the write set; `guarded` also checks what was only read.
    pub fn into_mutations(self, guarded: bool) -> Result<Vec<Mutation>> {
        let mutations = self.order.iter().map(|touched| touched.mutation(guarded));
        Ok(mutations.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

impl Touched {
    fn mutation(&self, guarded: bool) -> Result<Option<Mutation>> {
        let precondition = match &self.seen {
            Seen::Unread => Precondition::None,
            Seen::Absent => Precondition::Absent,
            Seen::Present(stored) => Precondition::Version(stored.version),
        };
        let change = match (&self.seen, &self.wanted) {
            (Seen::Unread, Wanted::AsItIs | Wanted::Gone | Wanted::Restored) => return Ok(None),
            (_, Wanted::AsItIs) if !guarded => return Ok(None),
            (_, Wanted::AsItIs) | (Seen::Absent, Wanted::Gone | Wanted::Restored) => Change::Check,
            // Restored and deleted again by the same rule.
            (Seen::Present(stored), Wanted::Gone) if stored.is_deleted() => Change::Check,
            (Seen::Present(_), Wanted::Restored) => Change::Undelete,
            (Seen::Present(_), Wanted::Gone) => Change::Delete,
            (Seen::Unread | Seen::Absent, Wanted::Put(document)) => Change::Create(document.clone()),
            (Seen::Present(before), Wanted::Put(after)) => self.update(before, after)?,
        };
        let resource = ResourceRef { kind: self.kind.name.clone(), key: self.key.clone() };
        Ok(Some(Mutation { resource, precondition, change }))
    }

    /// Only the difference is written: stored fields and values that this binary does not know survive.
    fn update(&self, before: &Stored, after: &Document) -> Result<Change> {
        let edits = match &self.held {
            Some(held) => self.kind.difference(held, after),
            None => self.kind.difference(&stored_document(before)?, after),
        };
        Ok(if edits.is_empty() { Change::Check } else { Change::Update(edits) })
    }
}

/// The stored text as a document.
pub fn stored_document(stored: &Stored) -> Result<Document> {
    serde_json::from_str(&stored.document).map_err(|error| {
        Error::internal(format!("stored document of {} {}: {error}", stored.kind, stored.key))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::commands::conversion::{held_of_stored, to_dynamic, typed_of_stored};
    use crate::domains::blog::v1::Entry;
    use crate::model::{Timestamp, Version};
    use crate::schema;

    /// A newer binary has stored an enum value, and a field, that this one has never heard of.
    #[test]
    fn what_a_rule_cannot_see_it_does_not_clear() {
        let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
        let catalogue = schema::load(&[protos], &["*".to_owned()]).expect("the bundled schema loads");
        let kind = catalogue.resource(&TypeName::new("blog.v1.Entry")).expect("entries").clone();
        let stored = Stored {
            kind: kind.name.clone(),
            key: Key::new("alice/hello"),
            version: Version(7),
            create_time: Timestamp::now(),
            update_time: Timestamp::now(),
            delete_time: None,
            purge_time: None,
            schema_id: 0,
            document: r#"{"title":"old","state":"FEATURED","mood":"good"}"#.to_owned(),
        };
        let mut entry: Entry = typed_of_stored(&kind, &stored).unwrap();
        let held = Some(held_of_stored::<Entry>(&kind, &stored).unwrap());
        let touched = |entry: &Entry| {
            let after = kind.document_of(&to_dynamic(kind.descriptor.clone(), entry).unwrap()).unwrap();
            let (kind, key) = (kind.clone(), stored.key.clone());
            let (seen, wanted) = (Seen::Present(stored.clone()), Wanted::Put(after));
            Touched { kind, key, seen, wanted, held: held.clone() }.mutation(false).unwrap().unwrap()
        };
        assert_eq!(touched(&entry).change, Change::Check);
        entry.title = "new".to_owned();
        let Change::Update(edits) = touched(&entry).change else { panic!("an update") };
        let paths: Vec<_> = edits.iter().map(|edit| edit.path.join(".")).collect();
        assert_eq!(paths, ["title"]);
    }
}
