//! Commands: every write, in the mode that configuration and flags give it.
//!
//! A rule is written once, as `fn(&mut Context, Request) -> Result<Response>`. *Who* supplies the
//! context decides what happens: `sync` commits here, `forward` has a microservice plan and commits
//! here, `async` answers 202 and commits later through the monolith's inbox.
//! Not here: HTTP, SQL. Invariant: no transaction is open while a rule runs.
//!
//! How one function runs in three modes, in the order to read it:
//! 1. `registry`, `context` (with `buffer`, `conversion`): what a rule is and what it may do.
//! 2. `planner`: runs a rule and makes the write set. The same on every role; only the store that
//!    the context reads (the primary, a replica) differs.
//! 3. `engine`: finds the mode (`modes`) of an [`Invocation`] and goes one of three ways:
//!    - `sync`: `commit` plans here, commits, and plans again while guards fail.
//!    - `forward`: the same `commit`, but `peer` has the microservice plan.
//!    - `async`: `acceptance` makes the request durable on the microservice (`handover` brings it
//!      there when the client asked the monolith) and answers 202. Then `runner`, to which it came
//!      through `intake` or which claimed it in the log, plans, makes the decision durable and gives
//!      it to `events::relay`; `events::inbox` on the monolith commits it; the relay writes the end
//!      back. `leases` keeps what is under way claimed.
//! 4. `operations`: what clients see of the third way, and how they cancel it.
//!
//! `ask` is what travels between roles; `replay` answers a known idempotency key early; `contention`
//! has rules that write one resource take turns; `request` parses a rule's request.

mod acceptance;
mod ask;
mod buffer;
mod commit;
mod contention;
pub mod context;
mod conversion;
pub mod engine;
mod handover;
mod intake;
mod leases;
pub mod modes;
mod operations;
pub mod peer;
mod planner;
pub mod registry;
mod replay;
mod request;
mod runner;
mod sight;

pub use context::Context;
pub use engine::{Engine, EngineParts, Invocation, Reply};
pub use modes::{MethodMode, MethodModes, Mode, Modes};
pub use registry::{Registry, Rules};
