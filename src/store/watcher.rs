//! Looks at a database's position on a connection of its own, so that nobody waits holding one.
//!
//! One thread polls: every 2 ms while somebody waits, else four times a second. Requests wait on a
//! channel. A database that is away is looked for again and again; until then it is not ready.
//! Invariant: ready means that a look came back lately. A server that hangs fails nothing, it only
//! keeps everybody waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::backend::{Database, Identity, Observed, PositionSource};
use super::handles::Health;
use crate::model::{Error, Position};

const POLL_WAITED_FOR: Duration = Duration::from_millis(2);
const POLL_IDLE: Duration = Duration::from_millis(250);
/// A look takes milliseconds and the server cancels it after a second. One that is not back after this
/// and three more turns will not come back soon; shorter, and a busy machine would look like a dead one.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(1).saturating_add(POLL_IDLE.saturating_mul(3));
const RECONNECT_FIRST: Duration = Duration::from_millis(20);
const RECONNECT_MAX: Duration = Duration::from_secs(1);

/// Cheap to clone; the thread ends with the last clone.
#[derive(Clone)]
pub struct Watcher {
    primary: bool,
    seen: watch::Receiver<Seen>,
    waiting: Arc<Waiting>,
}

#[derive(Clone)]
struct Seen {
    identity: Option<Identity>,
    observed: Option<Observed>,
    /// When the last look came back.
    looked_at: Option<Instant>,
    health: Health,
}

/// How many wait, and whom to wake for them.
struct Waiting {
    count: AtomicUsize,
    poller: Thread,
}

impl Watcher {
    /// Connects in its own thread; never fails because the database is away.
    pub fn start(database: Arc<dyn Database>, primary: bool) -> Self {
        let nothing = Seen {
            identity: None,
            observed: None,
            looked_at: None,
            health: Health::NotReady("the database was not reached yet".to_owned()),
        };
        let (sender, seen) = watch::channel(nothing);
        let (hand_over, waiting) = std::sync::mpsc::channel::<Arc<Waiting>>();
        let poller = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
            if let Ok(waiting) = waiting.recv() {
                Poller { database, primary, sender, waiting, source: None }.run();
            }
        });
        // Without a thread nothing works at all: the process is out of resources at its start.
        let poller = poller.expect("a thread can be started").thread().clone();
        let waiting = Arc::new(Waiting { count: AtomicUsize::new(0), poller });
        // The receiver lives in the thread just started.
        let _ = hand_over.send(Arc::clone(&waiting));
        Self { primary, seen, waiting }
    }

    /// Whether `position` is there, now or within `wait_ms_max`; see `shows` for what that means.
    /// Another cluster will never be there.
    pub async fn caught_up(&self, position: Position, wait_ms_max: u64) -> bool {
        let verdict = |seen: &Seen| reached(seen, position, self.primary);
        if let Some(known) = verdict(&self.seen.borrow()).filter(|known| *known || wait_ms_max == 0) {
            return known;
        }
        if self.is_of_another_cluster(position) {
            return false;
        }
        let _waiting = Waits::begin(&self.waiting);
        let mut seen = self.seen.clone();
        let arrives = seen.wait_for(|seen| verdict(seen) == Some(true));
        matches!(tokio::time::timeout(Duration::from_millis(wait_ms_max), arrives).await, Ok(Ok(_)))
    }

    /// Whether what was read at `read` includes `wanted`. Behind a balancer a read may be served by
    /// another replica than the one that was watched.
    pub fn covers(&self, read: Position, wanted: Position) -> bool {
        shows(read, wanted, self.primary)
    }

    /// None until the database has been reached for the first time.
    pub fn identity(&self) -> Option<Identity> {
        self.seen.borrow().identity.clone()
    }

    pub fn health(&self) -> Health {
        let seen = self.seen.borrow();
        let silence = seen.looked_at.map_or(Duration::ZERO, |at| at.elapsed());
        match &seen.health {
            Health::Ready if silence > SILENCE_MAX => silent(silence),
            health => health.clone(),
        }
    }

    /// Bytes received but not replayed, as last seen.
    pub fn lag_bytes(&self) -> u64 {
        self.seen.borrow().observed.as_ref().map_or(0, |observed| observed.lag_bytes)
    }

    fn is_of_another_cluster(&self, position: Position) -> bool {
        self.seen.borrow().identity.as_ref().is_some_and(|own| own.cluster != position.cluster)
    }
}

