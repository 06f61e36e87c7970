//! Which write sets may run now: at most one per resource, per operation and per idempotency key
//! among everything that this process is committing.
//!
//! Names are kept as hashes: two that collide only wait for each other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::queue::Queue;
use super::write::WriteWork;
use crate::model::{Error, IdempotencyKey, Reason, ResourceRef, Result, WriteSet};

#[derive(Default)]
pub(in crate::store) struct Gate {
    state: Mutex<State>,
    queue: std::sync::OnceLock<Weak<Queue<WriteWork>>>,
}

#[derive(Default)]
struct State {
    /// Names of the write sets that are being committed.
    names: HashSet<u64>,
    /// Keys of the write sets that wait or are being committed.
    keys: HashSet<IdempotencyKey>,
    /// A thread has held back work since the last wake.
    blocked: bool,
}

impl Gate {
    /// The queue to wake when names become free.
    pub(in crate::store) fn set_queue(&self, queue: &Arc<Queue<WriteWork>>) {
        // Set once by the lane's opener; a second call has nothing to add.
        drop(self.queue.set(Arc::downgrade(queue)));
    }

    /// Takes the key for as long as the pass lives; refuses the same key twice at once.
    pub(in crate::store) fn enter(self: &Arc<Self>, write_set: &WriteSet) -> Result<Pass> {
        refuse_repeated_resources(write_set)?;
        let key = write_set.idempotency.as_ref().map(|idempotency| idempotency.key.clone());
        if let Some(key) = &key
            && !self.state.lock().keys.insert(key.clone())
        {
            return Err(Error::new(
                Reason::InProgress,
                "a request with this idempotency key is still running; try again",
            )
            .with_retry_after_s(1));
        }
        Ok(Pass { gate: self.clone(), names: names(write_set), key, admitted: false, begun: Arc::default() })
    }

    /// Takes the longest-waiting write sets whose names are free. One that is held back holds back
    /// the later ones that share a name with it, so each resource sees its write sets in order.
    pub(super) fn admit(&self, waiting: &mut VecDeque<WriteWork>, limit: usize) -> Vec<WriteWork> {
        let mut state = self.state.lock();
        let mut behind: HashSet<u64> = HashSet::new();
        let mut batch = Vec::with_capacity(limit.min(waiting.len()));
        let mut kept = VecDeque::new();
        while let Some(mut work) = waiting.pop_front() {
            if batch.len() == limit {
                waiting.push_front(work);
                break;
            }
            let free = |name: &u64| !state.names.contains(name) && !behind.contains(name);
            if work.pass.names.iter().all(free) {
                state.names.extend(work.pass.names.iter().copied());
                work.pass.admitted = true;
                batch.push(work);
            } else {
                behind.extend(work.pass.names.iter().copied());
                kept.push_back(work);
            }
        }
        state.blocked |= !kept.is_empty();
        kept.append(waiting);
        *waiting = kept;
        batch
    }

    fn leave(&self, pass: &Pass) {
        let blocked = {
            let mut state = self.state.lock();
            if let Some(key) = &pass.key {
                state.keys.remove(key);
            }
            if pass.admitted {
                for name in &pass.names {
                    state.names.remove(name);
                }
            }
            pass.admitted && std::mem::take(&mut state.blocked)
        };
        if blocked && let Some(queue) = self.queue.get().and_then(Weak::upgrade) {
            queue.wake();
        }
    }
}

/// A write set's place in the gate; dropping it frees its key and its names.
pub(in crate::store) struct Pass {
    gate: Arc<Gate>,
    names: Vec<u64>,
    key: Option<IdempotencyKey>,
    admitted: bool,
    begun: Arc<AtomicBool>,
}

impl Pass {
    /// Set once a thread is about to commit the write set.
    pub(in crate::store) fn begun(&self) -> Arc<AtomicBool> {
        self.begun.clone()
    }

    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::SeqCst);
    }

    /// Its transaction has ended and left nothing of it: it waits to be begun again.
    pub(super) fn rest(&self) {
        self.begun.store(false, Ordering::SeqCst);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let gate = self.gate.clone();
        gate.leave(self);
    }
}

/// Statements over many rows see each row once: of two changes to one resource one would be lost.
fn refuse_repeated_resources(write_set: &WriteSet) -> Result<()> {
    let mut seen: HashMap<&ResourceRef, usize> = HashMap::with_capacity(write_set.mutations.len());
    for (at, mutation) in write_set.mutations.iter().enumerate() {
        if let Some(first) = seen.insert(&mutation.resource, at) {
            return Err(Error::new(
                Reason::InvalidParameter,
                format!(
                    "mutations[{first}] and mutations[{at}] are of the same resource; make one mutation of them"
                ),
            )
            .with_metadata("mutation", format!("mutations[{at}]")));
        }
    }
    Ok(())
}

fn names(write_set: &WriteSet) -> Vec<u64> {
    let resources = write_set.mutations.iter().map(|mutation| hash(&mutation.resource));
    let operation = write_set.operation.iter().map(|operation| hash(&operation.id));
    let mut names: Vec<u64> = resources.chain(operation).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
