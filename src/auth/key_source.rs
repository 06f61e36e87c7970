//! The keys of one issuer: fetched, kept, fetched again, never by the thread of a request.
//!
//! Keys older than the time to live still verify while newer ones are being fetched, and longer while
//! the issuer is away, up to a limit. A `kid` that nobody knows asks for a fetch too, at most one in
//! a while for all requests together: else strangers could make this process call the issuer at will.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::keys::{Keys, VerifyingKey};
use crate::model::Deadline;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// How long keys are good.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    pub time_to_live: Duration,
    pub stale_max: Duration,
    /// Between two fetches.
    pub pause: Duration,
}

pub enum Place {
    Url(String),
    File(PathBuf),
}

pub struct KeySource {
    place: Place,
    algorithms: Vec<Algorithm>,
    ages: Ages,
    client: reqwest::Client,
    loaded: ArcSwapOption<Loaded>,
    fetching: Mutex<Fetching>,
}

struct Loaded {
    keys: Keys,
    at: Instant,
}

#[derive(Default)]
struct Fetching {
    last: Option<Instant>,
    running: Option<watch::Receiver<()>>,
}

/// What became of looking for a key.
pub enum Sought {
    Found(VerifyingKey),
    Unknown,
    /// There are no keys to look in.
    Unavailable,
}

impl KeySource {
    pub fn new(place: Place, algorithms: Vec<Algorithm>, ages: Ages) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            // What the operator named is what is asked, and nobody else.
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| error.to_string())?;
        let (loaded, fetching) = (ArcSwapOption::empty(), Mutex::default());
        Ok(Self { place, algorithms, ages, client, loaded, fetching })
    }

    /// A file is looked into at start: one that is not there is no trouble of the moment but a mistake.
    pub fn read_file(&self) -> Result<(), String> {
        match &self.place {
            Place::Url(_) => Ok(()),
            Place::File(path) => self.keep(&document(path)?),
        }
    }

    fn keep(&self, document: &[u8]) -> Result<(), String> {
        let keys = Keys::parse(document, &self.algorithms)?;
        self.loaded.store(Some(Arc::new(Loaded { keys, at: Instant::now() })));
        Ok(())
    }

    /// Fetches ahead of the first request. Must be called within a runtime.
    pub fn warm(self: &Arc<Self>) {
        drop(self.fetch());
    }

    pub async fn key(self: &Arc<Self>, kid: Option<&str>, deadline: Deadline) -> Sought {
        if let Some(loaded) = self.loaded.load_full()
            && let Some(key) = loaded.keys.find(kid)
            && loaded.at.elapsed() < self.ages.stale_max
        {
            if loaded.at.elapsed() >= self.ages.time_to_live {
                drop(self.fetch());
            }
            return Sought::Found(key.clone());
        }
        if let Some(mut running) = self.fetch() {
            let _ended = tokio::time::timeout(deadline.remaining(), running.changed()).await;
        }
        match self.loaded.load_full().filter(|loaded| loaded.at.elapsed() < self.ages.stale_max) {
            Some(loaded) => loaded.keys.find(kid).cloned().map_or(Sought::Unknown, Sought::Found),
            None => Sought::Unavailable,
        }
    }

    /// The fetch that runs, or a new one; none when the last was a moment ago.
    fn fetch(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        let mut fetching = self.fetching.lock();
        // A fetch whose thread has gone tells nobody any more.
        if let Some(running) = fetching.running.as_ref().filter(|running| running.has_changed().is_ok()) {
            return Some(running.clone());
        }
        if fetching.last.is_some_and(|last| last.elapsed() < self.ages.pause) {
            return None;
        }
        fetching.last = Some(Instant::now());
        let (done, running) = watch::channel(());
        fetching.running = Some(running.clone());
        let source = self.clone();
        tokio::spawn(async move {
            source.load().await;
            source.fetching.lock().running = None;
            drop(done);
        });
        Some(running)
    }

    async fn load(&self) {
        let document = match &self.place {
            Place::Url(url) => self.download(url).await,
            // A small file, read once in minutes, by a task of its own.
            Place::File(path) => document(path),
        };
        if let Err(error) = document.and_then(|document| self.keep(&document)) {
            tracing::warn!(place = %self.place, error, "keys of an issuer; the old ones stay");
        }
    }

    async fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        let answer = self.client.get(url).header("Accept", "application/json").send().await;
        let mut answer = answer.map_err(|error| format!("cannot be reached: {error}"))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("answered {}", answer.status().as_u16()));
        }
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| format!("broke off: {error}"))? {
            text.extend_from_slice(&chunk);
            if text.len() > DOCUMENT_BYTES_MAX {
                return Err(format!("is larger than {DOCUMENT_BYTES_MAX} bytes"));
            }
        }
        Ok(text)
    }
}

fn document(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Url(url) => formatter.write_str(url),
            Place::File(path) => write!(formatter, "{}", path.display()),
        }
    }
}
