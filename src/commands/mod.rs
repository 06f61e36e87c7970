//! Commands: every write, in the mode that configuration and flags give it.
//!
//! A rule is written once, as `fn(&mut Context, Request) -> Result<Response>`. *Who* supplies the
//! context decides what happens: `sync` commits here, `forward` has a microservice plan and commits
//! here, `async` answers 202 and commits later through the monolith's inbox.
//! Not here: HTTP, SQL. Invariant: no transaction is open while a rule runs.

mod acceptance;
mod ask;
mod buffer;
mod commit;
mod contention;
pub mod context;
mod conversion;
pub mod engine;
pub mod modes;
mod operations;
pub mod peer;
mod planner;
pub mod registry;
mod replay;
mod request;
mod runner;

pub use context::Context;
pub use engine::{Engine, EngineParts, Invocation, Reply};
pub use modes::{MethodMode, MethodModes, Mode, Modes};
pub use registry::{Registry, Rules};
