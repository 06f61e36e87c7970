//! The catalogue: everything the rest of the program knows about a schema, already checked.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

use super::batch::Batch;
use super::comments::Comments;
use super::shape::{MessageShape, Shapes};
use crate::model::TypeName;

/// Where a value of a promoted column comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnSource {
    /// A top-level field of the document, by JSON name.
    Field { json_name: String },
    /// The chassis' own `create_time`.
    CreateTime,
    /// The chassis' own `update_time`.
    UpdateTime,
    /// The chassis' own `delete_time`.
    DeleteTime,
    /// The chassis' own `purge_time`.
    PurgeTime,
}

/// How a promoted column is stored and compared; the same order on both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// string, enum (by name), bytes (standard base64): COLLATE "C" / BINARY
    Text,
    /// int32, int64 and their relatives
    Integer,
    /// uint32, uint64: numeric(20) / 20-digit zero-padded text
    Unsigned,
    /// float, double
    Real,
    Boolean,
    /// google.protobuf.Timestamp: the 30-character text of [`crate::model::Timestamp`]
    Timestamp,
}

/// A promoted column: filters, order and unique constraints use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The proto field's name, `published_time`; also the column's name in SQL, prefixed `f_`.
    pub field: String,
    pub source: ColumnSource,
    pub kind: ColumnKind,
    /// Absent means the default value (implicit presence), not NULL.
    pub implicit_default: bool,
    /// Names of an enum's values by number order, for checking literals; empty otherwise.
    pub enum_values: Vec<String>,
}

impl Column {
    /// Whether it has a value in every row. NaN is in no order: it is promoted to NULL, also where an absent
    /// value is zero.
    pub fn is_never_null(&self) -> bool {
        match self.source {
            ColumnSource::CreateTime | ColumnSource::UpdateTime => true,
            ColumnSource::DeleteTime | ColumnSource::PurgeTime => false,
            ColumnSource::Field { .. } => self.implicit_default && self.kind != ColumnKind::Real,
        }
    }
}

/// An index over promoted columns. For a child resource a non-unique index begins with `parent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Positions in [`ResourceType::columns`].
    pub columns: Vec<usize>,
    pub unique: bool,
}

/// `users/{user}/entries/{entry}`: collections and variables in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// `[("users", "user"), ("entries", "entry")]`
    pub segments: Vec<(String, String)>,
}

/// Which AIP-148 fields the message declares (they are never in the stored document), by JSON name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardFields {
    pub name: bool,
    pub uid: bool,
    pub create_time: bool,
    pub update_time: bool,
    pub delete_time: bool,
    pub purge_time: bool,
    pub etag: bool,
}

/// A message with `google.api.resource`: one pbtable.
#[derive(Clone, Debug)]
pub struct ResourceType {
    pub name: TypeName,
    /// `blog.v1`
    pub package: String,
    /// `entry`, for `?entryId=`
    pub singular: String,
    /// Host part of `google.api.resource.type`, `blog.example.com`
    pub source: String,
    pub pattern: Pattern,
    /// What stands before a name in the path where Get is served: `/blog/v1`, or what a service says.
    pub route_prefix: String,
    pub listed: ListAnswer,
    pub descriptor: MessageDescriptor,
    pub standard: StandardFields,
    /// Declares `delete_time`: a delete keeps the resource until `purge_time` (AIP-164).
    pub soft_delete: bool,
    /// `(trine.v1.sql_writable)`: the view may be written.
    pub sql_writable: bool,
    /// `(trine.v1.dropped)`: a tombstone of what was served once.
    pub dropped: bool,
    pub columns: Vec<Column>,
    pub indexes: Vec<Index>,
    /// Position in `columns` of the field that says whose a row is: others neither see nor write it.
    pub owner: Option<usize>,
    pub(super) declared_batches: Vec<Batch>,
    /// Of a service that declares Undelete.
    pub(super) declared_undelete: Option<MessageDescriptor>,
    pub(super) shapes: Arc<Shapes>,
    pub(super) root: usize,
}

/// A List's answer as far as services may choose it: AIP-132's names and numbers unless one is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAnswer {
    /// JSON name of the field that holds the resources, `entries`.
    pub json_name: String,
    pub resources_number: u32,
    pub next_page_token_number: u32,
    /// None when the declared response has no place for it.
    pub total_size: Option<TotalSize>,
}

