//! Gets and lists as a table grows: they should not notice.

use crate::generator::{Measured, Request};
use crate::postgres::{self, settings};
use crate::sqlite::{self, ENTRIES};
use crate::stock::{ALIKE, fill_postgres, fill_sqlite};
use crate::support::postgres::Cluster;
use crate::table::{Contender, cell, compare, heading, ratio, row, thousands};

const SIZES: [u64; 3] = [10_000, 1_000_000, 10_000_000];
/// As many as the smallest table has: a title is found among more rows, not in more rows.
const TITLES_PER: u64 = ALIKE;
const CONNECTIONS: usize = 16;

struct Growth {
    first: Option<Vec<Measured>>,
    numbers: u64,
}

impl Growth {
    fn measure(&mut self, database: &str, address: std::net::SocketAddr, rows: u64) {
        let titles = rows / TITLES_PER;
        let get = move |number: u64| {
            Request::get(format!("{ENTRIES}/e{:014}", number.wrapping_mul(7_919_317) % rows))
        };
        let list = move |number: u64| {
            let title = number.wrapping_mul(7_919_317) % titles;
            Request::get(format!("{ENTRIES}?pageSize=50&filter=title%3D%22title%20{title}%22"))
        };
        let ask = |make| Contender { address, make, expected: &[200] };
        let measured = compare(CONNECTIONS, &[ask(&get), ask(&list)], &mut self.numbers);
        let first = self.first.get_or_insert_with(|| measured.clone());
        row(&[
            database.to_owned(),
            thousands(rows as f64),
            cell(&measured[0]),
            ratio(&first[0], &measured[0]),
            cell(&measured[1]),
            ratio(&first[1], &measured[1]),
        ]);
    }
}

pub fn run() {
    heading(
        "Gets and lists of 50 by an indexed field at 16 connections, as the table grows",
        &["database", "rows", "get", "slower than at 10,000", "list of 50", "slower than at 10,000"],
    );
    let memory = settings().into_iter().map(|(name, value)| match name {
        // The tables fit, as a database server's working set should.
        "shared_buffers" => (name, "5GB"),
        _ => (name, value),
    });
    let cluster = Cluster::start_with(&memory.collect::<Vec<_>>());
    let mut growth = Growth { first: None, numbers: 0 };
    for rows in SIZES {
        let database = cluster.create_database(&format!("growth{rows}"));
        let trine = postgres::start(&database);
        fill_postgres(&cluster, &database, 0, rows, rows / TITLES_PER);
        growth.measure("PostgreSQL", trine.public, rows);
        drop(trine);
        cluster.sql(&format!("DROP DATABASE growth{rows}"));
    }
    let mut growth = Growth { first: None, numbers: 0 };
    for rows in SIZES {
        let server = sqlite::start();
        fill_sqlite(&server.file(), 0, rows, rows / TITLES_PER);
        growth.measure("SQLite", server.trine.public, rows);
    }
}
