#![doc = include_str!("../README.md")]
//!
//! # Map of the code
//!
//! A request enters at [`http`], where `routes` lists every path. A read goes to a [`store`] handle and
//! is rendered from the stored text. A write becomes a [`model::WriteSet`], or the request of a rule in
//! [`domains`], and goes to [`commands::Engine`], which finds its mode:
//!
//! - `sync`: the rule runs here, reading the primary through its [`commands::Context`]; the write set
//!   that it leaves commits here.
//! - `forward`: the same rule runs on a microservice against a replica; its write set comes back and
//!   commits here.
//! - `async`: a microservice makes the request durable and answers 202; its runner runs the same rule
//!   later; the relay in [`events`] brings the write set to the monolith's inbox, which commits it.
//!
//! The rule cannot tell which, because all it has is the context. Whatever it read by name and then
//! wrote is guarded by the version it saw; a failed guard runs it again on newer state.
//!
//! What a deployment can do follows from the handles it is given: [`role`] turns the role into a plan
//! (the only match on it), [`app`] opens what the plan names and puts the parts together. The modules
//! below are in reading order; each depends only on what its `//!` and `tests/tidy` allow.
#![forbid(unsafe_code)]

pub mod role;

pub mod app;
pub mod cli;
pub mod config;

pub mod auth;
pub mod http;

pub mod commands;
pub mod domains;
pub mod events;

pub mod store;

pub mod model;
pub mod query;
pub mod schema;

pub mod failpoint;
pub mod flags;
pub mod telemetry;

pub use cli::run;
