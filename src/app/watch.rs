//! `--watch`: a changed `.proto` is served within a second; a broken one changes nothing but the log.
//!
//! For people at work on a schema, not for production: what is admitted on the way is a draft. A change
//! is loaded, checked, applied to the primary and served, in this order, so that the step that fails
//! leaves the schema before it in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::deployment::Deployment;
use super::services::Services;
use super::{Refusals, databases, schema};
use crate::http::{Current, Probes};
use crate::store::Admission;

/// Editors write a file in several steps; this long nothing may have happened before it is read.
const QUIET: Duration = Duration::from_millis(100);
/// And not longer than this, however busy the directory is.
const QUIET_MAX: Duration = Duration::from_millis(500);

/// Looks at the directories of `schema.paths` from its making on, so that nothing is missed in between.
pub struct Changes {
    happened: Arc<Notify>,
    /// Ends the looking when dropped.
    _watcher: RecommendedWatcher,
}

impl Changes {
    pub fn watch(paths: &[PathBuf]) -> Result<Self, Refusals> {
        let happened = Arc::new(Notify::new());
        let told = happened.clone();
        let tell = move |event: notify::Result<notify::Event>| {
            // Reading is not changing; an error may hide a change.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                told.notify_one();
            }
        };
        let failed = |error: notify::Error| vec![format!("--watch: schema.paths cannot be watched: {error}")];
        let mut watcher = notify::recommended_watcher(tell).map_err(failed)?;
        for path in paths {
            let (place, mode) = place(path);
            watcher.watch(place, mode).map_err(failed)?;
        }
        Ok(Self { happened, _watcher: watcher })
    }

    /// Returns when something has changed and nothing more does.
    async fn settled(&self) {
        self.happened.notified().await;
        let begin = Instant::now();
        while begin.elapsed() < QUIET_MAX
            && tokio::time::timeout(QUIET, self.happened.notified()).await.is_ok()
        {}
    }
}

/// A file is watched by its directory: many programs replace a file instead of writing into it.
fn place(path: &Path) -> (&Path, RecursiveMode) {
    match path.parent() {
        Some(parent) if path.is_file() => {
            let here = parent.as_os_str().is_empty();
            (if here { Path::new(".") } else { parent }, RecursiveMode::NonRecursive)
        }
        _ => (path, RecursiveMode::Recursive),
    }
}

/// Serves each schema that `changes` brings until it is dropped.
pub async fn follow(
    changes: &Changes,
    deployment: &Deployment,
    services: &mut Services,
    current: &Current,
    probes: &Probes,
) {
    loop {
        changes.settled().await;
        let begin = Instant::now();
        match reload(deployment, services, current, probes).await {
            Ok(None) => {}
            Ok(Some(digest)) => {
                let duration_ms = begin.elapsed().as_millis() as u64;
                tracing::info!(digest, duration_ms, "the changed schema is served");
            }
            Err(refusals) => {
                for refusal in refusals {
                    tracing::error!(refusal, "the schema changed and is not served; the one before it is");
                }
            }
        }
    }
}

/// The digest of the schema that is served now; none when it is the one that was served before.
async fn reload(
    deployment: &Deployment,
    services: &mut Services,
    current: &Current,
    probes: &Probes,
) -> Result<Option<String>, Refusals> {
    let settings = deployment.settings.clone();
    let loaded = tokio::task::spawn_blocking(move || {
        let catalogue = schema::load(&settings)?;
        schema::servable(&settings, &catalogue).map(|rules| (Arc::new(catalogue), rules))
    });
    let (catalogue, rules) = loaded.await.map_err(panicked)??;
    if *probes.schema_digest.load_full() == catalogue.digest {
        return Ok(None);
    }
    if let Some(writes) = deployment.databases.writes.clone() {
        let admitted = catalogue.clone();
        tokio::task::spawn_blocking(move || writes.admit(&admitted, Admission::Draft))
            .await
            .map_err(panicked)?
            .map_err(|error| vec![databases::of("database.primary")(error)])?;
    }
    let (api, engine) = deployment.serve(catalogue.clone(), rules)?;
    current.replace(api);
    probes.schema_digest.store(Arc::new(catalogue.digest.clone()));
    services.follow(&engine).await;
    Ok(Some(catalogue.digest.clone()))
}

fn panicked(error: tokio::task::JoinError) -> Refusals {
    vec![format!("a schema could not be read: {error}")]
}
