//! The composition root: configuration in, a running deployment out.
//!
//! The only module that knows every part. It puts together what the role's plan names and nothing
//! else; what a deployment may do is decided here and by configuration, nowhere below.

mod databases;
mod drain;
mod probes;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use crate::commands::engine::Background;
use crate::commands::modes::flag_names;
use crate::commands::{Engine, EngineParts, Modes, Registry, Rules};
use crate::config::{LogFormat, PeerSettings, Settings};
use crate::domains;
use crate::events::peer::Peer;
use crate::events::signature::Secrets;
use crate::events::tokens::Tokens;
use crate::flags::Flags;
use crate::http::routes::Routes;
use crate::http::{self, Api, Limits};
use crate::role::BackgroundService;
use crate::schema::{self, Catalogue};
use crate::store::WriteStore;
use crate::telemetry::{self, Telemetry};

use databases::{Databases, Retention};
use drain::StopSignals;

/// Connections between two looks at the time; keeps an idle one open past common proxies' 60 s.
const KEEP_ALIVE_S: u64 = 75;
/// How long a drain waits for requests that run. Shorter than the 30 s that orchestrators give.
const SHUTDOWN_TIMEOUT_S: u64 = 10;
/// The relay's batches are below 1 MiB, but one decided request travels whole, and text grows by up to
/// eight times when it is escaped twice.
const PEER_BODY_BYTES: usize = 8 * 1024 * 1024;
const PEER_BODY_GROWTH: usize = 8;

/// Bad configuration, schema or environment: exit code 2, one sentence each.
type Refusals = Vec<String>;

/// `trine serve`: runs until SIGTERM or SIGINT, drains, exits 0.
pub fn serve(settings: Settings) -> ExitCode {
    let telemetry = match start_telemetry(&settings) {
        Ok(telemetry) => telemetry,
        Err(refusal) => return refuse(&[refusal]),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&[format!("cannot start threads: {error}")]),
    };
    match runtime.block_on(run(settings, &telemetry)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusals) => refuse(&refusals),
    }
}

/// `trine schema apply`: brings the primary up to the schema and ends.
pub fn apply_schema(settings: Settings) -> ExitCode {
    let applied = load_schema(&settings).and_then(|catalogue| {
        let primary = databases::url(&settings.database.primary).ok_or_else(|| {
            vec!["database.primary is missing; a schema is applied to a primary".to_owned()]
        })?;
        WriteStore::open(&primary, databases::options(&settings.database), &catalogue)
            .map(drop)
            .map_err(|error| vec![databases::of("database.primary")(error)])
    });
    match applied {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusals) => refuse(&refusals),
    }
}

async fn run(settings: Settings, telemetry: &Telemetry) -> Result<(), Refusals> {
    // Sockets first: a taken port is found before a database is touched.
    let public = bind("http.listen", settings.http.listen)?;
    let admin = bind("admin.listen", settings.admin.listen)?;
    let catalogue = Arc::new(load_schema(&settings)?);
    // Before databases: a schema that cannot be served is not applied.
    let rules = servable(&settings, &catalogue)?;
    let databases = databases::open(&settings, &catalogue).map_err(|refusal| vec![refusal])?;
    let probes = Arc::new(probes::probes(&settings, &catalogue, &databases, telemetry));
    let engine = Arc::new(engine(&settings, &catalogue, rules, databases.clone())?);
    let services = Services::start(&settings, &engine);
    let api = Api::new(catalogue, databases.reads, engine, http_settings(&settings))?;
    // Before anybody is told that it listens: from then on it is asked to stop, not killed.
    let mut signals = StopSignals::listen().map_err(no_signals)?;
    let serving = http::serve(Arc::new(api), probes.clone(), public, admin, limits(&settings))
        .map_err(|error| vec![format!("cannot serve: {error}")])?;
    signals.next().await;
    drain::pause(&probes, settings.http.drain_ms, &mut signals).await;
    drain::stop(serving, services.commands, &mut signals).await;
    Ok(())
}

fn no_signals(error: std::io::Error) -> Refusals {
    vec![format!("cannot wait for signals: {error}")]
}

/// The background services of the role's plan.
#[derive(Default)]
struct Services {
    /// Ends when dropped.
    retention: Option<Retention>,
    commands: Option<Background>,
}

impl Services {
    fn start(settings: &Settings, engine: &Engine) -> Self {
        let mut services = Self::default();
        for service in settings.role.plan().services {
            match service {
                BackgroundService::Retention => services.retention = Some(Retention::start(settings)),
                BackgroundService::CommandRunner => services.commands = Some(engine.start_background()),
            }
        }
        services
    }
}

