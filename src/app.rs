//! The composition root: configuration in, a running deployment out.
//!
//! The only module that knows every part. It puts together what the role's plan names and nothing
//! else; what a deployment may do is decided here and by configuration, nowhere below.

mod databases;
mod deployment;
mod drain;
mod evolution;
mod probes;
mod schema;
mod services;
mod show;
mod watch;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use crate::auth::AuthMode;
use crate::config::{LogFormat, Settings};
use crate::http::openapi::{self, Scope};
use crate::http::routes::Routes;
use crate::http::{self, Current, Limits};
use crate::store::{Admission, WriteStore};
use crate::telemetry::{self, Telemetry};

pub use show::{Shown, show_schema};

use deployment::Deployment;
use drain::StopSignals;
pub use evolution::{Against, check_schema, prune};
use services::Services;
use watch::Changes;

/// Connections between two looks at the time; keeps an idle one open past common proxies' 60 s.
const KEEP_ALIVE_S: u64 = 75;
/// How long a drain waits for requests that run. Shorter than the 30 s that orchestrators give.
const SHUTDOWN_TIMEOUT_S: u64 = 10;

/// Bad configuration, schema or environment: exit code 2, one sentence each.
type Refusals = Vec<String>;

/// Whether a schema that changes on disk is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    No,
    /// `--watch`
    Changes,
}

impl Following {
    /// A schema that is still being written need not be kept.
    fn admission(self) -> Admission {
        match self {
            Self::No => Admission::Permanent,
            Self::Changes => Admission::Draft,
        }
    }
}

/// `trine serve`: runs until SIGTERM or SIGINT, drains, exits 0.
pub fn serve(settings: Settings, following: Following) -> ExitCode {
    let telemetry = match start_telemetry(&settings) {
        Ok(telemetry) => telemetry,
        Err(refusal) => return refuse(&[refusal]),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&[format!("cannot start threads: {error}")]),
    };
    match runtime.block_on(run(settings, following, &telemetry)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusals) => refuse(&refusals),
    }
}

/// `trine schema apply`: brings the primary up to the schema and ends.
pub fn apply_schema(settings: Settings) -> ExitCode {
    let applied = schema::load(&settings).and_then(|catalogue| {
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

async fn run(settings: Settings, following: Following, telemetry: &Telemetry) -> Result<(), Refusals> {
    // Sockets first: a taken port is found before a database is touched.
    let public = bind("http.listen", settings.http.listen)?;
    let admin = bind("admin.listen", settings.admin.listen)?;
    // Before the schema is read: a change after that is one to follow.
    let changes = match following {
        Following::Changes => Some(Changes::watch(&settings.schema.paths)?),
        Following::No => None,
    };
    let approached = databases::approach(&settings).map_err(|refusal| vec![refusal])?;
    let catalogue = Arc::new(schema::load(&settings)?);
    // Before databases are opened: a schema that cannot be served is not applied.
    let rules = schema::servable(&settings, &catalogue)?;
    let databases = databases::open(&settings, approached, &catalogue, following.admission())
        .map_err(|refusal| vec![refusal])?;
    let probes = Arc::new(probes::probes(&settings, &catalogue, &databases, telemetry));
    let deployment = Deployment::new(settings, databases)?;
    let (api, engine) = deployment.serve(catalogue, rules)?;
    let mut services = Services::start(&deployment.settings, &engine, deployment.databases.writes.as_ref());
    let current = Arc::new(Current::new(api));
    // Before anybody is told that it listens: from then on it is asked to stop, not killed.
    let mut signals = StopSignals::listen().map_err(no_signals)?;
    let serving = http::serve(current.clone(), probes.clone(), public, admin, limits(&deployment.settings))
        .map_err(|error| vec![format!("cannot serve: {error}")])?;
    match &changes {
        None => signals.next().await,
        Some(changes) => tokio::select! {
            () = signals.next() => {}
            () = watch::follow(changes, &deployment, &mut services, &current, &probes) => {}
        },
    }
    drain::pause(&probes, deployment.settings.http.drain_ms, &mut signals).await;
    drain::stop(serving, services.commands, &mut signals).await;
    Ok(())
}

fn no_signals(error: std::io::Error) -> Refusals {
    vec![format!("cannot wait for signals: {error}")]
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

/// `trine openapi`: the document of the deployment that would be served; touches no database.
pub fn print_openapi(settings: Settings) -> ExitCode {
    let rendered = schema::load(&settings).and_then(|catalogue| {
        let plan = settings.role.plan();
        let routes = Routes::new(&catalogue, &plan)?;
        let listed: Vec<String> = settings.writes.methods.keys().cloned().collect();
        let asks_for_credentials = settings.auth.mode != AuthMode::None;
        let scope = Scope {
            catalogue: &catalogue,
            routes: &routes,
            plan: &plan,
            listed: &listed,
            asks_for_credentials,
            has_peers: settings.peers.secret.is_some(),
        };
        Ok(openapi::render(&scope))
    });
    match rendered {
        Ok(document) => {
            // Whoever reads may stop before the end (`| head`): no failure of ours.
            let _ = writeln!(std::io::stdout(), "{document:#}");
            ExitCode::SUCCESS
        }
        Err(refusals) => refuse(&refusals),
    }
}

/// Whether the schema could be served as configured; touches no database.
pub fn check(settings: &Settings) -> Result<(), Vec<String>> {
    schema::servable(settings, &schema::load(settings)?).map(drop)
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
