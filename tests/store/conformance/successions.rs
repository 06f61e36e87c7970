//! What one schema's rows are to the binaries of another: deleted, owned, served by neither.

use std::path::Path;

use serde_json::json;
use trine::model::{Change, Deletion, Key, Precondition, Reason, ResourceRef, Scalar, Sight, TypeName};
use trine::query::{After, ListQuery, OrderBy};
use trine::schema::{Catalogue, load};

use super::fixture::{Factory, TestDatabase, deadline, options};
use super::histories::{Monolith, item, items, refusal, shop};
use super::write_sets::{document, mutation, set, write_set};

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

/// Given a soft deletion by a newer binary, then an older one, which knows of none, neither lists nor gets the row;
/// a schema that takes the time out is refused as long as a row is deleted.
pub async fn what_is_deleted_never_looks_alive(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let (first, gone) = ("string title = 2;", "string title = 2; reserved 5; reserved \"delete_time\";");
    let old = Monolith::start(&url, shop(first, ""));
    old.create("a", json!({ "title": "t" })).await.unwrap();
    drop(old);
    let new = Monolith::start(&url, soft(first));
    change(&new, "a", Change::delete(Deletion::default())).await;
    drop(new);
    let old = Monolith::start(&url, shop(first, ""));
    assert_eq!(old.found("").await, Vec::<String>::new());
    let kind = items(&old.catalogue);
    let one = old.read.get(kind, &Key::new("a"), &Sight::All, deadline()).await.unwrap().value;
    let keys = vec![Key::new("a")];
    let several = old.read.get_several(kind, keys, &Sight::All, deadline()).await.unwrap().value;
    assert_eq!((one, several), (None, vec![None]));
    drop(old);
    let refused = refusal(&url, shop(gone, ""));
    assert!(refused.contains("(are deleted softly: 1 row: `items/a`)"), "{refused}");

    let new = Monolith::start(&url, soft(first));
    change(&new, "a", Change::Undelete).await;
    drop(new);
    drop(Monolith::start(&url, shop(gone, "")));
}

/// Given a newer schema without `delete_time`, then a binary of the older one, which has it, still deletes so that
/// the row can be brought back.
pub async fn an_older_binary_still_deletes_softly(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let (first, gone) = ("string title = 2;", "string title = 2; reserved 5; reserved \"delete_time\";");
    let old = Monolith::start(&url, soft(first));
    old.create("a", json!({ "title": "t" })).await.unwrap();
    drop(old);
    drop(Monolith::start(&url, shop(gone, "")));
    let old = Monolith::start(&url, soft(first));
    change(&old, "a", Change::delete(Deletion::default())).await;
    assert_eq!(old.found("").await, Vec::<String>::new());
    change(&old, "a", Change::Undelete).await;
    assert_eq!(old.found("").await, ["a"]);
}

/// Given a schema that has given up `delete_time`, when its clients delete, then the id stays taken for the older schema's
/// sake, and whoever wants it is told of the prune; the next schema is admitted all the same, and after the prune
/// deletions are for good.
pub async fn what_the_newest_cannot_bring_back_goes_with_a_prune(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let gone = "string title = 2; reserved 5; reserved \"delete_time\";";
    let next = || shop(&format!("{gone} string more = 6;"), "");
    drop(Monolith::start(&url, soft("string title = 2;")));
    let new = Monolith::start(&url, shop(gone, ""));
    for id in ["a", "b"] {
        new.create(id, json!({})).await.unwrap();
        change(&new, id, Change::Delete).await;
    }
    let taken = new.create("a", json!({})).await.unwrap_err();
    assert_eq!(taken.reason, Reason::AlreadyExists);
    assert!(taken.message.contains("`trine schema prune`"), "{taken}");
    let update = write_set(vec![super::write_sets::update(item("a"), vec![set("title", json!("t"))])]);
    let missing = new.write.commit(update, deadline()).await.unwrap_err();
    assert!(missing.message.ends_with("`items/a` is deleted; undelete it where that is served"), "{missing}");
    drop(new);

    drop(Monolith::start(&url, next()));
    let lines = url.prune(options(), &next(), true).unwrap();
    assert!(lines.contains(&"2 rows of `shop.v1.Item` that are deleted softly".to_owned()), "{lines:?}");
    assert_eq!(url.prune(options(), &next(), false).unwrap(), Vec::<String>::new());
    let new = Monolith::start(&url, next());
    for _ in 0..2 {
        new.create("a", json!({})).await.unwrap();
        change(&new, "a", Change::Delete).await;
    }
}

