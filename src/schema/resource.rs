//! Messages with `google.api.resource` → [`ResourceType`]s: pattern, singular, standard fields.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

use super::columns::promoted;
use super::location::Problems;
use super::options::{Options, ResourceOption};
use super::paths::route_prefix;
use super::shape::Shapes;
use super::{ListAnswer, Pattern, ResourceType, StandardFields, TotalSize};
use crate::model::TypeName;

/// All resource types of the served packages, sorted by name, with their default routes.
pub(super) fn resource_types(
    pool: &DescriptorPool,
    serves: &dyn Fn(&str) -> bool,
    options: &Options,
    shapes: &Arc<Shapes>,
    problems: &mut Problems<'_>,
) -> Vec<ResourceType> {
    let mut types: Vec<ResourceType> = pool
        .all_messages()
        .filter(|message| serves(message.package_name()))
        .filter_map(|message| options.resource(&message).map(|option| (message, option)))
        .filter_map(|(message, option)| resource_type(&message, &option, options, shapes, problems))
        .collect();
    types.sort_by(|left, right| left.name.cmp(&right.name));
    if problems.is_own() {
        refuse_shared_types(&types, options, problems);
    }
    refuse_shared_routes(&types, problems);
    refuse_shared_tables(&types, problems);
    refuse_unchecked_writers(&mut types, problems);
    types
}

fn resource_type(
    message: &MessageDescriptor,
    option: &ResourceOption,
    options: &Options,
    shapes: &Arc<Shapes>,
    problems: &mut Problems<'_>,
) -> Option<ResourceType> {
    let pattern = match pattern(message, option) {
        Ok(pattern) => pattern,
        Err(reason) => {
            problems.add(&message.parent_file(), message.path(), reason);
            return None;
        }
    };
    for unserved in options.unserved(message) {
        let sentence = format!("`({unserved})` of `{}` does nothing yet; remove it", message.full_name());
        problems.add_or_leave_out(&message.parent_file(), message.path(), sentence);
    }
    let standard = standard_fields(message, problems);
    let owner_field = owner_field(message, options, problems);
    let (columns, indexes) = promoted(message, options, &standard, owner_field.as_deref(), problems);
    let owner = columns.iter().position(|column| Some(&column.field) == owner_field.as_ref());
    let singular = match option.singular.as_str() {
        // Some trees write `shelves/{shelf_id}`.
        "" => pattern.segments.last().map(|(_, id)| id.strip_suffix("_id").unwrap_or(id).to_owned())?,
        singular => singular.to_owned(),
    };
    Some(ResourceType {
        name: TypeName::new(message.full_name()),
        package: message.package_name().to_owned(),
        singular,
        source: option.kind.split('/').next().unwrap_or_default().to_owned(),
        route_prefix: route_prefix(message.package_name()),
        listed: listed(&pattern),
        pattern,
        descriptor: message.clone(),
        standard,
        dropped: options.is_dropped(message),
        soft_delete: standard.delete_time,
        sql_writable: options.is_sql_writable(message),
        columns,
        indexes,
        owner,
        declared_batches: Vec::new(),
        declared_undelete: None,
        root: shapes.find(message.full_name())?,
        shapes: Arc::clone(shapes),
    })
}

/// As AIP-132 has it, unless a service says otherwise.
fn listed(pattern: &Pattern) -> ListAnswer {
    ListAnswer {
        json_name: pattern.collection().to_owned(),
        resources_number: 1,
        next_page_token_number: 2,
        total_size: Some(TotalSize { json_name: "totalSize".to_owned(), number: 3 }),
    }
}

/// The name of the field that `(trine.v1.owner_field)` names, if it can hold an owner.
fn owner_field(
    message: &MessageDescriptor,
    options: &Options,
    problems: &mut Problems<'_>,
) -> Option<String> {
    let name = options.owner_field(message)?;
    let (place, reason) = match message.get_field_by_name(&name) {
        None => (message.path().to_vec(), format!("names `{name}`, which it does not have; name a field")),
        Some(field) => {
            let behavior = options.behavior(&field);
            let chassis = ["name", "uid", "etag"].contains(&field.name());
            let reason = match () {
                () if field.is_list() || field.kind() != Kind::String => "is no single `string`",
                () if field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic()) => {
                    "is one of a `oneof`, which could clear it"
                }
                () if chassis => "is kept by the server",
                () if behavior.input_only => "is INPUT_ONLY, which is not stored",
                () if behavior.required => "is REQUIRED, but the server fills it in",
                () if options.is_unique(&field) => "is unique, so that everybody could own one row only",
                () => return Some(name),
            };
            (
                field.path().to_vec(),
                format!("names `{name}`, which {reason}; take another field, or change it"),
            )
        }
    };
    let sentence = format!("`(trine.v1.owner_field)` of `{}` {reason}", message.full_name());
    problems.add(&message.parent_file(), &place, sentence);
    None
}

fn pattern(message: &MessageDescriptor, option: &ResourceOption) -> Result<Pattern, String> {
    let name = message.full_name();
    if !matches!(option.name_field.as_str(), "" | "name") {
        return Err(format!("`{name}` keeps its name in `{}`; call that field `name`", option.name_field));
    }
    if message.package_name().is_empty() {
        return Err(format!("`{name}` is in no package, and a package is its route; write `package …;`"));
    }
    let (host, kind) = option.kind.split_once('/').unwrap_or_default();
    if host.is_empty() || kind.is_empty() {
        return Err(format!("`type` of `{name}` is no `host/Kind`; write it as in `blog.example.com/Entry`"));
    }
    match option.patterns.as_slice() {
        [pattern] => Pattern::parse(pattern).map_err(|reason| format!("pattern of `{name}`: {reason}")),
        [] => Err(format!("`{name}` has no `pattern`; write one, as in `users/{{user}}/entries/{{entry}}`")),
        _ => Err(format!(
            "`{name}` has several patterns, and a pbtable has one kind of parent; keep one pattern"
        )),
    }
}

