//! Flags from Unleash: its Rust client parses and evaluates, this module fetches.
//!
//! The client's own polling has no time-out, no conditional requests, no back-off and forgets
//! everything at a restart; our [`transport::Remembering`] transport and this loop give it those.
//! Every flag is evaluated once a poll into the snapshot: asking costs no lock.

mod transport;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use unleash_api_client::client::{Client, ClientBuilder, FeatureKey};

use self::transport::Remembering;
use super::{FlagsConfig, Snapshot};

/// Failed polls are repeated less and less often, but never more seldom than this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The client wants an enum of flags; ours come from the configuration, by name.
#[derive(Clone, Copy, Debug)]
enum ByName {}

impl FeatureKey for ByName {
    fn name(self) -> &'static str {
        match self {}
    }
}

pub(super) fn start(
    config: &FlagsConfig,
    names: Vec<String>,
    snapshot: Snapshot,
) -> Result<JoinHandle<()>, String> {
    let url = config.url.clone().ok_or("flags.url: needed by flags.provider = \"unleash\"; give its API")?;
    let transport = Arc::new(Remembering::new(config.file.clone())?);
    let interval = Duration::from_millis(config.poll_interval_ms.max(100));
    let client: Client<ByName> = ClientBuilder::default()
        .enable_string_features()
        .disable_metric_submission()
        .interval(config.poll_interval_ms)
        .into_client_with_transport(
            &url,
            &config.app_name,
            &uuid::Uuid::new_v4().to_string(),
            config.token.clone(),
            transport.clone(),
        )
        .map_err(|error| format!("flags.url: {error}"))?;
    let endpoint = format!("{}/client/features", url.trim_end_matches('/'));
    let poller = Poller { client, transport, endpoint, names, snapshot, interval };
    poller.recall();
    Ok(tokio::spawn(poller.run()))
}

struct Poller {
    client: Client<ByName>,
    transport: Arc<Remembering>,
    endpoint: String,
    names: Vec<String>,
    snapshot: Snapshot,
    interval: Duration,
}

impl Poller {
    /// Begins with what was seen last, before the first request is served.
    fn recall(&self) {
        let Some(body) = self.transport.last_good() else { return };
        match serde_json::from_slice(&body) {
            Ok(features) => {
                self.adopt(self.client.memoize(features).map(drop).map_err(|error| error.to_string()))
            }
            Err(error) => {
                tracing::warn!(%error, "kept flags cannot be read; all are off until Unleash answers")
            }
        }
    }

    async fn run(self) {
        let mut failures: u32 = 0;
        loop {
            failures = match self.poll().await {
                Ok(()) => 0,
                Err(problem) => {
                    tracing::warn!(problem, failures, "Unleash does not answer; flags stay as last seen");
                    failures.saturating_add(1)
                }
            };
            tokio::time::sleep(self.pause(failures)).await;
        }
    }

    async fn poll(&self) -> Result<(), String> {
        let interval_ms = u64::try_from(self.interval.as_millis()).ok();
        let features = self
            .client
            .http
            .get_json(&self.endpoint, interval_ms)
            .await
            .map_err(|error| error.to_string())?;
        self.adopt(self.client.memoize(features).map(drop).map_err(|error| error.to_string()));
        self.transport.trouble().map_or(Ok(()), Err)
    }

    fn adopt(&self, memoized: Result<(), String>) {
        if let Err(problem) = memoized {
            tracing::warn!(problem, "Unleash's answer cannot be used; flags stay as last seen");
            return;
        }
        let states = self.names.iter().map(|name| {
            let on = self.client.is_enabled_str(name, None, false);
            (name.clone(), on)
        });
        self.snapshot.replace(states.collect());
    }

    /// The interval when all is well; then doubled up to a limit, with jitter so that a fleet does not
    /// come back as one.
    fn pause(&self, failures: u32) -> Duration {
        if failures == 0 {
            return self.interval;
        }
        let longest =
            (self.interval * 2u32.saturating_pow(failures.min(8))).min(PAUSE_MAX.max(self.interval));
        self.interval.min(longest) + longest.saturating_sub(self.interval).mul_f64(rand::random())
    }
}
