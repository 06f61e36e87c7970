//! The store: one suite of stories, told to each database.

#[macro_use]
mod conformance;
mod cluster;
#[cfg(feature = "failpoints")]
mod crash;
mod fuzz;
mod golden;
#[path = "../support/operation.rs"]
mod operation;
mod postgres;
#[path = "../support/seed.rs"]
#[allow(dead_code, reason = "the fault tests use the rest")]
mod seed;
mod sql;
mod sqlite;
#[path = "../support/postgres.rs"]
mod support;
