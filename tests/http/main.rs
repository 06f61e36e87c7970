//! The public and admin listeners as clients see them: real servers on free ports, real SQLite.

#[path = "../support/operation.rs"]
mod operation;

mod admin;
mod batches;
mod binary;
mod binary_batches;
mod client;
mod commands;
mod cors;
mod credentials;
mod documents;
mod headers;
mod jwt;
mod lifecycle;
mod lists;
mod operations;
mod owners;
mod refusals;
mod request_rules;
mod resources;
mod roles;
mod server;
mod write_sets;
