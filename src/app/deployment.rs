//! What a deployment keeps while schemas come and go, and how it serves one of them.
//!
//! Databases, peers, flags and tokens are opened once; a schema becomes an engine and an API on top of
//! them. Not here: loading a schema, or bringing a database up to it.

use std::sync::Arc;

use crate::auth::{self, Authenticator};
use crate::commands::modes::flag_names;
use crate::commands::{Engine, EngineParts, Modes, Rules};
use crate::config::{PeerSettings, Settings};
use crate::events::peer::Peer;
use crate::events::signature::Secrets;
use crate::events::tokens::Tokens;
use crate::flags::Flags;
use crate::http::cors::Cors;
use crate::http::{self, Api};
use crate::schema::Catalogue;

use super::Refusals;
use super::databases::Databases;

/// The relay's batches are below 1 MiB, but one decided request travels whole, and text grows by up to
/// eight times when it is escaped twice.
const PEER_BODY_BYTES: usize = 8 * 1024 * 1024;
const PEER_BODY_GROWTH: usize = 8;

pub struct Deployment {
    pub settings: Settings,
    pub databases: Databases,
    modes: Modes,
    tokens: Tokens,
    peers: Peers,
    authenticator: Arc<Authenticator>,
}

/// Who else takes part, and the secret that they share.
#[derive(Default)]
struct Peers {
    secrets: Option<Secrets>,
    microservice: Option<Peer>,
    monolith: Option<Peer>,
}

impl Deployment {
    /// Must be called within a runtime.
    pub fn new(settings: Settings, databases: Databases) -> Result<Self, Refusals> {
        let methods = settings.writes.methods.clone();
        let flags = Flags::start(&settings.flags, flag_names(&methods)).map_err(|refusal| vec![refusal])?;
        let peers = Peers::new(&settings.peers)?;
        let tokens =
            Tokens::new(databases.reads.clone(), token_secret(&settings), settings.consistency.token_ttl_s);
        let authenticator = Arc::new(authenticator(&settings)?);
        authenticator.warm();
        Ok(Self { modes: Modes::new(methods, flags), settings, databases, tokens, peers, authenticator })
    }

    /// The API and the engine of one schema. `rules` are those that its commands need.
    pub fn serve(&self, catalogue: Arc<Catalogue>, rules: Rules) -> Result<(Api, Arc<Engine>), Refusals> {
        let engine = Arc::new(Engine::new(EngineParts {
            rules,
            catalogue: catalogue.clone(),
            reads: self.databases.reads.clone(),
            writes: self.databases.writes.clone(),
            requests: self.databases.requests.clone(),
            microservice: self.peers.microservice.clone(),
            monolith: self.peers.monolith.clone(),
            secrets: self.peers.secrets.clone(),
            modes: self.modes.clone(),
            tokens: self.tokens.clone(),
            idempotency_keep_hours: self.settings.idempotency.keep_hours,
        }));
        let settings = http_settings(&self.settings);
        let (reads, authenticator) = (self.databases.reads.clone(), self.authenticator.clone());
        let api = Api::new(catalogue, reads, engine.clone(), authenticator, settings)?;
        Ok((api, engine))
    }
}

impl Peers {
    fn new(settings: &PeerSettings) -> Result<Self, Refusals> {
        let Some(secret) = &settings.secret else { return Ok(Self::default()) };
        let refusal = |key: &str, message: String| vec![format!("{key}: {message}")];
        let secrets = Secrets::parse(&secret.0).map_err(|message| refusal("peers.secret", message))?;
        let peer = |key: &str, address: &Option<String>| {
            address
                .as_ref()
                .map(|address| Peer::new(address, secrets.clone()).map_err(|message| refusal(key, message)))
                .transpose()
        };
        let microservice = peer("peers.microservice", &settings.microservice)?;
        let monolith = peer("peers.monolith", &settings.monolith)?;
        Ok(Self { secrets: Some(secrets), microservice, monolith })
    }
}

fn authenticator(settings: &Settings) -> Result<Authenticator, Refusals> {
    let sentence = |(key, message): auth::Mistake| format!("{key}: {message}");
    Authenticator::new(&settings.auth).map_err(|mistakes| mistakes.into_iter().map(sentence).collect())
}

fn http_settings(settings: &Settings) -> http::Settings {
    http::Settings {
        plan: settings.role.plan(),
        max_body_bytes: settings.http.max_body_bytes,
        max_peer_body_bytes: PEER_BODY_BYTES
            .max(settings.http.max_body_bytes.saturating_mul(PEER_BODY_GROWTH)),
        request_timeout_ms: settings.http.request_timeout_ms,
        consistency_wait_ms: settings.consistency.wait_ms,
        token_time_to_live_s: settings.consistency.token_ttl_s,
        token_secret: token_secret(settings),
        log_requests: settings.log.requests,
        cors: Cors { origins: settings.http.cors_origins.clone() },
        listed_methods: settings.writes.methods.keys().cloned().collect(),
    }
}

/// None: the secret that the primary keeps.
fn token_secret(settings: &Settings) -> Option<Vec<u8>> {
    settings.consistency.token_secret.as_ref().map(|secret| secret.0.clone().into_bytes())
}
