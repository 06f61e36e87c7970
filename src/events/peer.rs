//! Signed calls to another role: one POST, one JSON answer.
//!
//! A peer that blames the request (AIP-193) is taken at its word. One that cannot be reached, has
//! trouble of its own, or answers what nobody asked for, is a 503 for the client: the details are
//! for the log. Never follows redirects: a signed body goes where it was sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::peer_error;
use super::reachability::{Absence, Reachability};
use super::signature::Secrets;
use crate::model::{Deadline, Error, Reason, Result};

/// The peer gives up when nobody waits for its answer any more.
const TIMEOUT_MS: &str = "x-envoy-expected-rq-timeout-ms";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Less than servers and proxies keep an idle connection (5 s at the shortest): a request sent into one that is
/// just being closed has an outcome that nobody knows.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// Batches of write sets come back with what they wrote.
const ANSWER_BYTES_MAX: usize = 64 << 20;

#[derive(Clone)]
pub struct Peer {
    client: Client,
    base: Url,
    secrets: Secrets,
    reachability: Arc<Mutex<Reachability>>,
}

impl Peer {
    /// `address` is `peers.monolith` or `peers.microservice`. A sentence when it cannot be used.
    pub fn new(address: &str, secrets: Secrets) -> std::result::Result<Self, String> {
        let base = Url::parse(address).map_err(|error| format!("`{address}` is no address: {error}"))?;
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(format!("`{address}` is no http or https address"));
        }
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_MAX)
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { client, base, secrets, reachability: Arc::default() })
    }

    /// Posts `body` as JSON to `path`; may be asked again, for it changes nothing there.
    pub async fn call<Answer: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        deadline: Deadline,
    ) -> Result<Answer> {
        let body = serde_json::to_vec(body).map_err(|error| Error::internal(error.to_string()))?;
        let id = uuid::Uuid::now_v7().to_string();
        self.post(path, &id, "application/json", body, deadline).await
    }

    /// As [`Peer::call`] with a body of JSON, for what is made durable there.
    pub async fn call_durably<Answer: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
        deadline: Deadline,
    ) -> std::result::Result<Answer, Failure> {
        let id = uuid::Uuid::now_v7().to_string();
        self.exchange(path, &id, "application/json", body, deadline).await
    }

    /// What the peer said of one member of a call that carried several, as if it had been called for
    /// that one alone.
    pub fn refusal_of_member(&self, status: &serde_json::Value, retry_after_s: Option<u32>) -> Error {
        if let Some(refusal) = peer_error::refusal_of(status) {
            return Error { retry_after_s, ..refusal };
        }
        // The peer is there: it has answered the call.
        let error = not_reachable(status.to_string());
        let error = Error { retry_after_s: retry_after_s.or(error.retry_after_s), ..error };
        Failure { error, may_be_done: peer_error::status_leaves_open(status), unknown_call: false }
            .into_error()
    }

    /// Posts a signed body of any media type under a message id of the caller's.
    pub async fn post<Answer: DeserializeOwned>(
        &self,
        path: &str,
        id: &str,
        media_type: &str,
        body: Vec<u8>,
        deadline: Deadline,
    ) -> Result<Answer> {
        self.exchange(path, id, media_type, body, deadline).await.map_err(|failure| failure.error)
    }

    async fn exchange<Answer: DeserializeOwned>(
        &self,
        path: &str,
        id: &str,
        media_type: &str,
        body: Vec<u8>,
        deadline: Deadline,
    ) -> std::result::Result<Answer, Failure> {
        let url = self.base.join(path).map_err(|error| nothing_done(Error::internal(error.to_string())))?;
        let timestamp = jiff::Timestamp::now().as_second().to_string();
        let sent = self
            .client
            .post(url)
            .timeout(deadline.remaining())
            .header(CONTENT_TYPE, media_type)
            .header(TIMEOUT_MS, deadline.remaining().as_millis().to_string())
            .header("webhook-id", id)
            .header("webhook-signature", self.secrets.sign(id, &timestamp, &body))
            .header("webhook-timestamp", timestamp)
            .body(body);
        let unanswered = |problem: String| Failure {
            error: self.unreachable(problem),
            may_be_done: true,
            unknown_call: false,
        };
        let response = sent.send().await.map_err(|error| Failure {
            may_be_done: !error.is_connect(),
            error: self.unreachable(format!("{error:?}")),
            unknown_call: false,
        })?;
        let status = response.status();
        let retry_after_s = retry_after_s(&response);
        let answer = read_limited(response).await.map_err(unanswered)?;
        if status != StatusCode::OK {
            let error = self.refusal(status, &answer);
            let error = Error { retry_after_s: retry_after_s.or(error.retry_after_s), ..error };
            let may_be_done = status.is_server_error() && peer_error::leaves_open(&answer);
            let unknown_call = status == StatusCode::NOT_IMPLEMENTED;
            return Err(Failure { error, may_be_done, unknown_call });
        }
        let answer =
            serde_json::from_slice(&answer).map_err(|error| unanswered(format!("answer: {error}")))?;
        self.answered();
        Ok(answer)
    }

    fn refusal(&self, status: StatusCode, answer: &[u8]) -> Error {
        let text = || String::from_utf8_lossy(&answer[..answer.len().min(500)]).into_owned();
        match peer_error::refusal(answer) {
            Some(refusal) => {
                self.answered();
                refusal
            }
            // A proxy between the two: no later attempt is smaller.
            None if status == StatusCode::PAYLOAD_TOO_LARGE => {
                Error::new(Reason::BodyTooLarge, "the request is too large for the service that does this")
                    .with_context(text())
            }
            None => self.unreachable(format!("{status}: {}", text())),
        }
    }

    fn unreachable(&self, context: String) -> Error {
        metrics::counter!("trine_peer_failures_total").increment(1);
        if let Some(Absence { lasted, failures }) = self.reachability.lock().failed(Instant::now()) {
            let away_s = lasted.as_secs();
            tracing::warn!(peer = %self.base, away_s, failures, context, "a peer does not answer; calls go on");
        }
        not_reachable(context)
    }

    fn answered(&self) {
        if let Some(Absence { lasted, failures }) = self.reachability.lock().answered(Instant::now()) {
            tracing::info!(peer = %self.base, away_s = lasted.as_secs(), failures, "a peer answers again");
        }
    }
}

