//! `POST /{package}/{collection}`: 201 with `Location`, or 409 when the id is taken.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::{Known, id_parameter};
use super::path::check_id;
use super::write::{self, Ask};
use super::{Api, body, guard, idempotency};
use crate::model::{
    AnswerPlan, Change, Error, Key, Mutation, Precondition, Principal, Reason, ResourceRef, Result,
};
use crate::schema::ResourceType;
use crate::schema::document::Input;

/// Beside the one that chooses the id.
pub(super) const KNOWN: Known<'static> = Known { served: &["requestId", "validateOnly"], later: &[] };

pub async fn create(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let id_parameter = id_parameter(kind);
    let served = [&[id_parameter.as_str()], KNOWN.served].concat();
    let known = Known { served: &served, later: KNOWN.later };
    let parameters = exchange.parameters(known)?;
    guard::refuse_conditions(exchange)?;
    let media = Media::of_body(exchange.header("content-type")?)?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    let validate_only = parameters.flag("validateOnly")?;
    let idempotency = idempotency::of_request(exchange, &parameters, &bytes)?;
    let input = body::resource(kind, media, &bytes)?;
    let mutation = mutation(
        kind,
        &exchange.parent()?,
        (parameters.get(&id_parameter), &id_parameter),
        input,
        &exchange.principal,
    )?;
    let plan = AnswerPlan::Resource { mutation: 0, created: true };
    let work = write::several(exchange, vec![mutation], plan, idempotency.clone());
    let method = format!("{}.Create", kind.name);
    write::invoke(api, exchange, Ask { method, work, idempotency, command: None, batch: None, validate_only })
        .await
}

/// A new resource under its parent's ids, with the id that the client chose, in the field of this name, or a new one.
pub fn mutation(
    kind: &ResourceType,
    parent: &str,
    (id, id_field): (Option<&str>, &str),
    mut input: Input,
    principal: &Principal,
) -> Result<Mutation> {
    kind.claim(&mut input.document, principal)?;
    kind.check_required(&input.document)?;
    kind.fill_on_create(&mut input.document);
    let id = id.map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned);
    check_id(&id)?;
    let key = Key::child(parent, &id);
    check_name(kind, &key, input.name.as_deref(), id_field)?;
    let resource = ResourceRef { kind: kind.name.clone(), key };
    Ok(Mutation { resource, precondition: Precondition::Absent, change: Change::Create(input.document) })
}

/// The id comes from its own field; a `name` that says otherwise is refused, not ignored.
fn check_name(kind: &ResourceType, key: &Key, name: Option<&str>, id_field: &str) -> Result<()> {
    match name {
        Some(name) if !name.is_empty() && name != kind.pattern.resource_name(key.as_str()) => {
            Err(Error::new(
                Reason::InvalidField,
                format!("`name` does not choose the id of a new resource; leave it out and use `{id_field}`"),
            )
            .with_violation("name", "set by the server"))
        }
        _ => Ok(()),
    }
}
