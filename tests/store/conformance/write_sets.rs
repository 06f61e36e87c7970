//! Write sets in a few words.

use serde_json::{Value, json};
use trine::model::{
    AnswerPlan, Change, Document, Edit, Fingerprint, Idempotency, IdempotencyKey, Key, Mutation, Operation,
    Precondition, ResourceRef, TypeName, Version, WriteSet,
};

use crate::operation::finished;

pub fn user_key(id: &str) -> Key {
    Key::new(id)
}

pub fn user(id: &str) -> ResourceRef {
    ResourceRef { kind: TypeName::new("blog.v1.User"), key: Key::new(id) }
}

pub fn entry(user: &str, id: &str) -> ResourceRef {
    ResourceRef { kind: TypeName::new("blog.v1.Entry"), key: Key::child(user, id) }
}

pub fn document(value: Value) -> Document {
    let Value::Object(map) = value else { panic!("a document is an object: {value}") };
    Document(map)
}

pub fn set(field: &str, value: Value) -> Edit {
    Edit { path: vec![field.to_owned()], value: Some(value) }
}

pub fn mutation(resource: ResourceRef, precondition: Precondition, change: Change) -> Mutation {
    Mutation { resource, precondition, change }
}

pub fn create(resource: ResourceRef, value: Value) -> Mutation {
    mutation(resource, Precondition::None, Change::Create(document(value)))
}

pub fn update(resource: ResourceRef, edits: Vec<Edit>) -> Mutation {
    mutation(resource, Precondition::None, Change::Update(edits))
}

pub fn update_version(resource: ResourceRef, version: Version, edits: Vec<Edit>) -> Mutation {
    mutation(resource, Precondition::Version(version), Change::Update(edits))
}

pub fn delete(resource: ResourceRef) -> Mutation {
    mutation(resource, Precondition::None, Change::Delete)
}

/// Answers with what the first mutation leaves behind.
pub fn write_set(mutations: Vec<Mutation>) -> WriteSet {
    let created = mutations.first().is_some_and(|first| matches!(first.change, Change::Create(_)));
    WriteSet {
        mutations,
        answer: AnswerPlan::Resource { mutation: 0, created },
        idempotency: None,
        operation: None,
        principal: Default::default(),
        request_id: "request-1".to_owned(),
        traceparent: None,
        validate_only: false,
    }
}

pub fn create_user(id: &str) -> WriteSet {
    write_set(vec![create(user(id), json!({ "displayName": id }))])
}

pub fn with_key(mut write_set: WriteSet, key: &str, fingerprint: u8) -> WriteSet {
    write_set.idempotency = Some(idempotency(key, fingerprint));
    write_set
}

pub fn idempotency(key: &str, fingerprint: u8) -> Idempotency {
    Idempotency {
        key: IdempotencyKey {
            principal: "anonymous".to_owned(),
            scope: "POST /blog/v1/users".to_owned(),
            key: key.to_owned(),
        },
        fingerprint: Fingerprint([fingerprint; 32]),
    }
}

pub fn operation(id: &str) -> Operation {
    finished(id, "blog.v1.User.Create")
}

pub fn with_operation(mut write_set: WriteSet, id: &str) -> WriteSet {
    write_set.operation = Some(operation(id));
    write_set
}
