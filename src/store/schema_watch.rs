//! Looks whether a database that is only read has what a schema is read by, until it has.
//!
//! A reader may be newer than the database: pushed first, or ahead of its replica. Its columns are filled and its
//! indexes are built by the monolith that brings its schema. Until then it is not ready, and the ingress asks
//! somebody else; after that nothing takes them away but a prune, which ends older schemas on purpose.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::backend::Database;
use super::handles::{DatabaseUrl, Health, OpenOptions};
use crate::model::Result;
use crate::schema::{Catalogue, storage};

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// The thread ends when all is there, or with the last clone.
#[derive(Clone)]
pub struct SchemaWatch {
    health: Arc<Mutex<Health>>,
}

impl SchemaWatch {
    /// Never fails because the database is away.
    pub fn start(url: &DatabaseUrl, options: OpenOptions, catalogue: Arc<Catalogue>) -> Result<Self> {
        let database = url.open(options)?;
        let nothing = Health::NotReady("the schema of the database was not seen yet".to_owned());
        let health = Arc::new(Mutex::new(nothing));
        let seen = Arc::downgrade(&health);
        std::thread::Builder::new()
            .name("schema".to_owned())
            .spawn(move || follow(database.as_ref(), &catalogue, &seen))
            .map_err(|error| crate::model::Error::internal(format!("no thread: {error}")))?;
        Ok(Self { health })
    }

    pub fn health(&self) -> Health {
        self.health.lock().clone()
    }
}

fn follow(database: &dyn Database, catalogue: &Catalogue, seen: &Weak<Mutex<Health>>) {
    loop {
        let health = look(database, catalogue);
        let Some(place) = seen.upgrade() else { return };
        let is_there = health == Health::Ready;
        let changed = std::mem::replace(&mut *place.lock(), health.clone()) != health;
        drop(place);
        if changed {
            tracing::info!(?health, "schema of the database");
        }
        if is_there {
            return;
        }
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}

fn look(database: &dyn Database, catalogue: &Catalogue) -> Health {
    match database.storage_catalogue() {
        Ok(stored) => match storage::missing(&stored, catalogue) {
            None => Health::Ready,
            Some(missing) => Health::NotReady(format!(
                "the database has not {missing} yet; start the monolith with this schema, or wait for its replica"
            )),
        },
        Err(error) => Health::NotReady(error.message),
    }
}
