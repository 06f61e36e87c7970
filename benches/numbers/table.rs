//! Rounds over peers, and the Markdown that comes of them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::generator::{Make, Measured, Plan, measure};

pub const ROUNDS: usize = 3;

/// One thing to be measured: a peer and how it is asked.
pub struct Contender<'a> {
    pub address: SocketAddr,
    pub make: Make<'a>,
    pub expected: &'a [u16],
}

/// The median round of each contender; rounds alternate, so that all meet the same weather.
pub fn compare(connections: usize, contenders: &[Contender], numbers: &mut u64) -> Vec<Measured> {
    let mut rounds: Vec<Vec<Measured>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (index, contender) in contenders.iter().enumerate() {
            let plan = Plan {
                address: contender.address,
                connections,
                make: contender.make,
                expected: contender.expected,
                first: *numbers,
                warm_up: Duration::from_millis(300),
                length: Duration::from_millis(1500),
                rate: None,
                keep_bodies: false,
            };
            let (measured, next) = measure(&plan);
            *numbers = next;
            rounds[index].push(measured);
        }
    }
    rounds.into_iter().map(median).collect()
}

/// The round with the median throughput.
pub fn median(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    rounds.swap_remove(rounds.len() / 2)
}

/// `12,345/s (p99 1.2 ms)`, with a word where answers were not the expected ones.
pub fn cell(measured: &Measured) -> String {
    let trouble = match measured.unexpected {
        0 => String::new(),
        count => format!(", {count} unexpected answers"),
    };
    format!("{}/s (p99 {:.1} ms{trouble})", thousands(measured.per_second), measured.p99_ms)
}

pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}

pub fn ratio(one: &Measured, other: &Measured) -> String {
    format!("{:.1}×", one.per_second / other.per_second)
}

pub fn heading(title: &str, columns: &[&str]) {
    println!("\n### {title}\n\n| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

pub fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}
