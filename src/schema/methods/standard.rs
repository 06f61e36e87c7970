//! A declared standard method → where it is served, or the sentence that says how it could be.
//!
//! Invariant: what a service declares is served as declared or refused; a form that would be served
//! differently (another verb, the body in a wrapper) never passes.

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use super::{listed_field, resource_field, snake_case};
use crate::schema::catalogue::{StandardMethod, StandardRoute};
use crate::schema::options::HttpOption;
use crate::schema::{ListAnswer, ResourceType, TotalSize};

pub(super) fn route(
    standard: StandardMethod,
    kind: &ResourceType,
    method: &MethodDescriptor,
    http: &HttpOption,
) -> Result<StandardRoute, String> {
    let input = method.input();
    let field = resource_field(&input, &kind.descriptor);
    let field = field.as_ref().map_or("resource", |field| field.name());
    let tail = tail(standard, kind, field);
    let prefix = http.path.strip_suffix(&tail);
    if standard == StandardMethod::Undelete && !kind.soft_delete {
        return Err(format!(
            "`{}` has no `google.protobuf.Timestamp delete_time`, so its resources are deleted for good; add it, or \
             remove this method",
            kind.name
        ));
    }
    refuse_form(standard, field, http)?;
    let prefix = prefix.ok_or_else(|| {
        format!("the path `{}` is not served; write `{}{tail}`", http.path, kind.route_prefix)
    })?;
    if !prefix.starts_with('/') || prefix.contains(['{', '}', '*', ':']) || prefix.ends_with('/') {
        return Err(format!("the path `{}` is not served; begin it with a version, as in `/v1`", http.path));
    }
    Ok(StandardRoute { kind: kind.name.clone(), method: standard, prefix: prefix.to_owned() })
}

/// What follows the prefix (AIP-131 to 135): `/{parent=publishers/*}/books`.
fn tail(standard: StandardMethod, kind: &ResourceType, field: &str) -> String {
    let pairs: Vec<String> =
        kind.pattern.segments.iter().map(|(collection, _)| format!("{collection}/*")).collect();
    let (whole, parent) = (pairs.join("/"), pairs[..pairs.len() - 1].join("/"));
    let collection = kind.pattern.collection();
    let mut tail = match standard {
        StandardMethod::Update => format!("/{{{field}.name={whole}}}"),
        _ if !standard.is_on_collection() => format!("/{{name={whole}}}"),
        _ if parent.is_empty() => format!("/{collection}"),
        _ => format!("/{{parent={parent}}}/{collection}"),
    };
    if let Some(verb) = standard.verb() {
        tail.push_str(&format!(":{verb}"));
    }
    tail
}

fn refuse_form(standard: StandardMethod, field: &str, http: &HttpOption) -> Result<(), String> {
    if http.additional_bindings {
        return Err("additional bindings are not served yet; keep one path".to_owned());
    }
    if http.method != standard.http_method() {
        let method = standard.http_method();
        return Err(format!(
            "`{}` is served as {method} only; write `{method}: \"{}\"`",
            http.path, http.path
        ));
    }
    if !http.response_body.is_empty() {
        return Err("`response_body` is not served; leave it out".to_owned());
    }
    if standard == StandardMethod::Undelete {
        let is_whole = matches!(http.body.as_str(), "*" | "");
        return is_whole
            .then_some(())
            .ok_or_else(|| "the body is the request; write `body: \"*\"`".to_owned());
    }
    let body = match standard {
        StandardMethod::Create | StandardMethod::Update => field,
        StandardMethod::BatchCreate | StandardMethod::BatchUpdate | StandardMethod::BatchDelete => "*",
        _ => "",
    };
    match (http.body == body, body) {
        (true, _) => Ok(()),
        (false, "*") => Err("a batch takes the whole request as its body; write `body: \"*\"`".to_owned()),
        (false, "") => Err("this method takes no body; leave `body` out".to_owned()),
        (false, _) => Err(format!("the body is the resource itself; write `body: \"{body}\"`")),
    }
}

/// A request that has `shelf_id` chooses the id by `?shelfId=`, whatever the pattern calls it.
pub(super) fn adopt_id_field(kind: &mut ResourceType, request: &MessageDescriptor) {
    let noun = snake_case(kind.descriptor.name());
    if request.get_field_by_name(&format!("{noun}_id")).is_some_and(|field| field.kind() == Kind::String) {
        kind.singular = noun;
    }
}

/// Where the answer of a declared List keeps what it lists.
pub(super) fn list_answer(kind: &ResourceType, answer: &MessageDescriptor) -> Result<ListAnswer, String> {
    let token = answer.get_field_by_name("next_page_token");
    let token = token.filter(|field| field.kind() == Kind::String && !field.is_list()).ok_or_else(|| {
        format!("`{}` has no `string next_page_token`, and lists are paged; add it", answer.full_name())
    })?;
    let listed = listed_field(answer, &kind.descriptor);
    let listed = listed.ok_or_else(|| format!("`{}` lists no {}", answer.full_name(), kind.name))?;
    let total = answer.get_field_by_name("total_size");
    let total = total.filter(|field| field.kind() == Kind::Int32 && !field.is_list());
    Ok(ListAnswer {
        json_name: listed.json_name().to_owned(),
        resources_number: listed.number(),
        next_page_token_number: token.number(),
        total_size: total
            .map(|field| TotalSize { json_name: field.json_name().to_owned(), number: field.number() }),
    })
}
