//! The whole program from outside: real binaries, real databases, real proxies and flags.
//!
//! One binary, because linking is what takes time; a module for each promise.

#[path = "../support/mod.rs"]
mod support;

mod bad_bodies;
mod bad_input;
mod bad_targets;
mod broken;
mod browser;
mod checker;
mod checker_breaks;
mod consistency;
mod documents;
mod drain;
mod failpoints;
mod flags;
mod full_disk;
mod hung_database;
mod kills;
mod load;
mod lost_commit;
mod outage;
mod owners;
mod peers;
mod power_loss;
mod publish_modes;
mod readiness;
mod roles;
mod side_by_side;
mod side_by_side_writes;
mod smuggling;
mod starts;
