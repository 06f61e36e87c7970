//! `/trine/v1/operations`: what became of requests that were answered 202 (AIP-151).
//!
//! An operation is its principal's: it holds what was answered. Admins see all.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

use super::exchange::Exchange;
use super::list::page_size;
use super::parameters::Known;
use super::{Api, reply, several};
use crate::model::{
    Answer, Deadline, Error, Operation, OperationId, OperationResult, OperationState, Reason, Result,
};
use crate::schema::Catalogue;

pub(super) const LIST: Known<'static> =
    Known { served: &["pageSize", "pageToken"], later: &["filter", "orderBy"] };
const NONE: Known<'static> = Known { served: &[], later: &[] };

/// Longest `Prefer: wait`; proxies give up on quiet requests soon after.
const WAIT_S_MAX: u64 = 30;

pub async fn get(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    exchange.parameters(NONE)?;
    let id = id(exchange)?;
    let wait_ms = exchange.preferences().wait_s.unwrap_or(0).min(WAIT_S_MAX) * 1000;
    let deadline = Deadline::after(exchange.deadline.remaining() + std::time::Duration::from_millis(wait_ms));
    if wait_ms > 0 {
        // Before the wait: how long that takes would tell, too.
        own(exchange, api.engine.operation(&id, 0, exchange.deadline).await?)?;
    }
    let operation = own(exchange, api.engine.operation(&id, wait_ms, deadline).await?)?;
    Ok(reply::json(StatusCode::OK, render(&api.catalogue, &operation)))
}

pub async fn list(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    let parameters = exchange.parameters(LIST)?;
    let page_size = page_size(&parameters)?;
    let before = parameters.get("pageToken").map(page_token).transpose()?;
    let mut operations = api.engine.list_operations(before, page_size + 1, exchange.deadline).await?;
    let more = operations.len() > page_size as usize;
    operations.truncate(page_size as usize);
    // A page may be shorter than asked for (AIP-158), where others' are in between.
    let sight = exchange.principal.sight();
    let own = operations.iter().filter(|operation| sight.sees(&operation.principal));
    let rendered = own.map(|operation| render(&api.catalogue, operation));
    let mut text = format!("{{\"operations\":[{}]", rendered.collect::<Vec<_>>().join(","));
    if let (true, Some(last)) = (more, operations.last()) {
        text.push_str(&format!(",\"nextPageToken\":{}", json!(last.id.0)));
    }
    text.push('}');
    Ok(reply::json(StatusCode::OK, text))
}

pub async fn cancel(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    exchange.parameters(NONE)?;
    let id = id(exchange)?;
    own(exchange, api.engine.operation(&id, 0, exchange.deadline).await?)?;
    let operation = api.engine.cancel(&id, exchange.deadline).await?;
    Ok(reply::json(StatusCode::OK, render(&api.catalogue, &operation)))
}

/// The operation if it is the principal's; another's is not there.
fn own(exchange: &Exchange, operation: Operation) -> Result<Operation> {
    if exchange.principal.sight().sees(&operation.principal) {
        return Ok(operation);
    }
    let message = format!("there is no operations/{}; they are kept for 30 days", operation.id);
    Err(Error::new(Reason::NotFound, message))
}

fn id(exchange: &Exchange) -> Result<OperationId> {
    let text = exchange.ids.first().map_or("", String::as_str);
    let missing = || Error::new(Reason::NotFound, format!("operations/{text} does not exist"));
    operation_id(text).ok_or_else(missing)
}

fn operation_id(text: &str) -> Option<OperationId> {
    let id = uuid::Uuid::try_parse(text).ok()?.to_string();
    (id == text).then_some(OperationId(id))
}

fn page_token(text: &str) -> Result<OperationId> {
    operation_id(text).ok_or_else(|| {
        Error::new(Reason::PageTokenInvalid, "pageToken is none that a list of operations gave")
    })
}

/// `google.longrunning.Operation` as proto3 JSON.
pub fn render(catalogue: &Catalogue, operation: &Operation) -> String {
    let mut metadata = json!({
        "state": operation.state,
        "attempts": operation.attempts,
        "acceptTime": operation.accept_time.json_text(),
        "method": operation.method,
    });
    if let Some(time) = &operation.apply_time {
        metadata["applyTime"] = json!(time.json_text());
    }
    if let Some(token) = &operation.consistency_token {
        metadata["consistencyToken"] = json!(token);
    }
    let done = operation.state == OperationState::Done;
    let mut text =
        format!("{{\"name\":\"operations/{}\",\"done\":{done},\"metadata\":{metadata}", operation.id);
    match &operation.result {
        Some(OperationResult::Error(status)) => text.push_str(&format!(",\"error\":{status}")),
        Some(OperationResult::Response(answer)) => {
            text.push_str(&format!(",\"response\":{}", response(catalogue, &operation.method, answer)));
        }
        None => {}
    }
    text.push('}');
    text
}

/// The answer as `google.protobuf.Any`: its own JSON with `@type` first. Of a resource that is not served
/// here (a newer binary wrote it) its type alone is told: which of its fields are public, nobody here can say. What
/// a rule answered was made for the client, and is told whole.
fn response(catalogue: &Catalogue, method: &str, answer: &Answer) -> String {
    match answer {
        Answer::Resource { resource, .. } => {
            let kind = catalogue.resource(&resource.kind);
            let json = kind.map_or_else(|| "{}".to_owned(), |kind| kind.render_json(resource));
            any(resource.kind.as_str(), &json)
        }
        Answer::Resources(resources) => match several::described(catalogue, method, resources) {
            Some((message, json)) => any(&message, &json),
            None => object(&several::results(catalogue, resources)),
        },
        Answer::Message(json) => match output_of(catalogue, method) {
            Some(message) => any(&message, json),
            None => object(json),
        },
        Answer::Empty => any("google.protobuf.Empty", "{}"),
    }
}

fn any(message: &str, json: &str) -> String {
    let fields = json.trim_start().trim_start_matches('{').trim_start();
    let separator = if fields.starts_with('}') { "" } else { "," };
    format!("{{\"@type\":\"type.googleapis.com/{message}\"{separator}{fields}")
}

/// JSON that no message describes.
fn object(json: &str) -> String {
    any("google.protobuf.Struct", &format!("{{\"value\":{json}}}"))
}

fn output_of(catalogue: &Catalogue, method: &str) -> Option<String> {
    let command = catalogue.commands.iter().find(|command| command.name == method)?;
    Some(command.descriptor.output().full_name().to_owned())
}