/// Given readers that have read a type, when it gets owners, then the same readers read by them.
pub async fn readers_follow_the_schema_that_asks(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let before = shop("string author = 2;", "");
    let text = "option (trine.v1.owner_field) = \"author\"; string author = 2;";
    let old = Monolith::start(&url, before.clone());
    old.create("a", json!({ "author": "alice" })).await.unwrap();
    let Monolith { read, write, .. } = old;
    drop(write);
    let new = Monolith::start(&url, shop(text, ""));
    let (bob, alice) = (Sight::Own("bob".into()), Sight::Own("alice".into()));
    let asks = [(items(&before), &bob, true), (items(&new.catalogue), &bob, false)];
    let key = Key::new("a");
    // Each reader of the lane has its turn; several at once share a statement.
    for _ in 0..8 {
        for (kind, sight, is_seen) in asks.iter().chain(&[(items(&new.catalogue), &alice, true)]) {
            let found = read.get(kind, &key, sight, deadline()).await.unwrap().value;
            assert_eq!(found.is_some(), *is_seen);
        }
    }
    let get = |at: usize| read.get(asks[at % 2].0, &key, &bob, deadline());
    let many = futures_util::future::join_all((0..200).map(get)).await;
    for (at, found) in many.into_iter().enumerate() {
        assert_eq!(found.unwrap().value.is_some(), asks[at % 2].2);
    }
}

/// Two packages of which `outer.v1` imports `inner.v1`, served as far as `domains` say.
fn nested(more: &str, domains: &[&str]) -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let header = "syntax = \"proto3\"; import \"google/api/resource.proto\";";
    let resource = |name: &str, rest: &str| {
        let option = format!("type: \"x.com/{name}\" pattern: \"{name}s/{{{name}}}\"");
        format!("message {name} {{ option (google.api.resource) = {{ {option} }}; string name = 1; {rest} }}")
    };
    let inner = format!("{header} package inner.v1; {}", resource("part", ""));
    let whole = resource("whole", &format!("inner.v1.part part = 2; {more}"));
    let outer = format!("{header} import \"inner/v1/a.proto\"; package outer.v1; {whole}");
    for (package, text) in [("inner", inner), ("outer", outer)] {
        let package = directory.path().join(package).join("v1");
        std::fs::create_dir_all(&package).unwrap();
        std::fs::write(package.join("a.proto"), text).unwrap();
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let domains: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
    load(&[directory.path().to_owned(), own], &domains).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// Given two packages of which one imports the other, when a deployment that serves one alone prunes, then the
/// rows of the other, which its set describes, stay.
pub async fn a_prune_spares_what_is_only_not_served(fresh: Factory) {
    let TestDatabase { url, keep: _keep } = fresh();
    let both = Monolith::start(&url, nested("", &["inner.v1", "outer.v1"]));
    let part = ResourceRef { kind: TypeName::new("inner.v1.part"), key: Key::new("p") };
    let create = Change::Create(document(json!({})));
    let rows = write_set(vec![mutation(part.clone(), Precondition::None, create)]);
    both.write.commit(rows, deadline()).await.unwrap();
    drop(both);
    let alone = || nested("string more = 3;", &["outer.v1"]);
    drop(Monolith::start(&url, alone()));
    let lines = url.prune(options(), &alone(), true).unwrap();
    assert!(lines.len() == 1 && lines[0].contains("cannot be started"), "{lines:?}");
    let both = Monolith::start(&url, nested("string more = 3;", &["inner.v1", "outer.v1"]));
    let kind = both.catalogue.resource(&part.kind).unwrap();
    assert!(both.read.get(kind, &part.key, &Sight::All, deadline()).await.unwrap().value.is_some());
}
