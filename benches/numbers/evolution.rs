//! What a schema costs: first starts with many tables, and a new index on a large table under load.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::generator::{Make, Plan, Request, measure};
use crate::postgres::settings;
use crate::sqlite::ENTRIES;
use crate::stock::{fill_postgres, fill_sqlite};
use crate::support::blog;
use crate::support::postgres::Cluster;
use crate::support::trine::{Launch, Trine};
use crate::table::{heading, row};

const TABLES: [usize; 3] = [1, 200, 1000];
const ROWS: u64 = 1_000_000;
const STARTS: usize = 5;

pub fn run() {
    starts();
    new_index();
}

/// A tree of `tables` resources of five fields each, one of them indexed.
fn write_tree(directory: &Path, tables: usize) {
    for number in 0..tables {
        let mut text = String::from("syntax = \"proto3\";\npackage many.v1;\n");
        text += "import \"google/api/resource.proto\";\nimport \"trine/v1/options.proto\";\n";
        writeln!(text, "message Kind{number} {{").expect("written");
        writeln!(
            text,
            "  option (google.api.resource) = {{ type: \"many.example.com/Kind{number}\" pattern: \
             \"kind{number}s/{{kind}}\" }};"
        )
        .expect("written");
        text += "  string name = 1;\n  string title = 2 [(trine.v1.index) = true];\n  string body = 3;\n";
        text += "  int64 amount = 4;\n  repeated string tags = 5;\n}\n";
        std::fs::write(directory.join(format!("kind{number}.proto")), text).expect("written");
    }
}

fn starts() {
    heading(
        "Starts by the number of tables",
        &["database", "tables", "first start to ready", "second start to ready", "resident when idle"],
    );
    let cluster = Cluster::start_with(&settings());
    for tables in TABLES {
        let home = tempfile::tempdir().expect("a directory");
        let proto = home.path().join("proto");
        std::fs::create_dir(&proto).expect("made");
        write_tree(&proto, tables);
        let file = format!("sqlite:{}", home.path().join("many.db").display());
        let database = cluster.create_database(&format!("many{tables}"));
        for (name, url) in [("SQLite", &file), ("PostgreSQL", &database)] {
            let launch = Launch::role("monolith")
                .argument("--proto", proto.to_str().expect("UTF-8"))
                .argument("--database", url);
            let (mut trine, first) = timed(|| launch.start());
            let mut times: Vec<f64> = (0..STARTS)
                .map(|_| {
                    trine.process.kill();
                    timed(|| {
                        trine.restart();
                        wait_ready(&trine);
                    })
                    .1
                })
                .collect();
            times.sort_by(f64::total_cmp);
            row(&[
                name.to_owned(),
                tables.to_string(),
                format!("{first:.0} ms"),
                format!("{:.0} ms", times[STARTS / 2]),
                format!("{:.1} MB", trine.process.resident_bytes() as f64 / 1e6),
            ]);
        }
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed().as_secs_f64() * 1e3)
}

fn wait_ready(trine: &Trine) {
    while !trine.is_ready() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The bundled microblog, whose `body` gets an index while it is read and written.
fn new_index() {
    heading(
        "A new index on a table of 1,000,000 rows, under 200 reads and 100 updates a second",
        &["database", "change to served", "longest read", "longest update", "failed requests"],
    );
    let cluster = Cluster::start_with(&settings());
    let database = cluster.create_database("index");
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("index.db");
    for (name, url) in [("SQLite", format!("sqlite:{}", file.display())), ("PostgreSQL", database.clone())] {
        let proto = home.path().join(name);
        copy_tree(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/proto/blog")), &proto.join("blog"));
        let trine = Launch::role("monolith")
            .argument("--proto", proto.to_str().expect("UTF-8"))
            .argument("--database", &url)
            .set("log.requests", false)
            .flag("--watch")
            .ready();
        blog::create_user(&trine.api(), "ada").expect(201);
        match name {
            "SQLite" => fill_sqlite(&file, 0, ROWS, 1000),
            _ => fill_postgres(&cluster, &database, 0, ROWS, 1000),
        }
        change_under_load(name, &trine, &proto);
    }
}

fn change_under_load(name: &str, trine: &Trine, proto: &Path) {
    let done = AtomicBool::new(false);
    let read = |number: u64| Request::get(format!("{ENTRIES}/e{:014}", number.wrapping_mul(7919) % ROWS));
    let update = |number: u64| {
        let path = format!("{ENTRIES}/e{:014}", number.wrapping_mul(104_729) % ROWS);
        Request::with_body("PATCH", path, format!(r#"{{"title":"changed {number}"}}"#))
    };
    std::thread::scope(|scope| {
        let reads = scope.spawn(|| stalls(trine.public, &read, 200.0, &done));
        let updates = scope.spawn(|| stalls(trine.public, &update, 100.0, &done));
        std::thread::sleep(Duration::from_secs(2));
        let change = timed(|| {
            let path = proto.join("blog/v1/blog.proto");
            let text = std::fs::read_to_string(&path).expect("the schema");
            let indexed = text.replace("string body = 3;", "string body = 3 [(trine.v1.index) = true];");
            assert_ne!(text, indexed, "the field to index is there");
            std::fs::write(path, indexed).expect("written");
            let served = |line: &str| line.contains("the changed schema is served").then_some(());
            trine.process.log.find(0, Duration::from_secs(600), served).expect("served");
        });
        done.store(true, Ordering::SeqCst);
        let ((reads, failed_reads), (updates, failed_updates)) =
            (reads.join().expect("reads"), updates.join().expect("updates"));
        row(&[
            name.to_owned(),
            format!("{:.1} s", change.1 / 1e3),
            format!("{reads:.0} ms"),
            format!("{updates:.0} ms"),
            (failed_reads + failed_updates).to_string(),
        ]);
    });
}

/// The longest time that a request took, and how many were not answered with 200.
fn stalls(address: SocketAddr, make: Make, rate: f64, done: &AtomicBool) -> (f64, usize) {
    let (mut longest_ms, mut failed, mut first) = (0.0f64, 0, 0);
    while !done.load(Ordering::SeqCst) {
        let plan = Plan {
            address,
            connections: 4,
            make,
            expected: &[200],
            first,
            warm_up: Duration::ZERO,
            length: Duration::from_secs(1),
            rate: Some(rate),
            keep_bodies: false,
        };
        let (measured, next) = measure(&plan);
        (longest_ms, failed, first) = (longest_ms.max(measured.max_ms), failed + measured.unexpected, next);
    }
    (longest_ms, failed)
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
