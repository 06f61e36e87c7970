//! What one bad create in a hundred costs the others: batches must not fall with a member.

use std::net::SocketAddr;

use crate::generator::Request;
use crate::postgres::settings;
use crate::sqlite;
use crate::support::postgres::Cluster;
use crate::table::{Contender, cell, compare, heading, row};

fn user(number: u64, email: &str) -> Request {
    let body = format!(r#"{{"displayName":"user {number}","email":"{email}"}}"#);
    Request::with_body("POST", format!("/blog/v1/users?userId=u{number}"), body)
}

fn all_good(number: u64) -> Request {
    user(number, &format!("{number}@example.com"))
}

/// Every hundredth wants an email that somebody has.
fn one_in_a_hundred(number: u64) -> Request {
    if number.is_multiple_of(100) { user(number, "taken@example.com") } else { all_good(number) }
}

fn compare_on(name: &str, address: SocketAddr) {
    let mut numbers = 0;
    crate::support::http::Api::new(address)
        .post(
            "/blog/v1/users?userId=first",
            &serde_json::json!({ "displayName": "first", "email": "taken@example.com" }),
        )
        .expect(201);
    let contenders = [
        Contender { address, make: &all_good, expected: &[201] },
        Contender { address, make: &one_in_a_hundred, expected: &[201, 409] },
    ];
    let measured = compare(64, &contenders, &mut numbers);
    let cost = 100.0 * (1.0 - measured[1].per_second / measured[0].per_second);
    row(&[name.to_owned(), cell(&measured[0]), cell(&measured[1]), format!("{cost:.0} %")]);
}

pub fn run() {
    heading(
        "Creates at 64 connections, with and without unique violations",
        &["database", "no violation", "1 % violations", "cost"],
    );
    let server = sqlite::start();
    compare_on("SQLite", server.trine.public);
    drop(server);
    let cluster = Cluster::start_with(&settings());
    let trine = crate::postgres::start(&cluster.create_database("violations"));
    compare_on("PostgreSQL", trine.public);
}
