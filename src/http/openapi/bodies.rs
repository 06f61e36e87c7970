//! Bodies of requests and of answers that succeed.

use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value, json};

use super::batches;
use super::components::headers;
use crate::http::routes::Action;
use crate::schema::json_schema::JsonSchemas;
use crate::schema::{ResourceType, StandardMethod};

const PROTOBUF: &str = "application/x-protobuf";

/// The body an action takes; none for most.
pub fn request(action: &Action, schemas: &mut JsonSchemas<'_>) -> Option<Value> {
    let body = match action {
        Action::Create(kind) => {
            let schema = schemas.input(&kind.descriptor);
            message(schema, schemas.request_example(&kind.descriptor), &kind.descriptor)
        }
        Action::Update(kind) => {
            let schema = schemas.message(&kind.descriptor);
            message(schema, schemas.request_example(&kind.descriptor), &kind.descriptor)
        }
        Action::Command(command) => {
            let input = command.descriptor.input();
            let schema = schemas.input_without(&input, &command.path_field);
            let mut example = schemas.request_example(&input);
            let bound = input.get_field_by_name(&command.path_field);
            if let (Some(example), Some(bound)) = (example.as_object_mut(), bound) {
                example.remove(bound.json_name());
            }
            message(schema, example, &input)
        }
        Action::BatchCreate(kind) => batches::request(kind, StandardMethod::BatchCreate, schemas),
        Action::BatchUpdate(kind) => batches::request(kind, StandardMethod::BatchUpdate, schemas),
        Action::BatchDelete(kind) => batches::request(kind, StandardMethod::BatchDelete, schemas),
        Action::CommitWriteSet => batches::write_set(),
        Action::Undelete(_) => {
            let schema = json!({ "type": "object", "properties": {
                "name": { "type": "string" }, "etag": { "type": "string" },
                "validateOnly": { "type": "boolean" }, "requestId": { "type": "string", "format": "uuid" },
            }, "additionalProperties": false });
            let content = json!({ "application/json": { "schema": schema, "example": {} } });
            return Some(json!({ "required": false, "content": content }));
        }
        Action::PeerCall => return Some(json!({ "required": true, "content": peer_content() })),
        _ => return None,
    };
    Some(json!({ "required": true, "content": body }))
}

/// Answers by status.
pub fn success(action: &Action, schemas: &mut JsonSchemas<'_>) -> Map<String, Value> {
    match action {
        Action::Get(kind) => {
            let answer = resource("The resource.", kind, schemas, READ_HEADERS);
            answers([("200", answer), ("304", not_modified())])
        }
        Action::List(kind) => answers([("200", page(kind, schemas))]),
        Action::BatchGet(kind) => {
            let content = batches::answer(kind, StandardMethod::BatchGet, schemas);
            answers([("200", answer("The resources as asked.", &["Trine-Consistency-Token"], content))])
        }
        Action::BatchCreate(kind) => batch(kind, StandardMethod::BatchCreate, schemas),
        Action::BatchUpdate(kind) => batch(kind, StandardMethod::BatchUpdate, schemas),
        Action::BatchDelete(kind) => batch(kind, StandardMethod::BatchDelete, schemas),
        Action::CommitWriteSet => {
            let done = answer("What each mutation left behind.", WRITTEN, batches::results());
            answers([("200", done), ("204", minimal())])
        }
        Action::Create(kind) => {
            let created =
                resource("Created; without a body where `Prefer: return=minimal`.", kind, schemas, CREATED);
            answers([("201", created), ("202", accepted())])
        }
        Action::Update(kind) => {
            let words =
                "Created, where `allowMissing` asks for it; without a body where `Prefer: return=minimal`.";
            let created = resource(words, kind, schemas, CREATED);
            let updated = resource("The resource as it is now.", kind, schemas, WRITE_HEADERS);
            answers([("200", updated), ("201", created), ("202", accepted()), ("204", minimal())])
        }
        Action::Undelete(kind) => {
            let restored = resource("The resource, no longer deleted.", kind, schemas, WRITE_HEADERS);
            answers([("200", restored), ("202", accepted()), ("204", minimal())])
        }
        Action::Delete(kind) if kind.soft_delete => {
            let words = "The resource, deleted; gone for good at its `purgeTime`.";
            let deleted = resource(words, kind, schemas, WRITE_HEADERS);
            answers([("200", deleted), ("202", accepted()), ("204", minimal())])
        }
        Action::Delete(_) => {
            let content = json!({ "application/json": { "schema": { "type": "object" }, "example": {} } });
            let gone = answer("Deleted.", WRITTEN, content);
            answers([("200", gone), ("202", accepted()), ("204", minimal())])
        }
        Action::Command(command) => {
            let output = command.descriptor.output();
            let content = message(schemas.message(&output), schemas.answer_example(&output), &output);
            answers([("200", answer("Done.", WRITE_HEADERS, content)), ("202", accepted())])
        }
        Action::GetOperation | Action::CancelOperation => {
            answers([("200", answer("The operation.", &[], json_of("Operation")))])
        }
        Action::ListOperations => answers([("200", answer("A page.", &[], json_of("OperationList")))]),
        Action::PeerCall => {
            answers([("200", answer("Taken.", &[], json!({ "application/json": { "schema": {} } })))])
        }
        Action::OpenApi => {
            let content = json!({ "application/json": { "schema": { "type": "object" } } });
            answers([("200", answer("The document.", &["ETag"], content)), ("304", not_modified())])
        }
        Action::Docs => {
            let content = json!({ "text/html": { "schema": { "type": "string" } } });
            answers([("200", answer("The page.", &["ETag"], content)), ("304", not_modified())])
        }
        Action::NotYet(..) => Map::new(),
    }
}

