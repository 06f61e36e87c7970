//! A fresh database with both handles open on it.

use std::any::Any;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use trine::model::{Deadline, Key, Result, Sight, Stored, TypeName, WriteSet};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{Committed, DatabaseUrl, Health, OpenOptions, ReadStore, WriteStore};

pub type Factory = fn() -> TestDatabase;

/// An empty database of one's own.
pub struct TestDatabase {
    pub url: DatabaseUrl,
    /// What must live as long: a directory, a server.
    #[allow(dead_code, reason = "kept for its destructor")]
    pub keep: Box<dyn Any + Send + Sync>,
}

pub struct Fixture {
    pub write: WriteStore,
    pub read: ReadStore,
    pub database: TestDatabase,
}

impl Fixture {
    pub fn open(database: TestDatabase) -> Self {
        Self::with_options(database, options())
    }

    pub fn with_options(database: TestDatabase, options: OpenOptions) -> Self {
        let write = WriteStore::open(&database.url, options, catalogue()).unwrap();
        let read = ReadStore::open(&database.url, options, false).unwrap();
        Self { write, read, database }
    }

    pub async fn commit(&mut self, write_set: WriteSet) -> Result<Committed> {
        self.write.commit(write_set, deadline()).await
    }

    pub async fn get(&self, kind: &Arc<ResourceType>, key: &Key) -> Option<Stored> {
        self.read.get(kind, key, &Sight::All, deadline()).await.unwrap().value
    }

    /// Ends the lanes; the database stays.
    pub fn close(self) -> TestDatabase {
        self.database
    }
}

pub fn options() -> OpenOptions {
    OpenOptions {
        connections: 2,
        read_timeout_ms: 5000,
        write_timeout_ms: 5000,
        lock_timeout_ms: 1000,
        queue_length_max: 4096,
        batch_length_max: 64,
    }
}

pub fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

/// The bundled blog.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let proto = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proto");
        load(&[proto], &["*".to_owned()]).unwrap()
    })
}

pub fn users() -> &'static Arc<ResourceType> {
    catalogue().resource(&TypeName::new("blog.v1.User")).unwrap()
}

pub fn entries() -> &'static Arc<ResourceType> {
    catalogue().resource(&TypeName::new("blog.v1.Entry")).unwrap()
}

/// Waits until the store says that it is ready; the test runner's own limit ends a wait that is in vain.
pub async fn until_ready(read: &ReadStore) {
    while read.health() != Health::Ready {
        tokio::task::yield_now().await;
    }
}
