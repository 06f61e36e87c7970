//! Answers: resources, commands' messages and operations in the client's media type.
//!
//! Stored JSON is passed through as text; it is parsed only for binary clients.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, VARY};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::etag;
use super::exchange::Exchange;
use super::media::Media;
use crate::model::{Error, Result, Stored};
use crate::schema::ResourceType;
use crate::schema::document::ReadMask;

/// A body in the client's media type.
pub fn body(status: StatusCode, media: Media, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, media.content_type()))
        .insert_header((VARY, "Accept"))
        .body(bytes)
}

/// One resource with its ETag; `created` adds 201 and `Location`.
pub fn resource(
    exchange: &Exchange,
    kind: &ResourceType,
    stored: &Stored,
    created: bool,
) -> Result<HttpResponse> {
    masked(exchange, kind, stored, None, created)
}

/// The same, of the fields that are asked for.
pub fn masked(
    exchange: &Exchange,
    kind: &ResourceType,
    stored: &Stored,
    mask: Option<&ReadMask>,
    created: bool,
) -> Result<HttpResponse> {
    let media = exchange.accept;
    let bytes = encode_masked(kind, stored, media, mask)?;
    let mut answer = HttpResponse::build(if created { StatusCode::CREATED } else { StatusCode::OK });
    answer.insert_header((CONTENT_TYPE, media.content_type())).insert_header((VARY, "Accept"));
    if !is_dry_run(stored) {
        answer.insert_header((ETAG, etag::of_masked(stored.version, media, mask)));
    }
    if created {
        answer.insert_header((LOCATION, location(kind, stored)));
    }
    Ok(answer.body(bytes))
}

/// What would have been written was given no version, so there is nothing that a tag could stand for.
fn is_dry_run(stored: &Stored) -> bool {
    stored.version.0 == 0
}

/// An answer without its body (RFC 7240): a 201 stays one, everything else is 204.
pub fn minimal(mut answer: HttpResponse) -> HttpResponse {
    if answer.status() != StatusCode::CREATED {
        *answer.status_mut() = StatusCode::NO_CONTENT;
    }
    let headers = answer.headers_mut();
    headers.remove(CONTENT_TYPE);
    headers.insert(HeaderName::from_static("preference-applied"), HeaderValue::from_static("return=minimal"));
    answer.set_body(BoxBody::new(()))
}

/// 304 of a resource that the client has.
pub fn not_modified(tag: String) -> HttpResponse {
    HttpResponse::NotModified().insert_header((ETAG, tag)).insert_header((VARY, "Accept")).finish()
}

/// The resource's bytes in a media type.
pub fn encode(kind: &ResourceType, stored: &Stored, media: Media) -> Result<Vec<u8>> {
    match media {
        Media::Json => Ok(kind.render_json(stored).into_bytes()),
        Media::Protobuf(_) => kind.render_message(stored),
    }
}

/// The bytes of what is asked for of a resource.
pub fn encode_masked(
    kind: &ResourceType,
    stored: &Stored,
    media: Media,
    mask: Option<&ReadMask>,
) -> Result<Vec<u8>> {
    let Some(mask) = mask else { return encode(kind, stored, media) };
    let mut text = String::new();
    kind.push_masked(stored, mask, &mut text)?;
    match media {
        Media::Json => Ok(text.into_bytes()),
        Media::Protobuf(_) => Ok(kind.message_of(stored, &text)?.encode_to_vec()),
    }
}

/// A command's response message, kept as proto3 JSON text.
pub fn message(exchange: &Exchange, descriptor: MessageDescriptor, json: &str) -> Result<HttpResponse> {
    let bytes = match exchange.accept {
        Media::Json => json.as_bytes().to_vec(),
        Media::Protobuf(_) => {
            DynamicMessage::deserialize(descriptor, &mut serde_json::Deserializer::from_str(json))
                .map_err(|error| Error::internal(format!("stored answer does not fit its message: {error}")))?
                .encode_to_vec()
        }
    };
    Ok(body(StatusCode::OK, exchange.accept, bytes))
}

/// `google.protobuf.Empty`.
pub fn empty(exchange: &Exchange) -> HttpResponse {
    let bytes = if exchange.accept == Media::Json { b"{}".to_vec() } else { Vec::new() };
    body(StatusCode::OK, exchange.accept, bytes)
}

/// Chassis documents are JSON whatever the client prefers: no message describes them yet.
pub fn json(status: StatusCode, text: String) -> HttpResponse {
    body(status, Media::Json, text.into_bytes())
}

/// `/blog/v1/users/alice`
fn location(kind: &ResourceType, stored: &Stored) -> String {
    format!("{}/{}", kind.route_prefix, kind.pattern.resource_name(stored.key.as_str()))
}