fn engine(
    settings: &Settings,
    catalogue: &Arc<Catalogue>,
    rules: Rules,
    databases: Databases,
) -> Result<Engine, Refusals> {
    let methods = settings.writes.methods.clone();
    let flags = Flags::start(&settings.flags, flag_names(&methods)).map_err(|refusal| vec![refusal])?;
    let (secrets, microservice, monolith) = peers(&settings.peers)?;
    let secret = settings.consistency.token_secret.as_ref().map(|secret| secret.0.clone().into_bytes());
    let tokens = Tokens::new(databases.reads.clone(), secret, settings.consistency.token_ttl_s);
    Ok(Engine::new(EngineParts {
        rules,
        catalogue: catalogue.clone(),
        reads: databases.reads,
        writes: databases.writes,
        requests: databases.requests,
        microservice,
        monolith,
        secrets,
        modes: Modes::new(methods, flags),
        tokens,
        idempotency_keep_hours: settings.idempotency.keep_hours,
    }))
}

/// Every command has its rule, and `writes.methods` names nothing that does not exist.
fn rules<'a>(catalogue: &Catalogue, configured: impl Iterator<Item = &'a String>) -> Result<Rules, Refusals> {
    let mut registry = Registry::default();
    domains::register(&mut registry);
    let mut refusals = Vec::new();
    for method in configured.filter(|method| !catalogue.has_write_method(method)) {
        refusals
            .push(format!("writes.methods names `{method}`, which no schema here has; check its spelling"));
    }
    let rules = registry.checked(catalogue);
    match rules {
        Ok(rules) if refusals.is_empty() => Ok(rules),
        Ok(_) => Err(refusals),
        Err(problems) => Err(problems.into_iter().chain(refusals).collect()),
    }
}

type Peers = (Option<Secrets>, Option<Peer>, Option<Peer>);

fn peers(settings: &PeerSettings) -> Result<Peers, Refusals> {
    let Some(secret) = &settings.secret else { return Ok((None, None, None)) };
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
    Ok((Some(secrets), microservice, monolith))
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
        token_secret: settings.consistency.token_secret.as_ref().map(|secret| secret.0.clone().into_bytes()),
        log_requests: settings.log.requests,
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        workers: settings.http.workers,
        connections_max: settings.http.max_connections,
        keep_alive_s: KEEP_ALIVE_S,
        shutdown_timeout_s: SHUTDOWN_TIMEOUT_S,
    }
}

fn start_telemetry(settings: &Settings) -> Result<Telemetry, String> {
    let format = match settings.log.format {
        LogFormat::Auto => None,
        LogFormat::Pretty => Some(telemetry::LogFormat::Pretty),
        LogFormat::Json => Some(telemetry::LogFormat::Json),
    };
    let telemetry = telemetry::start(format, &settings.log.level)?;
    telemetry::metrics::announce_build(env!("CARGO_PKG_VERSION"), settings.role.as_str());
    Ok(telemetry)
}

fn load_schema(settings: &Settings) -> Result<Catalogue, Refusals> {
    let catalogue = schema::load(&settings.schema.paths, &settings.schema.domains)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    if catalogue.types.is_empty() {
        return Err(vec![
            "schema.paths, schema.domains: no message of the packages served has `google.api.resource`, so \
             there is nothing to serve; check both keys"
                .to_owned(),
        ]);
    }
    Ok(catalogue)
}

/// Whether the schema could be served as configured; touches no database.
pub fn check(settings: &Settings) -> Result<(), Vec<String>> {
    servable(settings, &load_schema(settings)?).map(drop)
}

/// A rule for each command, a path for each route.
fn servable(settings: &Settings, catalogue: &Catalogue) -> Result<Rules, Refusals> {
    let rules = rules(catalogue, settings.writes.methods.keys());
    match (rules, Routes::new(catalogue, &settings.role.plan())) {
        (Ok(rules), Ok(_)) => Ok(rules),
        (rules, routes) => Err(rules.err().into_iter().chain(routes.err()).flatten().collect()),
    }
}

fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Refusals> {
    TcpListener::bind(address)
        .map_err(|error| vec![format!("{key}: cannot listen on {address}: {error}; choose another address")])
}

fn refuse(refusals: &[String]) -> ExitCode {
    for refusal in refusals {
        eprintln!("{refusal}");
    }
    ExitCode::from(2)
}
