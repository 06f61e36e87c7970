//! An rpc that is no standard method → a [`Command`], or the sentence that says how it could be one.

use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};

use super::snake_case;
use crate::schema::Command;
use crate::schema::options::HttpOption;
use crate::schema::paths::route_prefix;

pub(super) fn command(method: &MethodDescriptor, http: &HttpOption) -> Result<Command, String> {
    let package = method.parent_file().package_name().to_owned();
    let form = format!(
        "write `post: \"{}/{{user=users/*}}:{}\" body: \"*\"`",
        route_prefix(&package),
        snake_case(method.name())
    );
    if http.method != "post" || http.body != "*" || http.additional_bindings || !http.response_body.is_empty()
    {
        return Err(format!("only POST with the whole body is served as a command; {form}"));
    }
    let path =
        Path::parse(&http.path).ok_or_else(|| format!("the path `{}` is not served; {form}", http.path))?;
    let is_text = |field: FieldDescriptor| field.kind() == Kind::String && !field.is_list();
    if !method.input().get_field_by_name(path.field).is_some_and(is_text) {
        let input = method.input().full_name().to_owned();
        return Err(format!(
            "the path binds `{}`, which is no string field of `{input}`; bind one that is",
            path.field
        ));
    }
    Ok(Command {
        name: method.full_name().to_owned(),
        route_prefix: path.prefix.to_owned(),
        descriptor: method.clone(),
        verb: path.verb.to_owned(),
        collections: path.collections.into_iter().map(str::to_owned).collect(),
        path_field: path.field.to_owned(),
    })
}

/// `/blog/v1/{user=users/*}:publish`
struct Path<'a> {
    prefix: &'a str,
    field: &'a str,
    collections: Vec<&'a str>,
    verb: &'a str,
}

impl<'a> Path<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (prefix, rest) = path.split_once("/{")?;
        let (binding, verb) = rest.split_once("}:")?;
        let (field, pattern) = binding.split_once('=')?;
        let parts: Vec<&str> = pattern.split('/').collect();
        let is_id = |pair: &[&'a str]| (pair.get(1) == Some(&"*")).then(|| pair[0]);
        let collections = parts.chunks(2).map(is_id).collect::<Option<Vec<&str>>>()?;
        let is_verb = !verb.is_empty() && verb.chars().all(|character| character.is_ascii_alphanumeric());
        let is_prefix = prefix.starts_with('/') && !prefix.contains(['{', '}', '*', ':']);
        (is_verb && is_prefix).then_some(Self { prefix, field, collections, verb })
    }
}
