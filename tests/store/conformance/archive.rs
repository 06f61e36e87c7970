//! The archive: a fixture whose folders are deleted softly, with parents and children that are not.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use serde_json::json;
use trine::model::{Change, Deletion, Key, Mutation, Precondition, ResourceRef, Stored, TypeName, WriteSet};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::{DatabaseUrl, ReadStore, WriteStore};

use super::fixture::{Factory, Fixture, options};
use super::write_sets::{create, mutation, set, update, write_set};
use crate::support::shared;

pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let proto = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archive");
        load(&[proto], &["archive.v1".to_owned()]).unwrap()
    })
}

pub fn open(fresh: Factory) -> Fixture {
    let database = fresh();
    let write = WriteStore::open(&database.url, options(), catalogue()).unwrap();
    let read = ReadStore::open(&database.url, options(), false).unwrap();
    Fixture { write, read, database }
}

fn kind(name: &str) -> &'static Arc<ResourceType> {
    catalogue().resource(&TypeName::new(name)).unwrap()
}

pub fn cabinets() -> &'static Arc<ResourceType> {
    kind("archive.v1.Cabinet")
}

pub fn folders() -> &'static Arc<ResourceType> {
    kind("archive.v1.Folder")
}

pub fn pages() -> &'static Arc<ResourceType> {
    kind("archive.v1.Page")
}

fn resource(kind: &ResourceType, key: &str) -> ResourceRef {
    ResourceRef { kind: kind.name.clone(), key: Key::new(key) }
}

pub fn cabinet(key: &str) -> ResourceRef {
    resource(cabinets(), key)
}

pub fn folder(key: &str) -> ResourceRef {
    resource(folders(), key)
}

pub fn page(key: &str) -> ResourceRef {
    resource(pages(), key)
}

pub fn create_folder(key: &str, code: &str) -> Mutation {
    create(folder(key), json!({ "title": key, "code": code }))
}

pub fn create_page(key: &str) -> Mutation {
    create(page(key), json!({ "text": "…" }))
}

pub fn retitle(key: &str) -> Mutation {
    update(folder(key), vec![set("title", json!("new"))])
}

pub fn undelete(resource: ResourceRef) -> Mutation {
    mutation(resource, Precondition::None, Change::Undelete)
}

pub fn delete_with(resource: ResourceRef, force: bool, allow_missing: bool) -> Mutation {
    mutation(resource, Precondition::None, Change::delete(Deletion { force, allow_missing }))
}

/// One write set a mutation.
pub fn one(mutation: Mutation) -> WriteSet {
    write_set(vec![mutation])
}

/// A cabinet `c`, its folder `c/f` with the code `7`, its page `c/f/p`.
pub async fn stocked(fresh: Factory) -> Fixture {
    let mut fixture = open(fresh);
    let stock = vec![create(cabinet("c"), json!({})), create_folder("c/f", "7"), create_page("c/f/p")];
    fixture.commit(write_set(stock)).await.unwrap();
    fixture
}

pub async fn get(fixture: &Fixture, resource: &ResourceRef) -> Option<Stored> {
    fixture.get(kind(resource.kind.as_str()), &resource.key).await
}

/// Turns the clock on: what was deleted is now past its purge time.
pub fn expire(fixture: &Fixture) {
    let set = |table: &str| {
        format!(
            "UPDATE {table} SET purge_time = '2020-01-01T00:00:00.000000000Z' WHERE purge_time IS NOT NULL"
        )
    };
    match &fixture.database.url {
        DatabaseUrl::Postgres(url) => drop(shared().sql_in(url, &set("trine.\"archive.v1.Folder\""))),
        DatabaseUrl::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(&path.display().to_string()).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            connection.batch_execute(&set("`archive.v1.Folder`")).unwrap();
        }
    }
}

/// What the monolith does every few minutes.
pub async fn retain(fixture: &Fixture) {
    let url = fixture.database.url.clone();
    tokio::task::spawn_blocking(move || url.retain(options(), 24)).await.unwrap().unwrap();
}
