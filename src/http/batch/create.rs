//! `POST …/entries:batchCreate`: `{"requests":[{"parent","entryId","entry"}]}`.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::Envelope;
use crate::http::exchange::Exchange;
use crate::http::fields::Fields;
use crate::http::members::{Member, Place, check_number};
use crate::http::request_rules::judge_member;
use crate::http::{Api, create};
use crate::model::{AnswerPlan, Reason, Result};
use crate::schema::{ResourceType, StandardMethod};

pub async fn batch_create(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let mut envelope = Envelope::read(api, exchange, kind, StandardMethod::BatchCreate).await?;
    let requests = envelope.fields.list("requests")?;
    check_number(requests.len(), "requests")?;
    let members = requests.into_iter().map(|request| member(&envelope, request)).collect::<Result<_>>()?;
    envelope.commit(members, AnswerPlan::Resources).await
}

fn member(envelope: &Envelope<'_>, mut request: Fields) -> Result<Member> {
    let (kind, form) = (envelope.kind, &envelope.form);
    let place = Place::new(&request.path, &form.resource);
    let parent = request.text("parent")?;
    let parent = envelope.parent.of_member(kind, &parent, &request.path_of("parent"))?;
    let id = request.text(&form.id)?;
    let resource = request.object(&form.resource)?.ok_or_else(|| request.required(&form.resource))?;
    request.end()?;
    let parameters = [(form.id.as_str(), id.as_str())];
    judge_member(&envelope.api.catalogue, (kind, StandardMethod::Create), &parent, &parameters, &place)?;
    let input = kind.input_from_object(resource).map_err(|error| error.within(&place.resource))?;
    let id = Some(id.as_str()).filter(|id| !id.is_empty());
    let mutation = create::mutation(kind, &parent, (id, &form.id), input, &envelope.exchange.principal)
        .map_err(|error| match error.reason {
            Reason::InvalidId => error.within(&format!("{}.{}", place.path, form.id)),
            _ => error.within(&place.resource),
        })?;
    Ok(Member { mutation, place })
}
