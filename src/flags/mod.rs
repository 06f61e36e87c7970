//! Feature flags: is this flag on? Answered from a snapshot in memory, never by a call.
//!
//! Providers refresh the snapshot in the background. A provider that is away leaves the last known
//! state; a flag nobody has heard of is off, so `false` must always be the safe side.
//! Not here: rollouts to a share of users (they need a context; these flags have none).

mod file;
mod unleash;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Deserialize;
use tokio::task::JoinHandle;

/// `flags.*` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlagsConfig {
    pub provider: Provider,
    /// Unleash's API, `http://127.0.0.1:4242/api`.
    pub url: Option<String>,
    /// Backend token of Unleash.
    pub token: Option<String>,
    pub app_name: String,
    pub poll_interval_ms: u64,
    /// `file`: the flags, a TOML (`*.toml`) or JSON map of booleans. `unleash`: where the last good
    /// answer is kept for the next start.
    pub file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Every flag is off.
    #[default]
    None,
    File,
    Unleash,
}

impl Default for FlagsConfig {
    fn default() -> Self {
        Self {
            provider: Provider::None,
            url: None,
            token: None,
            app_name: "trine".to_owned(),
            poll_interval_ms: 5000,
            file: None,
        }
    }
}

type States = BTreeMap<String, bool>;

/// The handle that is asked; cheap to clone.
#[derive(Clone, Default)]
pub struct Flags {
    snapshot: Snapshot,
    _poller: Option<Arc<Poller>>,
}

impl Flags {
    /// Starts the provider; `names` are the flags that the configuration mentions.
    /// Must be called within a tokio runtime. A sentence when the configuration cannot work.
    pub fn start(config: &FlagsConfig, names: Vec<String>) -> Result<Self, String> {
        let snapshot = Snapshot::default();
        let task = match config.provider {
            Provider::None => return Ok(Self { snapshot, _poller: None }),
            Provider::File => file::start(config, snapshot.clone())?,
            Provider::Unleash => unleash::start(config, names, snapshot.clone())?,
        };
        Ok(Self { snapshot, _poller: Some(Arc::new(Poller(task))) })
    }

    /// Fixed states: tests and embedders.
    pub fn fixed(states: impl IntoIterator<Item = (String, bool)>) -> Self {
        let flags = Self::default();
        flags.snapshot.replace(states.into_iter().collect());
        flags
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.snapshot.0.load().get(name).copied().unwrap_or(false)
    }
}

/// The states seen last, replaced as a whole.
#[derive(Clone, Default)]
struct Snapshot(Arc<ArcSwap<States>>);

impl Snapshot {
    fn replace(&self, states: States) {
        let before = self.0.load_full();
        for (name, on) in &states {
            metrics::gauge!("trine_flag_state", "flag" => name.clone()).set(f64::from(u8::from(*on)));
            if before.get(name).copied().unwrap_or(false) != *on {
                tracing::info!(flag = %name, on, "flag changed");
            }
        }
        self.0.store(Arc::new(states));
    }
}

/// Ends the background task with the last handle.
struct Poller(JoinHandle<()>);

impl Drop for Poller {
    fn drop(&mut self) {
        self.0.abort();
    }
}
