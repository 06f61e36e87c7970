//! Events between roles: the relay that carries decided write sets up, the inbox that commits them.
//!
//! Not here: rules and modes (commands), routes (http). Invariant: the request behind what
//! the relay carries is durable, and what the inbox acknowledges is committed.

pub mod body;
pub mod cloud_event;
pub mod convoy;
mod ending;
pub mod guards;
pub mod inbox;
pub mod peer;
pub mod peer_error;
mod reachability;
pub mod relay;
mod replans;
pub mod signature;
pub mod tokens;
