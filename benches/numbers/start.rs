//! How soon a second start is ready, and what an idle server holds.

use std::time::{Duration, Instant};

use crate::sqlite;
use crate::table::{heading, row};

const STARTS: usize = 7;

pub fn run() {
    let mut server = sqlite::start();
    let mut times = Vec::new();
    for _ in 0..STARTS {
        server.trine.process.kill();
        let begin = Instant::now();
        server.trine.restart();
        while !server.trine.is_ready() {
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let megabytes = server.trine.process.resident_bytes() as f64 / 1e6;
    heading("Start on SQLite with an unchanged schema", &["second start to ready", "resident when idle"]);
    row(&[format!("{:.0} ms", times[STARTS / 2]), format!("{megabytes:.1} MB")]);
}
