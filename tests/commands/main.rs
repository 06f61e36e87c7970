//! Rules in their modes: real stores, several deployments in one process.

mod asynchronous;
mod deployments;
mod flags;
mod forward;
mod inbox;
mod listener;
mod sync;

use deployments::Domain;
