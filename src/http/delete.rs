//! `DELETE /{package}/{resource name}`: `{}`.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::guard::Guard;
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, idempotency};
use crate::model::{AnswerPlan, Change, Error, Key, Reason, Result, Sight};
use crate::query::ListQuery;
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> =
    Known { served: &["etag", "requestId"], later: &["validateOnly", "allowMissing", "force"] };

pub async fn delete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    exchange.refuse_body()?;
    let key = exchange.key()?;
    refuse_with_children(api, exchange, kind, &key).await?;
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

/// AIP-135: what has children is deleted with `force` only, which is not served yet. A child that is
/// created at this very moment is not seen: references are not enforced.
async fn refuse_with_children(api: &Api, exchange: &Exchange, kind: &ResourceType, key: &Key) -> Result<()> {
    for child in api.catalogue.children(kind) {
        let query = ListQuery::new(Some(key.as_str().to_owned()), Sight::All, 1);
        if let Some(found) = api.reads.list(child, query, exchange.deadline).await?.value.first() {
            let name = child.pattern.resource_name(found.key.as_str());
            let message = format!("it has children, `{name}` for one; delete them first");
            return Err(Error::new(Reason::FailedPrecondition, message).with_metadata("child", name));
        }
    }
    Ok(())
}
