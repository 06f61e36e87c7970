//! `POST /trine/v1/writeSets:commit`: creates, updates and deletes of any types that commit together.
//!
//! Each mutation is what the single method would do with it, masks, ids and field behaviour included.
//! JSON alone: no message describes a write set. Invariant: nothing of it is a commit of its own.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::batch::Parent;
use super::exchange::Exchange;
use super::fields::Fields;
use super::media::Media;
use super::members::{self, Member, Place, check_number};
use super::parameters::{Known, id_parameter};
use super::request_rules::{judge_deletion, judge_member};
use super::write::{self, Ask};
use super::{Api, body, create, etag, guard, idempotency, update};
use crate::model::{
    AnswerPlan, Change, Deletion, Error, Mutation, Precondition, Principal, Reason, ResourceRef, Result,
    TypeName, Version,
};
use crate::schema::document::object_from_json;
use crate::schema::{Catalogue, ResourceType, StandardMethod};

pub(super) const KNOWN: Known<'static> = Known { served: &["requestId", "validateOnly"], later: &[] };
pub const METHOD: &str = "trine.v1.WriteSets.Commit";

pub async fn commit(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    guard::refuse_all_conditions(exchange)?;
    exchange.require_json_accepted()?;
    Media::of_body(exchange.header("content-type")?)?.require_json()?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    body::refuse_empty(&bytes)?;
    let mut fields = Fields::new(object_from_json(&bytes)?)?;
    let validate_only = parameters.flag("validateOnly")? | fields.flag("validateOnly")?;
    let request_id = fields.text("requestId")?;
    let idempotency = idempotency::of_body(exchange, &parameters, &request_id, &bytes)?;
    let mutations = fields.list("mutations")?;
    fields.end()?;
    check_number(mutations.len(), "mutations")?;
    let members: Vec<Member> = mutations
        .into_iter()
        .map(|mutation| member(api, &exchange.principal, mutation))
        .collect::<Result<_>>()?;
    members::refuse_repeated(&members)?;
    let (mutations, places): (Vec<_>, Vec<_>) =
        members.into_iter().map(|member| (member.mutation, member.place)).unzip();
    let work = write::several(exchange, mutations, AnswerPlan::Resources, idempotency.clone());
    let method = METHOD.to_owned();
    let ask = Ask { method, work, idempotency, command: None, batch: None, validate_only };
    let answer = write::invoke(api, exchange, ask).await;
    answer.map_err(|error| members::explain(error, &places))
}

fn member(api: &Api, principal: &Principal, mut mutation: Fields) -> Result<Member> {
    let catalogue = &api.catalogue;
    let precondition = precondition(&mut mutation)?;
    let (path, create, update, delete) = (
        mutation.path.clone(),
        mutation.fields("create")?,
        mutation.fields("update")?,
        mutation.fields("delete")?,
    );
    let member = match (create, update, delete) {
        (Some(create), None, None) => created(catalogue, &path, create, (precondition, principal)),
        (None, Some(update), None) => updated(catalogue, &path, update, (precondition, principal)),
        (None, None, Some(delete)) => deleted(catalogue, &path, delete, precondition),
        _ => {
            let message = format!("`{path}` is one of `create`, `update` and `delete`");
            Err(Error::new(Reason::InvalidField, message.clone()).with_violation(&path, message))
        }
    }?;
    mutation.end()?;
    Ok(member)
}

fn created(
    catalogue: &Catalogue,
    path: &str,
    mut fields: Fields,
    (precondition, principal): (Precondition, &Principal),
) -> Result<Member> {
    if !matches!(precondition, Precondition::None | Precondition::Absent) {
        return Err(impossible(path, "a create can only demand that the resource is absent"));
    }
    let kind = kind(catalogue, &mut fields)?;
    let place = Place::new(path, "create.resource");
    let parent = fields.text("parent")?;
    let parent = Parent::any(kind).of_member(kind, &parent, &fields.path_of("parent"))?;
    let id = fields.text("id")?;
    let resource = fields.object("resource")?.ok_or_else(|| fields.required("resource"))?;
    let id_path = fields.path_of("id");
    fields.end()?;
    let parameters = [(&*id_parameter(kind), id.as_str())];
    judge_member(catalogue, (kind, StandardMethod::Create), &parent, &parameters, &place)?;
    let input = kind.input_from_object(resource).map_err(|error| error.within(&place.resource))?;
    let id = Some(id.as_str()).filter(|id| !id.is_empty());
    let mutation =
        create::mutation(kind, &parent, (id, "id"), input, principal).map_err(|error| {
            match error.reason {
                Reason::InvalidId => error.within(&id_path),
                _ => error.within(&place.resource),
            }
        })?;
    Ok(Member { mutation, place })
}

