//! One request as the handlers see it: headers, ids of the path, deadline, body.
//!
//! Invariant: a header that must be single is single; two of it are refused, because proxies and
//! servers disagree about which one counts.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;

use super::Settings;
use super::incoming::Incoming;
use super::media::Media;
use super::parameters::{Known, Parameters, invalid};
use super::path::{check_id, decode};
use crate::model::{Deadline, Error, Key, Position, Principal, Reason, Result};
use crate::telemetry::trace::TraceContext;

pub struct Exchange {
    request: HttpRequest,
    incoming: Rc<Incoming>,
    /// Who asks; nobody until `dispatch` has let the request in.
    pub principal: Arc<Principal>,
    /// The path decoded once, `/blog/v1/users/alice:publish`.
    pub path: String,
    /// Values of the pattern's variables in order.
    pub ids: Vec<String>,
    pub request_id: String,
    pub trace: TraceContext,
    pub deadline: Deadline,
    /// Media type of the answer.
    pub accept: Media,
    seen: Cell<Option<Position>>,
}

/// `Prefer` as far as it is honoured.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    pub respond_async: bool,
    pub return_minimal: bool,
    pub wait_s: Option<u64>,
}

impl Exchange {
    pub fn new(
        request: HttpRequest,
        incoming: Rc<Incoming>,
        ids: Vec<String>,
        request_id: String,
        trace: TraceContext,
        accept: Media,
        settings: &Settings,
    ) -> Result<Self> {
        let path = decode(request.uri().path(), false).unwrap_or_default().into_owned();
        let deadline = deadline(request.headers(), settings.request_timeout_ms)?;
        let (principal, seen) = (Arc::default(), Cell::new(None));
        Ok(Self { request, incoming, principal, path, ids, request_id, trace, deadline, accept, seen })
    }

    pub fn method(&self) -> &str {
        self.request.method().as_str()
    }

    pub fn parameters(&self, known: Known<'_>) -> Result<Parameters> {
        Parameters::parse(self.query(), known)
    }

    /// The query string as it came.
    pub fn query(&self) -> &str {
        self.request.uri().query().unwrap_or_default()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// 406 for a client that takes no JSON, where there is nothing else.
    pub fn require_json_accepted(&self) -> Result<()> {
        Media::require_json_accepted(joined(self.request.headers(), "accept").as_deref())
    }

    /// As [`Exchange::parameters`]; `repeated` may be given more than once.
    pub fn parameters_with(&self, known: Known<'_>, repeated: &str) -> Result<Parameters> {
        Parameters::parse_with(self.request.uri().query().unwrap_or_default(), known, repeated)
    }

    /// The only header of this name; 400 when there are several or it is not text.
    pub fn header(&self, name: &str) -> Result<Option<&str>> {
        single(self.request.headers(), name)
    }

    /// A header that is a list, its lines joined; 400 when one is not text, for a condition that is
    /// passed over would let a write happen.
    pub fn list_header(&self, name: &str) -> Result<Option<String>> {
        let mut lines = Vec::new();
        for value in self.request.headers().get_all(name) {
            lines.push(value.to_str().map_err(|_| not_text(name))?);
        }
        Ok((!lines.is_empty()).then(|| lines.join(", ")))
    }

    pub fn preferences(&self) -> Preferences {
        preferences(&joined(self.request.headers(), "prefer").unwrap_or_default())
    }

    /// The body, whole; 413, 415 or 408 when it is too large, encoded or too slow.
    pub async fn body(&self, bytes_max: usize) -> Result<Bytes> {
        self.incoming.read(self.request.headers(), bytes_max, self.deadline).await
    }

    /// 400 when the request has a body although its method takes none.
    pub fn refuse_body(&self) -> Result<()> {
        let length = self.header("content-length")?.unwrap_or("0");
        if length == "0" && !self.request.headers().contains_key("transfer-encoding") {
            return Ok(());
        }
        Err(Error::new(Reason::InvalidBody, format!("{} takes no body", self.method())))
    }

    /// The key that all ids of the path make.
    pub fn key(&self) -> Result<Key> {
        self.ids.iter().try_for_each(|id| check_id(id))?;
        Ok(Key::new(&self.ids.join("/")))
    }

    /// The ids of a collection's parent joined by `/`; empty at the top.
    pub fn parent(&self) -> Result<String> {
        self.ids.iter().try_for_each(|id| check_id(id))?;
        Ok(self.ids.join("/"))
    }

    /// Notes what the answer rests on; it becomes the answer's consistency token, errors included.
    pub fn saw(&self, position: Option<Position>) {
        self.seen.set(position.or(self.seen.get()));
    }

    pub fn seen(&self) -> Option<Position> {
        self.seen.get()
    }
}

/// The only header of this name.
pub fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| not_text(name)),
        (Some(_), Some(_)) => Err(invalid(format!("header `{name}` is given twice"))),
    }
}

fn not_text(name: &str) -> Error {
    invalid(format!("header `{name}` is not printable ASCII"))
}

/// A list header, its lines joined (RFC 9110, 5.3).
pub fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

fn preferences(prefer: &str) -> Preferences {
    let mut preferences = Preferences::default();
    for preference in prefer.split(',') {
        let preference = preference.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if preference == "respond-async" {
            preferences.respond_async = true;
        } else if preference == "return=minimal" {
            preferences.return_minimal = true;
        } else if let Some(seconds) = preference.strip_prefix("wait=") {
            preferences.wait_s = seconds.trim().trim_matches('"').parse().ok();
        }
    }
    preferences
}

/// The smallest of the configured time-out and what the proxy in front will wait.
fn deadline(headers: &HeaderMap, configured_ms: u64) -> Result<Deadline> {
    let mut timeout = Duration::from_millis(configured_ms);
    if let Some(value) = single(headers, "x-envoy-expected-rq-timeout-ms")? {
        let limit_ms =
            value.parse().map_err(|_| invalid("X-Envoy-Expected-Rq-Timeout-Ms is no number".to_owned()))?;
        timeout = timeout.min(Duration::from_millis(limit_ms));
    }
    if let Some(value) = single(headers, "grpc-timeout")? {
        let limit = grpc_timeout(value).ok_or_else(|| {
            invalid("Grpc-Timeout must be up to 8 digits and one of H, M, S, m, u, n".to_owned())
        })?;
        timeout = timeout.min(limit);
    }
    Ok(Deadline::after(timeout))
}

fn grpc_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let well_formed = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let amount: u64 = digits.parse().ok().filter(|_| well_formed)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts_have_digits_and_a_unit() {
        assert_eq!(grpc_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(grpc_timeout("2S"), Some(Duration::from_secs(2)));
        for bad in ["", "m", "5", "123456789m", "-1S", "5x", "é"] {
            assert_eq!(grpc_timeout(bad), None, "{bad}");
        }
    }

    #[test]
    fn preferences_are_read_from_a_list() {
        let read = preferences("return=minimal, respond-async, wait=5; foo");
        assert_eq!(read, Preferences { respond_async: true, return_minimal: true, wait_s: Some(5) });
    }
}
