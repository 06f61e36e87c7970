//! Asynchronous writes at a fixed rate: how soon the 202, how soon the effect, and what each process
//! spends on a request, which a busy machine changes least.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::generator::{Measured, Plan, Request, measure};
use crate::sqlite::create_entry;
use crate::support::blog;
use crate::support::http::Api;
use crate::support::postgres::Cluster;
use crate::support::process::Process;
use crate::support::stack::{Options, Stack};
use crate::support::wait::{PATIENCE, wait_for};
use crate::table::{ROUNDS, heading, median, row};

const RATE: f64 = 2_000.0;
const SAMPLES: usize = 300;

/// Time on a processor since the start, all threads, in microseconds.
fn cpu_us(process: &Process) -> f64 {
    const US_A_TICK: f64 = 10_000.0;
    let text = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it runs");
    // After the name, which may hold anything: `utime` is the 12th field, `stime` the 13th.
    let fields = text.rsplit_once(')').expect("a name").1.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() * US_A_TICK
}

fn create_with_key(number: u64) -> Request {
    let mut request = create_entry(number);
    request.headers.push(("Idempotency-Key", format!("k{number}")));
    request
}

/// From accepted to applied, by the clocks of the server, in milliseconds.
fn to_applied_ms(microservice: &Api, body: &[u8]) -> f64 {
    let operation: Value = serde_json::from_slice(body).expect("an operation");
    let path = format!("/trine/v1/{}", operation["name"].as_str().expect("a name"));
    let done = wait_for("the operation is done", PATIENCE, || {
        let operation = microservice.get(&path).expect(200).json();
        (operation["done"] == true).then_some(operation)
    });
    let time = |name: &str| -> Timestamp {
        let text = done["metadata"][name].as_str().unwrap_or_else(|| panic!("{name} in {done}"));
        text.parse().expect("a timestamp")
    };
    time("applyTime").duration_since(time("acceptTime")).as_secs_f64() * 1e3
}

pub fn run() {
    measure_with("SQLite", None);
    let cluster = Cluster::start();
    measure_with("PostgreSQL", Some(cluster.create_database("events")));
}

fn measure_with(kept_in: &str, events: Option<String>) {
    let options = Options {
        readers: vec![("log.requests", "false".to_owned())],
        events,
        ..Options::default().method("blog.v1.Entry.Create", "async").monolith("log.requests", "false")
    };
    let stack = Stack::start(&options);
    blog::create_user(&stack.api(), "ada").expect(201);
    let microservice = stack.microservice.api();
    heading(
        &format!("Asynchronous creates at {RATE} a second, PostgreSQL, requests kept in {kept_in}"),
        &["through", "202 p50", "202 p99", "applied p50", "applied p99", "CPU a request", "reached"],
    );
    let mut first = 0;
    for (name, address) in
        [("the monolith", stack.monolith.public), ("the microservice", stack.microservice.public)]
    {
        let mut rounds: Vec<Measured> = Vec::new();
        let cpu = || [cpu_us(&stack.monolith.process), cpu_us(&stack.microservice.process)];
        let (cpu_before, first_before) = (cpu(), first);
        for _ in 0..ROUNDS {
            let plan = Plan {
                address,
                connections: 64,
                make: &create_with_key,
                expected: &[202],
                first,
                warm_up: Duration::from_millis(500),
                length: Duration::from_secs(3),
                rate: Some(RATE),
                keep_bodies: true,
            };
            let (measured, next) = measure(&plan);
            first = next;
            rounds.push(measured);
        }
        let measured = median(rounds);
        let step = (measured.bodies.len() / SAMPLES).max(1);
        let sampled = measured.bodies.iter().step_by(step);
        let mut applied: Vec<f64> = sampled.map(|body| to_applied_ms(&microservice, body)).collect();
        applied.sort_by(f64::total_cmp);
        let requests = (first - first_before) as f64;
        let [monolith, own] = std::array::from_fn(|at| (cpu()[at] - cpu_before[at]) / requests);
        row(&[
            name.to_owned(),
            format!("{:.1} ms", measured.p50_ms),
            format!("{:.1} ms", measured.p99_ms),
            format!("{:.1} ms", applied[applied.len() / 2]),
            format!("{:.1} ms", applied[applied.len() * 99 / 100]),
            format!("{monolith:.0} µs monolith, {own:.0} µs microservice"),
            format!("{:.0}/s, {} unexpected", measured.per_second, measured.unexpected),
        ]);
    }
}
