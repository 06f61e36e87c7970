//! A declared batch method → its names and numbers, or the sentence that says how it could be served.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use super::{listed_field, resource_field};
use crate::schema::catalogue::StandardMethod;
use crate::schema::{Batch, BatchAnswer, ResourceType};

pub(super) fn declared(
    standard: StandardMethod,
    kind: &ResourceType,
    method: &MethodDescriptor,
) -> Result<Batch, String> {
    let request = method.input();
    let mut batch = Batch {
        answer: answer(standard, kind, &method.output())?,
        request: Some(request.clone()),
        ..kind.default_batch(standard)
    };
    match standard {
        StandardMethod::BatchGet => require_texts(&request, "names")?,
        StandardMethod::BatchDelete if request.get_field_by_name("names").is_some() => {
            require_texts(&request, "names")?;
        }
        StandardMethod::BatchDelete => drop(members(&request)?),
        _ => name_members(&mut batch, kind, &members(&request)?)?,
    }
    Ok(batch)
}

/// `repeated Book books`, whatever it is called; a delete may answer nothing.
fn answer(
    standard: StandardMethod,
    kind: &ResourceType,
    output: &MessageDescriptor,
) -> Result<Option<BatchAnswer>, String> {
    let deletes = standard == StandardMethod::BatchDelete;
    if deletes && output.full_name() == "google.protobuf.Empty" {
        return Ok(None);
    }
    match listed_field(output, &kind.descriptor) {
        Some(field) => Ok(Some(BatchAnswer {
            message: output.full_name().to_owned(),
            json_name: field.json_name().to_owned(),
            number: field.number(),
        })),
        None => Err(format!(
            "`{}` has no `repeated {}`, which is what this batch answers; add it",
            output.full_name(),
            kind.descriptor.name()
        )),
    }
}

/// `repeated CreateBookRequest requests`
fn members(request: &MessageDescriptor) -> Result<MessageDescriptor, String> {
    let field = request.get_field_by_name("requests").filter(FieldDescriptor::is_list);
    let member = field.and_then(|field| field.kind().as_message().cloned());
    member.ok_or_else(|| format!("`{}` has no `repeated` message `requests`; add it", request.full_name()))
}

fn name_members(batch: &mut Batch, kind: &ResourceType, member: &MessageDescriptor) -> Result<(), String> {
    let field = resource_field(member, &kind.descriptor)
        .ok_or_else(|| format!("`{}` holds no {}; add it", member.full_name(), kind.name))?;
    field.json_name().clone_into(&mut batch.resource);
    if let Some(id) = member.get_field_by_name(&format!("{}_id", field.name())) {
        id.json_name().clone_into(&mut batch.id);
    }
    Ok(())
}

fn require_texts(request: &MessageDescriptor, name: &str) -> Result<(), String> {
    let fits = |field: FieldDescriptor| field.is_list() && field.kind() == Kind::String;
    match request.get_field_by_name(name).is_some_and(fits) {
        true => Ok(()),
        false => Err(format!("`{}` has no `repeated string {name}`; add it", request.full_name())),
    }
}
