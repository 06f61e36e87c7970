//! `DELETE /{package}/{resource name}`: `{}`, or the resource where its type declares `delete_time`.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::guard::Guard;
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, idempotency};
use crate::model::{AnswerPlan, Change, Deletion, Result};
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> =
    Known { served: &["etag", "requestId", "validateOnly", "allowMissing", "force"], later: &[] };

pub async fn delete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    exchange.refuse_body()?;
    let key = exchange.key()?;
    let (force, allow_missing) = (parameters.flag("force")?, parameters.flag("allowMissing")?);
    let change = Change::delete(Deletion { force, allow_missing });
    let validate_only = parameters.flag("validateOnly")?;
    let idempotency = idempotency::of_request(exchange, &parameters, &[])?;
    let guard = Guard::of_request(exchange, parameters.get("etag"))?;
    let precondition = guard.precondition(api, exchange, kind, &key).await?;
    let plan = deleted(kind);
    let work = write::single(exchange, kind, (key, precondition, change), plan, idempotency.clone());
    let method = format!("{}.Delete", kind.name);
    let answer = write::invoke(
        api,
        exchange,
        Ask { method, work, idempotency, command: None, batch: None, validate_only },
    )
    .await;
    answer.map_err(|error| guard.explain(error))
}

/// AIP-164: a soft delete shows when the resource goes.
fn deleted(kind: &ResourceType) -> AnswerPlan {
    if kind.soft_delete { AnswerPlan::Resource { mutation: 0, created: false } } else { AnswerPlan::Empty }
}
