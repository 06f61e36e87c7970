//! `POST …/entries:batchUpdate`: `{"requests":[{"entry","updateMask"}]}`.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::Envelope;
use crate::http::exchange::Exchange;
use crate::http::fields::Fields;
use crate::http::members::{Member, Place, check_number};
use crate::http::{Api, etag, update};
use crate::model::{AnswerPlan, Error, Mutation, Precondition, Reason, ResourceRef, Result};
use crate::schema::{ResourceType, StandardMethod};

pub async fn batch_update(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let mut envelope = Envelope::read(api, exchange, kind, StandardMethod::BatchUpdate).await?;
    let requests = envelope.fields.list("requests")?;
    check_number(requests.len(), "requests")?;
    let members = requests.into_iter().map(|request| member(&envelope, request)).collect::<Result<_>>()?;
    envelope.commit(members, AnswerPlan::Resources).await
}

fn member(envelope: &Envelope<'_>, mut request: Fields) -> Result<Member> {
    let (kind, form) = (envelope.kind, &envelope.form);
    let mut place = Place::new(&request.path, &form.resource);
    let resource = request.object(&form.resource)?.ok_or_else(|| request.required(&form.resource))?;
    let (mask, allow_missing) = (request.text("updateMask")?, request.flag("allowMissing")?);
    request.end()?;
    let input = kind.input_from_object(resource).map_err(|error| error.within(&place.resource))?;
    let name = input.name.clone().ok_or_else(|| name_required(&place))?;
    let key = envelope.parent.key(kind, &name, &format!("{}.name", place.resource))?;
    let precondition = match &input.etag {
        Some(etag) => {
            place.has_etag = true;
            Precondition::Version(
                etag::version_of_field(etag).map_err(|error| error.within(&place.resource))?,
            )
        }
        None => Precondition::None,
    };
    let target = (envelope.api.catalogue.as_ref(), kind.as_ref(), &key);
    let asked = (mask.as_str(), allow_missing);
    let change = update::member_change(target, input, asked, &envelope.exchange.principal, &mut place)?;
    let resource = ResourceRef { kind: kind.name.clone(), key };
    Ok(Member { mutation: Mutation { resource, precondition, change }, place })
}

fn name_required(place: &Place) -> Error {
    let path = format!("{}.name", place.resource);
    let message = format!("`{path}` is required: it says which resource is updated");
    Error::new(Reason::Required, message.clone()).with_violation(path, message)
}
