//! The OpenAPI document: one for each role, of all that is mounted and of nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use prost_reflect::MessageDescriptor;
use serde_json::Value;
use trine::http::openapi::{Scope, render};
use trine::http::routes::{Action, Routes, Verb};
use trine::model::TypeName;
use trine::role::Role;
use trine::schema::{StandardMethod, load};

use crate::support::golden;

const ROLES: [(&str, Role, &[&str]); 3] = [
    ("monolith", Role::Monolith, &[]),
    ("nanoservice", Role::Nanoservice, &["--replica", "sqlite:replica.db"]),
    (
        "microservice",
        Role::Microservice,
        &["--replica", "sqlite:replica.db", "--events-database", "sqlite:e.db"],
    ),
];

/// What `trine openapi` prints; a microservice has one listed method.
fn printed(role: &str, databases: &[&str]) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRINE_")) {
        command.env_remove(name);
    }
    command.args(["openapi", "--role", role, "--proto", concat!(env!("CARGO_MANIFEST_DIR"), "/proto")]);
    command.args(databases);
    if role == "microservice" {
        command.args(["--set", "writes.methods={\"blog.v1.BlogService.Publish\"=\"async\"}"]);
        command.args(["--set", "peers.monolith=http://127.0.0.1:1"]);
        command.args(["--set", "peers.secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
    }
    let ended = command.current_dir(directory.path()).output().expect("the program runs");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(directory.path().read_dir().expect("readable").count(), 0, "it left something behind");
    String::from_utf8(ended.stdout).expect("UTF-8")
}

/// `get /blog/v1/users/{}` with its operation.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (verb, operation) in item.as_object().expect("operations") {
            found.insert(format!("{verb} {}", nameless(path)), operation);
        }
    }
    found
}

/// The path without the names of its variables.
fn nameless(path: &str) -> String {
    let mut rest = path;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&format!("{before}{{}}"));
        rest = after.split_once('}').expect("closed").1;
    }
    text + rest
}

#[test]
fn each_role_prints_its_golden_document() {
    for (role, _, databases) in ROLES {
        golden::check(&format!("openapi/{role}.json"), &printed(role, databases));
    }
}

/// Given the bundled schema and a foreign one, then routes and documents tell of the same.
#[test]
fn documents_tell_of_every_mounted_route_and_of_no_other() {
    for tree in ["proto", "tests/fixtures/library"] {
        let paths = [PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(tree)];
        let catalogue = load(&paths, &["*".to_owned()]).expect("a schema");
        for (name, role, _) in ROLES {
            let plan = role.plan();
            let routes = Routes::new(&catalogue, &plan).expect("no two routes of one path");
            let listed: Vec<String> =
                if name == "microservice" { all_methods(&catalogue) } else { Vec::new() };
            let document = render(&Scope {
                catalogue: &catalogue,
                routes: &routes,
                plan: &plan,
                listed: &listed,
                asks_for_credentials: false,
                has_peers: true,
            });
            let mounted: BTreeSet<String> = routes
                .all()
                .iter()
                .flat_map(|route| {
                    let built =
                        route.actions.iter().filter(|(_, action)| is_served(name, action, &route.pattern));
                    built
                        .map(|(verb, _)| format!("{} {}", word(*verb), nameless(&route.pattern)))
                        .collect::<Vec<_>>()
                })
                .collect();
            let documented = operations(&document);
            let told: BTreeSet<String> = documented.keys().cloned().collect();
            assert_eq!(mounted, told, "{tree} {name}");
            let ids: BTreeSet<&str> =
                documented.values().filter_map(|operation| operation["operationId"].as_str()).collect();
            assert_eq!(ids.len(), told.len(), "an operationId is given twice: {tree} {name}");
            assert_references_resolve(&document, &document);
            if plan.primary == trine::role::Given::Refused && name == "nanoservice" {
                assert!(told.iter().all(|operation| operation.starts_with("get ")), "{told:?}");
            }
        }
    }
}

/// Each call between roles has one role that takes it.
fn is_served(role: &str, action: &Action, path: &str) -> bool {
    match action {
        Action::NotYet(..) => false,
        Action::PeerCall => role == if path == "/trine/v1/inbox" { "monolith" } else { "microservice" },
        _ => true,
    }
}

/// Every standard method of every type, and every command.
fn all_methods(catalogue: &trine::schema::Catalogue) -> Vec<String> {
    let of_types = catalogue.types.iter().flat_map(|kind| {
        trine::schema::StandardMethod::ALL.map(|method| format!("{}.{method:?}", kind.name))
    });
    of_types.chain(catalogue.commands.iter().map(|command| command.name.clone())).collect()
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    }
}

