//! The service that default routes amount to, as proto text: what a binary client needs to generate code.
//!
//! Messages are numbered as in the AIPs (131 to 135, 148, 158, 164, 231 to 235). They live in a package of
//! their own, because a service of the schema may declare some of the same names; what a service declares
//! itself is left out. One file a package.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::StandardMethod::{self, *};
use super::{Catalogue, ResourceType};

const EMPTY: &str = "google.protobuf.Empty";

impl Catalogue {
    /// Each file begins with a comment that says its path.
    pub fn standard_service(&self) -> String {
        let mut packages: BTreeMap<&str, Vec<&ResourceType>> = BTreeMap::new();
        for kind in &self.types {
            packages.entry(&kind.package).or_default().push(kind);
        }
        let files = packages.iter().map(|(package, kinds)| self.standard_file(package, kinds));
        files.collect::<Vec<_>>().join("\n")
    }

    fn standard_file(&self, package: &str, kinds: &[&ResourceType]) -> String {
        let mut imports = BTreeSet::from([
            "google/api/annotations.proto".to_owned(),
            "google/protobuf/empty.proto".to_owned(),
            "google/protobuf/field_mask.proto".to_owned(),
        ]);
        imports.extend(kinds.iter().map(|kind| kind.descriptor.parent_file().name().to_owned()));
        let imports: String = imports.iter().map(|file| format!("import \"{file}\";\n")).collect();
        let (mut rpcs, mut messages) = (String::new(), String::new());
        for kind in kinds {
            let is_default = |method: &StandardMethod| self.is_default(kind, *method);
            for method in StandardMethod::ALL.into_iter().filter(is_default) {
                rpcs += &rpc(kind, method);
                messages += &exchanged(kind, method);
            }
            // A batch holds requests of a method that a service may have declared.
            for (batch, single) in [(BatchCreate, Create), (BatchUpdate, Update), (BatchDelete, Delete)] {
                if self.is_default(kind, batch) && !self.is_default(kind, single) {
                    messages +=
                        &message(&format!("{}Request", rpc_name(kind, single)), &request(kind, single));
                }
            }
        }
        format!(
            "// trine/standard/{package}.proto: the standard methods of {package} as they are served.\n\
             syntax = \"proto3\";\n\npackage trine.standard.{package};\n\n{imports}\n\
             service StandardMethods {{\n{rpcs}}}\n{messages}"
        )
    }

    fn is_default(&self, kind: &ResourceType, method: StandardMethod) -> bool {
        let declared =
            self.standard_routes.iter().any(|route| route.kind == kind.name && route.method == method);
        !declared && (method != Undelete || kind.soft_delete)
    }
}

/// `GetEntry`, `BatchCreateEntries`
fn rpc_name(kind: &ResourceType, method: StandardMethod) -> String {
    let noun = if method.is_plural() { kind.plural_noun() } else { kind.descriptor.name().to_owned() };
    format!("{method:?}{noun}")
}

fn rpc(kind: &ResourceType, method: StandardMethod) -> String {
    let name = rpc_name(kind, method);
    let response = match method {
        Delete if kind.soft_delete => format!(".{}", kind.name),
        BatchDelete if kind.soft_delete => format!("{name}Response"),
        Delete | BatchDelete => EMPTY.to_owned(),
        List | BatchGet | BatchCreate | BatchUpdate => format!("{name}Response"),
        Get | Create | Update | Undelete => format!(".{}", kind.name),
    };
    let body = match method {
        Create | Update => format!(" body: \"{}\"", kind.singular),
        Undelete | BatchCreate | BatchUpdate | BatchDelete => " body: \"*\"".to_owned(),
        Get | List | Delete | BatchGet => String::new(),
    };
    format!(
        "  rpc {name}({name}Request) returns ({response}) {{\n    \
         option (google.api.http) = {{ {}: \"{}{}\"{body} }};\n  }}\n",
        method.http_method(),
        kind.route_prefix,
        path(kind, method),
    )
}

