//! Deployments of the example domain on SQLite or PostgreSQL, without their HTTP listeners.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use trine::commands::engine::Background;
use trine::commands::{Engine, EngineParts, Invocation, MethodModes, Modes, Registry, Reply};
use trine::domains;
use trine::events::peer::Peer;
use trine::events::signature::Secrets;
use trine::events::tokens::Tokens;
use trine::flags::Flags;
use trine::model::{
    Answer, AnswerPlan, Change, Deadline, Fingerprint, Idempotency, IdempotencyKey, Key, Mutation, Operation,
    OperationState, Precondition, Principal, ResourceRef, Result, Sight, Stored, TypeName, WriteSet,
};
use trine::query::ListQuery;
use trine::schema::{self, Catalogue};
use trine::store::request_log::Work;
use trine::store::{DatabaseUrl, OpenOptions, ReadStore, RequestStore, WriteStore};

use super::listener::Listener;
use super::support::stack::Databases;

pub const PUBLISH: &str = "blog.v1.BlogService.Publish";

pub const OPTIONS: OpenOptions = OpenOptions {
    connections: 2,
    read_timeout_ms: 1000,
    write_timeout_ms: 1000,
    lock_timeout_ms: 100,
    queue_length_max: 10_000,
    batch_length_max: 128,
};

/// One domain: its schema and where its databases are.
pub struct Domain {
    pub directory: TempDir,
    pub catalogue: Arc<Catalogue>,
    /// A primary and a streaming replica; without them both are one SQLite file.
    pub databases: Option<Databases>,
    /// Registered after the domain's own rules, and in their place.
    pub rules: fn(&mut Registry),
}

impl Domain {
    pub fn on_postgres() -> Self {
        Self { databases: Some(Databases::start()), ..Self::new() }
    }

