//! `/openapi.json`: the API of this deployment as an OpenAPI 3.1 document.
//!
//! Made from the table of routes, so that it tells of what is mounted and of nothing else, and from the
//! parameters that handlers say they know. Made once for a schema, at the first request for it.
//! Not here: JSON Schema of messages (`schema::json_schema`).

mod batches;
mod bodies;
mod components;
mod errors;
mod method;
mod parameters;
mod paths;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use actix_web::web::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::exchange::Exchange;
use super::parameters::Known;
use super::routes::Routes;
use super::{Api, etag};
use crate::events::cloud_event::INBOX_PATH;
use crate::model::Result;
use crate::role::{Given, Methods, Plan};
use crate::schema::Catalogue;
use crate::schema::json_schema::JsonSchemas;

pub(super) const NONE: Known<'static> = Known { served: &[], later: &[] };

/// What of a schema a deployment serves.
pub struct Scope<'a> {
    pub catalogue: &'a Catalogue,
    pub routes: &'a Routes,
    pub plan: &'a Plan,
    /// Keys of `writes.methods`: all that a role of listed methods serves.
    pub listed: &'a [String],
    /// Bearer tokens are asked for.
    pub asks_for_credentials: bool,
    /// Other roles may call: they share a secret.
    pub has_peers: bool,
}

/// The document as it is sent.
#[derive(Debug)]
pub struct Document {
    bytes: Bytes,
    tag: String,
}

impl Document {
    pub fn new(scope: &Scope<'_>) -> Self {
        let bytes = Bytes::from(render(scope).to_string());
        let digest = Sha256::digest(&bytes);
        let tag = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { bytes, tag: format!("\"{tag}\"") }
    }
}

impl Scope<'_> {
    fn serves(&self, method: &str) -> bool {
        self.plan.methods != Methods::Listed || self.listed.iter().any(|listed| listed == method)
    }

    /// Who commits takes decided writes in; who plans and accepts is asked for that.
    fn serves_call(&self, path: &str) -> bool {
        let needed = if path == INBOX_PATH { self.plan.primary } else { self.plan.events };
        self.has_peers && needed == Given::Required
    }
}

/// The whole document.
pub fn render(scope: &Scope<'_>) -> Value {
    let mut schemas = JsonSchemas::new(scope.catalogue);
    let paths = paths::paths(scope, &mut schemas);
    let tags = paths::tags(scope, &paths);
    let mut components = components::components(scope);
    if let Some(known) = components["schemas"].as_object_mut() {
        known.extend(schemas.finish());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title(scope.catalogue),
            "version": scope.catalogue.digest[..12],
            "description": include_str!("openapi/description.md"),
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": components,
    })
}

fn title(catalogue: &Catalogue) -> String {
    let mut packages: Vec<&str> = catalogue.types.iter().map(|kind| kind.package.as_str()).collect();
    packages.dedup();
    packages.join(", ")
}

pub(super) async fn answer(api: &Api, exchange: &Exchange) -> Result<HttpResponse> {
    exchange.parameters(NONE)?;
    exchange.refuse_body()?;
    let document = api.document();
    let is_known = exchange
        .list_header("if-none-match")?
        .is_some_and(|header| etag::none_match_holds(&header, &document.tag));
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // It changes with the schema, at a moment that no cache knows: ask each time, mostly for a 304.
    answer.insert_header((CACHE_CONTROL, "no-cache")).insert_header((ETAG, document.tag.clone()));
    if is_known {
        return Ok(answer.finish());
    }
    Ok(answer.insert_header((CONTENT_TYPE, "application/json")).body(document.bytes.clone()))
}