/// What is said of a database that has left everybody waiting for so long.
pub(super) fn silent(silence: Duration) -> Health {
    Health::NotReady(format!(
        "the database has not answered for {} ms: it hangs, or the way to it swallows everything",
        silence.as_millis()
    ))
}

/// None while nothing was seen yet.
fn reached(seen: &Seen, wanted: Position, primary: bool) -> Option<bool> {
    Some(shows(seen.observed.as_ref()?.position, wanted, primary))
}

/// A primary has everything of its cluster, also what it was told on the timeline before a failover;
/// only a later timeline is news to it: then another primary has taken its place. On a replica any
/// other timeline counts as behind: where the two parted is not known here.
fn shows(own: Position, wanted: Position, primary: bool) -> bool {
    let reached = if primary {
        own.timeline >= wanted.timeline
    } else {
        own.timeline == wanted.timeline && own.offset >= wanted.offset
    };
    own.cluster == wanted.cluster && reached
}

/// Counts itself in, and out again also when the request that waits is dropped.
struct Waits<'a>(&'a Waiting);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a Waiting) -> Self {
        if waiting.count.fetch_add(1, Ordering::SeqCst) == 0 {
            waiting.poller.unpark();
        }
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Poller {
    database: Arc<dyn Database>,
    primary: bool,
    sender: watch::Sender<Seen>,
    waiting: Arc<Waiting>,
    source: Option<Box<dyn PositionSource>>,
}

impl Poller {
    fn run(mut self) {
        let mut reconnect = RECONNECT_FIRST;
        while !self.sender.is_closed() {
            match self.look() {
                Ok((identity, observed)) => {
                    reconnect = RECONNECT_FIRST;
                    self.publish(identity, observed);
                    let waited_for = self.waiting.count.load(Ordering::SeqCst) > 0;
                    std::thread::park_timeout(if waited_for { POLL_WAITED_FOR } else { POLL_IDLE });
                }
                Err(error) => {
                    self.source = None;
                    self.away(&error);
                    // Not parked: whoever waits would turn the back-off into a storm.
                    std::thread::sleep(reconnect);
                    reconnect = (reconnect * 2).min(RECONNECT_MAX);
                }
            }
        }
    }

    fn look(&mut self) -> Result<(Identity, Observed), Error> {
        let source = match &mut self.source {
            Some(source) => source,
            None => self.source.insert(self.database.position_source(self.primary)?),
        };
        Ok((source.identity()?, source.observe()?))
    }

    fn publish(&self, identity: Identity, observed: Observed) {
        if !self.primary {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            metrics::gauge!("trine_replica_lag_bytes").set(observed.lag_bytes as f64);
        }
        let health = observed.trouble.clone().map_or(Health::Ready, Health::NotReady);
        self.sender.send_if_modified(|seen| {
            // Nobody is woken by a look that saw nothing new.
            let same = seen.health == health
                && seen.observed.as_ref().is_some_and(|before| before.position == observed.position);
            if seen.health != health {
                tracing::info!(?health, "database health");
            }
            *seen = Seen {
                identity: Some(identity),
                observed: Some(observed),
                looked_at: Some(Instant::now()),
                health,
            };
            !same
        });
    }

    fn away(&self, error: &Error) {
        let health = Health::NotReady(error.message.clone());
        self.sender.send_if_modified(|seen| {
            let changed = seen.health != health;
            if changed {
                tracing::warn!(%error, context = error.context, "the database is away");
            }
            seen.health = health;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_timeline_is_behind_on_a_replica_and_past_on_a_primary() {
        let own = Position { cluster: 7, timeline: 3, offset: 100 };
        let at = |timeline, offset| Position { cluster: 7, timeline, offset };
        for (wanted, primary, replica) in [
            (at(3, 100), true, true),
            (at(3, 101), true, false),
            (at(2, 50), true, false),
            (at(4, 50), false, false),
            (Position { cluster: 8, ..own }, false, false),
        ] {
            assert_eq!(shows(own, wanted, true), primary, "primary, {wanted:?}");
            assert_eq!(shows(own, wanted, false), replica, "replica, {wanted:?}");
        }
    }
}
