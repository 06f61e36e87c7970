//! The intake: room for requests under way at once, and those that were claimed as they were accepted.
//!
//! While there is room, a request is appended with this process's claim on it and carried out from
//! memory: nobody has to look for it in the log. Without room it waits there. Whatever is lost with
//! the process is claimed again when its lease ends.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::store::request_log::Claimed;

/// Requests under way at once, from claim to settlement.
const UNDER_WAY_MAX: usize = 512;
const CLAIM_MAX: usize = 128;

/// A claim on one request and its place among those under way.
pub type Arrival = (Claimed, OwnedSemaphorePermit);

pub struct Intake {
    room: Arc<Semaphore>,
    /// Never more than there is room for.
    arrivals: UnboundedSender<Arrival>,
    receiver: Mutex<Option<UnboundedReceiver<Arrival>>>,
    /// Rung when something in the log is due.
    pub doorbell: Notify,
}

impl Default for Intake {
    /// Without room, until there is somebody who carries out what arrives.
    fn default() -> Self {
        let (arrivals, receiver) = unbounded_channel();
        Self {
            room: Arc::new(Semaphore::new(0)),
            arrivals,
            receiver: Mutex::new(Some(receiver)),
            doorbell: Notify::new(),
        }
    }
}

impl Intake {
    /// None when it was opened before.
    pub fn open(&self) -> Option<UnboundedReceiver<Arrival>> {
        let receiver = self.receiver.lock().take()?;
        self.room.add_permits(UNDER_WAY_MAX);
        Some(receiver)
    }

    /// Room for one request, if there is any now.
    pub fn try_enter(&self) -> Option<OwnedSemaphorePermit> {
        self.room.clone().try_acquire_owned().ok()
    }

    /// Waits for room for one request and takes what else there is, as far as one claim may go.
    pub async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let mut permits = self.room.clone().acquire_owned().await.ok()?;
        let more = self.room.available_permits().min(CLAIM_MAX - 1) as u32;
        if let Ok(others) = self.room.clone().try_acquire_many_owned(more) {
            permits.merge(others);
        }
        Some(permits)
    }

    pub fn arrive(&self, arrival: Arrival) {
        if self.arrivals.send(arrival).is_err() {
            tracing::debug!(
                "a request was accepted while nobody carries out any more; its lease will run out"
            );
        }
    }

    /// Waits until nothing is under way; from then on nothing enters.
    pub async fn close(&self) {
        let _all_ended = self.room.acquire_many(UNDER_WAY_MAX as u32).await;
        self.room.close();
    }
}
