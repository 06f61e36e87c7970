//! Role-to-role calls: what the monolith asks the microservice.
//!
//! The answer of `commands:plan` is the write set, that of `commands:accept` the operation (of a list
//! of requests a list of [`Accepted`]), and that of `commands:operations` a list of operations. A
//! refusal is an ordinary AIP-193 error.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ask::Ask;
use super::operations::Question;
use crate::events::peer::Peer;
use crate::model::{Deadline, Operation, Result, WriteSet};

pub const PLAN_PATH: &str = "/trine/v1/commands:plan";
pub const ACCEPT_PATH: &str = "/trine/v1/commands:accept";
pub const OPERATIONS_PATH: &str = "/trine/v1/commands:operations";

/// What became of one request of a list.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Accepted {
    Operation(Box<Operation>),
    Refused {
        /// `google.rpc.Status`
        status: Value,
        retry_after_s: Option<u32>,
    },
}

impl From<Result<Operation>> for Accepted {
    fn from(accepted: Result<Operation>) -> Self {
        match accepted {
            Ok(operation) => Self::Operation(Box::new(operation)),
            Err(error) => {
                if let Some(context) = &error.context {
                    tracing::warn!(reason = error.reason.as_str(), context, "a request was not accepted");
                }
                Self::Refused { status: error.to_status(), retry_after_s: error.retry_after_s }
            }
        }
    }
}

impl Accepted {
    pub fn result(self, microservice: &Peer) -> Result<Operation> {
        match self {
            Self::Operation(operation) => Ok(*operation),
            Self::Refused { status, retry_after_s } => {
                Err(microservice.refusal_of_member(&status, retry_after_s))
            }
        }
    }
}

/// Has the microservice run a rule; nothing is stored there.
pub async fn plan(peer: &Peer, ask: &Ask, deadline: Deadline) -> Result<WriteSet> {
    peer.call(PLAN_PATH, ask, deadline).await
}

pub async fn operations(peer: &Peer, question: &Question, deadline: Deadline) -> Result<Vec<Operation>> {
    peer.call(OPERATIONS_PATH, question, deadline).await
}
