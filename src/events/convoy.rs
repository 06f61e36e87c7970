//! Convoys: items on their way to another role, in batches that form by themselves.
//!
//! An item that finds nothing under way leaves at once. What comes meanwhile waits until that batch
//! is back and leaves as the next one: without load a call carries one item, under load few calls
//! carry many, and nobody waits for a batch to fill. A batch that takes long holds up the next one
//! for a moment only. Not here: what a batch is sent as, and how many items may wait (the callers
//! have limits of their own).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;

/// A batch is usually back sooner; what is longer under way no longer holds up the next.
const HEAD_START: Duration = Duration::from_millis(25);
/// Batches under way at once when each of them takes long.
const UNDER_WAY_MAX: usize = 4;

pub struct Convoy<T> {
    batch_max: usize,
    head_start: Duration,
    send: Box<dyn Fn(Vec<T>) -> BoxFuture<'static, ()> + Send + Sync>,
    /// Of the process: a worker's own runtime may end before another worker's items have arrived.
    runtime: Handle,
    batch_size: metrics::Histogram,
    state: Mutex<State<T>>,
}

struct State<T> {
    waiting: VecDeque<T>,
    under_way: usize,
    /// The last batch has its head start still.
    departing: bool,
}

impl<T: Send + 'static> Convoy<T> {
    /// `to` is the label of the metric. To be called within the process's runtime.
    pub fn new(
        to: &'static str,
        batch_max: usize,
        send: impl Fn(Vec<T>) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::with_head_start(HEAD_START, to, batch_max, send)
    }

    fn with_head_start(
        head_start: Duration,
        to: &'static str,
        batch_max: usize,
        send: impl Fn(Vec<T>) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            batch_max,
            head_start,
            send: Box::new(send),
            runtime: Handle::current(),
            batch_size: metrics::histogram!("trine_peer_batch_size", "to" => to),
            state: Mutex::new(State { waiting: VecDeque::new(), under_way: 0, departing: false }),
        })
    }

    pub fn push(self: &Arc<Self>, item: T) {
        self.state.lock().waiting.push_back(item);
        self.depart();
    }

    /// Sends the next batch on its way if there is one and it may go.
    fn depart(self: &Arc<Self>) {
        {
            let mut state = self.state.lock();
            if state.departing || state.under_way == UNDER_WAY_MAX || state.waiting.is_empty() {
                return;
            }
            state.departing = true;
            state.under_way += 1;
        }
        let passage = Passage { convoy: self.clone(), departing: true, begun: false };
        self.runtime.spawn(passage.travel());
    }

    fn board(&self) -> Vec<T> {
        let mut state = self.state.lock();
        let count = state.waiting.len().min(self.batch_max);
        state.waiting.drain(..count).collect()
    }
}

/// One batch under way. Dropped in the middle (a panic, the end of the process) it makes room all
/// the same, and what waits goes on: nobody else would send it.
struct Passage<T: Send + 'static> {
    convoy: Arc<Convoy<T>>,
    departing: bool,
    /// Not so when the runtime has ended and drops what it is given: another passage would end likewise,
    /// and so on without end.
    begun: bool,
}

impl<T: Send + 'static> Passage<T> {
    async fn travel(mut self) {
        self.begun = true;
        // Taken here and not where it was decided to go: what was pushed in between comes along.
        let batch = self.convoy.board();
        self.convoy.batch_size.record(batch.len() as f64);
        let mut sent = (self.convoy.send)(batch);
        if tokio::time::timeout(self.convoy.head_start, &mut sent).await.is_err() {
            self.departed();
            self.convoy.depart();
            sent.await;
        }
    }

    fn departed(&mut self) {
        if std::mem::take(&mut self.departing) {
            self.convoy.state.lock().departing = false;
        }
    }
}

impl<T: Send + 'static> Drop for Passage<T> {
    fn drop(&mut self) {
        self.departed();
        self.convoy.state.lock().under_way -= 1;
        if self.begun {
            self.convoy.depart();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
    use tokio::sync::oneshot;

    use super::*;

    type Sent = (Vec<u32>, oneshot::Sender<()>);

    const FOR_EVER: Duration = Duration::from_secs(3600);

    /// A convoy whose batches are back when the test says so.
    fn convoy(head_start: Duration, batch_max: usize) -> (Arc<Convoy<u32>>, UnboundedReceiver<Sent>) {
        let (sender, sent) = unbounded_channel();
        let convoy = Convoy::with_head_start(head_start, "test", batch_max, move |batch| {
            let (back, arrived) = oneshot::channel();
            sender.send((batch, back)).expect("the test listens");
            arrived.map(drop).boxed()
        });
        (convoy, sent)
    }

    #[tokio::test]
    async fn what_comes_while_a_batch_is_under_way_is_the_next_one() {
        let (convoy, mut sent) = convoy(FOR_EVER, 3);
        convoy.push(1);
        let (first, back) = sent.recv().await.expect("alone");
        assert_eq!(first, [1]);
        (2..=5).for_each(|item| convoy.push(item));
        tokio::task::yield_now().await;
        assert!(sent.try_recv().is_err(), "it waits for the first to be back");
        back.send(()).expect("under way");
        let (second, back) = sent.recv().await.expect("together");
        assert_eq!(second, [2, 3, 4], "as many as fit");
        back.send(()).expect("under way");
        assert_eq!(sent.recv().await.expect("the rest").0, [5]);
    }

    #[tokio::test]
    async fn slow_batches_do_not_hold_up_the_next() {
        let (convoy, mut sent) = convoy(Duration::ZERO, 1);
        let last = UNDER_WAY_MAX as u32;
        (0..=last).for_each(|item| convoy.push(item));
        let mut under_way = Vec::new();
        for item in 0..last {
            let (batch, back) = sent.recv().await.expect("it does not wait");
            assert_eq!(batch, [item]);
            under_way.push(back);
        }
        convoy.depart();
        assert_eq!(convoy.state.lock().waiting, [last], "as many as may be under way are");
        under_way.remove(2).send(()).expect("under way");
        assert_eq!(sent.recv().await.expect("the last").0, [last]);
    }

    #[tokio::test]
    async fn a_panic_costs_its_batch_alone() {
        let (sender, mut sent) = unbounded_channel();
        let convoy = Convoy::with_head_start(FOR_EVER, "test", 1, move |batch: Vec<u32>| {
            assert_ne!(batch, [0], "as asked");
            sender.send(batch).expect("the test listens");
            std::future::ready(()).boxed()
        });
        // The second waits while the first panics, and nobody pushes again.
        (0..=1).for_each(|item| convoy.push(item));
        let next = tokio::time::timeout(Duration::from_secs(10), sent.recv()).await;
        assert_eq!(next.expect("sent by itself").expect("the next"), [1]);
    }

    #[test]
    fn the_end_of_the_process_ends_what_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let convoy = runtime.block_on(async {
            let (convoy, mut sent) = convoy(FOR_EVER, 1);
            convoy.push(0);
            let under_way = sent.recv().await.expect("alone");
            convoy.push(1);
            std::mem::forget(under_way);
            convoy
        });
        drop(runtime);
        let state = convoy.state.lock();
        assert_eq!((state.under_way, state.waiting.len()), (0, 1));
    }
}
