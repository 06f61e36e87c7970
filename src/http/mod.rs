//! The two listeners: the public API derived from the schema, and the admin pages.
//!
//! A handler decodes, makes one call and encodes; `routes` lists all of them. Not here: SQL, rules,
//! modes. Invariants: every write goes through [`Engine::invoke`]; every 4xx and 5xx of a request whose
//! head could be read has the form of `errors`; nothing a client sends is ignored without a word.

pub mod access;
pub mod admin;
pub mod cors;
pub mod errors;
pub mod openapi;
pub mod path;
pub mod routes;
pub mod server;

mod batch;
mod body;
mod command;
mod consistency;
mod create;
mod current;
mod delete;
mod dispatch;
mod docs;
mod etag;
mod exchange;
mod fields;
mod get;
mod guard;
mod idempotency;
mod incoming;
mod list;
mod matcher;
mod media;
mod members;
mod observe;
mod operations;
mod page;
mod parameters;
mod peer;
mod reply;
mod request_rules;
mod several;
mod standard;
mod undelete;
mod update;
mod write;
mod write_sets;

use std::sync::{Arc, OnceLock};

pub use admin::{Check, Probes};
pub use current::Current;
pub use server::{Limits, Serving, serve};

use tokio::sync::Semaphore;

use crate::auth::Authenticator;
use crate::commands::Engine;
use crate::model::{Error, Reason, Result, TypeName};
use crate::role::{Methods, Plan};
use crate::schema::{Catalogue, ResourceType};
use crate::store::{ReadStore, TokenCodec};
use cors::Cors;
use openapi::{Document, Scope};
use routes::Routes;

/// What the API needs to know from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    pub plan: Plan,
    pub max_body_bytes: usize,
    /// Largest body of a signed call between roles: batches of write sets are larger than requests.
    pub max_peer_body_bytes: usize,
    pub request_timeout_ms: u64,
    /// Longest wait of a read for its consistency token.
    pub consistency_wait_ms: u64,
    pub token_time_to_live_s: u32,
    /// None: the secret that the primary keeps.
    pub token_secret: Option<Vec<u8>>,
    /// One log line a request.
    pub log_requests: bool,
    /// Pages of other origins that may call.
    pub cors: Cors,
    /// Keys of `writes.methods`.
    pub listed_methods: Vec<String>,
}

/// Everything that the public listener needs; built once by the app.
pub struct Api {
    pub catalogue: Arc<Catalogue>,
    pub reads: ReadStore,
    pub engine: Arc<Engine>,
    pub settings: Settings,
    authenticator: Arc<Authenticator>,
    routes: Routes,
    signing: OnceLock<Signing>,
    document: OnceLock<Document>,
    /// Bodies of calls between roles that are being read.
    peer_bodies: Semaphore,
}

/// How many of them: with the largest body each, what strangers can make this process hold.
const PEER_BODIES_MAX: usize = 16;

/// What tokens are signed with, known once the database has been reached.
struct Signing {
    cluster: u64,
    secret: Vec<u8>,
    codec: TokenCodec,
}

impl Api {
    /// Fails with one sentence for each two routes that claim one path.
    pub fn new(
        catalogue: Arc<Catalogue>,
        reads: ReadStore,
        engine: Arc<Engine>,
        authenticator: Arc<Authenticator>,
        settings: Settings,
    ) -> std::result::Result<Self, Vec<String>> {
        let routes = Routes::new(&catalogue, &settings.plan)?;
        let peer_bodies = Semaphore::new(PEER_BODIES_MAX);
        Ok(Self {
            catalogue,
            reads,
            engine,
            settings,
            authenticator,
            routes,
            signing: OnceLock::new(),
            document: OnceLock::new(),
            peer_bodies,
        })
    }

    /// Made at the first request for it: most deployments are never asked.
    fn document(&self) -> &Document {
        self.document.get_or_init(|| {
            Document::new(&Scope {
                catalogue: &self.catalogue,
                routes: &self.routes,
                plan: &self.settings.plan,
                listed: &self.settings.listed_methods,
                asks_for_credentials: self.authenticator.asks_for_credentials(),
                has_peers: self.engine.has_peers(),
            })
        })
    }

    /// None until the database has been reached for the first time.
    fn signing(&self) -> Option<&Signing> {
        if let Some(signing) = self.signing.get() {
            return Some(signing);
        }
        let identity = self.reads.identity()?;
        let secret = self.settings.token_secret.clone().unwrap_or(identity.token_secret);
        let codec = TokenCodec::new(&secret, self.settings.token_time_to_live_s);
        Some(self.signing.get_or_init(|| Signing { cluster: identity.cluster, secret, codec }))
    }

    /// As [`Api::signing`], for requests that cannot be answered without.
    fn required_signing(&self) -> Result<&Signing> {
        self.signing().ok_or_else(|| {
            Error::new(Reason::DatabaseUnavailable, "the database has not been reached yet; try again")
        })
    }

    fn kind(&self, name: &TypeName) -> Result<&Arc<ResourceType>> {
        self.catalogue.resource(name).ok_or_else(|| {
            Error::internal(format!("an answer holds {name}, which this schema does not have"))
        })
    }

    /// A role that serves only listed methods leaves reads to others: 421.
    fn refuse_unlisted_reads(&self) -> Result<()> {
        if self.settings.plan.methods != Methods::Listed {
            return Ok(());
        }
        Err(Error::new(
            Reason::NotThisRole,
            "this deployment serves no reads; ask a nanoservice or the monolith",
        ))
    }
}
