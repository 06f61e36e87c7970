//! Services → the standard methods they declare and the [`Command`]s they add.

use std::sync::Arc;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

use super::catalogue::{StandardMethod, StandardRoute};
use super::location::Problems;
use super::options::{HttpOption, Options};
use super::{Command, ResourceType};

#[derive(Default)]
pub(super) struct Methods {
    pub commands: Vec<Arc<Command>>,
    pub standard_routes: Vec<StandardRoute>,
}

/// Looks at every service of the served packages.
pub(super) fn methods(
    pool: &DescriptorPool,
    serves: &dyn Fn(&str) -> bool,
    options: &Options,
    types: &[Arc<ResourceType>],
    problems: &mut Problems<'_>,
) -> Methods {
    let mut methods = Methods::default();
    let services = pool.services().filter(|service| serves(service.package_name()));
    for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        // An rpc without a path cannot be reached over HTTP, which is all that is served.
        let Some(http) = options.http(&method) else { continue };
        let outcome = match standard(&method, types) {
            Some((standard, kind)) => {
                standard_route(standard, kind, &http).map(|route| methods.standard_routes.extend(route))
            }
            None => command(&method, &http).map(|command| methods.commands.push(Arc::new(command))),
        };
        if let Err(reason) = outcome {
            problems.add(&method.parent_file(), method.path(), format!("`{}`: {reason}", method.full_name()));
        }
    }
    methods
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
fn standard<'t>(
    method: &MethodDescriptor,
    types: &'t [Arc<ResourceType>],
) -> Option<(StandardMethod, &'t ResourceType)> {
    let (prefix, standard) = STANDARD.iter().find(|(prefix, _)| method.name().starts_with(prefix))?;
    let noun = &method.name()[prefix.len()..];
    let kind = types.iter().find(|kind| {
        kind.package == method.parent_file().package_name() && fits(*standard, noun, method, kind)
    })?;
    Some((*standard, kind.as_ref()))
}

fn fits(standard: StandardMethod, noun: &str, method: &MethodDescriptor, kind: &ResourceType) -> bool {
    let (input, output) = (method.input(), method.output());
    let holds = |message: &MessageDescriptor, repeated: bool| {
        message
            .fields()
            .any(|field| field.is_list() == repeated && field.kind().as_message() == Some(&kind.descriptor))
    };
    let is_named =
        noun == if standard.is_plural() { kind.plural_noun() } else { kind.descriptor.name().to_owned() };
    match standard {
        // What is listed says which type it is, however its plural is formed.
        StandardMethod::List => holds(&output, true) && output.name() == format!("List{noun}Response"),
        StandardMethod::Get => {
            is_named && input.get_field_by_name("name").is_some() && output == kind.descriptor
        }
        StandardMethod::Create | StandardMethod::Update => {
            is_named && holds(&input, false) && output == kind.descriptor
        }
        StandardMethod::Delete | StandardMethod::Undelete => {
            is_named && input.get_field_by_name("name").is_some()
        }
        _ => is_named,
    }
}

/// None when the path is the default one.
fn standard_route(
    method: StandardMethod,
    kind: &ResourceType,
    http: &HttpOption,
) -> Result<Option<StandardRoute>, String> {
    if http.additional_bindings {
        return Err("additional bindings are not served yet; keep one path".to_owned());
    }
    if !method.is_single() {
        return Ok(None);
    }
    let collection = kind.pattern.collection();
    let whole: Vec<String> =
        kind.pattern.segments.iter().map(|(collection, _)| format!("{collection}/*")).collect();
    let parent = whole[..whole.len() - 1].join("/");
    let tail = match method {
        StandardMethod::List | StandardMethod::Create if parent.is_empty() => format!("/{collection}"),
        StandardMethod::List | StandardMethod::Create => format!("/{{parent={parent}}}/{collection}"),
        StandardMethod::Update => {
            format!("/{{{}.name={}}}", snake_case(kind.descriptor.name()), whole.join("/"))
        }
        _ => format!("/{{name={}}}", whole.join("/")),
    };
    let Some(prefix) = http.path.strip_suffix(&tail) else {
        return Err(format!("the path `{}` is not served; write `{}{tail}`", http.path, kind.route_prefix()));
    };
    if http.method != method.http_method() {
        return Err(format!("`{}` is served as {} only", http.path, method.http_method()));
    }
    let route = StandardRoute { kind: kind.name.clone(), method, prefix: prefix.to_owned() };
    Ok((prefix != kind.route_prefix()).then_some(route))
}

fn command(method: &MethodDescriptor, http: &HttpOption) -> Result<Command, String> {
    let package = method.parent_file().package_name().to_owned();
    let prefix = super::catalogue::route_prefix(&package);
    let form =
        format!("write `post: \"{prefix}/{{user=users/*}}:{}\" body: \"*\"`", snake_case(method.name()));
    if http.method != "post" || http.body != "*" || http.additional_bindings || !http.response_body.is_empty()
    {
        return Err(format!("only POST with the whole body is served as a command; {form}"));
    }
    if method.is_client_streaming() || method.is_server_streaming() {
        return Err("streams are not served; make it a unary rpc".to_owned());
    }
    let parsed = command_path(&http.path, &prefix);
    let (path_field, collections, verb) =
        parsed.ok_or_else(|| format!("the path `{}` is not served; {form}", http.path))?;
    let is_text = |field: prost_reflect::FieldDescriptor| {
        field.kind() == prost_reflect::Kind::String && !field.is_list()
    };
    if !method.input().get_field_by_name(&path_field).is_some_and(is_text) {
        let input = method.input().full_name().to_owned();
        return Err(format!("the path binds `{path_field}`, which is no string field of `{input}`"));
    }
    Ok(Command {
        name: method.full_name().to_owned(),
        package,
        descriptor: method.clone(),
        verb,
        collections,
        path_field,
        body: true,
    })
}

/// `/blog/v1/{user=users/*}:publish` → field, collections, verb.
fn command_path(path: &str, prefix: &str) -> Option<(String, Vec<String>, String)> {
    let rest = path.strip_prefix(prefix)?.strip_prefix("/{")?;
    let (binding, verb) = rest.split_once("}:")?;
    let (field, pattern) = binding.split_once('=')?;
    let parts: Vec<&str> = pattern.split('/').collect();
    let collections: Option<Vec<String>> =
        parts.chunks(2).map(|pair| (pair.get(1) == Some(&"*")).then(|| pair[0].to_owned())).collect();
    let is_verb = !verb.is_empty() && verb.chars().all(|character| character.is_ascii_alphanumeric());
    Some((field.to_owned(), collections?, verb.to_owned())).filter(|_| is_verb)
}

fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
