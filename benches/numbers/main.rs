//! Measurements beside peers, printed as Markdown: every peer in the same run, medians of at least three.
//!
//! The load generator shares the machine with what it measures, as in every row of the tables; compare
//! within a table, not between machines. `make bench`; a word as argument runs one table:
//! `cargo bench --bench numbers -- sqlite|postgres|violations|asynchronous|start|lists|evolution|growth`.

#[path = "../../tests/support/mod.rs"]
mod support;

mod asynchronous;
mod disk;
mod evolution;
mod generator;
mod growth;
mod lists;
mod pocketbase;
mod postgres;
mod sqlite;
mod start;
mod stock;
mod table;
mod usual_way;
mod violations;

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let word = words.next().unwrap_or_default();
    if word == usual_way::ARGUMENT {
        let arguments: Vec<String> = words.collect();
        return usual_way::serve(&arguments[0], &arguments[1]);
    }
    let tables: [(&str, fn()); 8] = [
        ("sqlite", sqlite::run),
        ("postgres", postgres::run),
        ("violations", violations::run),
        ("asynchronous", asynchronous::run),
        ("start", start::run),
        ("lists", lists::run),
        ("evolution", evolution::run),
        ("growth", growth::run),
    ];
    println!("fdatasync of 4 KiB on this disk: median {:.2} ms\n", disk::sync_ms());
    for (name, run) in tables {
        if word.is_empty() || word == name {
            run();
        }
    }
}