/// The field of a List's answer that counts the resources of all pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalSize {
    pub json_name: String,
    pub number: u32,
}

/// A standard method where a service declares it: its default route is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandardRoute {
    pub kind: TypeName,
    pub method: StandardMethod,
    /// What stands before the pattern, `/v1`; `/a/b/v1` by default.
    pub prefix: String,
}

/// The methods that every resource may have (AIP-130, 164, 231 to 235).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StandardMethod {
    Get,
    List,
    Create,
    Update,
    Delete,
    Undelete,
    BatchGet,
    BatchCreate,
    BatchUpdate,
    BatchDelete,
}

/// An rpc that is no standard method: needs a rule. `POST /blog/v1/{user=users/*}:publish`
#[derive(Debug)]
pub struct Command {
    /// `blog.v1.BlogService.Publish`
    pub name: String,
    /// What stands before the resource name in its path, `/blog/v1`.
    pub route_prefix: String,
    pub descriptor: MethodDescriptor,
    /// The verb after the colon, `publish`.
    pub verb: String,
    /// Collections of the resource name before the colon: `["users"]` (a `*` each between them).
    pub collections: Vec<String>,
    /// Request field (proto name) that the path binds, `user`.
    pub path_field: String,
}

/// One schema, checked: what is served and the bytes that it came from.
#[derive(Clone, Debug)]
pub struct Catalogue {
    pub pool: DescriptorPool,
    /// Of every message of the pool.
    pub(super) shapes: Arc<Shapes>,
    pub types: Vec<Arc<ResourceType>>,
    /// Dropped pbtables: nothing is served, nothing stored is touched.
    pub tombstones: Vec<Arc<ResourceType>>,
    /// The pool that still has source locations; none for an admitted descriptor set.
    pub(super) sources: Option<DescriptorPool>,
    pub commands: Vec<Arc<Command>>,
    /// Standard methods that services declare; the others have their default routes.
    pub standard_routes: Vec<StandardRoute>,
    /// Positions of the requests of declared standard methods that have rules.
    pub(super) requests: HashMap<TypeName, Vec<(StandardMethod, usize)>>,
    pub(super) by_name: HashMap<TypeName, usize>,
    pub(super) comments: Comments,
    /// Encoded `FileDescriptorSet`, as admitted to the database.
    pub descriptor_set: Vec<u8>,
    /// SHA-256 of `descriptor_set`, lowercase hex.
    pub digest: String,
    /// The set is a newer binary's, and something in it that this one does not know is missing here.
    pub left_out: bool,
    /// The pool with AIP's messages of those methods that no service declares, once they are needed.
    pub(super) standard_messages: OnceLock<Option<DescriptorPool>>,
}

/// Standard methods that `writes.methods` may name.
const WRITES: [&str; 6] = ["Create", "Update", "Delete", "BatchCreate", "BatchUpdate", "BatchDelete"];

impl Catalogue {
    /// What the `.proto` says about a message, field, enum, service or method.
    pub fn comment(&self, full_name: &str) -> Option<&str> {
        self.comments.of(full_name)
    }

    /// Whether `name` is a write that `writes.methods` may give a mode: a standard method of a resource or a
    /// command.
    pub fn has_write_method(&self, name: &str) -> bool {
        let standard = name.rsplit_once('.').is_some_and(|(kind, method)| {
            self.resource(&TypeName::new(kind)).is_some_and(|kind| match method {
                "Undelete" => kind.soft_delete,
                method => WRITES.contains(&method),
            })
        });
        standard || self.commands.iter().any(|command| command.name == name)
    }

    /// Whether `name` is a standard method that writes several resources of a type.
    pub fn is_batch_write(&self, name: &str) -> bool {
        name.rsplit_once('.').is_some_and(|(kind, method)| {
            method.starts_with("Batch") && self.resource(&TypeName::new(kind)).is_some()
        })
    }

    /// The types whose pattern is that of `parent` and one collection more.
    pub fn children(&self, parent: &ResourceType) -> impl Iterator<Item = &Arc<ResourceType>> {
        let segments = parent.pattern.segments.as_slice();
        self.types.iter().filter(move |kind| {
            kind.package == parent.package
                && kind.pattern.segments.split_last().is_some_and(|(_, head)| head == segments)
        })
    }

