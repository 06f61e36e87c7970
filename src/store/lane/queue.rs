//! The bounded queue of a lane.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::LaneOptions;
use super::pulse::Pulse;
use super::work::{Work, deadline_passed};
use crate::model::{Error, Reason};
use crate::store::backend::explains_itself;
use crate::store::handles::Health;

pub(in crate::store) struct Queue<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
    /// For threads that leave the work to those that are connected.
    deserted: Condvar,
    length_max: usize,
    length: metrics::Gauge,
    health: Mutex<Health>,
    breakages: AtomicU64,
    pub(super) pulse: Pulse,
}

struct State<W> {
    waiting: VecDeque<W>,
    /// Threads that wait for work.
    sleeping: usize,
    /// Threads whose connection was made after the last breakage.
    connected: usize,
    /// A thread was woken and has not looked yet: waking another would only halve its batch.
    woken: bool,
    closed: bool,
}

/// What a free thread does next.
pub(super) enum Next<W> {
    Batch(Vec<W>),
    /// Time to connect again, or to replace what was made before the last breakage.
    Retry,
    Closed,
}

impl<W: Work> Queue<W> {
    pub(in crate::store) fn new(options: LaneOptions) -> Self {
        let labels = [("database", options.database), ("lane", options.lane)];
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                sleeping: 0,
                connected: 0,
                woken: false,
                closed: false,
            }),
            changed: Condvar::new(),
            deserted: Condvar::new(),
            length_max: options.queue_length_max,
            length: metrics::gauge!("trine_lane_queue_length", &labels),
            health: Mutex::new(Health::NotReady("the database has not been reached yet".to_owned())),
            breakages: AtomicU64::new(0),
            pulse: Pulse::new(options.threads),
        }
    }

    pub(super) fn push(&self, work: W) {
        self.push_all(std::iter::once(work));
    }

    /// What is pushed together is seen together: the thread that wakes finds all of it.
    pub(super) fn push_all(&self, works: impl Iterator<Item = W>) {
        let mut refused = Vec::new();
        let mut state = self.state.lock();
        for work in works {
            let full = state.waiting.len() >= self.length_max && work.may_be_refused();
            if state.closed || full {
                refused.push(work);
            } else {
                state.waiting.push_back(work);
            }
        }
        self.length.set(state.waiting.len() as f64);
        let wake = state.sleeping > 0 && !state.woken && !state.waiting.is_empty();
        state.woken |= wake;
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        refused.into_iter().for_each(|work| work.fail(overloaded()));
    }

    /// Waits for work that `take` accepts, for `retry_at`, or for the end. A thread that is to connect
    /// again takes nothing while another is connected: it could only fail what that one can serve.
    /// `breakages` are those that the thread has taken note of.
    pub(super) fn next(
        &self,
        take: impl Fn(&mut VecDeque<W>) -> Vec<W>,
        retry_at: Option<Instant>,
        breakages: u64,
    ) -> Next<W> {
        let mut state = self.state.lock();
        loop {
            self.fail_expired(&mut state);
            if self.breakages() > breakages {
                self.hand_on(&state);
                return Next::Retry;
            }
            if let Some(at) = retry_at.filter(|_| state.connected > 0) {
                self.hand_on(&state);
                if state.closed {
                    return Next::Closed;
                }
                if self.deserted.wait_until(&mut state, at).timed_out() {
                    return Next::Retry;
                }
                continue;
            }
            let batch = take(&mut state.waiting);
            self.length.set(state.waiting.len() as f64);
            if !batch.is_empty() {
                if !state.waiting.is_empty() && state.sleeping > 0 {
                    // More than one batch waits: another thread takes the rest.
                    self.changed.notify_one();
                }
                return Next::Batch(batch);
            }
            if state.closed && state.waiting.is_empty() {
                return Next::Closed;
            }
            if retry_at.is_some_and(|at| Instant::now() >= at) {
                return Next::Retry;
            }
            // What waits here is held back by `take`; it may still run out of time.
            let earliest = state.waiting.iter().map(|work| work.deadline().instant()).min();
            state.sleeping += 1;
            match earliest.into_iter().chain(retry_at).min() {
                Some(at) => drop(self.changed.wait_until(&mut state, at)),
                None => self.changed.wait(&mut state),
            }
            state.sleeping -= 1;
            // Whoever is about to send more may do so first, if the processors are busy; if they are not,
            // this returns at once. Nobody waits, yet a busy server's batches are larger.
            MutexGuard::unlocked(&mut state, std::thread::yield_now);
            state.woken = false;
        }
    }

    /// Until nothing is left: while they are told, others arrive that may be as late.
    fn fail_expired(&self, state: &mut MutexGuard<'_, State<W>>) {
        loop {
            let expired = expire(&mut state.waiting);
            if expired.is_empty() {
                return;
            }
            MutexGuard::unlocked(state, || {
                expired.into_iter().for_each(|work| work.fail(deadline_passed()));
            });
        }
    }

    /// Whoever was woken and takes nothing wakes another, or the work would lie there.
    fn hand_on(&self, state: &State<W>) {
        if !state.waiting.is_empty() && state.sleeping > 0 {
            self.changed.notify_one();
        }
    }

    /// Has every free thread look again: something that was held back may go.
    pub(super) fn wake(&self) {
        // With the lock, so that no thread is between looking and waiting.
        let _state = self.state.lock();
        self.changed.notify_all();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().waiting.is_empty()
    }

    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
        self.deserted.notify_all();
    }

    /// How often a connection of this lane has broken.
    pub(super) fn breakages(&self) -> u64 {
        self.breakages.load(Ordering::Acquire)
    }

    /// Counts one more; returns how many there were before. Where one connection broke the server has
    /// usually gone and taken all of them: none counts as connected until it was made anew, and idle threads
    /// do that at once.
    pub(super) fn note_breakage(&self) -> u64 {
        let mut state = self.state.lock();
        state.connected = 0;
        let before = self.breakages.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_all();
        self.deserted.notify_all();
        before
    }

    /// A thread that knows of so many breakages has connected. It does not count if another connection
    /// broke meanwhile.
    pub(super) fn join(&self, breakages: u64) {
        let mut state = self.state.lock();
        state.connected += usize::from(self.breakages() == breakages);
    }

    pub(super) fn health(&self) -> Health {
        self.health.lock().clone()
    }

    /// How an attempt to connect went. A failure says nothing while another thread is connected.
    pub(super) fn set_health(&self, failure: Option<&Error>) {
        let state = self.state.lock();
        *self.health.lock() = match failure {
            None => Health::Ready,
            Some(_) if state.connected > 0 => return,
            Some(error) if explains_itself(error) => Health::NotReady(error.message.clone()),
            Some(error) => {
                let context = error.context.as_deref().unwrap_or(&error.message);
                Health::NotReady(format!("the database cannot be reached: {context}"))
            }
        };
    }
}

fn expire<W: Work>(waiting: &mut VecDeque<W>) -> Vec<W> {
    let now = Instant::now();
    if waiting.iter().all(|work| work.deadline().instant() > now) {
        return Vec::new();
    }
    let mut expired = Vec::new();
    for work in std::mem::take(waiting) {
        if work.deadline().instant() <= now {
            expired.push(work);
        } else {
            waiting.push_back(work);
        }
    }
    expired
}

fn overloaded() -> Error {
    Error::new(Reason::Overloaded, "too many requests wait for the database; try again").with_retry_after_s(1)
}
