//! Fetches for the Unleash client and remembers the last good answer, also on disk.
//!
//! Invariant: a body is handed over only if it came with status 200 and lists flags; anything
//! else (304, an error page, a time-out) hands over the last good one, or fails when there is none.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use reqwest::StatusCode;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde::de::DeserializeOwned;
use unleash_api_client::client::Client;
use unleash_api_client::http::{Method, Request, Response, Transport};

use super::ByName;

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Memory {
    body: Option<Vec<u8>>,
    etag: Option<String>,
    trouble: Option<String>,
}

pub(super) struct Remembering {
    client: reqwest::Client,
    keep: Option<PathBuf>,
    memory: Mutex<Memory>,
}

impl Remembering {
    pub(super) fn new(keep: Option<PathBuf>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| format!("flags: no HTTP client: {error}"))?;
        let body = keep.as_deref().and_then(|path| std::fs::read(path).ok());
        Ok(Self { client, keep, memory: Mutex::new(Memory { body, ..Memory::default() }) })
    }

    pub(super) fn last_good(&self) -> Option<Vec<u8>> {
        self.memory.lock().body.clone()
    }

    /// Why the last fetch brought nothing; none when it did.
    pub(super) fn trouble(&self) -> Option<String> {
        self.memory.lock().trouble.clone()
    }

    async fn fetch(&self, request: Request) -> Result<(), String> {
        let mut builder = match request.method {
            Method::Get => self.client.get(&request.url),
            Method::Post => self.client.post(&request.url),
        };
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(etag) = self.memory.lock().etag.clone() {
            builder = builder.header(IF_NONE_MATCH, etag);
        }
        let response = builder.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(());
        }
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.map_err(|error| error.to_string())?;
        if status != StatusCode::OK {
            return Err(format!("Unleash answered {status}"));
        }
        // As the client will read it: what it cannot use must not take the place of what it could.
        check(Client::<ByName>::memoize, &body)
            .map_err(|error| format!("Unleash's answer lists no flags: {error}"))?;
        self.remember(body.to_vec(), etag);
        Ok(())
    }

    fn remember(&self, body: Vec<u8>, etag: Option<String>) {
        let mut memory = self.memory.lock();
        let changed = memory.body.as_ref() != Some(&body);
        memory.etag = etag;
        if let (true, Some(path)) = (changed, &self.keep)
            && let Err(error) = write_atomically(path, &body)
        {
            tracing::warn!(%error, file = %path.display(), "flags cannot be kept for the next start");
        }
        memory.body = Some(body);
    }
}

#[async_trait]
impl Transport for Remembering {
    async fn execute(&self, request: Request) -> Result<Response, anyhow::Error> {
        let trouble = self.fetch(request).await.err();
        let mut memory = self.memory.lock();
        memory.trouble.clone_from(&trouble);
        match &memory.body {
            Some(body) => Ok(Response { status: StatusCode::OK.as_u16(), body: body.clone() }),
            None => Err(anyhow::Error::msg(trouble.unwrap_or_default())),
        }
    }
}

/// Whether `body` is what `taker` takes: the client's type of it has no public name.
fn check<Features: DeserializeOwned, Taken>(
    _taker: impl FnOnce(&Client<ByName>, Features) -> Taken,
    body: &[u8],
) -> serde_json::Result<()> {
    serde_json::from_slice::<Features>(body).map(drop)
}

/// A reader, or a crash in between, sees the old content or the new, never a part.
fn write_atomically(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lists_flags_is_taken() {
        assert!(check(Client::<ByName>::memoize, br#"{"version":2,"features":[]}"#).is_ok());
        for other in [&b"{}"[..], b"[]", br#"{"error":"maintenance"}"#, br#"{"version":2,"features":{}}"#] {
            assert!(check(Client::<ByName>::memoize, other).is_err());
        }
    }
}
