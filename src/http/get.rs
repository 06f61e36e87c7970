//! `GET /{package}/{resource name}`

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::parameters::Known;
use super::{Api, consistency, etag, reply};
use crate::model::{Error, Key, Reason, Result};
use crate::query::mask;
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> = Known { served: &["readMask"], later: &[] };

pub async fn get(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    api.refuse_unlisted_reads()?;
    let parameters = exchange.parameters(KNOWN)?;
    let mask = mask::read(kind, parameters.get("readMask").unwrap_or_default())?;
    exchange.refuse_body()?;
    let key = exchange.key()?;
    let wanted = consistency::wait(api, exchange).await?;
    let read = api.reads.get(kind, &key, &exchange.principal.sight(), exchange.deadline).await?;
    consistency::confirm(api, exchange, wanted, read.position)?;
    let stored = read.value.ok_or_else(|| not_found(kind, &key))?;
    if let Some(header) = exchange.list_header("if-match")?
        && !etag::IfMatch::parse(&header).holds(stored.version)
    {
        return Err(etag::if_match_failed());
    }
    let tag = etag::of_masked(stored.version, exchange.accept, mask.as_ref());
    match exchange.list_header("if-none-match")? {
        Some(header) if etag::none_match_holds(&header, &tag) => Ok(reply::not_modified(tag)),
        _ => reply::masked(exchange, kind, &stored, mask.as_ref(), false),
    }
}

/// 404 that names what is missing.
fn not_found(kind: &ResourceType, key: &Key) -> Error {
    let name = kind.pattern.resource_name(key.as_str());
    Error::new(Reason::NotFound, format!("{name} does not exist")).with_metadata("resource", name)
}
