//! Request bodies: bounded in size and in time, never decompressed.
//!
//! The HTTP library has no time-out for bodies and would decode compressed ones before any limit;
//! so the limit, the clock and the refusal of encodings are here.

use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use prost_reflect::DynamicMessage;
use tokio::time::timeout_at;

use super::exchange::single;
use super::media::Media;
use crate::model::{Deadline, Error, Reason, Result};
use crate::schema::ResourceType;
use crate::schema::document::Input;

/// Reads the whole body.
pub async fn read(
    payload: &mut Payload,
    headers: &HeaderMap,
    bytes_max: usize,
    deadline: Deadline,
) -> Result<Bytes> {
    refuse_encoding(headers)?;
    let announced = single(headers, "content-length")?.and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let mut first: Option<Bytes> = None;
    let mut body = BytesMut::new();
    loop {
        let next = timeout_at(deadline.instant().into(), payload.next());
        let Some(chunk) = next.await.map_err(|_| too_slow())? else { break };
        let chunk = chunk.map_err(|error| broken(&error.to_string()))?;
        if body.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        // Most bodies are one chunk, which is passed on without a copy.
        match first.take() {
            None if body.is_empty() => first = Some(chunk),
            None => body.extend_from_slice(&chunk),
            Some(earlier) => {
                body.extend_from_slice(&earlier);
                body.extend_from_slice(&chunk);
            }
        }
    }
    Ok(first.unwrap_or_else(|| body.freeze()))
}

/// The resource in a body, checked and canonical.
pub fn resource(kind: &ResourceType, media: Media, body: &[u8]) -> Result<Input> {
    match media {
        Media::Json => {
            refuse_empty(body)?;
            kind.input_from_json(body)
        }
        Media::Protobuf(_) => {
            let message = DynamicMessage::decode(kind.descriptor.clone(), body)
                .map_err(|error| Error::new(Reason::InvalidBody, format!("not a {}: {error}", kind.name)))?;
            kind.input_from_message(&message)
        }
    }
}

/// 400 for a JSON body of nothing.
pub fn refuse_empty(body: &[u8]) -> Result<()> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::new(Reason::InvalidBody, "the body is empty; send a JSON object"));
    }
    Ok(())
}

fn refuse_encoding(headers: &HeaderMap) -> Result<()> {
    match single(headers, "content-encoding")? {
        None => Ok(()),
        Some(encoding) if encoding.trim().eq_ignore_ascii_case("identity") => Ok(()),
        Some(_) => Err(Error::new(
            Reason::ContentEncoding,
            "compressed bodies are not served; send the body as it is",
        )),
    }
}

fn too_large(bytes_max: usize) -> Error {
    Error::new(Reason::BodyTooLarge, format!("the body is larger than {bytes_max} bytes"))
}

fn too_slow() -> Error {
    Error::new(Reason::BodyTimeout, "the body did not arrive in time; send it faster or in smaller requests")
}

fn broken(error: &str) -> Error {
    Error::new(Reason::InvalidBody, "the body ended early or is not framed as HTTP/1.1 says")
        .with_context(error)
}
