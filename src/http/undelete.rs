//! `POST /{package}/{resource name}:undelete` (AIP-164): the resource, as it was before its deletion.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::fields::Fields;
use super::guard::Guard;
use super::media::Media;
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, idempotency};
use crate::model::{AnswerPlan, Change, Error, Reason, Result};
use crate::schema::ResourceType;
use crate::schema::document::{object_from_json, object_from_message};

pub(super) const KNOWN: Known<'static> = Known { served: &["etag", "requestId", "validateOnly"], later: &[] };

pub async fn undelete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    let key = exchange.key()?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    let request = UndeleteRequest::read(api, exchange, kind, &bytes)?;
    let own = kind.pattern.resource_name(key.as_str());
    if !request.name.is_empty() && request.name != own {
        return Err(Error::new(Reason::InvalidField, format!("`name` in the body is not {own}"))
            .with_violation("name", "differs from the path"));
    }
    let idempotency = idempotency::of_body(exchange, &parameters, &request.request_id, &bytes)?;
    let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty()).or(parameters.get("etag"));
    let guard = Guard::of_request(exchange, etag)?;
    let precondition = guard.precondition(api, exchange, kind, &key).await?;
    let plan = AnswerPlan::Resource { mutation: 0, created: false };
    let work =
        write::single(exchange, kind, (key, precondition, Change::Undelete), plan, idempotency.clone());
    let method = format!("{}.Undelete", kind.name);
    let validate_only = parameters.flag("validateOnly")? | request.validate_only;
    let ask = Ask { method, work, idempotency, command: None, batch: None, validate_only };
    let answer = write::invoke(api, exchange, ask).await;
    answer.map_err(|error| guard.explain(error))
}

/// The request message: what the path says already, and the version that is meant.
#[derive(Default)]
struct UndeleteRequest {
    name: String,
    etag: String,
    request_id: String,
    validate_only: bool,
}

impl UndeleteRequest {
    /// Most clients send no body at all, and in protobuf an empty one says no less.
    fn read(api: &Api, exchange: &Exchange, kind: &ResourceType, bytes: &[u8]) -> Result<Self> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let mut fields = Fields::new(match Media::of_body(exchange.header("content-type")?)? {
            Media::Json => object_from_json(bytes)?,
            Media::Protobuf(_) => object_from_message(api.catalogue.undelete_request(kind)?, bytes)?,
        })?;
        let request = Self {
            name: fields.text("name")?,
            etag: fields.text("etag")?,
            request_id: fields.text("requestId")?,
            validate_only: fields.flag("validateOnly")?,
        };
        fields.end()?;
        Ok(request)
    }
}
