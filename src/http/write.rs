//! What all writes share: one invocation of the engine, one encoding of its reply.
//!
//! Invariant: HTTP never commits; every write goes through [`crate::commands::Engine::invoke`].

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, LOCATION};

use super::exchange::Exchange;
use super::{Api, consistency, operations, reply, several};
use crate::commands::{Invocation, Reply};
use crate::model::{
    Answer, AnswerPlan, Change, Idempotency, Key, Mutation, Precondition, ResourceRef, Result, WriteSet,
};
use crate::schema::{BatchAnswer, Command, ResourceType};
use crate::store::request_log::Work;

/// What a request asks the engine to do.
pub struct Ask<'a> {
    pub method: String,
    pub work: Work,
    pub idempotency: Option<Idempotency>,
    /// Set for a command: its response is a message.
    pub command: Option<&'a Command>,
    /// Set for a batch: where its answer keeps the resources.
    pub batch: Option<&'a BatchAnswer>,
    pub validate_only: bool,
}

/// Runs a write in its mode and encodes what it answers.
pub async fn invoke(api: &Api, exchange: &Exchange, ask: Ask<'_>) -> Result<HttpResponse> {
    let preferences = exchange.preferences();
    let prefers_async = preferences.respond_async;
    let invocation = Invocation {
        method: ask.method,
        work: ask.work,
        principal: exchange.principal.as_ref().clone(),
        idempotency: ask.idempotency,
        position: consistency::position(api, exchange)?,
        request_id: exchange.request_id.clone(),
        traceparent: Some(exchange.trace.traceparent().to_owned()),
        prefers_async,
        validate_only: ask.validate_only,
        deadline: exchange.deadline,
    };
    match api.engine.invoke(invocation).await? {
        Reply::Done { answer, position, replayed } => {
            exchange.saw(position);
            let mut response = match &answer {
                Answer::Resources(resources) => several::answer(api, exchange, ask.batch, resources)?,
                single => done(api, exchange, ask.command, single)?,
            };
            // What a command answers is not what the client sent: it is never left out.
            if preferences.return_minimal && ask.command.is_none() {
                response = reply::minimal(response);
            }
            if replayed {
                set(&mut response, "idempotency-replayed", "true");
            }
            Ok(response)
        }
        Reply::Accepted { operation } => {
            let mut response =
                reply::json(StatusCode::ACCEPTED, operations::render(&api.catalogue, &operation));
            if let Ok(location) = HeaderValue::try_from(format!("/trine/v1/operations/{}", operation.id)) {
                response.headers_mut().insert(LOCATION, location);
            }
            if prefers_async {
                set(&mut response, "preference-applied", "respond-async");
            }
            Ok(response)
        }
    }
}

fn done(api: &Api, exchange: &Exchange, command: Option<&Command>, answer: &Answer) -> Result<HttpResponse> {
    match (answer, command) {
        (Answer::Resource { resource, created }, _) => {
            let kind = api.kind(&resource.kind)?;
            // AIP-136: a custom method answers 200 even when it created something.
            reply::resource(exchange, kind, resource, *created && command.is_none())
        }
        (Answer::Message(json), Some(command)) => reply::message(exchange, command.descriptor.output(), json),
        (Answer::Message(json), None) => Ok(reply::json(StatusCode::OK, json.clone())),
        (Answer::Empty | Answer::Resources(_), _) => Ok(reply::empty(exchange)),
    }
}

fn set(response: &mut HttpResponse, name: &'static str, value: &'static str) {
    response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
}

/// A write set of one mutation.
pub fn single(
    exchange: &Exchange,
    kind: &ResourceType,
    (key, precondition, change): (Key, Precondition, Change),
    answer: AnswerPlan,
    idempotency: Option<Idempotency>,
) -> Work {
    let resource = ResourceRef { kind: kind.name.clone(), key };
    several(exchange, vec![Mutation { resource, precondition, change }], answer, idempotency)
}

/// A write set of these mutations.
pub fn several(
    exchange: &Exchange,
    mutations: Vec<Mutation>,
    answer: AnswerPlan,
    idempotency: Option<Idempotency>,
) -> Work {
    Work::WriteSet(Box::new(WriteSet {
        mutations,
        answer,
        idempotency,
        operation: None,
        principal: exchange.principal.as_ref().clone(),
        request_id: exchange.request_id.clone(),
        traceparent: Some(exchange.trace.traceparent().to_owned()),
        validate_only: false,
    }))
}
