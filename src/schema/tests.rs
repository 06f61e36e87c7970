//! The schema as a whole: what is read, what is refused, how documents travel.

mod chains;
mod constraints;
mod documents;
mod evolution;
mod loading;
mod masks;
mod messages;
mod mistakes;
mod random;
mod request_rules;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::{Catalogue, ResourceType, SchemaProblem, load};
use crate::model::{Key, Stored, Timestamp, TypeName, Version};

fn tree(path: &str) -> Catalogue {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    load(&[path], &["*".to_owned()]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Loads files written for one test.
fn load_text(files: &[(&str, &str)]) -> Result<Catalogue, Vec<SchemaProblem>> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        std::fs::write(path, text).expect("written");
    }
    load(&[directory.path().to_owned()], &["*".to_owned()])
}

fn book() -> Arc<ResourceType> {
    static LIBRARY: OnceLock<Catalogue> = OnceLock::new();
    let catalogue = LIBRARY.get_or_init(|| tree("tests/fixtures/library"));
    Arc::clone(catalogue.resource(&TypeName::new("example.library.v1.Book")).expect("there is a book"))
}

fn stored(kind: &ResourceType, key: &str, document: &str) -> Stored {
    Stored {
        kind: kind.name.clone(),
        key: Key::new(key),
        version: Version(7),
        create_time: Timestamp::from_stored("2026-11-21T09:14:00.000000000Z"),
        update_time: Timestamp::from_stored("2026-11-21T09:14:00.120000000Z"),
        delete_time: None,
        purge_time: None,
        schema_id: 1,
        document: document.to_owned(),
    }
}
