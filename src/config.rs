//! Configuration: layers of TOML, variables and flags → typed, checked [`Settings`].
//!
//! The only module that reads the environment. Not here: what a setting does.
//! Invariant: a `Settings` value has passed `check`, so nobody checks it again.

mod check;
mod known;
mod layers;
mod mask;
mod plain_words;
mod print;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::auth::AuthSettings;
use crate::commands::MethodModes;
use crate::flags::FlagsConfig;
use crate::http::cors::Origin;
use crate::role::Role;

pub use layers::{Layers, Overrides};

/// One mistake in the configuration: the key, what is wrong, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    pub key: String,
    pub message: String,
}

/// Text with credentials in it: printed as `***`.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

/// Every key of `config/default.toml`, where each is explained.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    pub role: Role,
    pub http: HttpSettings,
    pub admin: AdminSettings,
    pub schema: SchemaSettings,
    pub database: DatabaseSettings,
    pub consistency: ConsistencySettings,
    pub writes: WriteSettings,
    pub peers: PeerSettings,
    pub idempotency: IdempotencySettings,
    pub flags: FlagsConfig,
    pub auth: AuthSettings,
    pub log: LogSettings,
}

#[derive(Clone, Debug, Deserialize)]
pub struct HttpSettings {
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub request_timeout_ms: u64,
    pub drain_ms: u64,
    pub workers: usize,
    pub max_connections: usize,
    pub cors_origins: Vec<Origin>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct AdminSettings {
    pub listen: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
pub struct SchemaSettings {
    pub paths: Vec<PathBuf>,
    pub domains: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct DatabaseSettings {
    pub primary: Option<Secret>,
    pub replica: Option<Secret>,
    pub events: Option<Secret>,
    pub connections: u32,
    pub read_timeout_ms: u32,
    pub write_timeout_ms: u32,
    pub lock_timeout_ms: u32,
    pub queue_length_max: usize,
    pub batch_length_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenBehind {
    Misdirect,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ConsistencySettings {
    pub wait_ms: u64,
    pub when_behind: WhenBehind,
    pub token_ttl_s: u32,
    pub token_secret: Option<Secret>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct WriteSettings {
    pub methods: MethodModes,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PeerSettings {
    pub monolith: Option<String>,
    pub microservice: Option<String>,
    pub secret: Option<Secret>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct IdempotencySettings {
    pub keep_hours: u32,
    pub max_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Pretty,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
pub struct LogSettings {
    pub format: LogFormat,
    pub level: String,
    pub requests: bool,
}

impl Settings {
    /// Merges the layers and checks the result; all mistakes at once.
    pub fn load(overrides: &Overrides) -> Result<(Self, Layers), Vec<ConfigProblem>> {
        let layers = Layers::read(overrides, std::env::vars())?;
        let settings = layers.settings(check::check)?;
        Ok((settings, layers))
    }
}

#[cfg(test)]
mod tests;
