//! The engine: takes a write, finds its mode, does it.
//!
//! What it can do follows from the handles it was given: with a write store it commits, with a
//! request store it accepts, with neither it refuses. It does not know which role it plays.

mod background;

use std::sync::Arc;

use super::acceptance::{Acceptance, key_required};
use super::ask::Ask;
use super::commit::{Committer, Planning};
use super::contention::Turns;
use super::handover::HandOver;
use super::intake::Intake;
use super::modes::{Mode, Modes};
use super::operations::{LoggedOperations, RecordedOperations, Waiters, not_found, room_ms};
use super::peer::Accepted;
use super::planner::Planner;
use super::registry::Rules;
use super::{peer, replay, sight};
use crate::events::cloud_event::INBOX_PATH;
use crate::events::guards::current_position;
use crate::events::inbox::Inbox;
use crate::events::peer::Peer;
use crate::events::signature::{Secrets, Signature};
use crate::events::tokens::Tokens;
use crate::model::{
    Answer, Deadline, Error, Idempotency, Operation, OperationId, Position, Principal, Reason, Result,
};
use crate::schema::Catalogue;
use crate::store::request_log::Work;
use crate::store::{ReadStore, RequestStore, WriteStore};

pub use background::Background;

/// A write as HTTP, the plan endpoint or the runner hands it over.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// `blog.v1.Entry.Create` or `blog.v1.BlogService.Publish`.
    pub method: String,
    pub work: Work,
    pub principal: Principal,
    pub idempotency: Option<Idempotency>,
    /// What the client has seen.
    pub position: Option<Position>,
    pub request_id: String,
    pub traceparent: Option<String>,
    /// `Prefer: respond-async`
    pub prefers_async: bool,
    /// A dry run (AIP-163): done at once where writes are committed, whatever the mode, and undone.
    pub validate_only: bool,
    pub deadline: Deadline,
}

#[derive(Debug)]
pub enum Reply {
    Done {
        answer: Answer,
        position: Option<Position>,
        replayed: bool,
    },
    /// Durable, not done: 202.
    Accepted {
        operation: Operation,
    },
}

/// What a deployment has been given.
pub struct EngineParts {
    pub catalogue: Arc<Catalogue>,
    pub rules: Rules,
    /// The primary where there is a write store, else a replica.
    pub reads: ReadStore,
    pub writes: Option<WriteStore>,
    pub requests: Option<RequestStore>,
    /// Who plans and accepts for this deployment.
    pub microservice: Option<Peer>,
    /// Whose inbox takes what was decided here.
    pub monolith: Option<Peer>,
    /// None: calls of other roles are not answered.
    pub secrets: Option<Secrets>,
    pub modes: Modes,
    pub tokens: Tokens,
    /// `idempotency.keep_hours`: an accepted request that is older is not applied any more.
    pub idempotency_keep_hours: u32,
}

pub struct Engine {
    catalogue: Arc<Catalogue>,
    reads: ReadStore,
    modes: Modes,
    planner: Planner,
    committer: Option<Committer>,
    acceptance: Option<Acceptance>,
    microservice: Option<Peer>,
    hand_over: Option<HandOver>,
    monolith: Option<Peer>,
    secrets: Option<Secrets>,
    inbox: Option<Inbox>,
    logged: Option<LoggedOperations>,
    recorded: RecordedOperations,
}

impl Engine {
    pub fn new(parts: EngineParts) -> Self {
        let EngineParts { catalogue, rules, reads, writes, requests, microservice, monolith, .. } = parts;
        let planner = Planner::new(catalogue.clone(), Arc::new(rules), reads.clone());
        let inbox = writes.clone().map(|writes| Inbox {
            catalogue: catalogue.clone(),
            reads: reads.clone(),
            writes,
            tokens: parts.tokens.clone(),
            keep_hours: parts.idempotency_keep_hours,
        });
        let recorded = RecordedOperations {
            catalogue: catalogue.clone(),
            tokens: parts.tokens,
            reads: reads.clone(),
            microservice: microservice.clone(),
            elsewhere: writes.is_none(),
        };
        let committer = writes.map(|writes| Committer {
            catalogue: catalogue.clone(),
            reads: reads.clone(),
            writes,
            turns: Turns::default(),
        });
        let intake = Arc::new(Intake::default());
        let acceptance = requests.clone().map(|requests| Acceptance {
            planner: planner.clone(),
            requests,
            intake: intake.clone(),
        });
        let logged =
            requests.map(|requests| LoggedOperations { requests, waiters: Waiters::default(), intake });
        let hand_over = microservice.clone().map(HandOver::new);
        let (modes, secrets) = (parts.modes, parts.secrets);
        Self {
            catalogue,
            reads,
            modes,
            planner,
            committer,
            acceptance,
            microservice,
            hand_over,
            monolith,
            secrets,
            inbox,
            logged,
            recorded,
        }
    }

