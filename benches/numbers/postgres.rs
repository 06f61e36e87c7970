//! Trine on PostgreSQL beside the usual way, and beside `pgbench` with the same statements.

use std::process::Command;

use crate::generator::{Measured, Request};
use crate::pocketbase::id;
use crate::sqlite::{self, ENTRIES, STOCK, create_entry, document, known};
use crate::support::blog;
use crate::support::http::Api;
use crate::support::postgres::Cluster;
use crate::support::process::{Log, Process, free_address};
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};
use crate::table::{Contender, ROUNDS, cell, compare, heading, median, ratio, row, thousands};
use crate::usual_way;

/// The statement of a read, as the golden file has it.
const GET: &str = include_str!("../../tests/golden/sql/postgres/get.sql");
const CREATE: &str = "INSERT INTO usual_entry (id, user_id, title, body, state, publish_time, tags) VALUES \
    (gen_random_uuid()::text, 'ada', 'title', repeat('x', 90), 'PUBLISHED', '2026-01-01T00:00:00Z', '[]');\n";

/// The same statement for one of the stock's keys.
fn get_script() -> String {
    let statement = GET.lines().next().expect("a statement");
    let keys = "ARRAY['ada/e' || lpad(:number::text, 14, '0')]";
    format!("\\set number random(0, {})\n{};\n", STOCK - 1, statement.replace("$1", keys))
}

pub fn settings() -> [(&'static str, &'static str); 3] {
    [("shared_buffers", "256MB"), ("max_connections", "150"), ("max_wal_size", "4GB")]
}

pub fn start(database: &str) -> Trine {
    let launch = Launch::role("monolith").argument("--database", database).set("log.requests", false);
    let trine = launch.ready();
    blog::create_user(&trine.api(), "ada").expect(201);
    trine
}

fn create_usual(number: u64) -> Request {
    let body = format!(r#"{{"id":"{}",{}}}"#, id(number), document(number, "publishTime"));
    // A text column in the table of the usual way.
    let body = body.replace(r#"["one","two"]"#, r#""[]""#);
    Request::with_body("POST", "/users/ada/entries".to_owned(), body)
}

fn start_usual_way(database: &str) -> (Process, Api, std::net::SocketAddr) {
    let address = free_address();
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([usual_way::ARGUMENT, database, &address.to_string()]);
    let process = Process::spawn(&mut command, Log::default());
    wait_until("the usual way listens", PATIENCE, || std::net::TcpStream::connect(address).is_ok());
    (process, Api::new(address), address)
}

/// `pgbench -M prepared`: Trine's own statement for reads, a plain insert for creates; medians of as many rounds as the others.
pub fn pgbench(cluster: &Cluster, database: &str, script: &str, connections: usize) -> Measured {
    let file = cluster.data().with_file_name("script.sql");
    std::fs::write(&file, script).expect("script");
    let round = || {
        let mut command = cluster.tool("pgbench");
        command.args(["-n", "-M", "prepared", "-T", "2", "-j", "2", "-c", &connections.to_string(), "-f"]);
        let output = command.arg(&file).arg(database).output().expect("pgbench runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line =
            text.lines().find(|line| line.starts_with("tps = ")).unwrap_or_else(|| panic!("{output:?}"));
        let number = line.split_whitespace().nth(2).expect("a number");
        Measured { per_second: number.parse().expect("a number"), ..Measured::default() }
    };
    median((0..ROUNDS).map(|_| round()).collect())
}

pub fn run() {
    let cluster = Cluster::start_with(&settings());
    let (ours, theirs) = (cluster.create_database("ours"), cluster.create_database("theirs"));
    cluster.sql_in(&theirs, usual_way::TABLE);
    let trine = start(&ours);
    let (_process, usual_api, usual_address) = start_usual_way(&theirs);
    sqlite::fill(&trine.api(), create_entry);
    sqlite::fill(&usual_api, create_usual);
    for database in [&ours, &theirs] {
        cluster.sql_in(database, "VACUUM ANALYZE");
    }
    heading(
        "PostgreSQL: Trine beside the usual way (r2d2, web::block) and pgbench",
        &["request", "connections", "Trine", "usual way", "ratio", "pgbench", "ratio"],
    );
    let get_ours = |number| Request::get(format!("{ENTRIES}/{}", known(number)));
    let get_usual = |number| Request::get(format!("/users/ada/entries/{}", known(number)));
    let read = get_script();
    let cases: [(&str, crate::generator::Make, crate::generator::Make, &str, &str); 2] = [
        ("get", &get_ours, &get_usual, &read, &ours),
        ("create", &create_entry, &create_usual, CREATE, &theirs),
    ];
    let mut numbers = STOCK;
    for (name, make_ours, make_usual, script, database) in cases {
        for connections in [1, 16, 64] {
            let contenders = [
                Contender { address: trine.public, make: make_ours, expected: &[200, 201] },
                Contender { address: usual_address, make: make_usual, expected: &[200, 201] },
            ];
            let measured = compare(connections, &contenders, &mut numbers);
            let bench = pgbench(&cluster, database, script, connections);
            row(&[
                name.to_owned(),
                connections.to_string(),
                cell(&measured[0]),
                cell(&measured[1]),
                ratio(&measured[0], &measured[1]),
                format!("{}/s", thousands(bench.per_second)),
                ratio(&measured[0], &bench),
            ]);
        }
    }
}
