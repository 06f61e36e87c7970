//! Typed prost messages ⇄ the catalogue's dynamic messages ⇄ stored documents.
//!
//! Rules are compiled against the messages of this binary; the catalogue may come from a newer
//! schema. Both meet in protobuf's binary form, whose rules say what each sees of the other.

use std::sync::Arc;

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, MessageDescriptor};

use crate::model::{Document, Error, Key, Reason, Result, Stored, TypeName};
use crate::schema::{Catalogue, ResourceType};

/// The pbtable of a typed message.
pub fn kind_of<M: Name>(catalogue: &Catalogue) -> Result<Arc<ResourceType>> {
    let name = TypeName::new(&M::full_name());
    catalogue.resource(&name).cloned().ok_or_else(|| {
        Error::internal(format!("a rule uses {name}, which is no resource of the served schema"))
    })
}

pub fn to_dynamic<M: Message>(descriptor: MessageDescriptor, message: &M) -> Result<DynamicMessage> {
    DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| Error::internal(format!("a rule's message does not fit the served schema: {error}")))
}

pub fn to_typed<M: Message + Default>(message: &DynamicMessage) -> Result<M> {
    M::decode(message.encode_to_vec().as_slice())
        .map_err(|error| Error::internal(format!("a message does not fit the type of the rule: {error}")))
}

/// A stored resource as the rule's type.
pub fn typed_of_stored<M: Message + Default>(kind: &ResourceType, stored: &Stored) -> Result<M> {
    to_typed(&kind.to_message(stored)?)
}

/// What is left of a stored resource on its way through the rule's type and back.
pub fn held_of_stored<M: Message + Default>(kind: &ResourceType, stored: &Stored) -> Result<Document> {
    let typed: M = typed_of_stored(kind, stored)?;
    kind.document_of(&to_dynamic(kind.descriptor.clone(), &typed)?)
}

/// The ids of `name`, or a sentence that says what a name of this type looks like.
pub fn key_of(kind: &ResourceType, name: &str) -> Result<Key> {
    let key = kind.pattern.key_of(name).map(|key| Key::new(&key));
    key.filter(|key| key.ids().all(|id| checked_id(id).is_ok())).ok_or_else(|| {
        let pattern = pattern_text(kind, kind.pattern.depth());
        Error::new(Reason::InvalidField, format!("`{name}` is no name of a {}; write {pattern}", kind.name))
    })
}

/// The ids of a parent's name, joined by `/`; empty for the parent of a top-level resource.
pub fn parent_ids(kind: &ResourceType, parent: &str) -> Result<String> {
    let depth = kind.pattern.depth() - 1;
    let parts: Vec<&str> = parent.split('/').filter(|part| !part.is_empty()).collect();
    let collections_fit =
        parts.iter().step_by(2).zip(&kind.pattern.segments).all(|(part, (collection, _))| part == collection);
    let ids_fit = parts.iter().skip(1).step_by(2).all(|id| checked_id(id).is_ok());
    if parts.len() != depth * 2 || !collections_fit || !ids_fit {
        let pattern = pattern_text(kind, depth);
        return Err(Error::new(
            Reason::InvalidField,
            format!("`{parent}` is no parent of a {}; write `{pattern}`", kind.name),
        ));
    }
    Ok(parts.into_iter().skip(1).step_by(2).collect::<Vec<_>>().join("/"))
}

/// `users/{user}` for the first segments of a pattern.
fn pattern_text(kind: &ResourceType, depth: usize) -> String {
    let segments = &kind.pattern.segments[..depth];
    segments.iter().map(|(collection, id)| format!("{collection}/{{{id}}}")).collect::<Vec<_>>().join("/")
}

/// Ids that a client may choose: `[A-Za-z0-9][A-Za-z0-9._~-]{0,127}`.
pub fn checked_id(id: &str) -> Result<&str> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._~-".contains(character);
    let fits = id.len() <= 128 && id.starts_with(|first: char| first.is_ascii_alphanumeric());
    if fits && id.chars().all(plain) {
        return Ok(id);
    }
    let message = "an id begins with a letter or digit and has at most 128 letters, digits, `.`, `_`, `~`, `-`; choose another";
    Err(Error::new(Reason::InvalidId, message))
}
