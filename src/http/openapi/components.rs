//! What operations share: headers, parameters, the form of errors and of the chassis' own documents.

use serde_json::{Map, Value, json};

use super::{Scope, parameters};

/// Of every answer.
pub const ERROR_HEADERS: [&str; 3] = ["Trine-Role", "X-Request-Id", "traceparent"];

/// Of answers: name, what it says.
const HEADERS: &[(&str, &str)] = &[
    ("Trine-Role", "Which role answered."),
    ("X-Request-Id", "The request's id: its own, or one made for it."),
    ("traceparent", "W3C trace context of the request."),
    ("Trine-Consistency-Token", "What the answer saw; send it with later reads to see at least that."),
    ("ETag", "Version and representation of the resource."),
    ("Location", "Where the new resource or operation is."),
    ("Preference-Applied", "Which preference was honoured."),
    ("Idempotency-Replayed", "`true` when this is the stored answer of an earlier request."),
];

/// References to headers by name.
pub fn headers(names: &[&str]) -> Value {
    let references = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    Value::Object(references.collect())
}

/// Everything but the messages of the schema.
pub fn components(scope: &Scope<'_>) -> Value {
    let headers: Map<String, Value> = HEADERS
        .iter()
        .map(|(name, words)| {
            let schema = json!({ "type": "string" });
            ((*name).to_owned(), json!({ "description": words, "schema": schema }))
        })
        .collect();
    let mut components = json!({
        "headers": headers,
        "parameters": parameters::components(),
        "responses": super::errors::responses(&super::method::Class::ALL, scope),
        "schemas": { "Error": error(), "Operation": operation(), "OperationList": operation_list() },
    });
    if scope.asks_for_credentials {
        let words =
            "A token of this deployment or of an issuer that it trusts; its scopes are with each operation.";
        components["securitySchemes"] =
            json!({ "bearer": { "type": "http", "scheme": "bearer", "description": words } });
    }
    components
}

/// AIP-193.
fn error() -> Value {
    let text = json!({ "type": "string" });
    let info = json!({
        "type": "object",
        "properties": {
            "@type": { "const": "type.googleapis.com/google.rpc.ErrorInfo" },
            "reason": { "type": "string", "pattern": "^[A-Z][A-Z_]*$" },
            "domain": { "const": "trine" },
            "metadata": { "type": "object", "additionalProperties": { "type": "string" } },
        },
        "required": ["@type", "reason", "domain"],
    });
    let violation = json!({
        "type": "object",
        "properties": { "field": text, "description": text },
        "required": ["field", "description"],
    });
    let bad_request = json!({
        "type": "object",
        "properties": {
            "@type": { "const": "type.googleapis.com/google.rpc.BadRequest" },
            "fieldViolations": { "type": "array", "items": violation },
        },
        "required": ["@type", "fieldViolations"],
    });
    let body = json!({
        "type": "object",
        "properties": {
            "code": { "type": "integer", "description": "The HTTP status." },
            "status": { "type": "string", "description": "Name of a google.rpc.Code." },
            "message": { "type": "string", "description": "What is wrong, where, and what to do." },
            "details": { "type": "array", "items": { "anyOf": [info, bad_request] } },
        },
        "required": ["code", "status", "message", "details"],
    });
    json!({ "type": "object", "properties": { "error": body }, "required": ["error"] })
}

/// google.longrunning.Operation with the metadata of this program.
fn operation() -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    let metadata = json!({
        "type": "object",
        "properties": {
            "state": { "type": "string", "enum": ["ACCEPTED", "RUNNING", "APPLYING", "DONE"] },
            "attempts": { "type": "integer" },
            "method": { "type": "string" },
            "acceptTime": time,
            "applyTime": time,
            "consistencyToken": { "type": "string" },
        },
        "required": ["state", "attempts", "acceptTime", "method"],
    });
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "description": "`operations/{id}`" },
            "done": { "type": "boolean" },
            "metadata": metadata,
            "response": { "type": "object", "description": "The answer with its `@type`, once done." },
            "error": { "type": "object", "description": "google.rpc.Status, once failed." },
        },
        "required": ["name", "done", "metadata"],
    })
}

fn operation_list() -> Value {
    json!({
        "type": "object",
        "properties": {
            "operations": { "type": "array", "items": { "$ref": "#/components/schemas/Operation" } },
            "nextPageToken": { "type": "string" },
        },
        "required": ["operations"],
    })
}
