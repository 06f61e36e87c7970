//! The request messages of standard methods that no service declares, numbered as in the AIPs, as
//! descriptors: binary clients are read with them.
//!
//! They live in a package of their own (`trine.standard.blog.v1`), because a service may declare some of
//! the same names. Made when the first binary client needs one.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::catalogue::StandardMethod::{self, *};
use super::{Catalogue, ResourceType};
use crate::model::{Error, Result};

const FIELD_MASK_FILE: &str = "google/protobuf/field_mask.proto";
const FIELD_MASK: &str = ".google.protobuf.FieldMask";

impl Catalogue {
    /// The request message of an undelete, for binary clients.
    pub fn undelete_request(&self, kind: &ResourceType) -> Result<MessageDescriptor> {
        let declared = kind.declared_undelete.clone();
        declared
            .or_else(|| self.standard_message(kind, StandardMethod::Undelete))
            .ok_or_else(|| Error::internal(format!("no request message of {} for Undelete", kind.name)))
    }

    /// `BatchCreateEntriesRequest` of a type whose service does not declare one.
    pub(super) fn standard_message(
        &self,
        kind: &ResourceType,
        method: StandardMethod,
    ) -> Option<MessageDescriptor> {
        let pool = self.standard_messages.get_or_init(|| {
            standard_messages(self).inspect_err(|error| tracing::error!(%error, "standard messages")).ok()
        });
        let name = format!("{}.{}", package(&kind.package), request_name(kind, method));
        pool.as_ref()?.get_message_by_name(&name)
    }
}

fn standard_messages(
    catalogue: &Catalogue,
) -> std::result::Result<DescriptorPool, prost_reflect::DescriptorError> {
    let mut pool = catalogue.pool.clone();
    if pool.get_file_by_name(FIELD_MASK_FILE).is_none()
        && let Some(file) = DescriptorPool::global().get_file_by_name(FIELD_MASK_FILE)
    {
        pool.add_file_descriptor_proto(file.file_descriptor_proto().clone())?;
    }
    let mut files: BTreeMap<&str, FileDescriptorProto> = BTreeMap::new();
    for kind in &catalogue.types {
        let file = files.entry(&kind.package).or_insert_with(|| FileDescriptorProto {
            name: Some(format!("trine/standard/{}.proto", kind.package)),
            package: Some(package(&kind.package)),
            syntax: Some("proto3".to_owned()),
            dependency: vec![FIELD_MASK_FILE.to_owned()],
            ..FileDescriptorProto::default()
        });
        let home = kind.descriptor.parent_file().name().to_owned();
        if !file.dependency.contains(&home) {
            file.dependency.push(home);
        }
        file.message_type.extend(requests(kind));
    }
    pool.add_file_descriptor_protos(files.into_values())?;
    Ok(pool)
}

fn package(package: &str) -> String {
    format!("trine.standard.{package}")
}

fn request_name(kind: &ResourceType, method: StandardMethod) -> String {
    let (singular, plural) = (kind.descriptor.name(), kind.plural_noun());
    match method {
        StandardMethod::BatchCreate => format!("BatchCreate{plural}Request"),
        StandardMethod::BatchUpdate => format!("BatchUpdate{plural}Request"),
        StandardMethod::BatchDelete => format!("BatchDelete{plural}Request"),
        StandardMethod::Create => format!("Create{singular}Request"),
        StandardMethod::Update => format!("Update{singular}Request"),
        StandardMethod::Undelete => format!("Undelete{singular}Request"),
        _ => format!("Delete{singular}Request"),
    }
}

/// Batches of requests, and what they hold.
fn requests(kind: &ResourceType) -> Vec<DescriptorProto> {
    let methods = [Create, Update, Delete, Undelete, BatchCreate, BatchUpdate, BatchDelete];
    let message = |method| DescriptorProto {
        name: Some(request_name(kind, method)),
        field: fields(kind, method),
        ..DescriptorProto::default()
    };
    methods.map(message).into()
}

fn fields(kind: &ResourceType, method: StandardMethod) -> Vec<FieldDescriptorProto> {
    let (singular, this) = (kind.singular.as_str(), format!(".{}", kind.name));
    let resource = |number| field(singular, number, Type::Message, Some(&this));
    let flag = |name, number| field(name, number, Type::Bool, None);
    let requests = |of, number| {
        let of = format!(".{}.{}", package(&kind.package), request_name(kind, of));
        repeated(field("requests", number, Type::Message, Some(&of)))
    };
    match method {
        Create => vec![text("parent", 1), text(&format!("{singular}_id"), 2), resource(3)],
        Update => vec![
            resource(1),
            field("update_mask", 2, Type::Message, Some(FIELD_MASK)),
            flag("allow_missing", 3),
        ],
        Delete => vec![text("name", 1), flag("force", 2), text("etag", 3), flag("allow_missing", 4)],
        Undelete => vec![text("name", 1), text("etag", 2), flag("validate_only", 3), text("request_id", 4)],
        BatchCreate | BatchUpdate => {
            let of = if method == BatchCreate { Create } else { Update };
            vec![text("parent", 1), requests(of, 2), flag("validate_only", 3), text("request_id", 4)]
        }
        BatchDelete => vec![
            text("parent", 1),
            repeated(text("names", 2)),
            requests(Delete, 3),
            flag("force", 4),
            flag("allow_missing", 5),
            flag("validate_only", 6),
            text("request_id", 7),
        ],
        // Read from the path and its parameters alone.
        Get | List | BatchGet => Vec::new(),
    }
}

fn text(name: &str, number: i32) -> FieldDescriptorProto {
    field(name, number, Type::String, None)
}

fn field(name: &str, number: i32, kind: Type, message: Option<&str>) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        type_name: message.map(str::to_owned),
        json_name: Some(super::catalogue::camel_case(name)),
        ..FieldDescriptorProto::default()
    }
}

fn repeated(field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { label: Some(Label::Repeated.into()), ..field }
}
