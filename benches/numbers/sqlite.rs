//! Trine on SQLite beside PocketBase on SQLite.

use std::path::PathBuf;

use crate::generator::Request;
use crate::pocketbase::{self, PocketBase, RECORDS};
use crate::support::blog;
use crate::support::http::Api;
use crate::support::trine::{Launch, Trine};
use crate::table::{Contender, cell, compare, heading, ratio, row};

/// Records that are there before anything is measured.
pub const STOCK: u64 = 10_000;
pub const ENTRIES: &str = "/blog/v1/users/ada/entries";
const BODY: &str =
    "Two or three sentences, as an entry of a small blog has them. This one says nothing at all.";

/// The same document for everybody; names of fields as each wants them.
pub fn document(number: u64, publish_time: &str) -> String {
    format!(
        r#""title":"title {number}","body":"{BODY}","tags":["one","two"],"state":"PUBLISHED","{publish_time}":"2026-01-01T00:00:00Z""#
    )
}

pub fn create_entry(number: u64) -> Request {
    let body = format!("{{{}}}", document(number, "publishTime"));
    Request::with_body("POST", format!("{ENTRIES}?entryId={}", pocketbase::id(number)), body)
}

fn create_record(number: u64) -> Request {
    let id = pocketbase::id(number);
    let body = format!(r#"{{"id":"{id}",{}}}"#, document(number, "publish_time"));
    Request::with_body("POST", RECORDS.to_owned(), body)
}

/// Some record of the stock, spread so that neighbours in time are no neighbours in the table.
pub fn known(number: u64) -> String {
    pocketbase::id(number.wrapping_mul(7919) % STOCK)
}

/// The server and the directory of its file.
pub struct OnSqlite {
    pub trine: Trine,
    home: tempfile::TempDir,
}

impl OnSqlite {
    pub fn file(&self) -> PathBuf {
        self.home.path().join("bench.db")
    }
}

pub fn start() -> OnSqlite {
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("bench.db").display());
    let launch = Launch::role("monolith").argument("--database", &url).set("log.requests", false);
    let trine = launch.ready();
    blog::create_user(&trine.api(), "ada").expect(201);
    OnSqlite { trine, home }
}

/// Fills a server with the stock.
pub fn fill(api: &Api, make: fn(u64) -> Request) {
    std::thread::scope(|scope| {
        for part in 0..16 {
            scope.spawn(move || {
                for number in (part..STOCK).step_by(16) {
                    let request = make(number);
                    let body = request.body.unwrap_or_default();
                    let answer =
                        api.request(request.method, &request.path).body("application/json", body).send();
                    assert!([200, 201].contains(&answer.status), "{}", answer.text());
                }
            });
        }
    });
}

pub fn run() {
    let (server, peer) = (start(), PocketBase::start());
    fill(&server.trine.api(), create_entry);
    fill(&Api::new(peer.address), create_record);
    heading(
        "SQLite: Trine (synchronous=FULL) beside PocketBase (its default, synchronous=NORMAL)",
        &["request", "connections", "Trine", "PocketBase", "ratio"],
    );
    let patch = |number: u64| format!(r#"{{"title":"changed {number}"}}"#);
    let get_ours = |number| Request::get(format!("{ENTRIES}/{}", known(number)));
    let get_theirs = |number| Request::get(format!("{RECORDS}/{}", known(number)));
    let list_ours = |_| Request::get(format!("{ENTRIES}?pageSize=20"));
    let list_theirs = |_| Request::get(format!("{RECORDS}?perPage=20&skipTotal=1&sort=id"));
    let update_ours =
        |number| Request::with_body("PATCH", format!("{ENTRIES}/{}", known(number)), patch(number));
    let update_theirs =
        |number| Request::with_body("PATCH", format!("{RECORDS}/{}", known(number)), patch(number));
    let mut numbers = STOCK;
    let cases: [(&str, crate::generator::Make, crate::generator::Make); 4] = [
        ("get", &get_ours, &get_theirs),
        ("list of 20", &list_ours, &list_theirs),
        ("update", &update_ours, &update_theirs),
        ("create", &create_entry, &create_record),
    ];
    for (name, ours, theirs) in cases {
        for connections in [1, 16, 64] {
            let contenders = [
                Contender { address: server.trine.public, make: ours, expected: &[200, 201] },
                Contender { address: peer.address, make: theirs, expected: &[200] },
            ];
            let measured = compare(connections, &contenders, &mut numbers);
            row(&[
                name.to_owned(),
                connections.to_string(),
                cell(&measured[0]),
                cell(&measured[1]),
                ratio(&measured[0], &measured[1]),
            ]);
        }
    }
}
