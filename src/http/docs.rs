//! `/docs`: the API as a page for people, drawn from `/openapi.json` by a script of its own.
//!
//! One file without a single reference to another host: the bundles that are around weigh megabytes
//! and fetch fonts. Invariant: the policy that goes with the page lets nothing run but this very
//! script and lets it talk to this server only, whatever a comment in a `.proto` holds.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::etag;
use super::exchange::single;
use crate::model::Result;

const FRAME: &str = include_str!("docs/page.html");
const STYLE: &str = include_str!("docs/page.css");
const SCRIPT: &str = include_str!("docs/page.js");

struct Page {
    html: String,
    policy: String,
    tag: String,
}

/// Not by an `Exchange`: a browser that wants `text/html` alone is right here.
pub fn answer(headers: &HeaderMap) -> Result<HttpResponse> {
    let page = page();
    let is_known =
        single(headers, "if-none-match")?.is_some_and(|header| etag::none_match_holds(header, &page.tag));
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((CACHE_CONTROL, "no-cache")).insert_header((ETAG, page.tag.as_str()));
    if is_known {
        return Ok(answer.finish());
    }
    Ok(answer
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, page.policy.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(page.html.as_str()))
}

fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let html = FRAME.replace("/*style*/", STYLE).replace("/*script*/", SCRIPT);
        let digest = Sha256::digest(html.as_bytes());
        let tag: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        Page { html, policy, tag: format!("\"{tag}\"") }
    })
}

/// `'sha256-…'`
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
