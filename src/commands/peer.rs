//! Role-to-role calls: what the monolith asks the microservice, and how it is answered.
//!
//! A refusal (of a rule, of a key) is a 200 with `refused`; any other status is trouble of the way
//! or of the peer, and a 503 for the client.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ask::Ask;
use super::operations::Question;
use crate::events::peer::Peer;
use crate::events::peer_error::from_status;
use crate::model::{Deadline, Error, Operation, Reason, Result, WriteSet};

pub const PLAN_PATH: &str = "/trine/v1/commands:plan";
pub const ACCEPT_PATH: &str = "/trine/v1/commands:accept";
pub const OPERATIONS_PATH: &str = "/trine/v1/commands:operations";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer<T> {
    /// `writeSet`, `operation`, `operations`: by the path that was called.
    Done(T),
    /// `google.rpc.Status`
    Refused(Value),
}

/// Has the microservice run a rule; nothing is stored there.
pub async fn plan(peer: &Peer, ask: &Ask, deadline: Deadline) -> Result<WriteSet> {
    call(peer, PLAN_PATH, ask, deadline).await
}

/// Hands a request over: it is durable there when this returns.
pub async fn accept(peer: &Peer, ask: &Ask, deadline: Deadline) -> Result<Operation> {
    call(peer, ACCEPT_PATH, ask, deadline).await
}

pub async fn operations(peer: &Peer, question: &Question, deadline: Deadline) -> Result<Vec<Operation>> {
    call(peer, OPERATIONS_PATH, question, deadline).await
}

/// The body of an answer to one of these calls.
pub fn render<T: Serialize>(outcome: Result<T>) -> Result<Vec<u8>> {
    let answer = outcome.map_or_else(
        |error| {
            if let Some(context) = &error.context {
                tracing::warn!(reason = error.reason.as_str(), context, "refused a peer");
            }
            Answer::Refused(error.to_status())
        },
        Answer::Done,
    );
    serde_json::to_vec(&answer).map_err(|error| Error::internal(error.to_string()))
}

async fn call<T: DeserializeOwned>(
    peer: &Peer,
    path: &str,
    body: &impl Serialize,
    deadline: Deadline,
) -> Result<T> {
    match peer.call(path, body, deadline).await? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(status) => Err(for_the_client(from_status(&status))),
    }
}

/// Trouble of the microservice is no advice for the monolith's client: 421 and 500 become 503.
fn for_the_client(error: Error) -> Error {
    match error.reason {
        Reason::ReplicaBehind | Reason::StrongRead | Reason::NotThisRole | Reason::Internal => {
            let context = format!("the microservice refused: {}", error.message);
            tracing::warn!(context, "peer call refused");
            Error::new(Reason::DatabaseUnavailable, "the service that does this cannot do it now; try again")
                .with_context(context)
                .with_retry_after_s(1)
        }
        _ => error,
    }
}
