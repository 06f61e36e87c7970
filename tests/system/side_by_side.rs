//! Binaries of three schemas on one primary and its replica, in every role, under load.
//!
//! The same program with three trees of protos: schema 1, schema 2 that adds and deletes, schema 3 that adds
//! again. One monolith writes at a time and rolls forward and back; nanoservices and microservices of every
//! schema are started in any order. Nothing that was written is lost, no request is answered 5xx by who is ready,
//! and every filter finds what was written, whichever binary wrote it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::Api;
use crate::support::process::Log;
use crate::support::stack::{Databases, PEER_SECRET};
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};

const SCHEMAS: [&str; 3] = [
    "string label = 2; string old = 3 [(trine.v1.index) = true];
     oneof choice { string first = 4; string second = 5; }",
    "string label = 2 [(trine.v1.index) = true]; reserved 3; reserved \"old\";
     oneof choice { string first = 4; string second = 5; string third = 6; }
     int64 size = 7 [(trine.v1.index) = true];",
    "string label = 2 [(trine.v1.index) = true]; reserved 3, 5; reserved \"old\", \"second\";
     oneof choice { string first = 4; string third = 6; string fourth = 8; }
     int64 size = 7; repeated string tags = 9; bool done = 10 [(trine.v1.index) = true];",
];
/// Which member of the oneof each schema writes, and a field that it writes beside.
const MEMBERS: [[&str; 2]; 3] = [["first", "second"], ["second", "third"], ["third", "fourth"]];

pub fn tree(schema: usize) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let text = format!(
        "syntax = \"proto3\"; package shop.v1;
         import \"google/api/resource.proto\"; import \"trine/v1/options.proto\";
         message Item {{
           option (google.api.resource) = {{ type: \"shop.example.com/Item\" pattern: \"items/{{item}}\" }};
           string name = 1; {}
         }}",
        SCHEMAS[schema]
    );
    std::fs::write(directory.path().join("shop.proto"), text).expect("written");
    directory
}

pub fn launch(role: &str, proto: &Path) -> Launch {
    // Nothing here is about time, and a busy machine must not look like a fault.
    let patient = ["http.request_timeout_ms", "database.read_timeout_ms", "database.write_timeout_ms"];
    let launch = Launch::role(role).argument("--proto", proto.to_str().expect("UTF-8"));
    patient.iter().fold(launch, |launch, key| launch.set(key, 20_000))
}

fn known(schema: usize, field: &str) -> bool {
    SCHEMAS[schema].contains(&format!("string {field} ="))
        || SCHEMAS[schema].contains(&format!("int64 {field} ="))
        || SCHEMAS[schema].contains(&format!("bool {field} ="))
}

/// What was acknowledged: fields by id.
pub type Model = BTreeMap<String, BTreeMap<String, Value>>;

/// What a client of this schema writes.
pub fn fields(schema: usize, round: usize, number: usize) -> BTreeMap<String, Value> {
    let member = MEMBERS[schema][number % 2];
    let mut fields = BTreeMap::from([
        ("label".to_owned(), json!(format!("l{round}-{number}"))),
        (member.to_owned(), json!(format!("{round}"))),
    ]);
    match schema {
        0 => fields.insert("old".to_owned(), json!(format!("o{}", number % 3))),
        1 => fields.insert("size".to_owned(), json!(format!("{}", number % 3 + 1))),
        _ => fields.insert("done".to_owned(), json!(true)),
    };
    fields
}

/// An acknowledged write of these fields: of the members of the oneof the last one counts.
pub fn remember(model: &mut Model, id: String, fields: BTreeMap<String, Value>) {
    let row = model.entry(id).or_default();
    ["first", "second", "third", "fourth"].iter().for_each(|rival| drop(row.remove(*rival)));
    row.extend(fields);
}

/// Writes by one monolith and remembers what was acknowledged.
struct Writer<'a> {
    api: Api,
    schema: usize,
    model: &'a Mutex<Model>,
    log: &'a Log,
}

impl Writer<'_> {
    fn write(&self, round: usize, number: usize) {
        let id = format!("i{}", number % 12);
        let fields = fields(self.schema, round, number);
        let mut model = self.model.lock();
        let answer = if model.contains_key(&id) {
            self.api.patch(&format!("/shop/v1/items/{id}"), &json!(fields))
        } else {
            self.api.post(&format!("/shop/v1/items?itemId={id}"), &json!(fields))
        };
        assert!(answer.status < 300, "{}: {}\n{}", answer.status, answer.text(), self.log.text());
        remember(&mut model, id, fields);
    }
}

/// What a reader of this schema has to show of a row.
fn view(schema: usize, id: &str, row: &BTreeMap<String, Value>) -> Value {
    let mut fields: BTreeMap<String, Value> = row
        .iter()
        .filter(|(field, _)| known(schema, field))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    fields.insert("name".to_owned(), json!(format!("items/{id}")));
    json!(fields)
}

