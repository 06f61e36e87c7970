//! Leases of the requests under way here, renewed while they last.
//!
//! A lease is short, so that the work of a runner that was killed goes on elsewhere within seconds;
//! a request that takes longer (a replica that is behind, a monolith that is away) keeps its claim
//! by renewal. A runner that was paused past its lease is fenced by the attempt, not by time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::model::{Deadline, OperationId};
use crate::store::RequestStore;
use crate::store::request_log::{Claimed, LogJob};

/// How long the work of a killed process waits for another.
pub const LEASE_MS: u64 = 3000;
const RENEWAL_INTERVAL: Duration = Duration::from_millis(LEASE_MS / 4);

#[derive(Clone, Default)]
pub struct Leases(Arc<Mutex<HashMap<OperationId, Holding>>>);

#[derive(Clone, Copy)]
struct Holding {
    attempt: u32,
    since: Instant,
}

/// A claim under way; renewed until it is dropped.
pub struct Lease {
    leases: Leases,
    id: OperationId,
    attempt: u32,
}

impl Leases {
    pub fn hold(&self, claimed: &Claimed) -> Lease {
        let id = claimed.request.id.clone();
        self.0.lock().insert(id.clone(), Holding { attempt: claimed.attempt, since: Instant::now() });
        Lease { leases: self.clone(), id, attempt: claimed.attempt }
    }

    /// Renews until it is aborted.
    pub async fn keep(self, requests: RequestStore) {
        loop {
            tokio::time::sleep(RENEWAL_INTERVAL).await;
            let claims = self.lasting();
            if claims.is_empty() {
                continue;
            }
            let job = LogJob::Renew { claims, lease_ms: LEASE_MS };
            if let Err(error) = requests.run(job, Deadline::after(RENEWAL_INTERVAL)).await {
                tracing::warn!(%error, context = error.context, "leases were not renewed");
            }
        }
    }

    /// What has been under way for long enough to need a renewal; most requests never do.
    fn lasting(&self) -> Vec<(OperationId, u32)> {
        let holdings = self.0.lock();
        holdings
            .iter()
            .filter(|(_, holding)| holding.since.elapsed() >= RENEWAL_INTERVAL)
            .map(|(id, holding)| (id.clone(), holding.attempt))
            .collect()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut holdings = self.leases.0.lock();
        // The request may have been claimed here again since.
        if holdings.get(&self.id).is_some_and(|holding| holding.attempt == self.attempt) {
            holdings.remove(&self.id);
        }
    }
}
