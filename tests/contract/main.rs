//! The outside contract, kept by the real program: foreign schemas, the command line, answers.

#[path = "../support/mod.rs"]
mod support;

mod command_line;
mod conformance;
mod errors;
mod evolution;
mod foreign_roles;
mod foreign_tree;
mod openapi;
mod schema_commands;
mod show;
mod watch;
