//! Lists of 50 by an indexed field: Trine beside its own statement under `pgbench`, and what the same
//! question costs where the field has no index.

use crate::generator::Request;
use crate::postgres::{self, pgbench, settings};
use crate::sqlite::{self, ENTRIES};
use crate::stock::{ALIKE, fill_postgres, fill_sqlite};
use crate::support::postgres::Cluster;
use crate::table::{Contender, cell, compare, heading, ratio, row, thousands};

const ROWS: u64 = 100_000;
const TITLES: u64 = ROWS / ALIKE;

/// The statement of a filtered list, as the golden file has it.
const LIST: &str = include_str!("../../tests/golden/sql/postgres/list_filtered.sql");

fn indexed(number: u64) -> Request {
    Request::get(format!("{ENTRIES}?pageSize=50&filter=title%3D%22title%20{}%22", number % TITLES))
}

fn not_indexed(number: u64) -> Request {
    Request::get(format!("{ENTRIES}?pageSize=50&filter=body%3D%22body%20{}%22", number % TITLES))
}

/// One row more than a page, as Trine asks to learn whether there is a next one.
fn script() -> String {
    let statement = LIST.lines().find(|line| line.contains("LIMIT $3")).expect("a filtered list");
    let statement =
        statement.replace("$1", "'ada'").replace("$2", "('title ' || :number)").replace("$3", "51");
    format!("\\set number random(0, {})\n{statement};\n", TITLES - 1)
}

pub fn run() {
    let cluster = Cluster::start_with(&settings());
    let database = cluster.create_database("lists");
    let trine = postgres::start(&database);
    fill_postgres(&cluster, &database, 0, ROWS, TITLES);
    heading(
        "Lists of 50 of 100,000 rows by a field: PostgreSQL",
        &["connections", "indexed", "pgbench, same statement", "ratio", "not indexed"],
    );
    let script = script();
    let mut numbers = 0;
    for connections in [1, 16, 64] {
        let ask = |make| Contender { address: trine.public, make, expected: &[200] };
        let fast = compare(connections, &[ask(&indexed)], &mut numbers);
        let bench = pgbench(&cluster, &database, &script, connections);
        // One connection: a scan of everything is nobody's load.
        let slow = (connections == 1).then(|| compare(1, &[ask(&not_indexed)], &mut numbers));
        row(&[
            connections.to_string(),
            cell(&fast[0]),
            format!("{}/s", thousands(bench.per_second)),
            ratio(&fast[0], &bench),
            slow.map_or_else(String::new, |slow| cell(&slow[0])),
        ]);
    }
    on_sqlite();
}

fn on_sqlite() {
    let server = sqlite::start();
    fill_sqlite(&server.file(), 0, ROWS, TITLES);
    heading("Lists of 50 of 100,000 rows by a field: SQLite", &["connections", "indexed", "not indexed"]);
    let mut numbers = 0;
    for connections in [1, 16, 64] {
        let ask = |make| Contender { address: server.trine.public, make, expected: &[200] };
        let fast = compare(connections, &[ask(&indexed)], &mut numbers);
        let slow = (connections == 1).then(|| compare(1, &[ask(&not_indexed)], &mut numbers));
        let slow = slow.map_or_else(String::new, |slow| cell(&slow[0]));
        row(&[connections.to_string(), cell(&fast[0]), slow]);
    }
}
