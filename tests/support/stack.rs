//! A whole deployment on PostgreSQL: primary, streaming replica, and the three roles.

use std::net::SocketAddr;
use std::process::Command;

use super::http::Api;
use super::postgres::Cluster;
use super::process::free_address;
use super::trine::{Launch, Trine};
use super::wait::{PATIENCE, wait_until};

pub const PEER_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const DATABASE: &str = "blog";
const OWNER: &str = "blog_owner";
const READER: &str = "blog_reader";

/// Where everything will listen, fixed before anything starts: the roles must know each other.
#[derive(Clone, Copy)]
pub struct Addresses {
    pub monolith: (SocketAddr, SocketAddr),
    pub nanoservice: (SocketAddr, SocketAddr),
    pub microservice: (SocketAddr, SocketAddr),
}

impl Addresses {
    pub fn choose() -> Self {
        let pair = || (free_address(), free_address());
        Self { monolith: pair(), nanoservice: pair(), microservice: pair() }
    }
}

/// PostgreSQL with a database for the monolith's login and a replica that a second login may only read.
pub struct Databases {
    pub primary: Cluster,
    pub replica: Cluster,
}

impl Databases {
    pub fn start() -> Self {
        let primary = Cluster::start();
        for login in [OWNER, READER] {
            primary.sql(&format!("CREATE ROLE {login} LOGIN"));
        }
        primary.sql(&format!("CREATE DATABASE {DATABASE} OWNER {OWNER}"));
        let replica = primary.replica();
        Self { primary, replica }
    }

    pub fn primary_url(&self) -> String {
        self.primary.url_of(OWNER, DATABASE)
    }

    /// The replica, as the login that may only read.
    pub fn replica_url(&self) -> String {
        self.replica.url_of(READER, DATABASE)
    }

    /// The replica, as the login that could write if it were let near the primary.
    pub fn replica_url_of_owner(&self) -> String {
        self.replica.url_of(OWNER, DATABASE)
    }

    /// What `trine grants` prints, carried out; a running monolith has made the tables before.
    pub fn grant(&self, role: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
        let output = command.args(["grants", "--role", role, "--user", READER]).output().expect("trine runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sql = String::from_utf8(output.stdout).expect("UTF-8");
        self.primary.sql_in(&self.primary.url_of("postgres", DATABASE), &sql);
        self.wait_caught_up();
    }

    /// Waits until the replica has replayed all that the primary has written until now.
    pub fn wait_caught_up(&self) {
        let position = self.primary.sql("SELECT pg_current_wal_lsn()");
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
        wait_until("the replica has caught up", PATIENCE, || self.replica.sql(&sql) == "t");
    }
}

/// Options that a test adds to each role.
#[derive(Clone, Default)]
pub struct Options {
    /// `writes.methods` of the monolith: `("blog.v1.Entry.Create", "async")`.
    pub methods: Vec<(&'static str, String)>,
    /// For the monolith alone.
    pub monolith: Vec<(&'static str, String)>,
    /// For the nanoservice and the microservice: both read the replica.
    pub readers: Vec<(&'static str, String)>,
    /// Where the microservice thinks that the monolith is; a proxy, for instance.
    pub monolith_seen_by_microservice: Option<SocketAddr>,
    /// The microservice's own database; a SQLite file when absent.
    pub events: Option<String>,
    pub addresses: Option<Addresses>,
}

impl Options {
    pub fn method(mut self, method: &'static str, setting: &str) -> Self {
        self.methods.push((method, setting.to_owned()));
        self
    }

    pub fn monolith(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.monolith.push((key, value.into()));
        self
    }
}

/// Field order is drop order: servers before their databases.
pub struct Stack {
    pub monolith: Trine,
    pub nanoservice: Trine,
    pub microservice: Trine,
    pub databases: Databases,
    /// Holds the microservice's SQLite file.
    pub home: tempfile::TempDir,
}

impl Stack {
    pub fn start(options: &Options) -> Self {
        let databases = Databases::start();
        let home = tempfile::Builder::new().prefix("trine-stack-").tempdir().expect("temporary directory");
        let addresses = options.addresses.unwrap_or_else(Addresses::choose);
        let monolith = monolith_launch(options, &databases, addresses).ready();
        databases.grant("nanoservice");
        let nanoservice = nanoservice_launch(options, &databases, addresses).ready();
        let events = options
            .events
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", home.path().join("events.db").display()));
        let microservice = microservice_launch(options, &databases, addresses, &events).ready();
        Self { monolith, nanoservice, microservice, databases, home }
    }

    pub fn api(&self) -> Api {
        self.monolith.api()
    }

    /// Every role ready, as its own `/readyz` tells.
    pub fn wait_ready(&self) {
        for server in [&self.monolith, &self.nanoservice, &self.microservice] {
            server.wait_ready();
        }
    }
}

/// The monolith decides the mode, perhaps by a flag.
fn with_methods(mut launch: Launch, options: &Options) -> Launch {
    for (method, setting) in &options.methods {
        launch = launch.set(&method_key(method), setting);
    }
    launch
}

/// The microservice is told which methods are its own, whatever the flag says today.
fn with_listed_methods(mut launch: Launch, options: &Options) -> Launch {
    for (method, setting) in &options.methods {
        let mode = if setting.contains("forward") { "forward" } else { "async" };
        launch = launch.set(&method_key(method), mode);
    }
    launch
}

pub fn method_key(method: &str) -> String {
    format!("writes.methods.\"{method}\"")
}

fn with(launch: Launch, values: &[(&'static str, String)]) -> Launch {
    values.iter().fold(launch, |launch, (key, value)| launch.set(key, value))
}

fn monolith_launch(options: &Options, databases: &Databases, addresses: Addresses) -> Launch {
    let (public, admin) = addresses.monolith;
    let launch = Launch::role("monolith")
        .listen(public, admin)
        .argument("--database", &databases.primary_url())
        .set("peers.microservice", format!("http://{}", addresses.microservice.0))
        .set("peers.secret", PEER_SECRET);
    with(with_methods(launch, options), &options.monolith)
}

fn nanoservice_launch(options: &Options, databases: &Databases, addresses: Addresses) -> Launch {
    let (public, admin) = addresses.nanoservice;
    let launch =
        Launch::role("nanoservice").listen(public, admin).argument("--replica", &databases.replica_url());
    with(launch, &options.readers)
}

fn microservice_launch(
    options: &Options,
    databases: &Databases,
    addresses: Addresses,
    events: &str,
) -> Launch {
    let (public, admin) = addresses.microservice;
    let monolith = options.monolith_seen_by_microservice.unwrap_or(addresses.monolith.0);
    let launch = Launch::role("microservice")
        .listen(public, admin)
        .argument("--replica", &databases.replica_url())
        .argument("--events-database", events)
        .set("peers.monolith", format!("http://{monolith}"))
        .set("peers.secret", PEER_SECRET);
    with(with_listed_methods(launch, options), &options.readers)
}
