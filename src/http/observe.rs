//! What a request leaves behind: identifying headers, one duration sample, one log line.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use metrics::{Histogram, histogram};

use crate::model::Error;
use crate::telemetry::log::REQUEST_TARGET;
use crate::telemetry::metrics::HTTP_DURATION;

/// One finished request.
pub struct Observation<'a> {
    pub method: &'a Method,
    /// Number and pattern; none when nothing is served there.
    pub route: Option<(usize, &'a Arc<str>)>,
    pub status: u16,
    pub duration: Duration,
    pub request_id: &'a str,
    pub role: &'static str,
    pub trace_id: &'a str,
    /// The subject; none before a request was let in.
    pub principal: Option<&'a str>,
    pub error: Option<&'a Error>,
}

/// Puts who answered and which request it was into the answer.
pub fn stamp(response: &mut HttpResponse, role: &'static str, request_id: &str, traceparent: &str) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("trine-role"), HeaderValue::from_static(role));
    for (name, value) in [("x-request-id", request_id), ("traceparent", traceparent)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Route number, method, status.
type Labels = (Option<usize>, &'static str, u16);

thread_local! {
    /// Finding a histogram by its labels costs more than recording into it.
    static HISTOGRAMS: RefCell<HashMap<Labels, Histogram>> = RefCell::default();
}

impl Observation<'_> {
    pub fn record(&self, log_requests: bool) {
        self.sample();
        if log_requests || self.is_fault() {
            self.log();
        }
    }

    fn sample(&self) {
        let method = known_method(self.method);
        let key = (self.route.map(|(number, _)| number), method, self.status);
        HISTOGRAMS.with_borrow_mut(|histograms| {
            let histogram = histograms.entry(key).or_insert_with(|| {
                histogram!(
                    HTTP_DURATION,
                    "http_route" => self.pattern().to_owned(),
                    "http_request_method" => method,
                    "http_response_status_code" => self.status.to_string(),
                    "role" => self.role,
                )
            });
            histogram.record(self.duration.as_secs_f64());
        });
    }

    fn log(&self) {
        let duration_ms = (self.duration.as_secs_f64() * 1e6).round() / 1e3;
        let (method, route, status) = (known_method(self.method), self.pattern(), self.status);
        let (request_id, role, trace_id) = (self.request_id, self.role, self.trace_id);
        let principal = self.principal;
        let reason = self.error.map(|error| error.reason.as_str());
        if !self.is_fault() {
            tracing::info!(target: REQUEST_TARGET, method, route, status, duration_ms, request_id, role, trace_id, principal, reason, "request");
            return;
        }
        let message = self.error.map(|error| error.message.as_str());
        let context = self.error.and_then(|error| error.context.as_deref());
        tracing::error!(target: "trine::http", method, route, status, duration_ms, request_id, role, trace_id, principal, reason, error = message, context, "request");
    }

    /// Of the server. 501 is a client's wish for what is not built.
    fn is_fault(&self) -> bool {
        self.status >= 500 && self.status != 501
    }

    fn pattern(&self) -> &str {
        self.route.map_or("none", |(_, pattern)| pattern)
    }
}

/// Methods are labels: a client must not be able to make up new ones.
fn known_method(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("OTHER")
}
