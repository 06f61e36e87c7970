//! Read your own writes: tokens in, tokens out, and the wait of a replica that is behind.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::Api;
use super::exchange::Exchange;
use crate::model::{Error, Position, Reason, Result};

const TOKEN: HeaderName = HeaderName::from_static("trine-consistency-token");

/// What the client has seen; none without a token, or when the token expired.
pub fn position(api: &Api, exchange: &Exchange) -> Result<Option<Position>> {
    let Some(token) = exchange.header("trine-consistency-token")? else { return Ok(None) };
    let signing = api.required_signing()?;
    signing.codec.decode(token, signing.cluster)
}

/// Waits until this database shows what the client has seen, and says what that is for [`confirm`];
/// 421 when it does not in time.
pub async fn wait(api: &Api, exchange: &Exchange) -> Result<Option<Position>> {
    let Some(position) = position(api, exchange)? else { return Ok(None) };
    let remaining_ms = exchange.deadline.remaining().as_millis().try_into().unwrap_or(u64::MAX);
    if api.reads.caught_up(position, api.settings.consistency_wait_ms.min(remaining_ms)).await {
        return Ok(Some(position));
    }
    Err(behind())
}

/// 421 when the read was served by another replica than the one that was waited for, and that one is
/// behind. Also says what the answer rests on.
pub fn confirm(api: &Api, exchange: &Exchange, wanted: Option<Position>, read: Position) -> Result<()> {
    if wanted.is_some_and(|wanted| !api.reads.covers(read, wanted)) {
        return Err(behind());
    }
    exchange.saw(Some(read));
    Ok(())
}

fn behind() -> Error {
    Error::new(Reason::ReplicaBehind, "this replica has not seen your last write yet; ask the monolith")
}

/// Puts the token of what the answer rests on into it.
pub fn stamp(api: &Api, response: &mut HttpResponse, position: Option<Position>) {
    let token = position.zip(api.signing()).map(|(position, signing)| signing.codec.encode(position));
    if let Some(value) = token.and_then(|token| HeaderValue::try_from(token).ok()) {
        response.headers_mut().insert(TOKEN, value);
    }
}
