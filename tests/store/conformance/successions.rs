//! What one schema's rows are to the binaries of another: deleted, owned, served by neither.

use serde_json::json;
use trine::model::{Change, Deletion, Key, Precondition, Scalar, Sight};
use trine::query::{After, ListQuery, OrderBy};
use trine::schema::Catalogue;

use super::fixture::{Factory, TestDatabase, deadline};
use super::histories::{Monolith, item, items, shop};
use super::write_sets::{mutation, write_set};

/// Deletes softly, in a shop with an index over the time.
fn soft(rest: &str) -> Catalogue {
    let field = "google.protobuf.Timestamp delete_time = 5 [(trine.v1.index) = true];";
    shop(&format!("{field} {rest}"), "import \"google/protobuf/timestamp.proto\";")
}

async fn change(shop: &Monolith, id: &str, change: Change) {
    let write_set = write_set(vec![mutation(item(id), Precondition::None, change)]);
    shop.write.commit(write_set, deadline()).await.unwrap();
}

/// Given deleted rows among living ones, when all are listed by the time of their deletion, then the living ones,
/// which have none, come too, page by page.
pub async fn what_lives_is_listed_by_delete_time_too(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let shop = Monolith::start(&url, soft("string title = 2;"));
    for id in ["a", "b", "c", "d", "e"] {
        shop.create(id, json!({})).await.unwrap();
    }
    change(&shop, "b", Change::delete(Deletion::default())).await;
    change(&shop, "d", Change::delete(Deletion::default())).await;
    let kind = items(&shop.catalogue);
    let order = vec![OrderBy { column: super::lists::column(kind, "delete_time"), descending: true }];
    let mut query = ListQuery { order, show_deleted: true, ..super::lists::query(Some(""), 2) };
    let mut found = Vec::new();
    loop {
        let page = shop.read.list(kind, query.clone(), deadline()).await.unwrap().value;
        found.extend(page.iter().map(|row| row.key.as_str().to_owned()));
        let Some(last) = page.last() else { break };
        let time = last.delete_time.as_ref().map(|time| Scalar::Text(time.as_str().to_owned()));
        query.after = Some(After { values: vec![time.unwrap_or(Scalar::Null)], key: last.key.clone() });
    }
    assert_eq!(found.len(), 5, "{found:?}");
    found.sort();
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
}
