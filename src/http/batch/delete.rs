//! `POST …/entries:batchDelete`: `{"names":[…],"force","allowMissing"}`, or
//! `{"requests":[{"name","etag","force","allowMissing"}]}`.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::Envelope;
use crate::http::exchange::Exchange;
use crate::http::fields::Fields;
use crate::http::members::{Member, Place, check_number};
use crate::http::request_rules::judge_deletion;
use crate::http::{Api, etag};
use crate::model::{AnswerPlan, Change, Deletion, Mutation, Precondition, ResourceRef, Result};
use crate::schema::{ResourceType, StandardMethod};

pub async fn batch_delete(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let mut envelope = Envelope::read(api, exchange, kind, StandardMethod::BatchDelete).await?;
    let names = envelope.fields.texts("names")?;
    let requests = envelope.fields.list("requests")?;
    let deletion = deletion(&mut envelope.fields)?;
    check_number(names.len() + requests.len(), if requests.is_empty() { "names" } else { "requests" })?;
    if !names.is_empty() && !requests.is_empty() {
        return Err(envelope.fields.invalid("requests", "either `names` or `requests`, not both"));
    }
    if names.is_empty() && deletion != Deletion::default() {
        let message = "`force` and `allowMissing` beside `requests`: set them in each of these";
        return Err(envelope.fields.invalid("requests", message));
    }
    let named = names.into_iter().enumerate();
    let mut members: Vec<Member> = named
        .map(|(at, name)| member(&envelope, &format!("names[{at}]"), &name, ("", deletion)))
        .collect::<Result<_>>()?;
    for request in requests {
        members.push(requested(&envelope, request)?);
    }
    let plan = if envelope.form.answer.is_some() { AnswerPlan::Resources } else { AnswerPlan::Empty };
    envelope.commit(members, plan).await
}

fn requested(envelope: &Envelope<'_>, mut request: Fields) -> Result<Member> {
    let (name, etag) = (request.text("name")?, request.text("etag")?);
    let deletion = deletion(&mut request)?;
    let path = request.path.clone();
    request.end()?;
    member(envelope, &path, &name, (&etag, deletion))
}

fn deletion(fields: &mut Fields) -> Result<Deletion> {
    Ok(Deletion { force: fields.flag("force")?, allow_missing: fields.flag("allowMissing")? })
}

fn member(
    envelope: &Envelope<'_>,
    path: &str,
    name: &str,
    (etag, deletion): (&str, Deletion),
) -> Result<Member> {
    let kind = envelope.kind;
    let mut place = Place::new(path, "name");
    let key = envelope.parent.key(kind, name, path)?;
    let mut precondition = Precondition::None;
    if !etag.is_empty() {
        place.has_etag = true;
        precondition =
            Precondition::Version(etag::version_of_field(etag).map_err(|error| error.within(path))?);
    }
    judge_deletion(&envelope.api.catalogue, kind, &key, (etag, deletion), &place)?;
    let resource = ResourceRef { kind: kind.name.clone(), key };
    Ok(Member { mutation: Mutation { resource, precondition, change: Change::delete(deletion) }, place })
}