    /// The resource type of a message, by its full name.
    pub fn resource(&self, name: &TypeName) -> Option<&Arc<ResourceType>> {
        self.by_name.get(name).map(|index| &self.types[*index])
    }
}

impl ResourceType {
    /// `Entries`, as in `ListEntries`.
    pub(super) fn plural_noun(&self) -> String {
        let collection = self.pattern.collection();
        let mut letters = collection.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    }

    pub(super) fn shape(&self) -> &MessageShape {
        self.shapes.message(self.root)
    }

    /// The message itself, compiled for walking.
    pub(crate) fn message_shape(&self) -> &MessageShape {
        self.shape()
    }

    /// Every message that it may hold.
    pub(crate) fn shapes(&self) -> &Shapes {
        &self.shapes
    }
}

/// `page_size` → `pageSize`
pub(super) fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (position, part) in name.split('_').enumerate() {
        let mut letters = part.chars();
        if position > 0 {
            camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        }
        camel.push_str(letters.as_str());
    }
    camel
}

impl StandardMethod {
    /// All of them, those on one resource or one collection first.
    pub const ALL: [Self; 10] = [
        Self::Get,
        Self::List,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Undelete,
        Self::BatchGet,
        Self::BatchCreate,
        Self::BatchUpdate,
        Self::BatchDelete,
    ];

    pub(super) fn is_plural(self) -> bool {
        self == Self::List || !self.is_single() && self != Self::Undelete
    }

    /// Several resources of one type in one request.
    pub fn is_batch(self) -> bool {
        matches!(self, Self::BatchGet | Self::BatchCreate | Self::BatchUpdate | Self::BatchDelete)
    }

    /// One of the five that are served on one resource or one collection.
    pub(super) fn is_single(self) -> bool {
        matches!(self, Self::Get | Self::List | Self::Create | Self::Update | Self::Delete)
    }

    /// The custom verb of its path (AIP-136).
    pub fn verb(self) -> Option<&'static str> {
        match self {
            Self::Undelete => Some("undelete"),
            Self::BatchGet => Some("batchGet"),
            Self::BatchCreate => Some("batchCreate"),
            Self::BatchUpdate => Some("batchUpdate"),
            Self::BatchDelete => Some("batchDelete"),
            _ => None,
        }
    }

    /// Addresses a collection, not one resource.
    pub fn is_on_collection(self) -> bool {
        !matches!(self, Self::Get | Self::Update | Self::Delete | Self::Undelete)
    }

    pub(super) fn http_method(self) -> &'static str {
        match self {
            Self::Get | Self::List | Self::BatchGet => "get",
            Self::Update => "patch",
            Self::Delete => "delete",
            _ => "post",
        }
    }
}

impl Pattern {
    /// The collection that a List or Create addresses, `entries`.
    pub fn collection(&self) -> &str {
        &self.segments.last().expect("a pattern has a segment").0
    }

    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    /// `users/alice/entries/0192…` from `alice/0192…`.
    pub fn resource_name(&self, key: &str) -> String {
        let mut name = String::with_capacity(key.len() + 16);
        for ((collection, _), id) in self.segments.iter().zip(key.split('/')) {
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(collection);
            name.push('/');
            name.push_str(id);
        }
        name
    }

    /// The name that some of its ids make, from the first on: `users/alice` of `["alice"]`.
    pub fn name_of(&self, ids: &[String]) -> String {
        let pairs = self.segments.iter().zip(ids).map(|((collection, _), id)| format!("{collection}/{id}"));
        pairs.collect::<Vec<_>>().join("/")
    }

    /// `alice/0192…` from `users/alice/entries/0192…`; none when the name does not match.
    pub fn key_of(&self, resource_name: &str) -> Option<String> {
        let parts: Vec<&str> = resource_name.split('/').collect();
        if parts.len() != self.segments.len() * 2 {
            return None;
        }
        let mut ids = Vec::with_capacity(self.segments.len());
        for (pair, (collection, _)) in parts.chunks(2).zip(&self.segments) {
            if pair[0] != collection || pair[1].is_empty() {
                return None;
            }
            ids.push(pair[1]);
        }
        Some(ids.join("/"))
    }
}
