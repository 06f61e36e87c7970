//! `DELETE /{package}/{resource name}`: `{}`.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::guard::Guard;
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, idempotency};
use crate::model::{AnswerPlan, Change, Error, Key, Reason, ResourceRef, Result, Sight};
use crate::query::ListQuery;
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> =
    Known { served: &["etag", "requestId", "validateOnly"], later: &["allowMissing", "force"] };

pub async fn delete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    exchange.refuse_body()?;
    let key = exchange.key()?;
    refuse_with_children(api, exchange, kind, &key, &HashSet::new()).await?;
    let validate_only = parameters.flag("validateOnly")?;
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
    let answer = write::invoke(
        api,
        exchange,
        Ask { method, work, idempotency, command: None, batch: None, validate_only },
    )
    .await;
    answer.map_err(|error| guard.explain(error))
}

/// AIP-135: what has children is deleted with `force` only, which is not served yet, or together with
/// them. A child that is created at this very moment is not seen: references are not enforced.
pub async fn refuse_with_children(
    api: &Api,
    exchange: &Exchange,
    kind: &ResourceType,
    key: &Key,
    going: &HashSet<&ResourceRef>,
) -> Result<()> {
    for child in api.catalogue.children(kind) {
        let is_below = |other: &&&ResourceRef| other.kind == child.name && other.key.parent() == key.as_str();
        let limit = 1 + going.iter().filter(is_below).count() as u32;
        let query = ListQuery::new(Some(key.as_str().to_owned()), Sight::All, limit);
        for found in api.reads.list(child, query, exchange.deadline).await?.value {
            let resource = ResourceRef { kind: found.kind, key: found.key };
            if going.contains(&resource) {
                continue;
            }
            let name = child.pattern.resource_name(resource.key.as_str());
            let message = format!("it has children, `{name}` for one; delete them first");
            return Err(Error::new(Reason::FailedPrecondition, message).with_metadata("child", name));
        }
    }
    Ok(())
}
