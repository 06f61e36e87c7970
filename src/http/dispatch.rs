//! The way of every public request: find its action, run it, finish its answer.
//!
//! Invariant: whatever happens inside, a panic included, the client gets one answer of the
//! contract's form and the log gets one line.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::header::{ALLOW, TRANSFER_ENCODING};
use actix_web::http::{ConnectionType, Method};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;

use super::cors::Caller;
use super::exchange::{Exchange, single};
use super::incoming::Incoming;
use super::media::Media;
use super::observe::{self, Observation};
use super::routes::{Action, Found};
use super::{
    Api, Current, Probes, access, batch, command, consistency, create, delete, docs, errors, get, list,
    openapi, operations, peer, undelete, update, write_sets,
};
use crate::model::{Error, Position, Principal, Reason, Result};
use crate::telemetry::trace::TraceContext;

/// The default service of the public listener.
pub async fn dispatch(
    request: HttpRequest,
    payload: Payload,
    current: Data<Current>,
    probes: Data<Probes>,
) -> HttpResponse {
    let started = Instant::now();
    let api = current.load();
    let request_id = request_id(&request);
    let trace = TraceContext::continue_or_start(single(request.headers(), "traceparent").ok().flatten());
    let method = request.method().clone();
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let incoming = Rc::new(Incoming::new(payload));
    let found = api.routes.find(request.uri().path());
    let route = found.as_ref().ok().map(|found| (found.number, found.route.pattern.clone()));
    let (caller, found) = match api.settings.cors.judge(&method, request.headers()) {
        Ok(caller) => (caller, found),
        Err(error) => (Caller::default(), Err(error)),
    };
    let (outcome, seen) = run(&api, request, incoming.clone(), found, &request_id, &trace).await;
    let (mut response, error) = match outcome {
        Ok(response) => (response, None),
        Err(error) => (errors::response(&error, &request_id), Some(error)),
    };
    consistency::stamp(&api, &mut response, seen.position);
    access::stamp(&api, &mut response);
    api.settings.cors.stamp(&caller, &mut response);
    let role = api.settings.plan.role.as_str();
    observe::stamp(&mut response, role, &request_id, trace.traceparent());
    let observation = Observation {
        method: &method,
        route: route.as_ref().map(|(number, pattern)| (*number, pattern)),
        status: response.status().as_u16(),
        duration: started.elapsed(),
        request_id: &request_id,
        role,
        trace_id: trace.trace_id(),
        principal: seen.principal.as_deref().map(|principal| principal.subject.as_str()),
        error: error.as_ref(),
    };
    observation.record(api.settings.log_requests);
    if probes.is_draining() {
        // Its client must find another server before this listener closes.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    incoming.close_if_unread(response, chunked)
}

async fn run(
    api: &Api,
    request: HttpRequest,
    incoming: Rc<Incoming>,
    found: Result<Found<'_>>,
    request_id: &str,
    trace: &TraceContext,
) -> (Result<HttpResponse>, Seen) {
    let prepared = found.and_then(|found| {
        if request.method() == Method::OPTIONS {
            return Ok((found.route.allow(), None));
        }
        let action = found.route.action(request.method().as_str())?;
        let accept = action.fixed_media().map_or_else(|| Media::of_answer(request.headers()), Ok)?;
        let (request_id, trace) = (request_id.to_owned(), trace.clone());
        let exchange = Exchange::new(request, incoming, found.ids, request_id, trace, accept, &api.settings)?;
        Ok((String::new(), Some((action, exchange))))
    });
    match prepared {
        Err(error) => (Err(error), Seen::default()),
        Ok((allow, None)) => {
            (Ok(HttpResponse::NoContent().insert_header((ALLOW, allow)).finish()), Seen::default())
        }
        Ok((_, Some((action, exchange)))) => admitted(api, action, exchange).await,
    }
}

/// What is known of a request once it has been served.
#[derive(Default)]
struct Seen {
    position: Option<Position>,
    principal: Option<Arc<Principal>>,
}

async fn admitted(api: &Api, action: &Action, mut exchange: Exchange) -> (Result<HttpResponse>, Seen) {
    match access::admit(api, &exchange, action).await {
        Ok(principal) => exchange.principal = principal,
        Err(error) => return (Err(error), Seen::default()),
    }
    // A panic would take the worker thread and all of its connections along.
    let answer = AssertUnwindSafe(handle(api, action, &exchange)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Err(Error::internal("a handler panicked")));
    (answer, Seen { position: exchange.seen(), principal: Some(exchange.principal) })
}

async fn handle(api: &Api, action: &Action, exchange: &Exchange) -> Result<HttpResponse> {
    super::request_rules::judge(api, action, exchange)?;
    match action {
        Action::Get(kind) => get::get(api, exchange, kind).await,
        Action::List(kind) => list::list(api, exchange, kind).await,
        Action::Create(kind) => create::create(api, exchange, kind).await,
        Action::Update(kind) => update::update(api, exchange, kind).await,
        Action::Delete(kind) => delete::delete(api, exchange, kind).await,
        Action::BatchGet(kind) => batch::batch_get(api, exchange, kind).await,
        Action::BatchCreate(kind) => batch::batch_create(api, exchange, kind).await,
        Action::BatchUpdate(kind) => batch::batch_update(api, exchange, kind).await,
        Action::BatchDelete(kind) => batch::batch_delete(api, exchange, kind).await,
        Action::CommitWriteSet => write_sets::commit(api, exchange).await,
        Action::Undelete(kind) => undelete::undelete(api, exchange, kind).await,
        Action::Command(command) => command::command(api, exchange, command).await,
        Action::GetOperation => operations::get(api, exchange).await,
        Action::ListOperations => operations::list(api, exchange).await,
        Action::CancelOperation => operations::cancel(api, exchange).await,
        Action::PeerCall => peer::peer_call(api, exchange).await,
        Action::OpenApi => openapi::answer(api, exchange).await,
        Action::Docs => docs::answer(exchange.headers()),
        Action::NotYet(sentence, _) => Err(Error::new(Reason::NotImplemented, *sentence)),
    }
}

/// The caller's id when it can be put into a header and a log line as it is, else a new one.
fn request_id(request: &HttpRequest) -> String {
    let given = single(request.headers(), "x-request-id").ok().flatten();
    let usable = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
    };
    given.filter(usable).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}
