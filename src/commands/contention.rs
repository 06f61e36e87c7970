//! Contention: rules that write the same resource take turns, so that none of them starves.
//!
//! Guards alone are correct, but of many rules that race on one resource only one commits a round,
//! and some loser could lose every round. Turns are striped: two resources may share one, which
//! costs a wait and nothing else. Held in this process only; other writers are met by the guards.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::model::{Position, Precondition, WriteSet};

const STRIPES: usize = 1024;

/// The newest position that a write under this stripe is known to have reached.
type Stripe = Arc<Mutex<Option<Position>>>;

pub struct Turns {
    stripes: Vec<Stripe>,
}

/// The turn on every guarded resource of a write set; given back when dropped.
pub struct Turn {
    held: Vec<OwnedMutexGuard<Option<Position>>>,
    /// Somebody else had the turn: what was read may be old by now.
    pub waited: bool,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Stripe::default()).collect() }
    }
}

impl Turns {
    /// Waits for the turn on all resources whose version the write set relies on.
    pub async fn take(&self, write_set: &WriteSet) -> Turn {
        let mut turn = Turn { held: Vec::new(), waited: false };
        // In ascending order, so that two write sets never wait for each other.
        for stripe in stripes_of(write_set) {
            let stripe = self.stripes[stripe].clone();
            let held = match stripe.clone().try_lock_owned() {
                Ok(held) => held,
                Err(_) => {
                    turn.waited = true;
                    stripe.lock_owned().await
                }
            };
            turn.held.push(held);
        }
        turn
    }
}

impl Turn {
    /// The newest position that whoever had the turn before left behind.
    pub fn newest(&self) -> Option<Position> {
        self.held.iter().filter_map(|held| **held).max_by_key(|position| (position.timeline, position.offset))
    }

    /// Leaves word of a write for whoever has the turn next.
    pub fn leave(&mut self, position: Option<Position>) {
        if let Some(position) = position {
            self.held.iter_mut().for_each(|held| **held = Some(position));
        }
    }
}

fn stripes_of(write_set: &WriteSet) -> Vec<usize> {
    let guarded = write_set
        .mutations
        .iter()
        .filter(|mutation| matches!(mutation.precondition, Precondition::Version(_) | Precondition::Absent));
    let mut stripes: Vec<usize> = guarded
        .map(|mutation| {
            let mut hasher = DefaultHasher::new();
            mutation.resource.hash(&mut hasher);
            hasher.finish() as usize % STRIPES
        })
        .collect();
    stripes.sort_unstable();
    stripes.dedup();
    stripes
}
