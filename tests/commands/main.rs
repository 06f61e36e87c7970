//! Rules in their modes: real stores, several deployments in one process.

#[path = "../support/mod.rs"]
mod support;

mod asynchronous;
mod cancellation;
mod deployments;
mod faults;
mod flags;
mod forward;
mod handover;
mod inbox;
mod listener;
mod postgres;
mod sync;

use deployments::Domain;