/// Recognised by name *and* type: a `name` that is a message is just a field.
fn standard_fields(message: &MessageDescriptor, problems: &mut Problems<'_>) -> StandardFields {
    let is_text = |name: &str| {
        message.get_field_by_name(name).is_some_and(|field| field.kind() == Kind::String && !field.is_list())
    };
    if let Some(field) = message.get_field_by_name("name").filter(|_| !is_text("name")) {
        problems.add(
            &message.parent_file(),
            field.path(),
            "`name` holds the resource's name; make it a `string`",
        );
    }
    StandardFields {
        name: is_text("name"),
        uid: is_text("uid"),
        create_time: is_timestamp(message, "create_time"),
        update_time: is_timestamp(message, "update_time"),
        delete_time: is_timestamp(message, "delete_time"),
        // Without a soft delete it is a field like any other.
        purge_time: is_timestamp(message, "delete_time") && is_timestamp(message, "purge_time"),
        etag: is_text("etag"),
    }
}

fn is_timestamp(message: &MessageDescriptor, name: &str) -> bool {
    message.get_field_by_name(name).is_some_and(|field| {
        !field.is_list()
            && field.kind().as_message().is_some_and(|kind| kind.full_name() == "google.protobuf.Timestamp")
    })
}

/// A reference by type would mean either. Versions of one thing, each in its package, have the same on purpose.
fn refuse_shared_types(types: &[ResourceType], options: &Options, problems: &mut Problems<'_>) {
    let mut seen: HashMap<(&str, String), &ResourceType> = HashMap::new();
    for kind in types.iter().filter(|kind| !kind.dropped) {
        let Some(option) = options.resource(&kind.descriptor) else { continue };
        if let Some(other) = seen.insert((&kind.package, option.kind.clone()), kind) {
            let (name, kind, called) = (&other.name, &kind.descriptor, option.kind);
            let message =
                format!("`{name}` and `{}` are both of type `{called}`; change one", kind.full_name());
            problems.add(&kind.parent_file(), kind.path(), message);
        }
    }
}

/// Two types under one path could not be told apart.
fn refuse_shared_routes(types: &[ResourceType], problems: &mut Problems<'_>) {
    let mut seen: HashMap<(String, Vec<String>), &ResourceType> = HashMap::new();
    for kind in types.iter().filter(|kind| !kind.dropped) {
        let collections = kind.pattern.segments.iter().map(|(collection, _)| collection.clone()).collect();
        if let Some(other) = seen.insert((kind.package.clone(), collections), kind) {
            let message = format!("`{}` and `{}` have the same pattern; change one", other.name, kind.name);
            problems.add(&kind.descriptor.parent_file(), kind.descriptor.path(), message);
        }
    }
}

/// Rules that SQL cannot keep would be believed. A newer binary may keep them; this one lets nobody write there.
fn refuse_unchecked_writers(types: &mut [ResourceType], problems: &mut Problems<'_>) {
    let unchecked =
        |kind: &&mut ResourceType| kind.sql_writable && kind.shapes.constraints().has_rules(kind.root);
    for kind in types.iter_mut().filter(unchecked) {
        let message = format!(
            "`{}` has `buf.validate` rules, and what SQL writes is not checked against them; take these or \
             `(trine.v1.sql_writable)` away",
            kind.name
        );
        problems.add_or_leave_out(&kind.descriptor.parent_file(), kind.descriptor.path(), message);
        kind.sql_writable = false;
    }
}

/// SQLite does not tell upper case from lower case in the names of tables; of fields the linker refuses such pairs.
fn refuse_shared_tables(types: &[ResourceType], problems: &mut Problems<'_>) {
    let mut tables: HashMap<String, &ResourceType> = HashMap::new();
    for kind in types {
        if let Some(other) = tables.insert(kind.name.as_str().to_ascii_lowercase(), kind) {
            let message = format!("`{}` and `{}` differ only in case; rename one", other.name, kind.name);
            problems.add(&kind.descriptor.parent_file(), kind.descriptor.path(), message);
        }
    }
}

impl Pattern {
    /// `users/{user}/entries/{entry}`; the sentence says what is not served.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        if !parts.len().is_multiple_of(2) {
            return Err(format!(
                "`{text}` is no sequence of `collection/{{id}}`; singletons are not served yet"
            ));
        }
        let segments: Option<Vec<(String, String)>> = parts
            .chunks(2)
            .map(|pair| {
                let variable = pair[1].strip_prefix('{')?.strip_suffix('}')?;
                (is_word(pair[0]) && is_word(variable)).then(|| (pair[0].to_owned(), variable.to_owned()))
            })
            .collect();
        let remedy = "write it as in `users/{user}/entries/{entry}`, ids joined by nothing but `/`";
        let segments = segments.ok_or_else(|| format!("`{text}` is not served; {remedy}"))?;
        let twice = segments
            .iter()
            .enumerate()
            .find(|(at, (_, id))| segments[..*at].iter().any(|(_, earlier)| earlier == id));
        if let Some((_, (_, id))) = twice {
            return Err(format!("`{text}` has `{{{id}}}` twice; give each id a name of its own"));
        }
        Ok(Self { segments })
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "_-".contains(character))
}
