//! A lane with a service that fails on demand: nobody is left without an answer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;

use super::work::Job;
use super::*;
use crate::model::{Deadline, Reason};

#[derive(Clone, Copy)]
enum Ask {
    Echo(u32),
    /// As an echo, but one that must not be turned away.
    Step(u32),
    Panic,
    Break,
}

impl Work for Job<Ask, u32> {
    fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn fail(self, error: Error) {
        self.answer(Err(error));
    }

    fn may_be_refused(&self) -> bool {
        !matches!(self.input, Ask::Step(_))
    }
}

/// Serves when told to, so that a test decides what is in one batch.
struct Rehearsal {
    connects: AtomicU32,
    /// Attempts to connect that fail first.
    refusals: u32,
    batches: Mutex<Vec<usize>>,
    go: Mutex<Receiver<()>>,
}

impl Service for Rehearsal {
    type Work = Job<Ask, u32>;
    type Connection = ();

    fn connect(&self) -> Result<()> {
        if self.connects.fetch_add(1, Ordering::SeqCst) < self.refusals {
            return Err(Error::new(Reason::DatabaseUnavailable, "away"));
        }
        Ok(())
    }

    fn serve(&self, _: &mut (), batch: Vec<Self::Work>) -> bool {
        // A closed channel means that the test does not mind when.
        self.go.lock().recv().unwrap_or_default();
        self.batches.lock().push(batch.len());
        let mut fit = true;
        for job in batch {
            match job.input {
                Ask::Echo(number) | Ask::Step(number) => job.answer(Ok(number)),
                Ask::Panic => panic!("as asked"),
                Ask::Break => {
                    fit = false;
                    job.fail(Error::new(Reason::DatabaseUnavailable, "broken"));
                }
            }
        }
        fit
    }
}

const OPTIONS: LaneOptions =
    LaneOptions { database: "test", lane: "test", threads: 1, queue_length_max: 5, batch_length_max: 3 };

fn lane(refusals: u32) -> (Lane<Rehearsal>, Arc<Rehearsal>, Sender<()>) {
    let (sender, go) = channel();
    let service = Arc::new(Rehearsal {
        connects: AtomicU32::new(0),
        refusals,
        batches: Mutex::new(Vec::new()),
        go: Mutex::new(go),
    });
    let lane = Lane::start(Arc::new(Queue::new(OPTIONS)), OPTIONS, service.clone()).unwrap();
    (lane, service, sender)
}

fn ask(lane: &Lane<Rehearsal>, ask: Ask) -> tokio::sync::oneshot::Receiver<Result<u32>> {
    let (job, answer) = Job::new(ask, Deadline::after(Duration::from_secs(30)));
    lane.submit(job);
    answer
}

#[tokio::test]
async fn a_panic_costs_its_batch_and_its_connection_only() {
    let (lane, service, sender) = lane(0);
    drop(sender);
    assert!(ask(&lane, Ask::Panic).await.is_err(), "the channel is closed, so the caller is told");
    assert_eq!(ask(&lane, Ask::Echo(7)).await.unwrap().unwrap(), 7);
    assert_eq!(service.connects.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let (lane, service, sender) = lane(0);
    drop(sender);
    assert_eq!(ask(&lane, Ask::Break).await.unwrap().unwrap_err().reason, Reason::DatabaseUnavailable);
    assert_eq!(ask(&lane, Ask::Echo(7)).await.unwrap().unwrap(), 7);
    assert_eq!(service.connects.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn while_the_database_is_away_work_is_answered_at_once_and_later_served() {
    let (lane, _service, sender) = lane(3);
    drop(sender);
    let mut refused = 0;
    loop {
        match ask(&lane, Ask::Echo(1)).await.unwrap() {
            Ok(_) => break,
            Err(error) => {
                assert_eq!((error.reason, error.retry_after_s), (Reason::DatabaseUnavailable, Some(1)))
            }
        }
        refused += 1;
    }
    assert!(refused > 0);
    assert_eq!(lane.health(), Health::Ready);
}

#[tokio::test]
async fn what_waits_is_served_together_up_to_the_cap_and_no_more_is_taken_in_than_fits() {
    let (lane, service, sender) = lane(0);
    let first = ask(&lane, Ask::Echo(0));
    while !lane.queue.is_empty() {
        tokio::task::yield_now().await;
    }
    // The thread holds the first; five more fit.
    let waiting: Vec<_> = (1..=5).map(|number| ask(&lane, Ask::Echo(number))).collect();
    let refused = ask(&lane, Ask::Echo(6)).await.unwrap().unwrap_err();
    let step = ask(&lane, Ask::Step(7));
    assert_eq!((refused.reason, refused.retry_after_s), (Reason::Overloaded, Some(1)));
    drop(sender);
    assert_eq!(first.await.unwrap().unwrap(), 0);
    for (number, answer) in (1..=5).zip(waiting) {
        assert_eq!(answer.await.unwrap().unwrap(), number);
    }
    assert_eq!(step.await.unwrap().unwrap(), 7, "what others wait for is taken in all the same");
    assert_eq!(*service.batches.lock(), [1, 3, 3]);
}

#[tokio::test]
async fn what_was_taken_in_is_served_before_the_lane_ends() {
    let (lane, _service, sender) = lane(0);
    let answers: Vec<_> = (0..4).map(|number| ask(&lane, Ask::Echo(number))).collect();
    drop(sender);
    drop(lane);
    for (number, answer) in (0..4).zip(answers) {
        assert_eq!(answer.await.unwrap().unwrap(), number);
    }
}

/// A server that has one connection to give, to whoever asks first.
struct Scarce {
    given: AtomicU32,
    refused: AtomicU32,
    go: Mutex<Receiver<()>>,
}

impl Service for Scarce {
    type Work = Job<Ask, u32>;
    type Connection = ();

    fn connect(&self) -> Result<()> {
        if self.given.fetch_add(1, Ordering::SeqCst) == 0 {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        Err(Error::new(Reason::DatabaseUnavailable, "too many connections"))
    }

    fn serve(&self, _: &mut (), batch: Vec<Self::Work>) -> bool {
        self.go.lock().recv().unwrap_or_default();
        for job in batch {
            job.answer(Ok(0));
        }
        true
    }
}

#[tokio::test]
async fn who_has_no_connection_leaves_the_work_to_who_has_one() {
    let (sender, go) = channel();
    let options = LaneOptions { threads: 2, ..OPTIONS };
    let scarce = Scarce { given: AtomicU32::new(0), refused: AtomicU32::new(0), go: Mutex::new(go) };
    let service = Arc::new(scarce);
    let lane = Lane::start(Arc::new(Queue::new(options)), options, service.clone()).unwrap();
    let submit = || {
        let (job, answer) = Job::new(Ask::Echo(0), Deadline::after(Duration::from_secs(30)));
        lane.submit(job);
        answer
    };
    while lane.health() != Health::Ready || service.refused.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let first = submit();
    while !lane.queue.is_empty() {
        tokio::task::yield_now().await;
    }
    let second = submit();
    // The other has tried again, and so has looked at what waits, while the first was served.
    let tried = service.refused.load(Ordering::SeqCst);
    while service.refused.load(Ordering::SeqCst) < tried + 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(lane.health(), Health::Ready);
    drop(sender);
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (0, 0));
}