/// Every row, and by every indexed field: the promoted columns are right.
pub fn check(api: &Api, schema: usize, model: &Model) {
    for (id, row) in model {
        let shown = api.get(&format!("/shop/v1/items/{id}")).expect(200).json();
        assert_eq!(shown, view(schema, id, row), "schema {}", schema + 1);
        let binary =
            api.request("GET", &format!("/shop/v1/items/{id}")).header("Accept", "application/x-protobuf");
        binary.send().expect(200);
    }
    for (field, quote) in [("label", "\""), ("old", "\""), ("size", ""), ("done", "")] {
        let indexed = SCHEMAS[schema].contains(&format!(" {field} = ")) && {
            let rest = SCHEMAS[schema].split(&format!(" {field} = ")).nth(1).unwrap_or_default();
            rest.split(';').next().unwrap_or_default().contains("index")
        };
        for value in model.values().filter_map(|row| row.get(field)).filter(|_| indexed) {
            let literal = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let filter = format!("{field}%3D{quote}{literal}{quote}").replace('"', "%22");
            let list = api.get(&format!("/shop/v1/items?pageSize=1000&filter={filter}")).expect(200).json();
            let found = list["items"].as_array().map_or(0, Vec::len);
            let expected = model.values().filter(|row| row.get(field) == Some(value)).count();
            assert_eq!(found, expected, "{field} = {value} under schema {}", schema + 1);
        }
    }
}

/// Reads without pause from whoever is ready; a 5xx of one that was ready is a failure.
struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Load {
    fn start(api: Api, admin: Api) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut answered = 0;
            while !stopped.load(Ordering::SeqCst) {
                let is_ready =
                    admin.request("GET", "/readyz").try_send().is_ok_and(|answer| answer.status == 200);
                for number in (0..12).filter(|_| is_ready) {
                    for path in [
                        format!("/shop/v1/items/i{number}"),
                        "/shop/v1/items?filter=label%21%3D%22%22".to_owned(),
                    ] {
                        let answer = api.get(&path);
                        // Where the label is not indexed yet the filter is a client's mistake, or slow; never a fault.
                        assert!(
                            answer.status < 500 || answer.status == 501,
                            "{path}: {} {}",
                            answer.status,
                            answer.text()
                        );
                        answered += 1;
                    }
                }
            }
            answered
        });
        Self { stop, thread }
    }

    fn finish(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("no request failed")
    }
}

/// Where they all are.
enum Place {
    Replicated(Box<Databases>),
    /// One file, which readers open read-only.
    File(TempDir),
}

impl Place {
    fn primary_url(&self) -> String {
        match self {
            Self::Replicated(databases) => databases.primary_url(),
            Self::File(home) => format!("sqlite:{}", home.path().join("shop.db").display()),
        }
    }

    fn replica_url(&self) -> String {
        match self {
            Self::Replicated(databases) => databases.replica_url(),
            Self::File(_) => self.primary_url(),
        }
    }

    fn grant(&self) {
        if let Self::Replicated(databases) = self {
            databases.grant("nanoservice");
        }
    }

    fn wait_caught_up(&self) {
        if let Self::Replicated(databases) = self {
            databases.wait_caught_up();
        }
    }
}

fn readers(place: &Place, trees: &[TempDir], home: &Path, order: [usize; 3]) -> Vec<(usize, Trine)> {
    let mut started = Vec::new();
    for schema in order {
        let nano = launch("nanoservice", trees[schema].path()).argument("--replica", &place.replica_url());
        started.push((schema, nano.start()));
        let events = format!("sqlite:{}", home.join(format!("events{schema}.db")).display());
        let micro = launch("microservice", trees[schema].path())
            .argument("--replica", &place.replica_url())
            .argument("--events-database", &events)
            .set("peers.monolith", "http://127.0.0.1:1")
            .set("peers.secret", PEER_SECRET);
        started.push((schema + 10, micro.start()));
    }
    started
}

/// Given readers of three schemas started in any order, when monoliths of these schemas take turns in writing, then
/// each reader becomes ready no sooner than its schema is there and shows every acknowledged field that it knows.
fn three_schemas_work_side_by_side(place: &Place) {
    let trees: Vec<TempDir> = (0..3).map(tree).collect();
    let home = TempDir::new().expect("a directory");
    let model = Mutex::new(Model::new());
    let monolith = |schema: usize| {
        launch("monolith", trees[schema].path()).argument("--database", &place.primary_url()).ready()
    };
    // Somebody has to make the tables that the readers' login is granted.
    monolith(0).terminate();
    place.grant();
    let readers = readers(place, &trees, home.path(), [2, 0, 1]);
    let nanoservices = || readers.iter().filter(|(schema, _)| *schema < 10);
    let loads: Vec<Load> =
        nanoservices().map(|(_, server)| Load::start(server.api(), server.admin())).collect();

    let mut newest = 0;
    for (round, schema) in [0, 1, 0, 2, 1, 0, 2].into_iter().enumerate() {
        let server = monolith(schema);
        newest = newest.max(schema);
        let writer = Writer { api: server.api(), schema, model: &model, log: &server.process.log };
        (0..24).for_each(|number| writer.write(round, number));
        check(&server.api(), schema, &model.lock());
        place.wait_caught_up();
        for (reader, server) in &readers {
            let schema = reader % 10;
            if schema <= newest {
                wait_until("the reader is ready", PATIENCE, || server.is_ready());
            } else {
                assert!(!server.is_ready(), "schema {} is not there yet", schema + 1);
            }
        }
        for (schema, server) in nanoservices().filter(|(schema, _)| *schema <= newest) {
            check(&server.api(), *schema, &model.lock());
        }
        server.terminate();
    }
    assert!(loads.into_iter().map(Load::finish).sum::<usize>() > 0);
    readers.into_iter().for_each(|(_, server)| server.terminate());
}

#[test]
fn three_schemas_work_side_by_side_on_postgres() {
    three_schemas_work_side_by_side(&Place::Replicated(Box::new(Databases::start())));
}

#[test]
fn three_schemas_work_side_by_side_on_sqlite() {
    three_schemas_work_side_by_side(&Place::File(TempDir::new().expect("a directory")));
}
