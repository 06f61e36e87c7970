//! The store: one suite of stories, told to each database.

#[macro_use]
mod conformance;
mod cluster;
#[cfg(feature = "failpoints")]
mod crash;
mod fuzz;
mod golden;
mod postgres;
mod sql;
mod sqlite;
#[path = "../support/postgres.rs"]
mod support;
