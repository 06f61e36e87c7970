//! `GET /{package}/{resource name}`

use std::sync::Arc;

use actix_web::HttpResponse;

use super::exchange::Exchange;
use super::parameters::Known;
use super::{Api, consistency, etag, reply};
use crate::model::{Error, Key, Reason, Result};
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> = Known { served: &[], later: &["readMask"] };

pub async fn get(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    api.refuse_unlisted_reads()?;
    exchange.parameters(KNOWN)?;
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
    let tag = etag::of(stored.version, exchange.accept);
    match exchange.list_header("if-none-match")? {
        Some(header) if etag::none_match_holds(&header, &tag) => Ok(reply::not_modified(tag)),
        _ => reply::resource(exchange, kind, &stored, false),
    }
}

/// 404 that names what is missing.
fn not_found(kind: &ResourceType, key: &Key) -> Error {
    let name = kind.pattern.resource_name(key.as_str());
    Error::new(Reason::NotFound, format!("{name} does not exist")).with_metadata("resource", name)
}
