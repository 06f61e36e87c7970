//! Signed calls between roles: `/trine/v1/{commands:plan,commands:accept,commands:operations,inbox}`.
//!
//! Not here: checking signatures (the engine does, over the bytes as they came).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::Known;
use super::{Api, reply};
use crate::commands::engine::PeerSignature;
use crate::model::{Error, Reason, Result};

pub async fn peer_call(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    exchange.parameters(Known { served: &[], later: &[] })?;
    let signature = PeerSignature {
        id: required(exchange, "webhook-id")?,
        timestamp: required(exchange, "webhook-timestamp")?,
        signature: required(exchange, "webhook-signature")?,
    };
    let body = exchange.body(api.settings.max_peer_body_bytes).await?;
    let answer = api.engine.peer_call(&exchange.path, signature, &body, exchange.deadline).await?;
    Ok(reply::body(StatusCode::OK, Media::Json, answer))
}

fn required<'a>(exchange: &'a Exchange, name: &str) -> Result<&'a str> {
    exchange.header(name)?.ok_or_else(|| {
        Error::new(
            Reason::NoCredentials,
            format!("header `{name}` is missing; only peers with the shared secret call this"),
        )
    })
}
