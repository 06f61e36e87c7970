//! Media types: what a client sends (`Content-Type`) and what it wants (`Accept`).
//!
//! JSON is proto3 JSON; protobuf is the binary encoding under either of its two names.

use actix_web::http::header::HeaderMap;

use super::exchange::joined;
use crate::model::{Error, Reason, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    /// The name the client used for it.
    Protobuf(&'static str),
}

const SERVED: [Media; 3] =
    [Media::Json, Media::Protobuf("application/x-protobuf"), Media::Protobuf("application/protobuf")];

impl Media {
    pub fn content_type(self) -> &'static str {
        match self {
            Media::Json => "application/json",
            Media::Protobuf(name) => name,
        }
    }

    /// The media type of a request body; 415 when it is not served.
    pub fn of_body(content_type: Option<&str>) -> Result<Self> {
        let Some(value) = content_type else {
            return Err(unsupported("no Content-Type"));
        };
        let mut parts = value.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset_is_utf8 = parts.all(|parameter| {
            let parameter = parameter.to_ascii_lowercase();
            !parameter.starts_with("charset=")
                || parameter.trim_matches('"').replace('"', "") == "charset=utf-8"
        });
        let served = SERVED.into_iter().find(|media| media.content_type() == name);
        served
            .filter(|_| charset_is_utf8)
            .ok_or_else(|| unsupported(&value.chars().take(100).collect::<String>()))
    }

    /// What a request's head asks for.
    pub fn of_answer(headers: &HeaderMap) -> Result<Self> {
        Self::accepted(joined(headers, "accept").as_deref())
    }

    /// The best served media type by `Accept`; 406 when none is acceptable.
    pub fn accepted(accept: Option<&str>) -> Result<Self> {
        let Some(accept) = accept.filter(|value| !matches!(*value, "" | "*/*" | "application/json")) else {
            return Ok(Media::Json);
        };
        let ranges: Vec<(String, f32)> = accept.split(',').map(range).collect();
        let mut best = (0.0, None);
        for media in SERVED {
            let quality = quality(&ranges, media.content_type());
            if quality > best.0 {
                best = (quality, Some(media));
            }
        }
        best.1.ok_or_else(|| {
            Error::new(
                Reason::NotAcceptable,
                "served: application/json, application/x-protobuf, application/protobuf; ask for one in Accept",
            )
        })
    }

    /// 415 where a request has no message, only JSON.
    pub fn require_json(self) -> Result<()> {
        match self {
            Media::Json => Ok(()),
            Media::Protobuf(name) => Err(Error::new(
                Reason::MediaType,
                format!("{name} is not served here; send application/json"),
            )),
        }
    }

    /// 406 where an answer has no message, only JSON, and the client does not take it.
    pub fn require_json_accepted(accept: Option<&str>) -> Result<()> {
        let ranges: Vec<(String, f32)> = accept.unwrap_or("*/*").split(',').map(range).collect();
        if quality(&ranges, Media::Json.content_type()) > 0.0 {
            return Ok(());
        }
        Err(Error::new(Reason::NotAcceptable, "served: application/json; ask for it in Accept"))
    }
}

fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or(parameter.strip_prefix("Q=")));
    (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}

/// The weight of the most specific range that covers `name` (RFC 9110, 12.5.1).
fn quality(ranges: &[(String, f32)], name: &str) -> f32 {
    let covering = |wanted: &str| ranges.iter().find(|(range, _)| range == wanted).map(|(_, weight)| *weight);
    covering(name).or_else(|| covering("application/*")).or_else(|| covering("*/*")).unwrap_or(0.0)
}

fn unsupported(given: &str) -> Error {
    Error::new(
        Reason::MediaType,
        format!(
            "{given} is not served; send application/json, application/x-protobuf or application/protobuf"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_chooses_by_weight_and_specificity() {
        let chosen = |accept| Media::accepted(Some(accept)).map(Media::content_type).ok();
        assert_eq!(chosen("text/html, */*;q=0.1"), Some("application/json"));
        assert_eq!(chosen("application/json;q=0.5, application/x-protobuf"), Some("application/x-protobuf"));
        assert_eq!(chosen("application/*, application/json;q=0"), Some("application/x-protobuf"));
        assert_eq!(chosen("application/protobuf"), Some("application/protobuf"));
        assert_eq!(chosen("text/html"), None);
        assert_eq!(chosen("*/*;q=0"), None);
    }

    #[test]
    fn bodies_need_a_served_type_in_utf8() {
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/protobuf"] {
            assert!(Media::of_body(Some(good)).is_ok(), "{good}");
        }
        for bad in [None, Some("text/plain"), Some("application/json; charset=latin1"), Some("")] {
            assert_eq!(Media::of_body(bad).expect_err("415").reason, Reason::MediaType);
        }
    }
}
