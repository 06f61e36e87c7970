//! The table of routes → `paths` and `tags`.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::method::Method;
use super::{Scope, bodies, errors, parameters};
use crate::http::access::Need;
use crate::http::routes::{Action, Route, Verb};
use crate::model::TypeName;
use crate::schema::json_schema::JsonSchemas;

/// Every mounted route that this role serves.
pub fn paths(scope: &Scope<'_>, schemas: &mut JsonSchemas<'_>) -> Map<String, Value> {
    let mut paths = Map::new();
    let mut taken = HashMap::new();
    for route in scope.routes.all() {
        let (path, variables) = template(&route.pattern);
        let operations = operations(scope, route, &variables, schemas, &mut taken);
        if !operations.is_empty() {
            paths.insert(path, Value::Object(operations));
        }
    }
    paths
}

fn operations(
    scope: &Scope<'_>,
    route: &Route,
    variables: &[String],
    schemas: &mut JsonSchemas<'_>,
    taken: &mut HashMap<String, usize>,
) -> Map<String, Value> {
    let mut operations = Map::new();
    for (verb, action) in &route.actions {
        let Some(method) = Method::of(action, &route.pattern, scope.catalogue) else { continue };
        let is_for_nobody = matches!(action, Action::PeerCall) && !scope.serves_call(&route.pattern);
        if is_for_nobody || is_of_a_type(action) && !scope.serves(&method.id) {
            continue;
        }
        // One method may be served at several paths; the first keeps the plain name.
        let times = taken.entry(method.id.clone()).and_modify(|times| *times += 1).or_insert(1);
        let id = if *times == 1 { method.id.clone() } else { format!("{}_{times}", method.id) };
        operations.insert(name(*verb).to_owned(), operation(scope, action, &method, id, variables, schemas));
    }
    operations
}

fn operation(
    scope: &Scope<'_>,
    action: &Action,
    method: &Method,
    id: String,
    variables: &[String],
    schemas: &mut JsonSchemas<'_>,
) -> Value {
    let mut responses = bodies::success(action, schemas);
    responses.extend(errors::references(method.class, scope));
    let mut operation = json!({
        "operationId": id,
        "tags": [method.tag],
        "summary": method.summary,
        "responses": responses,
    });
    let parameters = parameters::parameters(action, variables);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = bodies::request(action, schemas) {
        operation["requestBody"] = body;
    }
    if let Need::Scope(needed) = action.need()
        && scope.asks_for_credentials
    {
        operation["security"] = json!([{ "bearer": [needed.as_str()] }]);
    }
    if let Some(words) = &method.description {
        operation["description"] = json!(words);
    }
    operation
}

/// Of a resource or a command, as opposed to the chassis' own.
fn is_of_a_type(action: &Action) -> bool {
    use Action::*;
    match action {
        Get(_) | List(_) | Create(_) | Update(_) | Delete(_) | Undelete(_) | Command(_) => true,
        BatchGet(_) | BatchCreate(_) | BatchUpdate(_) | BatchDelete(_) => true,
        CommitWriteSet | GetOperation | ListOperations | CancelOperation | PeerCall | OpenApi | Docs
        | NotYet(..) => false,
    }
}

/// One group for each resource, service and part of the chassis, in the order of its first path.
pub fn tags(scope: &Scope<'_>, paths: &Map<String, Value>) -> Vec<Value> {
    let operations = paths.values().filter_map(Value::as_object).flat_map(Map::values);
    let names: BTreeMap<&str, ()> =
        operations.filter_map(|operation| Some((operation["tags"][0].as_str()?, ()))).collect();
    let tag = |name: &str| {
        let kind = scope.catalogue.resource(&TypeName::new(name));
        let words = scope.catalogue.comment(name).map(str::to_owned);
        let pattern = kind.map(|kind| format!("Resource `{}`.", kind.example_name()));
        let description = [words, pattern].into_iter().flatten().collect::<Vec<_>>().join("\n\n");
        if description.is_empty() {
            json!({ "name": name })
        } else {
            json!({ "name": name, "description": description })
        }
    };
    names.into_keys().map(tag).collect()
}

fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    }
}

/// The pattern with each variable named once: `/v1/books/{name}/pages/{name2}:print`.
pub fn template(pattern: &str) -> (String, Vec<String>) {
    let (mut path, mut variables) = (String::new(), Vec::<String>::new());
    let mut rest = pattern;
    while let Some((before, variable, after)) =
        rest.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|(v, a)| (before, v, a)))
    {
        let mut name = variable.to_owned();
        if variables.contains(&name) {
            name = format!("{variable}{}", variables.len() + 1);
        }
        path.push_str(&format!("{before}{{{name}}}"));
        variables.push(name);
        rest = after;
    }
    path.push_str(rest);
    (path, variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_apart() {
        let (path, variables) = template("/v1/books/{name}/pages/{name}:print");
        assert_eq!(path, "/v1/books/{name}/pages/{name2}:print");
        assert_eq!(variables, ["name", "name2"]);
    }
}
