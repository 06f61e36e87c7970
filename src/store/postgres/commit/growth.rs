//! Nothing comes alive below what is being deleted softly, or below a tree that is being swept: advisory locks.
//!
//! Whatever grows holds its tree's lock shared, a deletion exclusively, until the COMMIT: neither sees the other
//! half done. A tree is all that is below one resource without a parent; trees share a bounded number of locks, so
//! that a batch of a thousand cannot use up the server's (`max_locks_per_transaction`).
//! Invariant: locks are waited for in their order and before any row is locked, so nobody waits in a circle.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::fence::LOCK_SPACE;
use crate::model::{Mutation, WriteSet};
use crate::query::Scalar;
use crate::schema::{Catalogue, ResourceType};
use crate::store::family::Families;
use crate::store::postgres::table::literal;

/// Second half of the first of 256 locks; those before it are single.
const FIRST_LOCK: i32 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Shared,
    Exclusive,
}

type Locks = BTreeMap<i32, Hold>;

/// What the members of a batch need.
pub(super) struct Growth(Vec<Locks>);

impl Growth {
    pub(super) fn new<'w>(
        catalogue: &Catalogue,
        families: &Families,
        members: impl Iterator<Item = &'w WriteSet>,
    ) -> Self {
        Self(members.map(|write_set| locks(catalogue, families, write_set)).collect())
    }

    /// The statement that waits for all; none when there is nothing to wait for.
    pub(super) fn wait(&self) -> Option<String> {
        let call = |(lock, hold)| {
            let flavour = if hold == Hold::Shared { "_shared" } else { "" };
            format!("pg_advisory_xact_lock{flavour}({LOCK_SPACE}, {lock})")
        };
        let calls: Vec<String> = self.all().into_iter().map(call).collect();
        (!calls.is_empty()).then(|| format!("SELECT {}", calls.join(", ")))
    }

    /// Locks to try, shared ones and exclusive ones.
    pub(super) fn tries(&self) -> (Vec<i32>, Vec<i32>) {
        let (shared, exclusive): (Locks, Locks) =
            self.all().into_iter().partition(|(_, hold)| *hold == Hold::Shared);
        (shared.into_keys().collect(), exclusive.into_keys().collect())
    }

    /// Members that need a lock which somebody else holds; `held` answers [`Growth::tries`].
    pub(super) fn blocked(&self, held: &[bool]) -> Vec<usize> {
        let (shared, exclusive) = self.tries();
        let held: HashMap<i32, bool> =
            shared.into_iter().chain(exclusive).zip(held.iter().copied()).collect();
        let lacks = |locks: &Locks| locks.keys().any(|lock| held.get(lock) == Some(&false));
        self.0.iter().enumerate().filter(|(_, locks)| lacks(locks)).map(|(at, _)| at).collect()
    }

    fn all(&self) -> Locks {
        let mut all = Locks::new();
        self.0.iter().flatten().for_each(|(lock, hold)| add(&mut all, *lock, *hold));
        all
    }
}

fn locks(catalogue: &Catalogue, families: &Families, write_set: &WriteSet) -> Locks {
    let mut locks = Locks::new();
    for mutation in &write_set.mutations {
        let Some(kind) = catalogue.resource(&mutation.resource.kind) else { continue };
        if let Some(hold) = hold(families, kind, mutation) {
            add(&mut locks, lock_of(kind, mutation), hold);
        }
    }
    locks
}

fn hold(families: &Families, kind: &ResourceType, mutation: &Mutation) -> Option<Hold> {
    if families.sweeps(kind, mutation) {
        return Some(Hold::Exclusive);
    }
    families.grows(mutation).then_some(Hold::Shared)
}

fn add(locks: &mut Locks, lock: i32, hold: Hold) {
    let known = locks.entry(lock).or_insert(hold);
    *known = hold.max(*known);
}

fn lock_of(kind: &ResourceType, mutation: &Mutation) -> i32 {
    let root = mutation.resource.key.ids().next().unwrap_or_default();
    let digest = Sha256::digest(format!("{}{root}", tree_prefix(kind)));
    FIRST_LOCK + i32::from(digest[0])
}

fn tree_prefix(kind: &ResourceType) -> String {
    format!("{}/{}/", kind.package, kind.pattern.segments[0].0)
}

/// The same lock in SQL, of the row whose key the expression is: for its deletion.
pub(in crate::store::postgres) fn exclusive_in_sql(kind: &ResourceType, key: &str) -> String {
    lock_in_sql("pg_advisory_xact_lock", kind, key)
}

/// For a row that comes alive.
pub(in crate::store::postgres) fn shared_in_sql(kind: &ResourceType, key: &str) -> String {
    lock_in_sql("pg_advisory_xact_lock_shared", kind, key)
}

fn lock_in_sql(function: &str, kind: &ResourceType, key: &str) -> String {
    let prefix = literal(&Scalar::Text(tree_prefix(kind)));
    format!(
        "{function}({LOCK_SPACE}, {FIRST_LOCK} + \
         get_byte(sha256(convert_to({prefix} || split_part({key}, '/', 1), 'UTF8')), 0))"
    )
}
