//! Signed calls between roles: `/trine/v1/{commands:plan,commands:accept,commands:operations,inbox}`.
//!
//! Not here: checking signatures (the engine does, over the bytes as they came). Strangers reach this
//! listener, and a body is read before its signature can be checked: so everything that can be refused
//! without the body is refused first, and few bodies are read at once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use tokio::time::timeout_at;

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::Known;
use super::path::no_route;
use super::{Api, reply};
use crate::commands::engine::PeerSignature;
use crate::events::cloud_event::{INBOX_PATH, MEDIA_TYPE as EVENTS};
use crate::model::{Error, Reason, Result};

pub async fn peer_call(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    if !api.engine.has_peers() {
        return Err(no_route(&exchange.path));
    }
    exchange.parameters(Known { served: &[], later: &[] })?;
    let signature = PeerSignature {
        id: required(exchange, "webhook-id")?,
        timestamp: required(exchange, "webhook-timestamp")?,
        signature: required(exchange, "webhook-signature")?,
    };
    signature.check_time()?;
    check_media(exchange)?;
    let body = body(api, exchange).await?;
    let answer = api.engine.peer_call(&exchange.path, signature, &body, exchange.deadline).await?;
    Ok(reply::body(StatusCode::OK, Media::Json, answer))
}

async fn body(api: &Api, exchange: &Exchange) -> Result<Bytes> {
    let turn = timeout_at(exchange.deadline.instant().into(), api.peer_bodies.acquire());
    let Ok(Ok(_turn)) = turn.await else {
        let busy = Error::new(Reason::Overloaded, "too many calls between roles are being read; try again");
        return Err(busy.with_retry_after_s(1));
    };
    exchange.body(api.settings.max_peer_body_bytes).await
}

/// The inbox takes a batch of events, every other call one JSON document.
fn check_media(exchange: &Exchange) -> Result<()> {
    let expected = if exchange.path == INBOX_PATH { EVENTS } else { Media::Json.content_type() };
    let given = exchange.header("content-type")?.unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Error::new(Reason::MediaType, format!("this is called with Content-Type {expected}; send it so")))
}

fn required<'a>(exchange: &'a Exchange, name: &str) -> Result<&'a str> {
    exchange.header(name)?.ok_or_else(|| {
        Error::new(
            Reason::NoCredentials,
            format!("header `{name}` is missing; only peers with the shared secret call this"),
        )
    })
}
