//! Parameters of the path, the query and the head of an action.
//!
//! Query parameters are those that the handler says it knows: one without words here fails a test.

use serde_json::{Value, json};

use super::NONE;
use crate::http::parameters::{Known, id_parameter};
use crate::http::routes::Action;
use crate::http::{batch, command, create, delete, get, list, operations, undelete, update, write_sets};

pub const ID: &str = "[A-Za-z0-9][A-Za-z0-9._~-]{0,127}";

/// Of the query: name, schema, what it is for.
const QUERY: &[(&str, &str, &str)] = &[
    ("pageSize", "size", "Most resources a page; 0 or absent is 50, more than 1000 is lowered to it."),
    ("pageToken", "text", "`nextPageToken` of the page before; filter and order must be the same."),
    ("filter", "text", "AIP-160: `state = PUBLISHED AND publish_time > \"2026-01-01T00:00:00Z\"`."),
    ("orderBy", "text", "AIP-132: `publish_time desc, title`."),
    ("readMask", "text", "Fields to answer, joined by commas; all when absent."),
    ("showDeleted", "flag", "Also what is deleted and not yet purged."),
    ("showTotalSize", "flag", "Adds `totalSize`, the number of matches on all pages."),
    (
        "updateMask",
        "text",
        "Fields to change, joined by commas; those in the body when absent, all with `*`.",
    ),
    ("allowMissing", "flag", "Create what is missing instead of refusing (on a delete: do nothing)."),
    ("force", "flag", "Delete the children too, at most 1000 resources below it."),
    ("validateOnly", "flag", "Check everything, change nothing."),
    ("etag", "text", "Refuse with 409 unless this is the resource's current `etag`."),
    ("requestId", "uuid", "A key for safe repetition, as `Idempotency-Key` (AIP-155)."),
    ("names", "names", "Names of the resources; repeat the parameter for each."),
    ("parent", "text", "Name of the parent; every name must be below it."),
];

/// Of the head, by the name under which `components` has them.
pub const HEADERS: &[(&str, &str, &str)] = &[
    ("Idempotency-Key", "^[ -~]{1,255}$", "Makes a repetition of the same request answer as the first did."),
    ("If-Match", "^[ -~]*$", "ETags or `*`; refused with 412 when the resource has none of them."),
    ("If-None-Match", "^[ -~]*$", "ETags or `*`; a read answers 304 when the client has the current one."),
    ("Prefer", "^[ -~]*$", "RFC 7240: `return=minimal`, `respond-async`, `wait=10` where they apply."),
    ("Trine-Consistency-Token", "^[ -~]+$", "The token of an earlier answer: read at least what it saw."),
];

/// All parameters of an action at a path with these variables.
pub fn parameters(action: &Action, variables: &[String]) -> Vec<Value> {
    let mut all: Vec<Value> = variables.iter().map(|variable| path(action, variable)).collect();
    let (known, chosen_id) = known(action);
    if let Some(name) = chosen_id {
        let words = "The id of the new resource; made by the server when absent.";
        let schema = json!({ "type": "string", "pattern": format!("^{ID}$") });
        all.push(json!({ "name": name, "in": "query", "description": words, "schema": schema }));
    }
    all.extend(known.served.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })));
    all.extend(
        header_names(action).iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })),
    );
    all
}

/// What the handler knows, and the name of the parameter that chooses an id.
fn known(action: &Action) -> (Known<'static>, Option<String>) {
    match action {
        Action::Get(_) => (get::KNOWN, None),
        Action::List(_) => (list::KNOWN, None),
        Action::Create(kind) => (create::KNOWN, Some(id_parameter(kind))),
        Action::Update(_) => (update::KNOWN, None),
        Action::Delete(_) => (delete::KNOWN, None),
        Action::BatchGet(_) => (batch::get::KNOWN, None),
        Action::BatchCreate(_) | Action::BatchUpdate(_) | Action::BatchDelete(_) => (batch::KNOWN, None),
        Action::CommitWriteSet => (write_sets::KNOWN, None),
        Action::Undelete(_) => (undelete::KNOWN, None),
        Action::Command(_) => (command::KNOWN, None),
        Action::ListOperations => (operations::LIST, None),
        Action::GetOperation
        | Action::CancelOperation
        | Action::PeerCall
        | Action::OpenApi
        | Action::Docs
        | Action::NotYet(..) => (NONE, None),
    }
}

fn header_names(action: &Action) -> &'static [&'static str] {
    match action {
        Action::Get(_) => &["If-Match", "If-None-Match", "Trine-Consistency-Token"],
        Action::List(_) | Action::BatchGet(_) => &["Trine-Consistency-Token"],
        Action::Create(_)
        | Action::BatchCreate(_)
        | Action::BatchUpdate(_)
        | Action::BatchDelete(_)
        | Action::CommitWriteSet
        | Action::Command(_) => &["Idempotency-Key", "Prefer", "Trine-Consistency-Token"],
        Action::Update(_) | Action::Delete(_) | Action::Undelete(_) => {
            &["Idempotency-Key", "If-Match", "Prefer", "Trine-Consistency-Token"]
        }
        Action::GetOperation => &["Prefer"],
        Action::OpenApi | Action::Docs => &["If-None-Match"],
        Action::ListOperations | Action::CancelOperation | Action::PeerCall | Action::NotYet(..) => &[],
    }
}

fn path(action: &Action, variable: &str) -> Value {
    let wildcard = matches!(
        action,
        Action::List(_)
            | Action::BatchGet(_)
            | Action::BatchCreate(_)
            | Action::BatchUpdate(_)
            | Action::BatchDelete(_)
    );
    let (pattern, words) = match action {
        Action::GetOperation | Action::CancelOperation => {
            ("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$".to_owned(), "")
        }
        _ if wildcard => (format!("^(-|{ID})$"), "An id, or `-` for every one."),
        _ => (format!("^{ID}$"), ""),
    };
    let mut parameter = json!({
        "name": variable,
        "in": "path",
        "required": true,
        "schema": { "type": "string", "pattern": pattern },
    });
    if !words.is_empty() {
        parameter["description"] = json!(words);
    }
    parameter
}

/// For `components.parameters`.
pub fn components() -> serde_json::Map<String, Value> {
    let query = QUERY.iter().map(|(name, form, words)| {
        let schema = match *form {
            "size" => json!({ "type": "integer", "minimum": 0 }),
            "flag" => json!({ "type": "boolean", "default": false }),
            "uuid" => json!({ "type": "string", "format": "uuid" }),
            "names" => json!({ "type": "array", "items": { "type": "string" }, "maxItems": 1000 }),
            _ => json!({ "type": "string" }),
        };
        let parameter = json!({ "name": name, "in": "query", "description": words, "schema": schema });
        ((*name).to_owned(), parameter)
    });
    let headers = HEADERS.iter().map(|(name, pattern, words)| {
        let schema = json!({ "type": "string", "pattern": pattern });
        ((*name).to_owned(), json!({ "name": name, "in": "header", "description": words, "schema": schema }))
    });
    query.chain(headers).collect()
}