    pub fn new() -> Self {
        let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
        let catalogue = schema::load(&[protos], &["*".to_owned()]).expect("the bundled schema loads");
        Self {
            directory: TempDir::new().expect("a directory"),
            catalogue: Arc::new(catalogue),
            databases: None,
            rules: |_| {},
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn primary(&self) -> DatabaseUrl {
        match &self.databases {
            Some(databases) => DatabaseUrl::Postgres(databases.primary_url()),
            None => DatabaseUrl::Sqlite(self.file("primary.db")),
        }
    }

    fn replica(&self) -> DatabaseUrl {
        match &self.databases {
            Some(databases) => DatabaseUrl::Postgres(databases.replica_url()),
            None => self.primary(),
        }
    }

    /// The primary's stores; the first call makes the database.
    pub fn stores(&self) -> (ReadStore, WriteStore) {
        let writes = WriteStore::open(&self.primary(), OPTIONS, &self.catalogue).expect("the primary opens");
        let reads = ReadStore::open(&self.primary(), OPTIONS, false).expect("the primary opens");
        (reads, writes)
    }

    pub fn parts(&self, reads: &ReadStore, methods: &str) -> EngineParts {
        let mut registry = Registry::default();
        domains::register(&mut registry);
        (self.rules)(&mut registry);
        let methods: MethodModes = toml::from_str(methods).expect("modes parse");
        EngineParts {
            catalogue: self.catalogue.clone(),
            rules: registry.checked(&self.catalogue).unwrap_or_else(|problems| panic!("{problems:?}")),
            reads: reads.clone(),
            writes: None,
            requests: None,
            microservice: None,
            monolith: None,
            secrets: None,
            modes: Modes::new(methods, Flags::default()),
            tokens: Tokens::new(reads.clone(), None, 60),
            idempotency_keep_hours: 24,
        }
    }
}

pub fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// `key` makes the request idempotent; the fingerprint is that of the text.
pub fn invocation(method: &str, work: Work, key: Option<&str>) -> Invocation {
    let idempotency = key.map(|key| Idempotency {
        key: IdempotencyKey {
            principal: "anonymous".to_owned(),
            scope: format!("POST {method}"),
            key: key.to_owned(),
        },
        fingerprint: Fingerprint([7; 32]),
    });
    Invocation {
        method: method.to_owned(),
        work,
        principal: Principal::anonymous(),
        idempotency,
        position: None,
        request_id: "test".to_owned(),
        traceparent: None,
        prefers_async: false,
        validate_only: false,
        deadline: deadline(),
    }
}

pub fn publish(user: &str, title: &str, key: Option<&str>) -> Invocation {
    let request = json!({ "user": user, "entry": { "title": title } }).to_string();
    invocation(PUBLISH, Work::Rule(request), key)
}

pub fn create_user(id: &str, daily_entry_limit: i32) -> Invocation {
    let document = json!({ "displayName": id, "dailyEntryLimit": daily_entry_limit });
    let resource = ResourceRef { kind: TypeName::new("blog.v1.User"), key: Key::new(id) };
    let change = Change::Create(serde_json::from_value(document).expect("a document"));
    let write_set = WriteSet {
        mutations: vec![Mutation { resource, precondition: Precondition::None, change }],
        answer: AnswerPlan::Resource { mutation: 0, created: true },
        idempotency: None,
        operation: None,
        principal: Default::default(),
        request_id: String::new(),
        traceparent: None,
        validate_only: false,
    };
    invocation("blog.v1.User.Create", Work::WriteSet(Box::new(write_set)), None)
}

pub fn answered(reply: Result<Reply>) -> (Answer, bool) {
    match reply.expect("the write is done") {
        Reply::Done { answer, replayed, .. } => (answer, replayed),
        Reply::Accepted { operation } => panic!("accepted as {operation:?}"),
    }
}

/// What the primary says of a user, and the entries it has.
pub async fn user_and_entries(domain: &Domain, reads: &ReadStore, user: &str) -> (Value, Vec<Stored>) {
    let kind = |name: &str| domain.catalogue.resource(&TypeName::new(name)).expect("a resource").clone();
    let read =
        reads.get(&kind("blog.v1.User"), &Key::new(user), &Sight::All, deadline()).await.expect("a read");
    let stored = read.value.expect("the user exists");
    let query = ListQuery::new(Some(user.to_owned()), Sight::All, 10_000);
    let entries = reads.list(&kind("blog.v1.Entry"), query, deadline()).await.expect("a list").value;
    (serde_json::from_str(&stored.document).expect("a document"), entries)
}

/// `sync` on the primary alone.
pub async fn monolith(domain: &Domain, daily_entry_limit: i32) -> (Engine, ReadStore) {
    let (reads, writes) = domain.stores();
    let engine = Engine::new(EngineParts { writes: Some(writes), ..domain.parts(&reads, "") });
    answered(engine.invoke(create_user("alice", daily_entry_limit)).await);
    (engine, reads)
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A monolith and a microservice of one domain that know each other.
pub struct Pair {
    pub domain: Domain,
    pub reads: ReadStore,
    writes: WriteStore,
    pub monolith: Arc<Engine>,
    pub monolith_listener: Listener,
    pub microservice: Arc<Engine>,
    pub microservice_listener: Listener,
    pub background: Background,
    methods: String,
}

pub fn secrets() -> Secrets {
    Secrets::parse(SECRET).expect("a secret")
}

fn peer(listener: &Listener) -> Option<Peer> {
    Some(Peer::new(&listener.url(), secrets()).expect("an address"))
}

impl Pair {
    /// `methods` is `writes.methods` of both.
    pub async fn start(methods: &str, daily_entry_limit: i32) -> Self {
        Self::start_on(Domain::new(), methods, daily_entry_limit).await
    }

    pub async fn start_on(domain: Domain, methods: &str, daily_entry_limit: i32) -> Self {
        let (reads, writes) = domain.stores();
        let (monolith_listener, microservice_listener) = (Listener::start(), Listener::start());
        let monolith = Arc::new(Engine::new(EngineParts {
            writes: Some(writes.clone()),
            microservice: peer(&microservice_listener),
            secrets: Some(secrets()),
            ..domain.parts(&reads, methods)
        }));
        monolith_listener.slot.put(Some(monolith.clone()));
        let user = create_user("alice", daily_entry_limit);
        let write_set = Invocation { method: "not.listed".to_owned(), ..user };
        answered(monolith.invoke(write_set).await);
        if let Some(databases) = &domain.databases {
            databases.grant("nanoservice");
        }
        let microservice = Arc::new(microservice(&domain, &monolith_listener, methods));
        microservice_listener.slot.put(Some(microservice.clone()));
        let background = microservice.start_background();
        let methods = methods.to_owned();
        Self {
            domain,
            reads,
            writes,
            monolith,
            monolith_listener,
            microservice,
            microservice_listener,
            background,
            methods,
        }
    }

    /// The same primary's writer, where everything is `sync`.
    pub fn sync_monolith(&self) -> Engine {
        let writes = Some(self.writes.clone());
        Engine::new(EngineParts { writes, ..self.domain.parts(&self.reads, "") })
    }

    /// Stops the microservice and starts another on the same events database.
    pub async fn restart_microservice(self) -> Self {
        self.background.stop().await;
        let microservice = Arc::new(microservice(&self.domain, &self.monolith_listener, &self.methods));
        self.microservice_listener.slot.put(Some(microservice.clone()));
        let background = microservice.start_background();
        Self { microservice, background, ..self }
    }

    pub async fn user_and_entries(&self) -> (Value, Vec<Stored>) {
        user_and_entries(&self.domain, &self.reads, "alice").await
    }

    /// Waits until the operation is done and returns it as the monolith tells it.
    pub async fn ended(&self, operation: &Operation) -> Operation {
        let ended = self.microservice.operation(&operation.id, 20_000, deadline()).await;
        assert_eq!(ended.expect("the operation is known").state, OperationState::Done);
        self.monolith.operation(&operation.id, 0, deadline()).await.expect("the primary knows the end")
    }
}

/// Reads the replica, or the primary's file, read only, as a nanoservice on the same host does.
fn microservice(domain: &Domain, monolith: &Listener, methods: &str) -> Engine {
    let replica = ReadStore::open(&domain.replica(), OPTIONS, true).expect("the replica opens");
    let events = DatabaseUrl::Sqlite(domain.file("events.db"));
    let requests = RequestStore::open(&events, OPTIONS).expect("the events database opens");
    Engine::new(EngineParts {
        requests: Some(requests),
        monolith: peer(monolith),
        secrets: Some(secrets()),
        ..domain.parts(&replica, methods)
    })
}

pub fn accepted(reply: Result<Reply>) -> Operation {
    match reply.expect("the write is accepted") {
        Reply::Accepted { operation } => operation,
        Reply::Done { answer, .. } => panic!("done at once: {answer:?}"),
    }
}
