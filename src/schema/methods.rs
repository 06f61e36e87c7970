//! Services → the standard methods they declare and the [`Command`]s they add.
//!
//! Not here: which forms of an rpc are served (`standard`, `command`).

mod batch;
mod command;
mod standard;

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, MethodDescriptor};

use super::catalogue::{StandardMethod, StandardRoute};
use super::location::Problems;
use super::options::{HttpOption, Options};
use super::{Command, ResourceType};
use crate::model::TypeName;

#[derive(Default)]
pub(super) struct Methods {
    pub commands: Vec<Arc<Command>>,
    pub standard_routes: Vec<StandardRoute>,
    pub requests: HashMap<TypeName, Vec<(StandardMethod, usize)>>,
}

/// Looks at every service of the served packages; types learn where they are served.
pub(super) fn methods(
    pool: &DescriptorPool,
    serves: &dyn Fn(&str) -> bool,
    options: &Options,
    types: &mut [ResourceType],
    problems: &mut Problems<'_>,
) -> Methods {
    let mut methods = Methods::default();
    let services = pool.services().filter(|service| serves(service.package_name()));
    for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        // An rpc without a path cannot be reached over HTTP, which is all that is served.
        let Some(http) = options.http(&method) else { continue };
        if let Err(reason) = methods.add(&method, &http, types, problems.is_own()) {
            let sentence = format!("`{}`: {reason}", method.full_name());
            problems.add_or_leave_out(&method.parent_file(), method.path(), sentence);
        }
    }
    methods
}

impl Methods {
    fn add(
        &mut self,
        method: &MethodDescriptor,
        http: &HttpOption,
        types: &mut [ResourceType],
        is_own: bool,
    ) -> Result<(), String> {
        if method.is_client_streaming() || method.is_server_streaming() {
            return Err("streams are not served; make it a unary rpc".to_owned());
        }
        let Some((standard, kind)) = recognise(method, types) else {
            self.commands.push(Arc::new(command::command(method, http)?));
            return Ok(());
        };
        let route = standard::route(standard, kind, method, http)?;
        match standard {
            StandardMethod::Get => kind.route_prefix.clone_from(&route.prefix),
            StandardMethod::List => kind.listed = standard::list_answer(kind, &method.output())?,
            StandardMethod::Create => standard::adopt_id_field(kind, &method.input()),
            StandardMethod::Undelete => kind.declared_undelete = Some(method.input()),
            _ if standard.is_batch() => {
                let batch = batch::declared(standard, kind, method)?;
                kind.declared_batches.push(batch);
            }
            _ => {}
        }
        self.note_request(standard, kind, &method.input(), is_own)?;
        // Two services may declare the same method in the same place.
        if !self.standard_routes.contains(&route) {
            self.standard_routes.push(route);
        }
        Ok(())
    }

    /// Rules of a request are judged where it is a path and parameters; of a batch they would be passed over.
    fn note_request(
        &mut self,
        standard: StandardMethod,
        kind: &ResourceType,
        request: &MessageDescriptor,
        is_own: bool,
    ) -> Result<(), String> {
        let constraints = kind.shapes.constraints();
        let root = kind.shapes.find(request.full_name()).filter(|root| constraints.concern(*root));
        let Some(root) = root else { return Ok(()) };
        if standard.is_single() {
            self.requests.entry(kind.name.clone()).or_default().push((standard, root));
            return Ok(());
        }
        let ruled = constraints.ruled_fields(root);
        let names: Vec<String> =
            ruled.iter().map(|field| kind.shapes.message(root).fields[*field].name.clone()).collect();
        if names.is_empty() || !is_own {
            return Ok(());
        }
        let (request, names) = (request.full_name(), names.join("`, `"));
        Err(format!("the rules of `{names}` in `{request}` are not judged in this method; remove them"))
    }
}

const STANDARD: &[(&str, StandardMethod)] = &[
    ("BatchGet", StandardMethod::BatchGet),
    ("BatchCreate", StandardMethod::BatchCreate),
    ("BatchUpdate", StandardMethod::BatchUpdate),
    ("BatchDelete", StandardMethod::BatchDelete),
    ("Get", StandardMethod::Get),
    ("List", StandardMethod::List),
    ("Create", StandardMethod::Create),
    ("Update", StandardMethod::Update),
    ("Delete", StandardMethod::Delete),
    ("Undelete", StandardMethod::Undelete),
];

/// Recognised by name and by what goes in and out (AIP-131 to 135, 164, 231 to 235).
fn recognise<'t>(
    method: &MethodDescriptor,
    types: &'t mut [ResourceType],
) -> Option<(StandardMethod, &'t mut ResourceType)> {
    let (prefix, standard) = STANDARD.iter().find(|(prefix, _)| method.name().starts_with(prefix))?;
    let noun = &method.name()[prefix.len()..];
    let package = method.parent_file().package_name().to_owned();
    let fitting = |kind: &&mut ResourceType| fits(*standard, noun, method, kind);
    let kind = types.iter_mut().filter(|kind| kind.package == package).find(fitting)?;
    Some((*standard, kind))
}

fn fits(standard: StandardMethod, noun: &str, method: &MethodDescriptor, kind: &ResourceType) -> bool {
    let (input, output) = (method.input(), method.output());
    let is_named =
        noun == if standard.is_plural() { kind.plural_noun() } else { kind.descriptor.name().to_owned() };
    match standard {
        // What is listed says which type it is, however its plural is formed.
        StandardMethod::List => {
            listed_field(&output, &kind.descriptor).is_some()
                && output.name() == format!("List{noun}Response")
        }
        StandardMethod::Get => {
            is_named && input.get_field_by_name("name").is_some() && output == kind.descriptor
        }
        StandardMethod::Create | StandardMethod::Update => {
            is_named && resource_field(&input, &kind.descriptor).is_some() && output == kind.descriptor
        }
        StandardMethod::Delete | StandardMethod::Undelete => {
            is_named && input.get_field_by_name("name").is_some()
        }
        _ => is_named,
    }
}

/// The field of a request that holds the resource.
fn resource_field(request: &MessageDescriptor, resource: &MessageDescriptor) -> Option<FieldDescriptor> {
    request.fields().find(|field| !field.is_list() && field.kind().as_message() == Some(resource))
}

/// The field of a List's answer that holds the resources.
fn listed_field(answer: &MessageDescriptor, resource: &MessageDescriptor) -> Option<FieldDescriptor> {
    answer.fields().find(|field| field.is_list() && field.kind().as_message() == Some(resource))
}

pub(super) fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
