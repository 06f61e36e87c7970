//! `POST /{package}/{collection}`: 201 with `Location`, or 409 when the id is taken.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::{Known, camel_case};
use super::path::check_id;
use super::write::{self, Ask};
use super::{Api, body, guard, idempotency};
use crate::model::{AnswerPlan, Change, Error, Key, Precondition, Reason, Result};
use crate::schema::ResourceType;

/// Beside the one that chooses the id.
pub(super) const KNOWN: Known<'static> = Known { served: &["requestId"], later: &["validateOnly"] };

pub async fn create(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let id_parameter = format!("{}Id", camel_case(&kind.singular));
    let served = [&[id_parameter.as_str()], KNOWN.served].concat();
    let known = Known { served: &served, later: KNOWN.later };
    let parameters = exchange.parameters(known)?;
    guard::refuse_conditions(exchange)?;
    let media = Media::of_body(exchange.header("content-type")?)?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    let idempotency = idempotency::of_request(exchange, &parameters, &bytes)?;
    let mut input = body::resource(kind, media, &bytes)?;
    kind.claim(&mut input.document, &exchange.principal)?;
    kind.check_required(&input.document)?;
    kind.fill_on_create(&mut input.document);
    let given = parameters.get(&id_parameter);
    let id = given.map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned);
    check_id(&id)?;
    let key = Key::child(&exchange.parent()?, &id);
    check_name(kind, &key, input.name.as_deref(), &id_parameter)?;
    let mutation = (key, Precondition::Absent, Change::Create(input.document));
    let plan = AnswerPlan::Resource { mutation: 0, created: true };
    let work = write::single(exchange, kind, mutation, plan, idempotency.clone());
    let method = format!("{}.Create", kind.name);
    write::invoke(api, exchange, Ask { method, work, idempotency, command: None }).await
}

/// The id comes from the parameter; a `name` that says otherwise is refused, not ignored.
fn check_name(kind: &ResourceType, key: &Key, name: Option<&str>, id_parameter: &str) -> Result<()> {
    match name {
        Some(name) if !name.is_empty() && name != kind.pattern.resource_name(key.as_str()) => {
            Err(Error::new(
                Reason::InvalidField,
                format!(
                    "`name` does not choose the id of a new resource; leave it out and use ?{id_parameter}="
                ),
            )
            .with_violation("name", "set by the server"))
        }
        _ => Ok(()),
    }
}
