//! Handing over: the monolith's side of `async`, many requests in one call.
//!
//! A call costs both sides more than what it carries, so requests that arrive while one is under way
//! share the next (`events::convoy`). Each keeps its own deadline and its own answer.
//! Invariant: a request whose caller was told that nothing was accepted is never sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::ask::Ask;
use super::peer::{ACCEPT_PATH, Accepted};
use crate::events::body::Body;
use crate::events::convoy::Convoy;
use crate::events::peer::Peer;
use crate::model::{Deadline, Error, Operation, Reason, Result};

/// Requests of one call.
const CALL_MAX: usize = 128;

pub struct HandOver {
    convoy: Arc<Convoy<Handed>>,
}

/// A request on its way.
struct Handed {
    /// An [`Ask`] as JSON.
    text: Vec<u8>,
    deadline: Deadline,
    fate: Arc<Fate>,
    reply: oneshot::Sender<Result<Operation>>,
}

/// Whether a request is sent or its caller is told that it was not: one atomic, so that on no machine
/// both can be.
#[derive(Default)]
struct Fate(AtomicBool);

impl Fate {
    /// True for who asks first; the other has to live with it.
    fn decide(&self) -> bool {
        self.0.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl HandOver {
    pub fn new(microservice: Peer) -> Self {
        let send = move |batch| hand_over(microservice.clone(), batch).boxed();
        Self { convoy: Convoy::new("microservice", CALL_MAX, send) }
    }

    /// The request is durable at the microservice when this returns.
    pub async fn accept(&self, ask: &Ask, deadline: Deadline) -> Result<Operation> {
        let text = serde_json::to_vec(ask).map_err(|error| Error::internal(error.to_string()))?;
        let fate = Arc::new(Fate::default());
        let (reply, answer) = oneshot::channel();
        self.convoy.push(Handed { text, deadline, fate: fate.clone(), reply });
        match tokio::time::timeout_at(deadline.instant().into(), answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(unknown())),
            Err(_) => Err(if fate.decide() { too_late() } else { unknown() }),
        }
    }
}

impl Handed {
    /// False: its caller has gone, or was told that nothing was accepted.
    fn begin(&self) -> bool {
        !self.reply.is_closed() && self.fate.decide()
    }

    fn answer(self, answer: Result<Operation>) {
        // The client may have gone meanwhile.
        drop(self.reply.send(answer));
    }
}

async fn hand_over(microservice: Peer, batch: Vec<Handed>) {
    let mut body = Body::default();
    for handed in batch.into_iter().filter(Handed::begin) {
        let text = handed.text.clone();
        if !body.has_room(&text) {
            send(&microservice, std::mem::take(&mut body)).await;
        }
        body.add(handed, &text);
    }
    send(&microservice, body).await;
}

async fn send(microservice: &Peer, body: Body<Handed>) {
    let Body { mut members, text } = body;
    if members.len() < 2 {
        return join_alone(microservice, members.drain(..)).await;
    }
    let latest = members.iter().map(|handed| handed.deadline.instant()).max();
    let remaining = latest.map_or(Duration::ZERO, |instant| instant.saturating_duration_since(now()));
    let answers =
        microservice.call_durably::<Vec<Accepted>>(ACCEPT_PATH, text, Deadline::after(remaining)).await;
    match answers {
        Ok(answers) if answers.len() == members.len() => {
            for (handed, accepted) in members.into_iter().zip(answers) {
                handed.answer(accepted.result(microservice));
            }
        }
        Ok(_) => members.into_iter().for_each(|handed| handed.answer(Err(unknown()))),
        // Of a version that takes them one by one.
        Err(failure) if failure.unknown_call => join_alone(microservice, members.drain(..)).await,
        Err(failure) => {
            let error = failure.into_error();
            members.into_iter().for_each(|handed| handed.answer(Err(error.clone())));
        }
    }
}

async fn join_alone(microservice: &Peer, members: impl Iterator<Item = Handed>) {
    join_all(members.map(|mut handed| async move {
        let text = std::mem::take(&mut handed.text);
        let answer = microservice.call_durably(ACCEPT_PATH, text, handed.deadline).await;
        handed.answer(answer.map_err(|failure| failure.into_error()));
    }))
    .await;
}

fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn unknown() -> Error {
    let message = "nobody knows whether the request was accepted; ask again with the same idempotency key";
    Error::new(Reason::CommitOutcomeUnknown, message).with_retry_after_s(1)
}

fn too_late() -> Error {
    Error::new(
        Reason::Deadline,
        "the request's deadline passed before it was handed over; nothing was accepted",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_not_said_to_be_too_late() {
        for _ in 0..1000 {
            let fate = Fate::default();
            let (sent, too_late) = std::thread::scope(|scope| {
                let sender = scope.spawn(|| fate.decide());
                let caller = fate.decide();
                (sender.join().expect("decides"), caller)
            });
            assert!(sent != too_late, "{sent} {too_late}");
        }
    }
}
