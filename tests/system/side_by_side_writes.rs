//! Writes that a microservice of one schema accepts or plans, and a monolith of another carries out: every pair of
//! three schemas, in each mode. What either of them knows is written and read by whoever knows it.

use serde_json::json;
use tempfile::TempDir;

use crate::side_by_side::{Model, check, fields, launch, remember, tree};
use crate::support::http::{Answer, Api};
use crate::support::stack::{Addresses, Databases, PEER_SECRET, method_key};
use crate::support::trine::{Launch, Trine};

const METHODS: [&str; 2] = ["shop.v1.Item.Create", "shop.v1.Item.Update"];

/// The roles of each schema: one monolith at a time, all microservices and nanoservices whose schema is there.
struct Deployment {
    mode: &'static str,
    databases: Databases,
    trees: Vec<TempDir>,
    home: TempDir,
    addresses: Addresses,
}

impl Deployment {
    fn new(mode: &'static str) -> Self {
        let trees = (0..3).map(tree).collect();
        let home = TempDir::new().expect("a directory");
        Self { mode, databases: Databases::start(), trees, home, addresses: Addresses::choose() }
    }

    fn with_mode(&self, launch: Launch) -> Launch {
        METHODS.iter().fold(launch, |launch, method| launch.set(&method_key(method), self.mode))
    }

    /// The monolith of a schema, whose writes that microservice accepts or plans.
    fn monolith(&self, schema: usize, microservice: &Launch) -> Trine {
        let (public, admin) = self.addresses.monolith;
        let launch = launch("monolith", self.trees[schema].path())
            .listen(public, admin)
            .argument("--database", &self.databases.primary_url())
            .set("peers.microservice", format!("http://{}", microservice.public))
            .set("peers.secret", PEER_SECRET);
        self.with_mode(launch).ready()
    }

    fn microservice(&self, schema: usize) -> Launch {
        let events = self.home.path().join(format!("events{schema}.db"));
        let launch = launch("microservice", self.trees[schema].path())
            .argument("--replica", &self.databases.replica_url())
            .argument("--events-database", &format!("sqlite:{}", events.display()))
            .set("peers.monolith", format!("http://{}", self.addresses.monolith.0))
            .set("peers.secret", PEER_SECRET);
        self.with_mode(launch)
    }

    fn nanoservice(&self, schema: usize) -> Launch {
        launch("nanoservice", self.trees[schema].path()).argument("--replica", &self.databases.replica_url())
    }
}

/// Sends what a client of that schema writes, waits until it is applied, and remembers it.
fn write(entrance: &Api, operations: &Api, schema: usize, round: usize, number: usize, model: &mut Model) {
    let id = format!("i{}", number % 5);
    let fields = fields(schema, round, number);
    let (method, path) = match model.contains_key(&id) {
        true => ("PATCH", format!("/shop/v1/items/{id}")),
        false => ("POST", format!("/shop/v1/items?itemId={id}")),
    };
    let key = format!("{schema}-{round}-{number}");
    let answer = entrance.request(method, &path).key(&key).json(&json!(fields)).send();
    if answer.status == 202 {
        let operation = operation_of(operations, &answer);
        assert_eq!(operation["done"], json!(true), "{operation}");
        assert!(operation.get("error").is_none(), "schema {}: {operation}", schema + 1);
    } else {
        assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
    }
    remember(model, id, fields);
}

fn operation_of(operations: &Api, accepted: &Answer) -> serde_json::Value {
    let location = accepted.header("Location").expect("a location");
    operations.request("GET", location).header("Prefer", "wait=20").send().expect(200).json()
}

/// Given monoliths of three schemas that take turns, when clients write through each of them and each microservice
/// whose schema is there, then every field is stored, and every reader shows those that it knows.
fn every_pair_of_schemas_keeps_every_field(mode: &'static str) {
    let deployment = Deployment::new(mode);
    let microservices: Vec<Launch> = (0..3).map(|schema| deployment.microservice(schema)).collect();
    deployment.monolith(0, &microservices[0]).terminate();
    deployment.databases.grant("nanoservice");
    let mut running: Vec<(Trine, Trine)> = Vec::new();
    let mut model = Model::new();
    for (round, schema) in [0, 1, 0, 2, 1, 0, 2].into_iter().enumerate() {
        // A monolith brings its schema; who knows it already goes on.
        deployment.monolith(schema, &microservices[schema]).terminate();
        while running.len() <= schema {
            let next = running.len();
            running.push((microservices[next].start(), deployment.nanoservice(next).start()));
        }
        for (side, (microservice, _)) in running.iter().enumerate() {
            let monolith = deployment.monolith(schema, &microservices[side]);
            microservice.wait_ready();
            let operations = microservice.api();
            for number in 0..6 {
                write(&monolith.api(), &operations, schema, round * 10 + side, number, &mut model);
                if mode == "async" {
                    write(&operations, &operations, side, round * 10 + side, number + 6, &mut model);
                }
            }
            check(&monolith.api(), schema, &model);
            deployment.databases.wait_caught_up();
            monolith.terminate();
        }
        for (reader, (_, nanoservice)) in running.iter().enumerate() {
            nanoservice.wait_ready();
            check(&nanoservice.api(), reader, &model);
        }
    }
}

#[test]
fn accepted_writes_keep_every_field_between_schemas() {
    every_pair_of_schemas_keeps_every_field("async");
}

#[test]
fn planned_writes_keep_every_field_between_schemas() {
    every_pair_of_schemas_keeps_every_field("forward");
}
