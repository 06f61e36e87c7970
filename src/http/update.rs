//! `PATCH /{package}/{resource name}`: the masked fields of the body, nothing else. With `allowMissing` a
//! resource that is not there is created from the whole body (AIP-134).

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::guard::Guard;
use super::media::Media;
use super::members::Place;
use super::parameters::Known;
use super::request_rules::{judge_member, judge_new_id};
use super::write::{self, Ask};
use super::{Api, body, idempotency};
use crate::model::{AnswerPlan, Change, Error, Key, Principal, Reason, Result, Upsert};
use crate::query::mask;
use crate::schema::document::Input;
use crate::schema::{Catalogue, ResourceType, StandardMethod};

pub(super) const KNOWN: Known<'static> =
    Known { served: &["updateMask", "requestId", "validateOnly", "allowMissing"], later: &[] };

pub async fn update(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    let key = exchange.key()?;
    let media = Media::of_body(exchange.header("content-type")?)?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    let validate_only = parameters.flag("validateOnly")?;
    let idempotency = idempotency::of_request(exchange, &parameters, &bytes)?;
    let input = body::resource(kind, media, &bytes)?;
    check_name(kind, &key, input.name.as_deref())?;
    let mask = parameters.get("updateMask").unwrap_or_default();
    let etag = input.etag.clone();
    let may_create = parameters.flag("allowMissing")?;
    let refusal = if may_create { judge_new_id(&api.catalogue, kind, &key).err() } else { None };
    let (change, guard) = if may_create {
        let change = upsert(kind, input, mask, &exchange.principal, refusal.as_ref())?;
        (change, Guard::of_upsert(exchange, etag.as_deref())?)
    } else {
        (change(kind, &input, mask)?, Guard::of_request(exchange, etag.as_deref())?)
    };
    if let (Guard::Absent, Some(refusal)) = (&guard, &refusal) {
        return Err(refusal.clone());
    }
    let precondition = guard.precondition(api, exchange, kind, &key).await?;
    let plan = AnswerPlan::Resource { mutation: 0, created: false };
    let work = write::single(exchange, kind, (key, precondition, change), plan, idempotency.clone());
    let method = format!("{}.Update", kind.name);
    let answer = write::invoke(
        api,
        exchange,
        Ask { method, work, idempotency, command: None, batch: None, validate_only },
    )
    .await;
    answer.map_err(|error| match refusal {
        Some(refusal) if error.reason == Reason::NotFound => refusal,
        _ => guard.explain(error),
    })
}

/// The change of a member of a batch or write set, which may ask for either.
pub fn member_change(
    (catalogue, kind, key): (&Catalogue, &ResourceType, &Key),
    input: Input,
    (mask, allow_missing): (&str, bool),
    principal: &Principal,
    place: &mut Place,
) -> Result<Change> {
    let parameters = [("updateMask", mask), ("allowMissing", &allow_missing.to_string())];
    judge_member(catalogue, (kind, StandardMethod::Update), key.as_str(), &parameters, place)?;
    let changed = if allow_missing {
        place.refusal = judge_new_id(catalogue, kind, key).map_err(|error| error.within(&place.path)).err();
        upsert(kind, input, mask, principal, place.refusal.as_ref())
    } else {
        change(kind, &input, mask)
    };
    changed.map_err(|error| error.within(&place.resource))
}

/// What the mask takes of the body.
fn change(kind: &ResourceType, input: &Input, mask: &str) -> Result<Change> {
    Ok(Change::Update(kind.edits(input, mask::parse(mask)?.as_deref())?))
}

/// What the mask takes of the body, and the whole of it for where there is nothing to change. What could not be
/// created is updated where it is there, from before the rule.
fn upsert(
    kind: &ResourceType,
    input: Input,
    mask: &str,
    principal: &Principal,
    refusal: Option<&Error>,
) -> Result<Change> {
    if refusal.is_some() {
        return change(kind, &input, mask);
    }
    let edits = kind.edits(&input, mask::parse(mask)?.as_deref())?;
    let mut document = input.document;
    kind.claim(&mut document, principal)?;
    kind.fill_on_create(&mut document);
    Ok(Change::Upsert(Upsert { document, edits }))
}

fn check_name(kind: &ResourceType, key: &Key, name: Option<&str>) -> Result<()> {
    let own = kind.pattern.resource_name(key.as_str());
    match name {
        Some(name) if !name.is_empty() && name != own => Err(Error::new(
            Reason::InvalidField,
            format!("`name` in the body is not {own}; resources cannot be renamed"),
        )
        .with_violation("name", "differs from the path")),
        _ => Ok(()),
    }
}
