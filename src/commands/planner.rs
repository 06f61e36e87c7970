//! The planner: runs a rule on a bounded pool of blocking threads and makes its write set.
//!
//! The same code on the monolith (reads from the primary) and on the microservice (reads from a
//! replica). It writes nothing.

use std::sync::Arc;

use prost_reflect::{DynamicMessage, ReflectMessage, SerializeOptions};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::ask::Ask;
use super::registry::{Rule, Rules};
use super::{Context, request};
use crate::model::{AnswerPlan, Change, Deadline, Error, Mutation, Reason, Result, TypeName, WriteSet};
use crate::schema::Catalogue;
use crate::schema::document::fitness;
use crate::store::ReadStore;
use crate::store::request_log::Work;

/// Rules that may run at once; each holds a thread while it waits for its reads.
const RULES_MAX: usize = 64;

#[derive(Clone)]
pub struct Planner {
    catalogue: Arc<Catalogue>,
    rules: Arc<Rules>,
    reads: ReadStore,
    threads: Arc<Semaphore>,
}

impl Planner {
    pub fn new(catalogue: Arc<Catalogue>, rules: Arc<Rules>, reads: ReadStore) -> Self {
        Self { catalogue, rules, reads, threads: Arc::new(Semaphore::new(RULES_MAX)) }
    }

    /// Runs the rule and returns what it wants to write. Plain CRUD is decided already.
    pub async fn plan(&self, ask: Ask, deadline: Deadline) -> Result<WriteSet> {
        let Work::Rule(request) = &ask.work else { return ask.into_write_set() };
        let request = self.parse(&ask.method, request)?;
        let thread = tokio::time::timeout(deadline.remaining(), self.threads.clone().acquire_owned());
        let thread = thread.await.map_err(|_| busy())?.map_err(|error| Error::internal(error.to_string()))?;
        let rule = self.rules.get(&ask.method)?.clone();
        let runtime = Handle::current();
        let (catalogue, reads) = (self.catalogue.clone(), self.reads.clone());
        let context = Context::new(catalogue, reads, ask.principal(), runtime, deadline);
        let catalogue = self.catalogue.clone();
        let run = tokio::task::spawn_blocking(move || {
            let planned = run_rule(&catalogue, &rule, context, request, ask);
            drop(thread);
            planned
        });
        run.await.map_err(|error| Error::internal(format!("a rule panicked: {error}")))?
    }

    /// The request of a command, or what is wrong with it; nothing runs.
    pub fn parse(&self, method: &str, request: &str) -> Result<DynamicMessage> {
        let command = &self.rules.get(method)?.command;
        let parsed = request::parse(command.descriptor.input(), request)?;
        self.catalogue.check_request(command, request)?;
        Ok(parsed)
    }
}

fn busy() -> Error {
    Error::new(Reason::Overloaded, "all threads for rules are busy; try again").with_retry_after_s(1)
}

fn run_rule(
    catalogue: &Catalogue,
    rule: &Rule,
    mut context: Context,
    request: DynamicMessage,
    ask: Ask,
) -> Result<WriteSet> {
    let response = rule.run(&mut context, request)?;
    let mutations = context.into_mutations()?;
    let principal = ask.principal();
    Ok(WriteSet {
        principal,
        answer: answer_plan(catalogue, &mutations, &response)?,
        mutations,
        idempotency: ask.idempotency,
        operation: None,
        request_id: ask.request_id,
        traceparent: ask.traceparent,
        validate_only: false,
    })
}

/// A response that is one of the written resources is answered as it was committed: its version
/// and times are not known before.
fn answer_plan(
    catalogue: &Catalogue,
    mutations: &[Mutation],
    response: &DynamicMessage,
) -> Result<AnswerPlan> {
    if let Some(kind) = catalogue.resource(&TypeName::new(response.descriptor().full_name())) {
        let name = response.get_field_by_name("name");
        let key = name.and_then(|name| name.as_str().and_then(|name| kind.pattern.key_of(name)));
        let written = |mutation: &Mutation| {
            mutation.resource.kind == kind.name
                && Some(mutation.resource.key.as_str()) == key.as_deref()
                && matches!(mutation.change, Change::Create(_) | Change::Update(_) | Change::Undelete)
        };
        if let Some(mutation) = mutations.iter().position(written) {
            return Ok(AnswerPlan::Resource { mutation, created: false });
        }
    }
    fitness::of_rule(response)?;
    let mut text = Vec::new();
    response
        .serialize_with_options(&mut serde_json::Serializer::new(&mut text), &SerializeOptions::new())
        .map_err(|error| Error::internal(format!("response of a rule: {error}")))?;
    String::from_utf8(text).map(AnswerPlan::Message).map_err(|error| Error::internal(error.to_string()))
}
