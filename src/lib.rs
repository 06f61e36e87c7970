#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod domains;
pub mod events;
pub mod failpoint;
pub mod flags;
pub mod http;
pub mod model;
pub mod query;
pub mod role;
pub mod schema;
pub mod store;
pub mod telemetry;

pub use cli::run;