    /// Runs the write in its mode.
    pub async fn invoke(&self, invocation: Invocation) -> Result<Reply> {
        let mode = self.modes.of(&invocation.method, invocation.prefers_async);
        if let Some(committer) = &self.committer {
            return match mode {
                // Nothing is to be done later, so there is nothing to hand over.
                Mode::Async if invocation.validate_only => {
                    committer.run(invocation, Planning::Here(&self.planner)).await
                }
                Mode::Sync => committer.run(invocation, Planning::Here(&self.planner)).await,
                Mode::Forward => committer.run(invocation, Planning::There(self.microservice()?)).await,
                Mode::Async => self.hand_over(invocation).await,
            };
        }
        match (&self.acceptance, mode) {
            (Some(_), _) if invocation.validate_only => Err(dry_run_elsewhere()),
            (Some(acceptance), Mode::Async) => self.accept(acceptance, invocation).await,
            (Some(_), Mode::Sync | Mode::Forward) => Err(not_this_role(&invocation.method)),
            (None, _) => {
                Err(Error::new(Reason::ReadOnlyRole, "this deployment only reads; send writes elsewhere"))
            }
        }
    }

    /// `GET /trine/v1/operations/{id}`, waiting up to `wait_ms` for it to be done.
    pub async fn operation(&self, id: &OperationId, wait_ms: u64, deadline: Deadline) -> Result<Operation> {
        match &self.logged {
            Some(logged) => logged.get(id, wait_ms, deadline).await?.ok_or_else(|| not_found(id)),
            None => self.recorded.get(id, wait_ms, deadline).await,
        }
    }

