//! Role-to-role calls: what the monolith asks the microservice.
//!
//! The answer of `commands:plan` is the write set, that of `commands:accept` the operation, and that
//! of `commands:operations` a list of them. A refusal is an ordinary AIP-193 error.

use super::ask::Ask;
use super::operations::Question;
use crate::events::peer::Peer;
use crate::model::{Deadline, Operation, Result, WriteSet};

pub const PLAN_PATH: &str = "/trine/v1/commands:plan";
pub const ACCEPT_PATH: &str = "/trine/v1/commands:accept";
pub const OPERATIONS_PATH: &str = "/trine/v1/commands:operations";

/// Has the microservice run a rule; nothing is stored there.
pub async fn plan(peer: &Peer, ask: &Ask, deadline: Deadline) -> Result<WriteSet> {
    peer.call(PLAN_PATH, ask, deadline).await
}

/// Hands a request over: it is durable there when this returns.
pub async fn accept(peer: &Peer, ask: &Ask, deadline: Deadline) -> Result<Operation> {
    peer.call_durably(ACCEPT_PATH, ask, deadline).await
}

pub async fn operations(peer: &Peer, question: &Question, deadline: Deadline) -> Result<Vec<Operation>> {
    peer.call(OPERATIONS_PATH, question, deadline).await
}
