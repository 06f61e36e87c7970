//! `DELETE /{package}/{resource name}`: `{}`.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::guard::Guard;
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, idempotency};
use crate::model::{AnswerPlan, Change, Result};
use crate::schema::ResourceType;

const KNOWN: Known<'static> =
    Known { served: &["etag", "requestId"], later: &["validateOnly", "allowMissing", "force"] };

pub async fn delete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    exchange.refuse_body()?;
    let key = exchange.key()?;
    let idempotency = idempotency::of_request(exchange, &parameters, &[])?;
    let guard = Guard::of_request(exchange, parameters.get("etag"))?;
    let precondition = guard.precondition(api, exchange, kind, &key).await?;
    let work = write::single(
        exchange,
        kind,
        (key, precondition, Change::Delete),
        AnswerPlan::Empty,
        idempotency.clone(),
    );
    let method = format!("{}.Delete", kind.name);
    let answer = write::invoke(api, exchange, Ask { method, work, idempotency, command: None }).await;
    answer.map_err(|error| guard.explain(error))
}