/// A call that failed.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    /// It was sent, and nobody said that nothing came of it.
    may_be_done: bool,
    /// The peer is of a version that does not know a call like this.
    pub unknown_call: bool,
}

impl Failure {
    /// For what is made durable there: whoever got no answer is told that it may be.
    pub fn into_error(self) -> Error {
        if self.may_be_done { outcome_unknown(self.error) } else { self.error }
    }
}

fn not_reachable(context: String) -> Error {
    Error::new(Reason::DatabaseUnavailable, "the service that does this is not reachable now; try again")
        .with_context(context)
        .with_retry_after_s(1)
}

fn nothing_done(error: Error) -> Failure {
    Failure { error, may_be_done: false, unknown_call: false }
}

fn outcome_unknown(error: Error) -> Error {
    let message = "nobody knows whether the request was accepted; ask again with the same idempotency key";
    Error { reason: Reason::CommitOutcomeUnknown, message: message.to_owned(), ..error }
}

/// Seconds only; a date is as good as none.
fn retry_after_s(response: &Response) -> Option<u32> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

async fn read_limited(mut response: Response) -> std::result::Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("answer longer than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    async fn reason(peer: &Peer) -> Reason {
        let deadline = Deadline::after(Duration::from_secs(5));
        let answer = peer.call_durably::<serde_json::Value>("/x", b"{}".to_vec(), deadline).await;
        answer.expect_err("nobody answers").into_error().reason
    }

    #[tokio::test]
    async fn only_what_was_sent_may_have_been_done() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let peer = Peer::new(&address, Secrets::parse(SECRET).unwrap()).unwrap();
        let silent = std::thread::spawn(move || drop(listener.accept().unwrap()));
        assert_eq!(reason(&peer).await, Reason::CommitOutcomeUnknown);
        silent.join().unwrap();
        assert_eq!(reason(&peer).await, Reason::DatabaseUnavailable, "the listener is closed");
    }

    #[tokio::test]
    async fn a_peer_that_cannot_take_one_of_many_is_not_away() {
        let peer = Peer::new("http://127.0.0.1:1", Secrets::parse(SECRET).unwrap()).unwrap();
        let refused = peer.refusal_of_member(&Error::new(Reason::Overloaded, "full").to_status(), Some(3));
        assert_eq!((refused.reason, refused.retry_after_s), (Reason::DatabaseUnavailable, Some(3)));
        assert_eq!(peer.reachability.lock().answered(Instant::now()), None, "nobody was told that it is");
    }
}
