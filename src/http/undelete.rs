//! `POST /{package}/{resource name}:undelete` (AIP-164): the resource, as it was before its deletion.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Deserialize;

use super::exchange::Exchange;
use super::guard::Guard;
use super::media::Media;
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, idempotency};
use crate::model::{AnswerPlan, Change, Error, Reason, Result};
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> = Known { served: &["etag", "requestId", "validateOnly"], later: &[] };

/// The request message: what the path says already, and the version that is meant.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UndeleteRequest {
    name: String,
    etag: String,
}

pub async fn undelete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    let key = exchange.key()?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    let request = parse(exchange, &bytes)?;
    let own = kind.pattern.resource_name(key.as_str());
    if !request.name.is_empty() && request.name != own {
        return Err(Error::new(Reason::InvalidField, format!("`name` in the body is not {own}"))
            .with_violation("name", "differs from the path"));
    }
    let idempotency = idempotency::of_request(exchange, &parameters, &bytes)?;
    let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty()).or(parameters.get("etag"));
    let guard = Guard::of_request(exchange, etag)?;
    let precondition = guard.precondition(api, exchange, kind, &key).await?;
    let plan = AnswerPlan::Resource { mutation: 0, created: false };
    let work =
        write::single(exchange, kind, (key, precondition, Change::Undelete), plan, idempotency.clone());
    let method = format!("{}.Undelete", kind.name);
    let validate_only = parameters.flag("validateOnly")?;
    let ask = Ask { method, work, idempotency, command: None, batch: None, validate_only };
    let answer = write::invoke(api, exchange, ask).await;
    answer.map_err(|error| guard.explain(error))
}

/// Most clients send no body at all.
fn parse(exchange: &Exchange, bytes: &[u8]) -> Result<UndeleteRequest> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(UndeleteRequest::default());
    }
    match Media::of_body(exchange.header("content-type")?)? {
        Media::Json => serde_json::from_slice(bytes).map_err(|error| {
            let hint = "send `{}`, or `name` and `etag`";
            Error::new(Reason::InvalidBody, format!("the body is no undelete request: {error}; {hint}"))
        }),
        Media::Protobuf(_) => {
            let message =
                "an undelete is named by its path; send no protobuf body, and `?etag=` for a version";
            Err(Error::new(Reason::InvalidBody, message))
        }
    }
}