    pub async fn list_operations(
        &self,
        before: Option<OperationId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Operation>> {
        match &self.logged {
            Some(logged) => logged.list(before, limit, deadline).await,
            None => self.recorded.list(before, limit, deadline).await,
        }
    }

    pub async fn cancel(&self, id: &OperationId, deadline: Deadline) -> Result<Operation> {
        match &self.logged {
            Some(logged) => logged.cancel(id, deadline).await,
            None => self.recorded.cancel(id, deadline).await,
        }
    }

    /// Whether other roles may call: they and this one share a secret.
    pub fn has_peers(&self) -> bool {
        self.secrets.is_some()
    }

    /// `POST /trine/v1/{commands:plan,commands:accept,commands:operations,inbox}`: signed role-to-role
    /// calls. `path` is the full path; headers are the three Standard Webhooks ones. Answers the JSON body.
    pub async fn peer_call(
        &self,
        path: &str,
        signature: PeerSignature<'_>,
        body: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>> {
        let secrets = self.secrets.as_ref().ok_or_else(|| no_such_call(path))?;
        secrets.verify(signature, body)?;
        match (path, &self.inbox, &self.acceptance, &self.logged) {
            (INBOX_PATH, Some(inbox), ..) => to_json(&inbox.receive(body, deadline).await?),
            (peer::PLAN_PATH, _, Some(_), _) => {
                to_json(&self.plan_for_peer(from_json(body)?, deadline).await?)
            }
            (peer::ACCEPT_PATH, _, Some(acceptance), _) => {
                self.accept_for_peer(acceptance, body, deadline).await
            }
            (peer::OPERATIONS_PATH, .., Some(logged)) => {
                to_json(&logged.answer(from_json(body)?, deadline).await?)
            }
            _ => Err(no_such_call(path)),
        }
    }

    /// `async` on the monolith: the microservice makes it durable; its 202 is passed on.
    async fn hand_over(&self, invocation: Invocation) -> Result<Reply> {
        if invocation.idempotency.is_none() {
            return Err(key_required());
        }
        if let Some(reply) = replay::stored_answer(&self.catalogue, &self.reads, &invocation).await? {
            return Ok(reply);
        }
        let deadline = invocation.deadline;
        let mut ask = Ask::from(invocation);
        if matches!(ask.work, Work::Rule(_)) && ask.position.is_none() {
            // What a replica does not show yet would be refused for good.
            ask.position = current_position(&self.catalogue, &self.reads, deadline).await?;
        }
        let operation = self.hand_over.as_ref().ok_or_else(no_microservice)?.accept(&ask, deadline).await?;
        Ok(Reply::Accepted { operation })
    }

    /// `async` straight at the microservice.
    async fn accept(&self, acceptance: &Acceptance, invocation: Invocation) -> Result<Reply> {
        let appended = acceptance.accept(Ask::from(invocation.clone()), invocation.deadline).await?;
        // Only a key that was used before may have an answer; of its use in another mode the primary
        // knows, and then the operation ends with that answer. The replica need not be there.
        if appended.existed
            && let Ok(Some(reply)) = replay::stored_answer(&self.catalogue, &self.reads, &invocation).await
        {
            return Ok(reply);
        }
        Ok(Reply::Accepted { operation: appended.operation })
    }

    /// The other side of `forward`: the rule runs here, on state no older than the asker's.
    async fn plan_for_peer(&self, ask: Ask, deadline: Deadline) -> Result<crate::model::WriteSet> {
        self.refuse_unlisted(&ask.method)?;
        if let Some(position) = ask.position
            && !sight::shows(&self.catalogue, &self.reads, position, room_ms(deadline), deadline).await
        {
            return Err(Error::new(Reason::ReplicaBehind, "the replica has not yet what the client saw"));
        }
        crate::failpoint!("plan");
        self.planner.plan(ask, deadline).await
    }

    /// The other side of handing over: one request, or a list of them. The asker has decided the mode;
    /// here it only must be listed.
    async fn accept_for_peer(
        &self,
        acceptance: &Acceptance,
        body: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>> {
        if !body.starts_with(b"[") {
            let ask: Ask = from_json(body)?;
            self.refuse_unlisted(&ask.method)?;
            return to_json(&acceptance.accept(ask, deadline).await?.operation);
        }
        let (mut listed, mut asks) = (Vec::new(), Vec::new());
        for ask in from_json::<Vec<Ask>>(body)? {
            let is_listed = self.refuse_unlisted(&ask.method);
            if is_listed.is_ok() {
                asks.push(ask);
            }
            listed.push(is_listed);
        }
        let mut accepted = acceptance.accept_all(asks, deadline).await.into_iter();
        let missing = || Err(Error::internal("a request of a list got no answer"));
        let answer = |is_listed: Result<()>| {
            let appended = is_listed.and_then(|()| accepted.next().unwrap_or_else(missing));
            Accepted::from(appended.map(|appended| appended.operation))
        };
        to_json(&listed.into_iter().map(answer).collect::<Vec<_>>())
    }

    fn refuse_unlisted(&self, method: &str) -> Result<()> {
        if self.modes.is_listed(method) { Ok(()) } else { Err(not_this_role(method)) }
    }

    fn microservice(&self) -> Result<&Peer> {
        self.microservice.as_ref().ok_or_else(no_microservice)
    }
}

fn no_microservice() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the service that does this is not configured")
        .with_context("a method of writes.methods needs peers.microservice and peers.secret")
}

/// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
pub type PeerSignature<'a> = Signature<'a>;

fn not_this_role(method: &str) -> Error {
    let message = format!("{method} is not asynchronous here; send it to the monolith");
    Error::new(Reason::NotThisRole, message)
}

fn dry_run_elsewhere() -> Error {
    Error::new(Reason::NotThisRole, "what would come of a write only the monolith can tell; send it there")
}

fn no_such_call(path: &str) -> Error {
    Error::new(Reason::NotImplemented, format!("{path} is not answered by this deployment"))
}

/// Both sides are Trine: a body that cannot be read is of another version, not of a client.
fn from_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Reason::NotImplemented, format!("the body is not what this call takes here: {error}"))
    })
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::internal(error.to_string()))
}