/// `/{parent=users/*}/entries:batchGet`
fn path(kind: &ResourceType, method: StandardMethod) -> String {
    let pairs: Vec<String> =
        kind.pattern.segments.iter().map(|(collection, _)| format!("{collection}/*")).collect();
    let (whole, parent) = (pairs.join("/"), pairs[..pairs.len() - 1].join("/"));
    let place = match method {
        Update => format!("/{{{}.name={whole}}}", kind.singular),
        _ if !method.is_on_collection() => format!("/{{name={whole}}}"),
        _ if parent.is_empty() => format!("/{}", kind.pattern.collection()),
        _ => format!("/{{parent={parent}}}/{}", kind.pattern.collection()),
    };
    match method.verb() {
        Some(verb) => format!("{place}:{verb}"),
        None => place,
    }
}

/// The request of a method, and its response where that is a message of its own.
fn exchanged(kind: &ResourceType, method: StandardMethod) -> String {
    let name = rpc_name(kind, method);
    let resource = format!(".{}", kind.name);
    let mut text = message(&format!("{name}Request"), &request(kind, method));
    let answers = match method {
        List => Some((kind.listed.json_name.as_str(), kind.listed.resources_number)),
        BatchGet | BatchCreate | BatchUpdate => Some((kind.pattern.collection(), 1)),
        BatchDelete if kind.soft_delete => Some((kind.pattern.collection(), 1)),
        _ => None,
    };
    if let Some((field, number)) = answers {
        let field = super::methods::snake_case(field);
        let mut fields = vec![(format!("repeated {resource}"), field, number)];
        if method == List {
            fields.push((
                "string".to_owned(),
                "next_page_token".to_owned(),
                kind.listed.next_page_token_number,
            ));
            fields.push(("int32".to_owned(), "total_size".to_owned(), 3));
        }
        text += &message(&format!("{name}Response"), &fields);
    }
    text
}

/// Type, name, number.
type Field = (String, String, u32);

fn field(kind: &str, name: &str, number: u32) -> Field {
    (kind.to_owned(), name.to_owned(), number)
}

fn request(kind: &ResourceType, method: StandardMethod) -> Vec<Field> {
    let parent = (kind.pattern.depth() > 1).then(|| field("string", "parent", 1));
    let has_parent = matches!(method, Create | List) || method.is_plural();
    let fields = if method.is_batch() { of_batch(kind, method) } else { of_single(kind, method) };
    parent.filter(|_| has_parent).into_iter().chain(fields).collect()
}

fn of_single(kind: &ResourceType, method: StandardMethod) -> Vec<Field> {
    let resource = format!(".{}", kind.name);
    let mask = "google.protobuf.FieldMask";
    match method {
        Get => vec![field("string", "name", 1), field(mask, "read_mask", 2)],
        List => vec![
            field("int32", "page_size", 2),
            field("string", "page_token", 3),
            field("string", "filter", 4),
            field("string", "order_by", 5),
            field("bool", "show_deleted", 6),
            field("bool", "show_total_size", 7),
            field(mask, "read_mask", 8),
        ],
        Create => {
            vec![field("string", &format!("{}_id", kind.singular), 2), field(&resource, &kind.singular, 3)]
        }
        Update => {
            vec![
                field(&resource, &kind.singular, 1),
                field(mask, "update_mask", 2),
                field("bool", "allow_missing", 3),
            ]
        }
        Delete => vec![
            field("string", "name", 1),
            field("bool", "force", 2),
            field("string", "etag", 3),
            field("bool", "allow_missing", 4),
        ],
        _ => vec![
            field("string", "name", 1),
            field("string", "etag", 2),
            field("bool", "validate_only", 3),
            field("string", "request_id", 4),
        ],
    }
}

fn of_batch(kind: &ResourceType, method: StandardMethod) -> Vec<Field> {
    let requests = |of| format!("repeated {}Request", rpc_name(kind, of));
    match method {
        BatchGet => vec![field("repeated string", "names", 2)],
        BatchCreate | BatchUpdate => {
            let of = if method == BatchCreate { Create } else { Update };
            vec![
                field(&requests(of), "requests", 2),
                field("bool", "validate_only", 3),
                field("string", "request_id", 4),
            ]
        }
        _ => vec![
            field("repeated string", "names", 2),
            field(&requests(Delete), "requests", 3),
            field("bool", "force", 4),
            field("bool", "allow_missing", 5),
            field("bool", "validate_only", 6),
            field("string", "request_id", 7),
        ],
    }
}

fn message(name: &str, fields: &[Field]) -> String {
    let lines: String =
        fields.iter().map(|(kind, name, number)| format!("  {kind} {name} = {number};\n")).collect();
    format!("\nmessage {name} {{\n{lines}}}\n")
}
