//! The handles a role is given, opened as its plan says.
//!
//! Also keeps the primary tidy. Invariant: a plan without a primary yields no `WriteStore`, so nothing downstream can write.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::config::{DatabaseSettings, Secret, Settings};
use crate::model::Error;
use crate::schema::Catalogue;
use crate::store::{
    Admission, Approached, DatabaseUrl, OpenOptions, ReadStore, RequestStore, SchemaWatch, WriteStore,
};

/// How often a primary forgets what is past its time and makes ready for the next hours.
const RETENTION_INTERVAL: Duration = Duration::from_secs(300);

#[derive(Clone)]
pub struct Databases {
    pub reads: ReadStore,
    pub writes: Option<WriteStore>,
    pub requests: Option<RequestStore>,
    /// Where the schema is brought by somebody else.
    pub schema: Option<SchemaWatch>,
}

/// Ends the retention of a primary when dropped.
pub struct Retention(Option<JoinHandle<()>>);

impl Drop for Retention {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Retention {
    /// Starts the retention of the primary, where there is one. Must be called within a runtime.
    pub fn start(settings: &Settings, writes: Option<&WriteStore>) -> Self {
        let keep_hours = settings.idempotency.keep_hours;
        let options = options(&settings.database);
        let primary = url(&settings.database.primary).zip(writes.cloned());
        Self(primary.map(|(primary, writes)| tokio::spawn(retain(primary, writes, options, keep_hours))))
    }
}

async fn retain(primary: DatabaseUrl, writes: WriteStore, options: OpenOptions, keep_hours: u32) {
    let mut ticks = tokio::time::interval(RETENTION_INTERVAL);
    let mut is_start = true;
    loop {
        // The first tick is at once, and a start has just made what the next hours need.
        ticks.tick().await;
        let skip = std::mem::take(&mut is_start);
        let (primary, writes) = (primary.clone(), writes.clone());
        let tidied = tokio::task::spawn_blocking(move || {
            if !skip {
                primary.retain(options, keep_hours)?;
            }
            writes.kept_answers().measure(|| primary.kept_answer_bytes(options))
        });
        match tidied.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, context = error.context, "retention"),
            Err(error) => tracing::error!(%error, "retention"),
        }
    }
}

/// The primary, if the configuration gives one: it is connected to while the schema is being read.
pub fn approach(settings: &Settings) -> Result<Option<Approached>, String> {
    let primary = url(&settings.database.primary);
    let approached = primary.map(|primary| primary.approach(options(&settings.database)));
    approached.transpose().map_err(of("database.primary"))
}

/// Opens what the configuration gives; `config` has made sure that it is what the plan allows.
/// A refusal names the key whose database it is.
pub fn open(
    settings: &Settings,
    approached: Option<Approached>,
    catalogue: &Arc<Catalogue>,
    admission: Admission,
) -> Result<Databases, String> {
    let options = options(&settings.database);
    let primary = url(&settings.database.primary);
    // The primary is prepared before it is read: its readers need the tables.
    let writes = approached
        .map(|primary| WriteStore::open_approached(primary, catalogue, admission))
        .transpose()
        .map_err(of("database.primary"))?;
    if let Some(writes) = &writes {
        writes.kept_answers().limit(settings.idempotency.max_bytes);
    }
    let replica = url(&settings.database.replica).filter(|_| primary.is_none());
    let schema = replica
        .as_ref()
        .map(|replica| {
            SchemaWatch::start(replica, options, catalogue.clone()).map_err(of("database.replica"))
        })
        .transpose()?;
    let reads = match (primary.zip(writes.as_ref()), replica) {
        (Some((primary, writes)), _) => {
            ReadStore::beside(writes, &primary, options).map_err(of("database.primary"))?
        }
        (None, Some(replica)) => ReadStore::open(&replica, options, true).map_err(of("database.replica"))?,
        (None, None) => return Err("database.replica: is missing".to_owned()),
    };
    let requests = url(&settings.database.events)
        .map(|events| RequestStore::open(&events, options).map_err(of("database.events")))
        .transpose()?;
    Ok(Databases { reads, writes, requests, schema })
}

/// At start the operator is the reader, so the private context is told too.
pub fn of(key: &'static str) -> impl Fn(Error) -> String {
    move |error| match error.context {
        Some(context) => format!("{key}: {} ({context})", error.message),
        None => format!("{key}: {}", error.message),
    }
}

pub fn options(database: &DatabaseSettings) -> OpenOptions {
    OpenOptions {
        connections: database.connections,
        read_timeout_ms: database.read_timeout_ms,
        write_timeout_ms: database.write_timeout_ms,
        lock_timeout_ms: database.lock_timeout_ms,
        queue_length_max: database.queue_length_max,
        batch_length_max: database.batch_length_max,
    }
}

pub fn url(text: &Option<Secret>) -> Option<DatabaseUrl> {
    text.as_ref().and_then(|text| DatabaseUrl::parse(&text.0).ok())
}