fn updated(
    catalogue: &Catalogue,
    path: &str,
    mut fields: Fields,
    (precondition, principal): (Precondition, &Principal),
) -> Result<Member> {
    let kind = kind(catalogue, &mut fields)?;
    let mut place = Place::new(path, "update.resource");
    let resource = fields.object("resource")?.ok_or_else(|| fields.required("resource"))?;
    let (mask, allow_missing) = (fields.text("updateMask")?, fields.flag("allowMissing")?);
    fields.end()?;
    let input = kind.input_from_object(resource).map_err(|error| error.within(&place.resource))?;
    let name_path = format!("{}.name", place.resource);
    let key = Parent::any(kind).key(kind, input.name.as_deref().unwrap_or_default(), &name_path)?;
    let precondition = match &input.etag {
        Some(etag) => {
            let version = etag::version_of_field(etag).map_err(|error| error.within(&place.resource))?;
            place.has_etag = true;
            both(path, precondition, version)?
        }
        None => precondition,
    };
    let asked = (mask.as_str(), allow_missing);
    let change = update::member_change((catalogue, kind, &key), input, asked, principal, &mut place)?;
    if let (Precondition::Absent, Some(refusal)) = (&precondition, &place.refusal) {
        return Err(refusal.clone());
    }
    let resource = ResourceRef { kind: kind.name.clone(), key };
    Ok(Member { mutation: Mutation { resource, precondition, change }, place })
}

fn deleted(
    catalogue: &Catalogue,
    path: &str,
    mut fields: Fields,
    precondition: Precondition,
) -> Result<Member> {
    let kind = kind(catalogue, &mut fields)?;
    let name = fields.text("name")?;
    let key = Parent::any(kind).key(kind, &name, &fields.path_of("name"))?;
    fields.end()?;
    let place = Place::new(path, "delete");
    let etag = match precondition {
        Precondition::Version(version) => version.0.to_string(),
        _ => String::new(),
    };
    judge_deletion(catalogue, kind, &key, (&etag, Deletion::default()), &place)?;
    let resource = ResourceRef { kind: kind.name.clone(), key };
    let mutation = Mutation { resource, precondition, change: Change::Delete };
    Ok(Member { mutation, place })
}

fn kind<'c>(catalogue: &'c Catalogue, fields: &mut Fields) -> Result<&'c Arc<ResourceType>> {
    let name = fields.text("type")?;
    catalogue.resource(&TypeName::new(&name)).ok_or_else(|| {
        let example = catalogue.types.first().map_or("blog.v1.Entry", |kind| kind.name.as_str());
        let remedy = format!("give the full name of a resource's message, such as `{example}`");
        let problem = if name.is_empty() { "is missing".to_owned() } else { format!("`{name}` is unknown") };
        fields.invalid("type", &format!("{problem}; {remedy}"))
    })
}

/// `{"version":"7"}`, `{"absent":true}` or `{"exists":true}`
fn precondition(mutation: &mut Fields) -> Result<Precondition> {
    let Some(mut fields) = mutation.fields("precondition")? else { return Ok(Precondition::None) };
    let version = fields.take("version").map(|version| match version {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    });
    let version = version.map(|text| {
        text.parse().map(Version).map_err(|_| fields.invalid("version", "a version, the number in an ETag"))
    });
    let version = version.transpose()?;
    let (absent, exists) = (fields.flag("absent")?, fields.flag("exists")?);
    let path = fields.path.clone();
    fields.end()?;
    match (version, absent, exists) {
        (Some(version), false, false) => Ok(Precondition::Version(version)),
        (None, true, false) => Ok(Precondition::Absent),
        (None, false, true) => Ok(Precondition::Exists),
        _ => Err(impossible(&path, "one of `version`, `absent` and `exists`")),
    }
}

/// An etag beside a precondition.
fn both(path: &str, precondition: Precondition, version: Version) -> Result<Precondition> {
    match precondition {
        Precondition::None | Precondition::Exists => Ok(Precondition::Version(version)),
        Precondition::Version(other) if other == version => Ok(precondition),
        _ => Err(impossible(path, "`etag` and `precondition` demand different things; send one of them")),
    }
}

fn impossible(path: &str, message: &str) -> Error {
    let message = format!("`{path}`: {message}");
    Error::new(Reason::InvalidField, message.clone()).with_violation(path, message)
}
