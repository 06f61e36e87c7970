//! SQLite explains a text; the texts come from diesel's instrumentation of our connections.

use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::stories::{Doors, STORIES};
use super::{Statement, check};
use crate::conformance::fixture::options;

diesel::define_sql_function! {
    /// What our connections have, so that texts with it can be explained here.
    fn trine_in_time(version: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

const NAME: &str = "golden-plans";

/// The counter and the generation, by their names or aliases: of one row.
const MAY_BE_SCANNED: &[&str] = &["SCAN c", "SCAN g", "SCAN trine_counter", "SCAN trine_generation"];

/// What reached the databases of this test. Other tests of this program have connections too.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[derive(Default)]
struct Listener {
    ours: bool,
}

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.ours = url.contains(NAME),
            InstrumentationEvent::StartQuery { query, .. } if self.ours => {
                HEARD.lock().unwrap().push(query.to_string());
            }
            _ => {}
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[test]
fn hot_statements_and_their_plans() {
    set_default_instrumentation(|| Some(Box::new(Listener::default()))).unwrap();
    let directory = tempfile::Builder::new().prefix(NAME).tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let open = |name: &str| trine::store::sqlite::open(&path(name), options()).unwrap();
    let mut doors = Doors::open(&open("primary.db"), &open("events.db"));
    doors.fill();
    let mut explainers = ["primary.db", "events.db"].map(|name| {
        let mut connection = SqliteConnection::establish(path(name).to_str().unwrap()).unwrap();
        diesel::sql_query("ANALYZE").execute(&mut connection).unwrap();
        trine_in_time_utils::register_nondeterministic_impl(&mut connection, |_: i64| true).unwrap();
        connection
    });
    for (name, story) in STORIES.iter().chain(super::lifecycle::STORIES).chain(super::owners::STORIES) {
        HEARD.lock().unwrap().clear();
        story(&mut doors);
        let heard = std::mem::take(&mut *HEARD.lock().unwrap());
        assert!(!heard.is_empty(), "{name}");
        let events = name.starts_with("request_");
        let statements: Vec<Statement> =
            heard.iter().map(|text| explained(&mut explainers[usize::from(events)], text)).collect();
        check("sqlite", name, &statements);
    }
}

fn explained(connection: &mut SqliteConnection, heard: &str) -> Statement {
    let sql = heard.split(" -- binds: ").next().unwrap_or_default().to_owned();
    let planned = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|word| sql.starts_with(word));
    if !planned {
        return Statement { sql, plan: String::new() };
    }
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(connection).unwrap();
    let plan: Vec<String> = steps.into_iter().map(|step| step.detail).collect();
    for line in plan.iter().filter(|line| line.starts_with("SCAN ")) {
        let indexed = line.contains(" USING ")
            // What is in it has lines of its own.
            || line.starts_with("SCAN (subquery-")
            || line.contains("VIRTUAL TABLE")
            || line.contains("CONSTANT ROW")
            || MAY_BE_SCANNED.contains(&line.as_str());
        assert!(indexed, "read from end to end: {line}\n{sql}");
    }
    Statement { sql, plan: plan.join("\n") }
}
