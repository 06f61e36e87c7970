//! The context of a rule: its only way to read and to write.
//!
//! Reads go to the store that the context was made with (the primary or a replica); writes are
//! buffered, shown to later reads of the same rule, and leave as one write set. *Who* makes the
//! context decides what becomes of the write set; the rule cannot tell.
//! Rules are synchronous and run on blocking threads, so reads may block. No transaction is open.

use std::future::Future;
use std::sync::Arc;

use prost::{Message, Name};
use prost_reflect::DynamicMessage;
use tokio::runtime::Handle;

use super::buffer::{Buffer, Seen, Touched, Wanted};
use super::conversion::{
    checked_id, held_of_stored, key_of, kind_of, parent_ids, to_dynamic, to_typed, typed_of_stored,
};
use crate::model::{
    Deadline, Document, Error, Key, Mutation, Principal, Reason, Result, Stored, Timestamp, Version,
};
use crate::query::ListQuery;
use crate::schema::{Catalogue, ResourceType};
use crate::store::ReadStore;

pub struct Context {
    catalogue: Arc<Catalogue>,
    reads: ReadStore,
    runtime: Handle,
    deadline: Deadline,
    now: Timestamp,
    buffer: Buffer,
    guarded: bool,
    principal: Principal,
}

impl Context {
    /// Must be used on a thread where blocking on `runtime` is allowed.
    pub fn new(
        catalogue: Arc<Catalogue>,
        reads: ReadStore,
        principal: Principal,
        runtime: Handle,
        deadline: Deadline,
    ) -> Self {
        let (buffer, now) = (Buffer::default(), Timestamp::now());
        Self { catalogue, reads, runtime, deadline, now, buffer, guarded: false, principal }
    }

    /// The moment of this run of the rule: the same however often it is asked.
    pub fn now(&self) -> prost_types::Timestamp {
        let (seconds, nanos) = self.now.seconds_and_nanos();
        prost_types::Timestamp { seconds, nanos }
    }