fn assert_references_resolve(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').expect("within the document");
                assert!(document.pointer(pointer).is_some_and(|found| !found.is_null()), "{reference}");
            }
            members.values().for_each(|member| assert_references_resolve(document, member));
        }
        Value::Array(members) => {
            members.iter().for_each(|member| assert_references_resolve(document, member))
        }
        _ => {}
    }
}

/// Calls between roles are told of where roles share a secret, and nowhere else.
#[test]
fn peers_are_told_of_where_there_are_some() {
    let secret = "peers.secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for (arguments, wanted) in [(&[][..], false), (&["--set", secret][..], true)] {
        let document: Value = serde_json::from_str(&printed("monolith", arguments)).expect("JSON");
        assert_eq!(document["paths"].get("/trine/v1/inbox").is_some(), wanted, "{arguments:?}");
    }
}

/// The fields of a batch and of its members are the same in JSON and in binary: those of the request's message.
#[test]
fn batches_are_documented_field_by_field() {
    let paths = [PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proto")];
    let catalogue = load(&paths, &["*".to_owned()]).expect("a schema");
    let document: Value = serde_json::from_str(&printed("monolith", &[])).expect("JSON");
    let documented = operations(&document);
    let names = |properties: &Value| -> BTreeSet<String> {
        properties.as_object().expect("properties").keys().cloned().collect()
    };
    for (kind, path) in [("User", "/blog/v1/users"), ("Entry", "/blog/v1/users/{}/entries")] {
        let kind = catalogue.resource(&TypeName::new(&format!("blog.v1.{kind}"))).expect("a resource");
        for method in [StandardMethod::BatchCreate, StandardMethod::BatchUpdate, StandardMethod::BatchDelete]
        {
            let verb = format!("{method:?}").replacen('B', "b", 1);
            let operation = documented[&format!("post {path}:{verb}")];
            let properties = &operation["requestBody"]["content"]["application/json"]["schema"]["properties"];
            let request = catalogue.batch_request(kind, method).expect("its message");
            let fields = |message: &MessageDescriptor| -> BTreeSet<String> {
                message.fields().map(|field| field.json_name().to_owned()).collect()
            };
            assert_eq!(names(properties), fields(&request), "{method:?} of {}", kind.name);
            let member = request.get_field_by_name("requests").expect("requests").kind();
            let member = fields(member.as_message().expect("a message"));
            let told = names(&properties["requests"]["items"]["properties"]);
            assert_eq!(told, member, "a member of {method:?} of {}", kind.name);
        }
    }
}

/// Comments, behaviours and kinds of the `.proto` arrive.
#[test]
fn messages_are_described_as_their_json_is() {
    let document: Value = serde_json::from_str(&printed("monolith", &[])).expect("JSON");
    let schemas = &document["components"]["schemas"];
    let user = &schemas["blog.v1.User"];
    assert_eq!(user["description"], "Somebody who writes.");
    assert_eq!(user["required"], Value::Null);
    assert_eq!(schemas["blog.v1.User-input"]["required"], serde_json::json!(["displayName"]));
    let count = &user["properties"]["entryCount"];
    assert_eq!(
        (&count["type"], &count["format"], &count["readOnly"]),
        (&"string".into(), &"int64".into(), &true.into())
    );
    assert_eq!(user["properties"]["createTime"]["format"], "date-time");
    assert_eq!(count["description"], "Entries published, ever.");
    let entry = &schemas["blog.v1.Entry"]["properties"];
    assert_eq!(entry["state"]["enum"], serde_json::json!(["STATE_UNSPECIFIED", "DRAFT", "PUBLISHED"]));
    assert_eq!(entry["tags"], serde_json::json!({ "type": "array", "items": { "type": "string" } }));
    let publish = &schemas["blog.v1.PublishRequest-input"];
    assert_eq!(publish["required"], serde_json::json!(["entry"]), "the user comes from the path");
}

/// Given tokens are asked for, then each operation says which scope it needs, and how it refuses.
#[test]
fn documents_say_who_may() {
    let tokens = "auth.tokens.a={ token = \"0123456789abcdef\", subject = \"a\", scopes = [\"read\"] }";
    let text = printed("monolith", &["--set", "auth.mode=tokens", "--set", tokens]);
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let scheme = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&"http".into(), &"bearer".into()));
    for (operation, told) in operations(&document) {
        let is_open = ["get /docs", "get /openapi.json"].contains(&operation.as_str());
        let is_of_roles = operation.contains("/trine/v1/commands:") || operation.contains("/trine/v1/inbox");
        let wanted = match (is_open || is_of_roles, operation.starts_with("get ")) {
            (true, _) => Value::Null,
            (false, true) => serde_json::json!([{ "bearer": ["read"] }]),
            (false, false) => serde_json::json!([{ "bearer": ["write"] }]),
        };
        assert_eq!(told["security"], wanted, "{operation}");
        assert_eq!(told["responses"].get("401").is_some(), !is_open, "{operation}");
    }
}
