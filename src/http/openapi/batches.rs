//! Bodies of batches and write sets: requests that hold several members.

use serde_json::{Map, Value, json};

use super::bodies::binary;
use crate::schema::json_schema::JsonSchemas;
use crate::schema::{ResourceType, StandardMethod};

const MEMBERS_MAX: usize = 1000;

/// What a batch of writes takes.
pub fn request(kind: &ResourceType, method: StandardMethod, schemas: &mut JsonSchemas<'_>) -> Value {
    let batch = kind.batch(method);
    let (text, flag) = (|| json!({ "type": "string" }), || json!({ "type": "boolean" }));
    let example = schemas.request_example(&kind.descriptor);
    let name = kind.example_name();
    let mut properties = Map::new();
    let (member, example, required) = match method {
        StandardMethod::BatchCreate => (
            json!({ "parent": text(), &batch.id: text(), &batch.resource: schemas.input(&kind.descriptor) }),
            json!({ &batch.resource: example }),
            vec![batch.resource.clone()],
        ),
        StandardMethod::BatchUpdate => {
            let mut example = example;
            example["name"] = json!(name);
            let resource = schemas.message(&kind.descriptor);
            (
                json!({ &batch.resource: resource, "updateMask": text(), "allowMissing": flag() }),
                json!({ &batch.resource: example }),
                vec![batch.resource.clone()],
            )
        }
        _ => {
            properties.extend(names());
            (
                json!({ "name": text(), "etag": text(), "force": flag(), "allowMissing": flag() }),
                json!({ "name": name }),
                vec!["name".to_owned()],
            )
        }
    };
    let requests = json!({
        "type": "array",
        "maxItems": MEMBERS_MAX,
        "items": { "type": "object", "properties": member, "required": required, "additionalProperties": false },
    });
    properties.insert("parent".to_owned(), text());
    properties.insert("requests".to_owned(), requests);
    properties.insert("validateOnly".to_owned(), flag());
    properties.insert("requestId".to_owned(), json!({ "type": "string", "format": "uuid" }));
    json!({
        "application/json": {
            "schema": { "type": "object", "properties": properties, "additionalProperties": false },
            "example": { "requests": [example] },
        },
        "application/x-protobuf": { "schema": binary("the batch") },
    })
}

/// Names alone, and what holds for all of them; each of `requests` says it for itself.
fn names() -> [(String, Value); 3] {
    let names = json!({ "type": "array", "items": { "type": "string" }, "maxItems": MEMBERS_MAX });
    let flag = |name: &str| (name.to_owned(), json!({ "type": "boolean" }));
    [("names".to_owned(), names), flag("force"), flag("allowMissing")]
}

/// What a batch answers: its resources in the order of the request.
pub fn answer(kind: &ResourceType, method: StandardMethod, schemas: &mut JsonSchemas<'_>) -> Value {
    let Some(answer) = kind.batch(method).answer else {
        return json!({ "application/json": { "schema": { "type": "object" }, "example": {} } });
    };
    let listed = &answer.json_name;
    let items = json!({ "type": "array", "items": schemas.message(&kind.descriptor) });
    let example = schemas.answer_example(&kind.descriptor);
    json!({
        "application/json": {
            "schema": { "type": "object", "properties": { listed: items } },
            "example": { listed: [example] },
        },
        "application/x-protobuf": { "schema": binary(&answer.message) },
    })
}

/// What `writeSets:commit` takes.
pub fn write_set() -> Value {
    let text = || json!({ "type": "string" });
    let change = |properties: Value| {
        let required = if properties.get("name").is_some() { "name" } else { "resource" };
        json!({
            "type": "object",
            "properties": properties,
            "required": ["type", required],
            "additionalProperties": false,
        })
    };
    let resource = || json!({ "type": "object" });
    let mutation = json!({
        "create": change(json!({ "type": text(), "parent": text(), "id": text(), "resource": resource() })),
        "update": change(json!({
            "type": text(),
            "resource": resource(),
            "updateMask": text(),
            "allowMissing": { "type": "boolean" },
        })),
        "delete": change(json!({ "type": text(), "name": text() })),
        "precondition": precondition(),
    });
    let schema = json!({
        "type": "object",
        "properties": {
            "mutations": {
                "type": "array",
                "minItems": 1,
                "maxItems": MEMBERS_MAX,
                "items": { "type": "object", "properties": mutation, "additionalProperties": false },
            },
            "validateOnly": { "type": "boolean" },
            "requestId": { "type": "string", "format": "uuid" },
        },
        "required": ["mutations"],
        "additionalProperties": false,
    });
    let example = json!({ "mutations": [{
        "delete": { "type": "blog.v1.Entry", "name": "users/alice/entries/hello" },
        "precondition": { "version": "7" },
    }] });
    json!({ "application/json": { "schema": schema, "example": example } })
}

/// What must be so that a mutation is carried out.
fn precondition() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": { "type": "string" },
            "absent": { "type": "boolean" },
            "exists": { "type": "boolean" },
        },
        "additionalProperties": false,
    })
}

/// What it answers: for each mutation the resource that it left behind.
pub fn results() -> Value {
    let result = json!({ "type": "object", "properties": { "resource": { "type": "object" } } });
    let schema = json!({
        "type": "object",
        "properties": { "results": { "type": "array", "items": result } },
        "required": ["results"],
    });
    json!({ "application/json": { "schema": schema, "example": { "results": [{}] } } })
}
