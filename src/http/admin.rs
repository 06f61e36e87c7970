//! The admin listener: `/livez`, `/readyz`, `/metrics`, `/version`.
//!
//! It has a thread of its own, so that it answers while the public listener is overloaded.
//! Invariant: readiness is asked of each part at each call; nothing is remembered but that the
//! process is on its way out.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use arc_swap::ArcSwap;
use serde_json::{Map, Value, json};

use super::{errors, path};
use crate::model::{Error, Reason};
use crate::role::Role;
use crate::store::Health;
use crate::telemetry::metrics::Metrics;

/// One named thing that must hold before requests may come.
pub struct Check {
    pub name: &'static str,
    pub health: Box<dyn Fn() -> Health + Send + Sync>,
}

/// What the admin listener can tell.
pub struct Probes {
    pub role: Role,
    pub checks: Vec<Check>,
    pub metrics: Metrics,
    /// SHA-256 of the schema that is served.
    pub schema_digest: ArcSwap<String>,
    /// Whether the process is on its way out; see [`Probes::drain`].
    pub draining: AtomicBool,
}

impl Probes {
    /// Not ready from now on, whatever the checks say; public answers end their connections.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// The default service of the admin listener.
pub async fn answer(request: HttpRequest, probes: Data<Probes>) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let error = Error::new(Reason::MethodNotAllowed, "the admin listener serves GET and HEAD");
        return errors::response(&error.with_metadata("allow", "GET, HEAD"), "");
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "application/json", json!({ "status": "ok" }).to_string()),
        "/readyz" => readiness(&probes),
        "/metrics" => {
            text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", probes.metrics.render())
        }
        "/version" => text(StatusCode::OK, "application/json", version(&probes).to_string()),
        other => errors::response(&path::no_route(other), ""),
    }
}

fn readiness(probes: &Probes) -> HttpResponse {
    let mut ready = true;
    let mut told = Map::new();
    if probes.is_draining() {
        ready = false;
        let message = "draining: send new requests elsewhere; the listener closes soon";
        told.insert("draining".to_owned(), json!({ "ready": false, "message": message }));
    }
    for check in &probes.checks {
        let state = match (check.health)() {
            Health::Ready => json!({ "ready": true }),
            Health::NotReady(why) => {
                ready = false;
                json!({ "ready": false, "message": why })
            }
        };
        told.insert(check.name.to_owned(), state);
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, "application/json", json!({ "ready": ready, "checks": Value::Object(told) }).to_string())
}

fn version(probes: &Probes) -> Value {
    json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "role": probes.role.as_str(),
        "schema": *probes.schema_digest.load_full(),
    })
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::build(status).insert_header((CONTENT_TYPE, content_type)).body(body)
}
