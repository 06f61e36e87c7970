//! A deployment of the bundled schema on a database file of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;
use trine::auth::Authenticator;
use trine::commands::{Engine, EngineParts, MethodModes, Modes, Registry};
use trine::events::signature::Secrets;
use trine::events::tokens::Tokens;
use trine::flags::Flags;
use trine::http::cors::{Cors, Origin};
use trine::http::{Api, Check, Current, Limits, Probes, Serving, Settings, serve};
use trine::role::Role;
use trine::schema::{Catalogue, load};
use trine::store::{DatabaseUrl, OpenOptions, ReadStore, WriteStore};
use trine::telemetry::metrics::{Metrics, install};

pub struct Server {
    serving: Option<Serving>,
    pub probes: Arc<Probes>,
    directory: Arc<TempDir>,
    setting: Setting,
}

/// What a deployment is told beside its role.
#[derive(Clone)]
pub struct Setting {
    /// The trees of its schema, from the repository's root.
    pub proto: &'static [&'static str],
    /// With which other roles may call.
    pub secrets: Option<Secrets>,
    pub authenticator: Arc<Authenticator>,
    /// Its rules.
    pub register: fn(&mut Registry),
}

impl Default for Setting {
    fn default() -> Self {
        let authenticator = Arc::new(Authenticator::open());
        Self { proto: &["proto"], secrets: None, authenticator, register: trine::domains::register }
    }
}

impl Server {
    pub fn monolith() -> Self {
        Self::monolith_of(Setting::default())
    }

    /// A monolith that other roles may call with this secret.
    pub fn monolith_of_peers(secrets: Option<Secrets>) -> Self {
        Self::monolith_of(Setting { secrets, ..Setting::default() })
    }

    pub fn monolith_of(setting: Setting) -> Self {
        Self::monolith_in(Arc::new(tempfile::tempdir().expect("a directory")), setting)
    }

    /// On the file that is in this directory, if there is one.
    pub fn monolith_in(directory: Arc<TempDir>, setting: Setting) -> Self {
        let catalogue = setting.catalogue();
        let url = database(directory.path());
        let writes = WriteStore::open(&url, options(), &catalogue).expect("a primary");
        let reads = ReadStore::open(&url, options(), false).expect("a primary");
        let engine = engine(&setting, &catalogue, reads.clone(), Some(writes));
        Self::start(directory, Role::Monolith, setting, reads, engine)
    }

    /// A second deployment of the same file that only reads.
    pub fn nanoservice(&self) -> Self {
        let catalogue = self.setting.catalogue();
        let reads = ReadStore::open(&database(self.directory.path()), options(), true).expect("a replica");
        let engine = engine(&self.setting, &catalogue, reads.clone(), None);
        Self::start(self.directory.clone(), Role::Nanoservice, self.setting.clone(), reads, engine)
    }

    fn start(
        directory: Arc<TempDir>,
        role: Role,
        setting: Setting,
        reads: ReadStore,
        engine: Engine,
    ) -> Self {
        let catalogue = setting.catalogue();
        let settings = Settings {
            plan: role.plan(),
            max_body_bytes: 1 << 20,
            max_peer_body_bytes: 16 << 20,
            request_timeout_ms: 1000,
            consistency_wait_ms: 50,
            token_time_to_live_s: 60,
            token_secret: None,
            log_requests: true,
            cors: Cors { origins: vec![origin("https://app.example.com")] },
            listed_methods: Vec::new(),
        };
        let health = reads.clone();
        let checks = vec![Check { name: "database", health: Box::new(move || health.health()) }];
        let probes = Arc::new(Probes {
            role,
            checks,
            metrics: metrics(),
            schema_digest: arc_swap::ArcSwap::from_pointee(catalogue.digest.clone()),
            draining: false.into(),
        });
        let authenticator = setting.authenticator.clone();
        let api = Api::new(catalogue, reads, Arc::new(engine), authenticator, settings)
            .expect("no two routes of one path");
        let listener = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        let limits = Limits { workers: 2, ..Limits::default() };
        let serving = serve(Arc::new(Current::new(api)), probes.clone(), listener(), listener(), limits)
            .expect("listeners");
        Self { serving: Some(serving), probes, directory, setting }
    }

    pub fn address(&self) -> SocketAddr {
        self.serving.as_ref().expect("running").public
    }

    pub fn admin(&self) -> SocketAddr {
        self.serving.as_ref().expect("running").admin
    }

    /// Drains, as on SIGTERM.
    pub fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(serving.stop()).expect("a clean end");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn engine(
    setting: &Setting,
    catalogue: &Arc<Catalogue>,
    reads: ReadStore,
    writes: Option<WriteStore>,
) -> Engine {
    let mut registry = Registry::default();
    (setting.register)(&mut registry);
    Engine::new(EngineParts {
        catalogue: catalogue.clone(),
        rules: registry.checked(catalogue).expect("a rule for each command"),
        reads: reads.clone(),
        writes,
        requests: None,
        microservice: None,
        monolith: None,
        secrets: setting.secrets.clone(),
        modes: Modes::new(MethodModes::new(), Flags::fixed([])),
        tokens: Tokens::new(reads, None, 60),
        idempotency_keep_hours: 24,
    })
}

impl Setting {
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let paths: Vec<PathBuf> = self.proto.iter().map(|tree| root.join(tree)).collect();
        Arc::new(load(&paths, &["*".to_owned()]).expect("a schema that can be served"))
    }
}

pub fn database(directory: &Path) -> DatabaseUrl {
    DatabaseUrl::Sqlite(directory.join("trine.db"))
}

pub fn options() -> OpenOptions {
    OpenOptions {
        connections: 2,
        read_timeout_ms: 1000,
        write_timeout_ms: 1000,
        lock_timeout_ms: 500,
        queue_length_max: 1000,
        batch_length_max: 64,
    }
}

/// One recorder a process.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| install().expect("the first recorder")).clone()
}

fn origin(text: &str) -> Origin {
    Origin::try_from(text.to_owned()).expect("an origin")
}
