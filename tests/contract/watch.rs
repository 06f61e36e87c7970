//! `--watch`: a developer edits a schema while the server runs.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};

/// A product with the given fields behind its name.
fn product(fields: &str) -> String {
    format!(
        r#"syntax = "proto3";
package shop.v1;
import "google/api/resource.proto";
import "trine/v1/options.proto";
message Product {{
  option (google.api.resource) = {{ type: "shop.example.com/Product" pattern: "products/{{product}}" }};
  string name = 1;
  string title = 2;
{fields}
}}
"#
    )
}

struct Shop {
    directory: TempDir,
    server: Trine,
}

impl Shop {
    fn open() -> Self {
        let directory = TempDir::new().expect("a directory");
        std::fs::create_dir(directory.path().join("proto")).expect("made");
        write(directory.path(), "shop.proto", &product(""));
        let server = Launch::role("monolith")
            .argument("--proto", directory.path().join("proto").to_str().expect("UTF-8"))
            .argument("--database", &format!("sqlite:{}", directory.path().join("shop.db").display()))
            .flag("--watch")
            .ready();
        Self { directory, server }
    }

    fn write(&self, name: &str, text: &str) {
        write(self.directory.path(), name, text);
    }

    fn wait_until_logged(&self, words: &[&str]) {
        let found = self
            .server
            .process
            .log
            .find(0, PATIENCE, |line| words.iter().all(|word| line.contains(word)).then_some(()));
        assert!(found.is_some(), "{words:?} is not in the log:\n{}", self.server.process.log.text());
    }
}

/// As editors do: a new file takes the place of the old one.
fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join("proto").join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    let beside = path.with_extension("proto~");
    std::fs::write(&beside, text).expect("written");
    std::fs::rename(beside, path).expect("renamed");
}

#[test]
fn a_new_field_and_a_new_table_are_served_without_a_restart() {
    let shop = Shop::open();
    let api = shop.server.api();
    api.post("/shop/v1/products?productId=tea", &json!({ "title": "Tea" })).expect(201);
    api.patch("/shop/v1/products/tea", &json!({ "priceCents": "350" })).expect(400);

    shop.write("shop.proto", &product("  int64 price_cents = 3 [(trine.v1.index) = true];"));
    wait_until("the new field", PATIENCE, || {
        api.patch("/shop/v1/products/tea", &json!({ "priceCents": "350" })).status == 200
    });
    let found = api.get("/shop/v1/products?filter=price_cents%3D350").expect(200).json();
    assert_eq!(found["products"][0]["title"], "Tea", "what was stored before is still there");

    shop.write(
        "stock/stock.proto",
        &product("").replace("shop.v1", "stock.v1").replace("shop.example.com", "stock.example.com"),
    );
    wait_until("the new table", PATIENCE, || {
        api.post("/stock/v1/products?productId=box", &json!({ "title": "Box" })).status == 201
    });
}

#[test]
fn a_broken_schema_changes_nothing_and_says_why() {
    let shop = Shop::open();
    let api = shop.server.api();
    let before = shop.server.admin().get("/version").expect(200).json()["schema"].clone();

    shop.write("shop.proto", &product("  int64 price_cents = ;"));
    shop.wait_until_logged(&["shop.proto:9:23", "is not served"]);
    api.post("/shop/v1/products?productId=tea", &json!({ "title": "Tea" })).expect(201);
    assert_eq!(shop.server.admin().get("/version").expect(200).json()["schema"], before);

    shop.write("shop.proto", &product("  int64 price_cents = 3;"));
    wait_until("the mended schema", PATIENCE, || {
        api.patch("/shop/v1/products/tea", &json!({ "priceCents": "350" })).status == 200
    });
}

#[test]
fn requests_that_run_while_the_schema_changes_are_all_answered() {
    let shop = Shop::open();
    let api = shop.server.api();
    let writer = std::thread::spawn({
        let api = api.clone();
        move || (0..200).map(|_| api.post("/shop/v1/products", &json!({ "title": "Tea" })).status).collect()
    });
    for number in 3..8 {
        let fields: String =
            (3..=number).map(|field| format!("  string extra_{field} = {field};\n")).collect();
        shop.write("shop.proto", &product(&fields));
        let body = json!({ format!("extra{number}"): "x" });
        wait_until("each schema", PATIENCE, || api.post("/shop/v1/products", &body).status == 201);
    }
    let statuses: Vec<u16> = writer.join().expect("the writer ends");
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    shop.server.process.log.find(0, Duration::from_millis(1), |line| {
        assert!(!line.contains("panicked"), "{line}");
        None::<()>
    });
}