    /// Who asks. What others own the rule neither sees nor writes, unless the scope `admin` asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// A new id, a lowercase UUIDv7.
    pub fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }

    /// From here on everything read by name is relied on: if any of it changed, the rule runs again.
    /// Without it only what the rule also writes is guarded.
    pub fn guard(&mut self) {
        self.guarded = true;
    }

    /// Reads a resource by name. If the rule goes on to write it, the write is guarded by this read.
    pub fn get<M: Message + Name + Default>(&mut self, name: &str) -> Result<Option<M>> {
        let kind = kind_of::<M>(&self.catalogue)?;
        let key = key_of(&kind, name)?;
        self.see(&kind, &key)?;
        self.current(&kind, &key)?.map(|stored| typed_of_stored(&kind, &stored)).transpose()
    }

    /// The first `limit` children of `parent` by id. Advisory: nothing guards what a list showed.
    pub fn list<M: Message + Name + Default>(&mut self, parent: &str, limit: u32) -> Result<Vec<M>> {
        let kind = kind_of::<M>(&self.catalogue)?;
        let parent = parent_ids(&kind, parent)?;
        // What the rule has deleted is stored still, and must not use up the page.
        let gone = |touched: &&Touched| matches!(touched.wanted, Wanted::Gone);
        let hidden = self.buffer.children(&kind, &parent).filter(gone).count();
        let query = ListQuery::new(
            Some(parent.clone()),
            self.principal.sight(),
            limit.saturating_add(u32::try_from(hidden).unwrap_or(u32::MAX)),
        );
        let stored = self.wait(self.reads.list(&kind, query, self.deadline))?.value;
        let mut rows: Vec<Stored> =
            stored.into_iter().filter(|row| self.buffer.find(&kind, &row.key).is_none()).collect();
        for touched in self.buffer.children(&kind, &parent) {
            rows.extend(self.stored_of(touched)?);
        }
        rows.sort_by(|left, right| left.key.cmp(&right.key));
        rows.truncate(limit as usize);
        rows.iter().map(|row| typed_of_stored(&kind, row)).collect()
    }

    /// Creates a resource under `parent` (empty for a top-level one); an empty `id` becomes a new one.
    /// Returns it as it will be read, except that its version and times come with the commit.
    pub fn create<M: Message + Name + Default>(&mut self, parent: &str, id: &str, message: M) -> Result<M> {
        let kind = kind_of::<M>(&self.catalogue)?;
        let id = if id.is_empty() { self.new_id() } else { checked_id(id)?.to_owned() };
        let key = Key::child(&parent_ids(&kind, parent)?, &id);
        let mut document = kind.document_of(&to_dynamic(kind.descriptor.clone(), &message)?)?;
        kind.claim(&mut document, &self.principal)?;
        kind.check_required(&document)?;
        kind.fill_on_create(&mut document);
        if self.current(&kind, &key)?.is_some() || self.is_kept(&kind, &key) {
            let name = kind.pattern.resource_name(key.as_str());
            return Err(Error::new(Reason::AlreadyExists, format!("`{name}` exists already")));
        }
        self.put(&kind, &key, document)
    }

    /// Replaces the fields of a resource that this binary knows; the resource is named by its `name`.
    pub fn update<M: Message + Name + Default>(&mut self, message: M) -> Result<M> {
        let kind = kind_of::<M>(&self.catalogue)?;
        let message = to_dynamic(kind.descriptor.clone(), &message)?;
        let key = key_of(&kind, &name_of(&message))?;
        self.see_present(&kind, &key)?;
        let document = kind.document_of(&message)?;
        let touched = self.buffer.entry(&kind, &key);
        if let (Seen::Present(stored), None) = (&touched.seen, &touched.held) {
            touched.held = Some(held_of_stored::<M>(&kind, stored)?);
        }
        match &touched.held {
            Some(before) => kind.check_change(before, &document)?,
            None => kind.check_required(&document)?,
        }
        self.put(&kind, &key, document)
    }

    pub fn delete<M: Name>(&mut self, name: &str) -> Result<()> {
        let kind = kind_of::<M>(&self.catalogue)?;
        let key = key_of(&kind, name)?;
        self.see_present(&kind, &key)?;
        let touched = self.buffer.entry(&kind, &key);
        // Created again it is another resource, which keeps nothing of this one.
        (touched.wanted, touched.held) = (Wanted::Gone, None);
        Ok(())
    }

    /// Brings a soft-deleted resource back; a rule that changes it too does so in another command.
    pub fn undelete<M: Message + Name + Default>(&mut self, name: &str) -> Result<M> {
        let kind = kind_of::<M>(&self.catalogue)?;
        let key = key_of(&kind, name)?;
        self.see(&kind, &key)?;
        if self.current(&kind, &key)?.is_some() {
            return Err(Error::new(Reason::AlreadyExists, format!("`{name}` is not deleted")));
        }
        if !self.is_kept(&kind, &key) {
            return Err(Error::new(Reason::NotFound, format!("there is no `{name}`")));
        }
        self.buffer.entry(&kind, &key).wanted = Wanted::Restored;
        let stored = self.current(&kind, &key)?.ok_or_else(|| Error::internal("a buffered write is gone"))?;
        typed_of_stored(&kind, &stored)
    }

    /// What the rule wants to write, guarded by what it has read.
    pub(super) fn into_mutations(self) -> Result<Vec<Mutation>> {
        self.buffer.into_mutations(self.guarded)
    }

    fn put<M: Message + Default>(
        &mut self,
        kind: &Arc<ResourceType>,
        key: &Key,
        document: Document,
    ) -> Result<M> {
        let touched = self.buffer.entry(kind, key);
        if matches!(touched.wanted, Wanted::Restored) {
            return Err(Error::internal("a rule undeletes and changes one resource, which is one too much"));
        }
        touched.wanted = Wanted::Put(document);
        let stored = self.current(kind, key)?.ok_or_else(|| Error::internal("a buffered write is gone"))?;
        to_typed(&kind.to_message(&stored)?)
    }

    /// Reads a resource unless the rule has read or created it before: one rule sees one state.
    fn see(&mut self, kind: &Arc<ResourceType>, key: &Key) -> Result<()> {
        let known = self.buffer.find(kind, key).is_some_and(|touched| {
            !matches!((&touched.seen, &touched.wanted), (Seen::Unread, Wanted::AsItIs))
        });
        if known {
            return Ok(());
        }
        let read = self.wait(self.reads.get_kept(kind, key, &self.principal.sight(), self.deadline))?;
        self.buffer.entry(kind, key).seen = read.value.map_or(Seen::Absent, Seen::Present);
        Ok(())
    }

    fn see_present(&mut self, kind: &Arc<ResourceType>, key: &Key) -> Result<()> {
        self.see(kind, key)?;
        let name = kind.pattern.resource_name(key.as_str());
        let missing = || Error::new(Reason::NotFound, format!("there is no `{name}`"));
        self.current(kind, key)?.map(drop).ok_or_else(missing)
    }

    /// Stored as deleted: it has no resource to show, and its id is taken.
    fn is_kept(&self, kind: &ResourceType, key: &Key) -> bool {
        self.buffer
            .find(kind, key)
            .is_some_and(|touched| matches!(&touched.seen, Seen::Present(stored) if stored.is_deleted()))
    }

    /// The resource as the rule sees it now; none when it is absent or deleted, or was never read.
    fn current(&self, kind: &ResourceType, key: &Key) -> Result<Option<Stored>> {
        self.buffer.find(kind, key).map_or(Ok(None), |touched| self.stored_of(touched))
    }

    fn stored_of(&self, touched: &Touched) -> Result<Option<Stored>> {
        let before = match &touched.seen {
            Seen::Present(stored) => Some(stored),
            Seen::Unread | Seen::Absent => None,
        };
        let document = match &touched.wanted {
            Wanted::AsItIs => return Ok(before.filter(|stored| !stored.is_deleted()).cloned()),
            Wanted::Restored => {
                let live = |stored: &Stored| Stored { delete_time: None, purge_time: None, ..stored.clone() };
                return Ok(before.map(live));
            }
            Wanted::Gone => return Ok(None),
            Wanted::Put(document) => document,
        };
        let text = serde_json::to_string(document).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Some(Stored {
            kind: touched.kind.name.clone(),
            key: touched.key.clone(),
            version: before.map_or(Version(0), |stored| stored.version),
            create_time: before.map_or(&self.now, |stored| &stored.create_time).clone(),
            update_time: self.now.clone(),
            delete_time: None,
            purge_time: None,
            schema_id: 0,
            document: text,
        }))
    }

    fn wait<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(read)
    }
}

fn name_of(message: &DynamicMessage) -> String {
    message.get_field_by_name("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
