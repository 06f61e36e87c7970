//! Events between roles: the relay that carries decided write sets up, the inbox that commits them.
//!
//! Not here: rules and modes (commands), routes (http). Invariant: what the relay carries is durable
//! before it leaves, and what the inbox acknowledges is committed.

pub mod body;
pub mod cloud_event;
pub mod convoy;
pub mod guards;
pub mod inbox;
pub mod peer;
pub mod peer_error;
mod reachability;
pub mod relay;
pub mod signature;
pub mod tokens;