fn batch(kind: &ResourceType, method: StandardMethod, schemas: &mut JsonSchemas<'_>) -> Map<String, Value> {
    let done = answer("All of it.", WRITTEN, batches::answer(kind, method, schemas));
    answers([("200", done), ("202", accepted()), ("204", minimal())])
}

const READ_HEADERS: &[&str] = &["ETag", "Trine-Consistency-Token"];
const WRITTEN: &[&str] = &["Trine-Consistency-Token", "Idempotency-Replayed", "Preference-Applied"];
const WRITE_HEADERS: &[&str] =
    &["ETag", "Trine-Consistency-Token", "Idempotency-Replayed", "Preference-Applied"];
const CREATED: &[&str] =
    &["Location", "ETag", "Trine-Consistency-Token", "Idempotency-Replayed", "Preference-Applied"];

fn answers<const N: usize>(answers: [(&str, Value); N]) -> Map<String, Value> {
    answers.into_iter().map(|(status, answer)| (status.to_owned(), answer)).collect()
}

fn answer(words: &str, own_headers: &[&str], content: Value) -> Value {
    let names = [own_headers, &super::components::ERROR_HEADERS].concat();
    json!({ "description": words, "headers": headers(&names), "content": content })
}

fn without_body(words: &str, own_headers: &[&str]) -> Value {
    let names = [own_headers, &super::components::ERROR_HEADERS].concat();
    json!({ "description": words, "headers": headers(&names) })
}

fn not_modified() -> Value {
    without_body("The client has the current one.", &["ETag"])
}

fn minimal() -> Value {
    without_body("Done, and `Prefer: return=minimal` asked for no body.", WRITE_HEADERS)
}

fn accepted() -> Value {
    let words = "Accepted, where the method is asynchronous; the operation tells the outcome.";
    answer(words, &["Location", "Preference-Applied"], json_of("Operation"))
}

fn json_of(component: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{component}") } } })
}

fn resource(words: &str, kind: &ResourceType, schemas: &mut JsonSchemas<'_>, own: &[&str]) -> Value {
    let schema = schemas.message(&kind.descriptor);
    answer(words, own, message(schema, schemas.answer_example(&kind.descriptor), &kind.descriptor))
}

/// AIP-132's answer.
fn page(kind: &ResourceType, schemas: &mut JsonSchemas<'_>) -> Value {
    let (listed, item) = (&kind.listed.json_name, schemas.message(&kind.descriptor));
    let mut schema = json!({
        "type": "object",
        "properties": {
            listed: { "type": "array", "items": item },
            "nextPageToken": { "type": "string", "description": "Absent on the last page." },
        },
        "required": [listed],
    });
    if let Some(total) = &kind.listed.total_size {
        schema["properties"][&total.json_name] =
            json!({ "type": "integer", "format": "int32", "description": "With `showTotalSize` only." });
    }
    let example = json!({ listed: [schemas.answer_example(&kind.descriptor)] });
    let content = json!({
        "application/json": { "schema": schema, "example": example },
        PROTOBUF: { "schema": binary("a page") },
    });
    answer("A page.", &["Trine-Consistency-Token"], content)
}

fn message(schema: Value, example: Value, descriptor: &MessageDescriptor) -> Value {
    json!({
        "application/json": { "schema": schema, "example": example },
        PROTOBUF: { "schema": binary(descriptor.full_name()) },
    })
}

pub fn binary(of: &str) -> Value {
    json!({ "type": "string", "format": "binary", "description": format!("Binary encoding of {of}.") })
}

fn peer_content() -> Value {
    json!({
        "application/json": { "schema": {} },
        "application/cloudevents-batch+json": { "schema": { "type": "array", "items": { "type": "object" } } },
    })
}
