//! How soon a second start is ready, and what an idle server holds.

use std::time::{Duration, Instant};

use crate::sqlite;
use crate::support::postgres::Cluster;
use crate::support::trine::Trine;
use crate::table::{heading, row};

const STARTS: usize = 7;

fn measure(database: &str, trine: &mut Trine) {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        trine.process.kill();
        let begin = Instant::now();
        trine.restart();
        while !trine.is_ready() {
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let megabytes = trine.process.resident_bytes() as f64 / 1e6;
    row(&[database.to_owned(), format!("{:.0} ms", times[STARTS / 2]), format!("{megabytes:.1} MB")]);
}

pub fn run() {
    heading("Start with an unchanged schema", &["database", "second start to ready", "resident when idle"]);
    let mut server = sqlite::start();
    measure("SQLite", &mut server.trine);
    drop(server);
    let cluster = Cluster::start_with(&crate::postgres::settings());
    let mut trine = crate::postgres::start(&cluster.create_database("start"));
    measure("PostgreSQL", &mut trine);
}
