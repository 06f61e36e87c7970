//! What an answer shows of rows that others wrote: newer binaries, and whoever wrote past the API.

use std::sync::Arc;

use serde_json::{Value, json};
use trine::model::{Key, Sight, TypeName};
use trine::schema::{Catalogue, ResourceType};
use trine::store::{Admission, ReadStore, WriteStore};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::write_sets::{create, set, update, write_set};
use super::zoo::{FIELDS, beast, zoo};
use crate::sql::Sql;

fn beasts(catalogue: &Catalogue) -> Arc<ResourceType> {
    catalogue.resource(&TypeName::new("zoo.v1.Beast")).unwrap().clone()
}

async fn shown(database: &TestDatabase, kind: &Arc<ResourceType>) -> Value {
    let read = ReadStore::open(&database.url, options(), false).unwrap();
    let stored =
        read.get(kind, &Key::child("ann", "leo"), &Sight::All, deadline()).await.unwrap().value.unwrap();
    let mut shown: Value = serde_json::from_str(&kind.render_json(&stored)).unwrap();
    kind.to_message(&stored).expect("binary clients read it too");
    let object = shown.as_object_mut().unwrap();
    for own in ["name", "createTime", "updateTime", "etag"] {
        object.remove(own).unwrap();
    }
    shown
}

/// Given a resource of a newer schema, when an older binary reads it, then it shows what it knows, and
/// what the newer one wrote is still there.
pub async fn an_older_binary_shows_only_its_own_fields(fresh: Factory) {
    let database = fresh();
    let (old, new) = (zoo("", FIELDS), zoo("", &format!("{FIELDS} string colour = 34; Home den = 35;")));
    let write = WriteStore::open(&database.url, options(), &new).unwrap();
    let document = json!({ "title": "Leo", "colour": "red", "den": { "city": "Bern" } });
    write.commit(write_set(vec![create(beast("leo"), document.clone())]), deadline()).await.unwrap();
    assert_eq!(shown(&database, &beasts(&old)).await, json!({ "title": "Leo" }));
    assert_eq!(shown(&database, &beasts(&new)).await, document);
    // Also once it was looked at, and through a second reader.
    assert_eq!(shown(&database, &beasts(&old)).await, json!({ "title": "Leo" }));
}

/// Given rows of older schemas that the current one adds to, then they are shown as they are.
pub async fn a_newer_binary_shows_older_rows(fresh: Factory) {
    let database = fresh();
    let (old, new) = (zoo("", FIELDS), zoo("", &format!("{FIELDS} string colour = 34;")));
    let write = WriteStore::open(&database.url, options(), &old).unwrap();
    let document = json!({ "title": "Leo", "weight": "7", "tags": ["a"], "home": { "area": "1" } });
    write.commit(write_set(vec![create(beast("leo"), document.clone())]), deadline()).await.unwrap();
    write.admit(&new, Admission::Permanent).unwrap();
    assert_eq!(shown(&database, &beasts(&new)).await, document);
}

/// Given a row that somebody wrote past the API, then what fits is shown in its one form, the rest is left
/// out, and an update through the API does not make the row trusted.
pub async fn a_row_written_past_the_api_is_read_with_care(fresh: Factory) {
    let database = fresh();
    let catalogue = zoo("", FIELDS);
    let kind = beasts(&catalogue);
    let write = WriteStore::open(&database.url, options(), &catalogue).unwrap();
    write.commit(write_set(vec![create(beast("leo"), json!({}))]), deadline()).await.unwrap();
    let mut sql = Sql::open(&database.url);
    let table = if sql.is_sqlite() { "`zoo.v1.Beast`" } else { "trine.\"zoo.v1.Beast\"" };
    let document = r#"{"title": "Leo", "legs": "4", "weight": 7, "tame": 1, "diet": "NOTHING", "tags": [1, "a"],
        "born": "2026-11-21T10:14:00+01:00", "home": {"city": 5, "area": "3"}, "name": "forged", "etag": "x",
        "secret": "s", "bred": "a", "caught": "b", "unknown": {"a": 1}, "age": null}"#;
    sql.run(&format!("UPDATE {table} SET schema_id = 0, doc = '{document}'")).unwrap();
    let known = json!({
        "title": "Leo", "legs": 4, "weight": "7", "born": "2026-11-21T09:14:00Z", "home": { "area": "3" },
        "bred": "a"
    });
    assert_eq!(shown(&database, &kind).await, known);

    let title = update(beast("leo"), vec![set("title", json!("Leonie"))]);
    let committed = write.commit(write_set(vec![title]), deadline()).await.unwrap();
    let mut known = known;
    known["title"] = json!("Leonie");
    assert_eq!(shown(&database, &kind).await, known);
    let answer: Value =
        serde_json::from_str(&kind.render_json(committed.results[0].as_ref().unwrap())).unwrap();
    assert_eq!(
        (&answer["title"], answer.get("unknown"), answer.get("secret")),
        (&json!("Leonie"), None, None)
    );
}
