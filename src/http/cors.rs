//! CORS: which pages of other origins may call this API from a browser.
//!
//! Origins are named one by one. No wildcard and no `Access-Control-Allow-Credentials`: credentials
//! are an `Authorization` header that a page has to set itself, so a browser never adds them unasked.
//! Invariant: a request that a browser marks as another page's is refused before its action runs,
//! unless that page's origin is listed; what is no browser's is left alone.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderMap, HeaderValue, VARY,
};
use serde::Deserialize;
use url::Url;

use super::exchange::single;
use crate::model::{Error, Reason, Result};

/// `https://app.example.com`, as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// The origins that may; by default none.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    pub origins: Vec<Origin>,
}

/// What a page may send: the headers that the API reads.
const REQUEST_HEADERS: &str = "Accept, Authorization, Content-Type, Grpc-Timeout, Idempotency-Key, If-Match, \
    If-None-Match, Last-Event-ID, Prefer, Trine-Consistency-Token, X-Request-Id, traceparent";

/// What a page may read beside the few that it always may.
const ANSWER_HEADERS: &str = "Allow, ETag, Idempotency-Replayed, Location, Preference-Applied, Retry-After, \
    Trine-Consistency-Token, Trine-Role, WWW-Authenticate, X-Request-Id, traceparent";

/// Seconds a browser may remember what it was told: a changed list counts soon.
const MAX_AGE_S: u16 = 600;

/// What a request's head says about the page that sent it.
#[derive(Debug, Default)]
pub struct Caller {
    /// A listed origin.
    allowed: Option<HeaderValue>,
    asks_first: bool,
}

impl Cors {
    /// 403 for a page that may not.
    pub fn judge(&self, method: &Method, headers: &HeaderMap) -> Result<Caller> {
        let Some(origin) = single(headers, "origin")? else { return Ok(Caller::default()) };
        let asks_first = *method == Method::OPTIONS && headers.contains_key("access-control-request-method");
        if self.origins.iter().any(|listed| listed.0 == origin) {
            return Ok(Caller { allowed: HeaderValue::from_str(origin).ok(), asks_first });
        }
        if is_own(origin, headers) || self.origins.is_empty() && !is_marked_foreign(headers) {
            return Ok(Caller::default());
        }
        let shown: String = origin.chars().take(200).collect();
        Err(Error::new(
            Reason::Origin,
            format!(
                "pages of {shown} may not call this API; the operator lists origins in http.cors_origins"
            ),
        ))
    }

    /// Says in the answer what the page may see.
    pub fn stamp(&self, caller: &Caller, response: &mut HttpResponse) {
        if self.origins.is_empty() {
            return;
        }
        let headers = response.headers_mut();
        // Also where no origin was sent: a cache must not give that answer to a page.
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &caller.allowed else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if caller.asks_first {
            let methods = headers.get(ALLOW).cloned();
            headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Method"));
            headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
            if let Some(methods) = methods {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_S));
        } else {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWER_HEADERS));
        }
    }
}

/// A page of this very server. Schemes are not compared: TLS often ends before it.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let same_host = origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host));
    // A proxy may have put another name into Host; the browser knows better.
    same_host || fetch_site(headers) == Some("same-origin")
}

fn is_marked_foreign(headers: &HeaderMap) -> bool {
    matches!(fetch_site(headers), Some("cross-site" | "same-site"))
}

fn fetch_site(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-site").and_then(|site| site.to_str().ok())
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        if text == "*" {
            return Err("`*` is refused: list the origins whose pages may call the API".to_owned());
        }
        let form = || format!("`{text}` is no origin; write it as in `https://app.example.com`");
        let url = Url::parse(&text).map_err(|_| form())?;
        let origin = url.origin().ascii_serialization();
        let is_web = matches!(url.scheme(), "http" | "https");
        // What a browser never sends would never match.
        if is_web && origin == text { Ok(Self(origin)) } else { Err(form()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for good in ["https://app.example.com", "http://127.0.0.1:3000"] {
            assert!(Origin::try_from(good.to_owned()).is_ok(), "{good}");
        }
        let bad = [
            "*",
            "null",
            "app.example.com",
            "https://a.example/",
            "https://a.example:443",
            "https://A.b",
            "ftp://a.b",
            "",
        ];
        for bad in bad {
            assert!(Origin::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
