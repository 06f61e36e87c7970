//! Signed calls to another role: one POST, one JSON answer.
//!
//! A peer that cannot be reached, or answers what nobody asked for, is a 503 for the client: the
//! details are for the log. Never follows redirects: a signed body goes where it was sent.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::signature::Secrets;
use crate::model::{Deadline, Error, Reason, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Batches of write sets come back with what they wrote.
const ANSWER_BYTES_MAX: usize = 64 << 20;

#[derive(Clone)]
pub struct Peer {
    client: Client,
    base: Url,
    secrets: Secrets,
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
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { client, base, secrets })
    }

    /// Posts `body` as JSON to `path`.
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

    /// Posts a signed body of any media type under a message id of the caller's.
    pub async fn post<Answer: DeserializeOwned>(
        &self,
        path: &str,
        id: &str,
        media_type: &str,
        body: Vec<u8>,
        deadline: Deadline,
    ) -> Result<Answer> {
        let url = self.base.join(path).map_err(|error| Error::internal(error.to_string()))?;
        let timestamp = jiff::Timestamp::now().as_second().to_string();
        let sent = self
            .client
            .post(url)
            .timeout(deadline.remaining())
            .header(CONTENT_TYPE, media_type)
            .header("webhook-id", id)
            .header("webhook-signature", self.secrets.sign(id, &timestamp, &body))
            .header("webhook-timestamp", timestamp)
            .body(body);
        let response = sent.send().await.map_err(|error| self.unreachable(format!("{error:?}")))?;
        let status = response.status();
        let retry_after_s = retry_after_s(&response);
        let answer = read_limited(response).await.map_err(|problem| self.unreachable(problem))?;
        if status != StatusCode::OK {
            let text = String::from_utf8_lossy(&answer[..answer.len().min(500)]).into_owned();
            let error = self.unreachable(format!("{status}: {text}"));
            return Err(retry_after_s.map_or(error.clone(), |seconds| error.with_retry_after_s(seconds)));
        }
        serde_json::from_slice(&answer).map_err(|error| self.unreachable(format!("answer: {error}")))
    }

    fn unreachable(&self, context: String) -> Error {
        tracing::warn!(peer = %self.base, context, "peer call failed");
        Error::new(Reason::DatabaseUnavailable, "the service that does this is not reachable now; try again")
            .with_context(context)
            .with_retry_after_s(1)
    }
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
