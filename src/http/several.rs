//! Answers that hold several resources: a page, a batch, the results of a write set.
//!
//! Stored JSON is joined as it is; a message repeats the resource under the number that AIP or a service
//! gives it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::exchange::Exchange;
use super::media::Media;
use super::{Api, reply};
use crate::model::{Result, Stored, TypeName};
use crate::schema::document::ReadMask;
use crate::schema::{BatchAnswer, Catalogue, ResourceType, StandardMethod};

/// What the mutations of a batch left behind, or, without its form, of a write set.
pub fn answer(
    api: &Api,
    exchange: &Exchange,
    batch: Option<&BatchAnswer>,
    resources: &[Option<Stored>],
) -> Result<HttpResponse> {
    let Some(batch) = batch else {
        return Ok(reply::json(StatusCode::OK, results(&api.catalogue, resources)));
    };
    let present: Vec<&Stored> = resources.iter().flatten().collect();
    match present.first() {
        Some(first) => list(exchange, api.kind(&first.kind)?, batch, &present, None),
        None => Ok(reply::empty(exchange)),
    }
}

/// A batch of one type.
pub fn list(
    exchange: &Exchange,
    kind: &ResourceType,
    batch: &BatchAnswer,
    resources: &[&Stored],
    mask: Option<&ReadMask>,
) -> Result<HttpResponse> {
    let bytes = match exchange.accept {
        Media::Json => {
            let mut text = String::new();
            push_array(kind, &batch.json_name, resources, mask, &mut text)?;
            (text + "}").into_bytes()
        }
        Media::Protobuf(_) => {
            let mut bytes = Vec::new();
            push_messages(kind, batch.number, resources, mask, &mut bytes)?;
            bytes
        }
    };
    Ok(reply::body(StatusCode::OK, exchange.accept, bytes))
}

/// `{"entries":[…]`, open at its end.
pub fn push_array(
    kind: &ResourceType,
    name: &str,
    resources: &[&Stored],
    mask: Option<&ReadMask>,
    text: &mut String,
) -> Result<()> {
    text.reserve(resources.iter().map(|stored| stored.document.len() + 256).sum());
    text.push_str(&format!("{{\"{name}\":["));
    for (position, stored) in resources.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        match mask {
            Some(mask) => kind.push_masked(stored, mask, text)?,
            None => kind.push_json(stored, text),
        }
    }
    text.push(']');
    Ok(())
}

pub fn push_messages(
    kind: &ResourceType,
    number: u32,
    resources: &[&Stored],
    mask: Option<&ReadMask>,
    bytes: &mut Vec<u8>,
) -> Result<()> {
    for stored in resources {
        let resource = reply::encode_masked(kind, stored, Media::Protobuf(""), mask)?;
        prost::encoding::bytes::encode(number, &resource, bytes);
    }
    Ok(())
}

/// `{"results":[{"resource":…},{}]}`: no message describes it, so it is JSON. What is of a type that is not
/// served here looks as if it were gone.
pub fn results(catalogue: &Catalogue, resources: &[Option<Stored>]) -> String {
    let mut text = String::from("{\"results\":[");
    for (position, resource) in resources.iter().enumerate() {
        text.push_str(if position > 0 { ",{" } else { "{" });
        let known = resource.as_ref().and_then(|stored| Some((catalogue.resource(&stored.kind)?, stored)));
        if let Some((kind, stored)) = known {
            text.push_str("\"resource\":");
            kind.push_json(stored, &mut text);
        }
        text.push('}');
    }
    text + "]}"
}

/// A batch's answer as an operation shows it: the name of its message and its JSON. None for what is no
/// batch, or of a type that is not served here.
pub fn described(
    catalogue: &Catalogue,
    method: &str,
    resources: &[Option<Stored>],
) -> Option<(String, String)> {
    let (kind, verb) = method.rsplit_once('.')?;
    let kind = catalogue.resource(&TypeName::new(kind))?;
    let standard = StandardMethod::ALL.into_iter().find(|standard| format!("{standard:?}") == verb)?;
    let present: Vec<&Stored> = resources.iter().flatten().collect();
    let Some(answer) = kind.batch(standard).answer else {
        return Some(("google.protobuf.Empty".to_owned(), "{}".to_owned()));
    };
    let mut text = String::new();
    push_array(kind, &answer.json_name, &present, None, &mut text).ok()?;
    Some((answer.message, text + "}"))
}
