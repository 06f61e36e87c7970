//! Every route with every credential. The routes come from the server's own table; what each needs is
//! written down here, by hand: a new route fails until somebody has decided.

use std::sync::Arc;

use trine::auth::{AuthMode, AuthSettings, Authenticator, JwtSettings, TokenSettings, TokenText};
use trine::events::cloud_event::{CloudEvent, Decided};
use trine::events::signature::Secrets;
use trine::http::routes::{Routes, Verb};
use trine::model::{Fingerprint, Idempotency, IdempotencyKey, OperationId, Scope, Timestamp};
use trine::role::Role;
use trine::store::request_log::{AcceptedRequest, Work};

use crate::client::{Answer, request};
use crate::server::{Server, Setting};

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asks {
    Nothing,
    /// The signature of another role.
    Signature,
    Scope(Scope),
}

const READ: Asks = Asks::Scope(Scope::Read);
const WRITE: Asks = Asks::Scope(Scope::Write);
const EVENTS: Asks = Asks::Scope(Scope::Events);

/// Method, end of the path, need: the first that fits counts. A pbtable's own paths need no line of their
/// own, any other path does.
const NEEDS: &[(&str, &str, Asks)] = &[
    ("GET", "/openapi.json", Asks::Nothing),
    ("GET", "/docs", Asks::Nothing),
    ("GET", "/trine/v1/operations", READ),
    ("GET", "/trine/v1/operations/{operation}", READ),
    ("POST", "/trine/v1/operations/{operation}:cancel", WRITE),
    ("POST", "/trine/v1/commands:plan", Asks::Signature),
    ("POST", "/trine/v1/commands:accept", Asks::Signature),
    ("POST", "/trine/v1/commands:operations", Asks::Signature),
    ("POST", "/trine/v1/inbox", Asks::Signature),
    ("POST", "/trine/v1/writeSets:commit", WRITE),
    ("GET", "/trine/v1/events", EVENTS),
    ("GET", "/trine/v1/subscriptions", EVENTS),
    ("GET", "/trine/v1/deadLetters", EVENTS),
    ("GET", "/blog/v1/", READ),
    ("POST", "/blog/v1/", WRITE),
    ("PATCH", "/blog/v1/", WRITE),
    ("DELETE", "/blog/v1/", WRITE),
];

/// One token a scope, `token-for-read-only` and so on, for subjects of those names.
pub fn tokens(named: &[(&str, &[Scope])]) -> Arc<Authenticator> {
    let token = |(name, scopes): &(&str, &[Scope])| {
        let token = TokenText(format!("token-for-{name}-only"));
        let (subject, scopes) = ((*name).to_owned(), scopes.to_vec());
        ((*name).to_owned(), TokenSettings { token: Some(token), token_file: None, subject, scopes })
    };
    let tokens = named.iter().map(token).collect();
    let jwt = JwtSettings::default();
    let settings = AuthSettings { mode: AuthMode::Tokens, allow_anonymous: false, tokens, jwt };
    Arc::new(Authenticator::new(&settings).expect("tokens"))
}

fn one_token_a_scope() -> Setting {
    let named = Scope::ALL.map(|scope| (scope.as_str(), vec![scope]));
    let named: Vec<(&str, &[Scope])> =
        named.iter().map(|(name, scopes)| (*name, scopes.as_slice())).collect();
    let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    Setting { authenticator: tokens(&named), secrets: Some(secrets), ..Setting::default() }
}

/// Method and pattern of all that a role serves.
fn served(role: Role) -> Vec<(&'static str, String)> {
    let routes = Routes::new(&Setting::default().catalogue(), &role.plan()).expect("routes");
    let method = |verb: &Verb| match verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    };
    let all = routes
        .all()
        .iter()
        .flat_map(|route| route.actions.iter().map(|(verb, _)| (method(verb), route.pattern.to_string())));
    all.collect()
}

fn asks(method: &str, pattern: &str) -> Asks {
    let found = NEEDS.iter().find(|(known, path, _)| {
        *known == method && (if path.ends_with('/') { pattern.starts_with(path) } else { pattern == *path })
    });
    found.unwrap_or_else(|| panic!("{method} {pattern} is new: say in NEEDS who may call it")).2
}

/// `/users/{user}` as a client would ask.
fn target(pattern: &str) -> String {
    let parts = pattern.split(['{', '}']).enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { part } else { "0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01" }).collect()
}

fn ask(server: &Server, method: &str, target: &str, authorization: Option<&str>) -> Answer {
    let asked = request(method, target);
    let asked = if method == "GET" || method == "DELETE" { asked } else { asked.json("{}") };
    match authorization {
        Some(value) => asked.header("Authorization", value).send(server.address()),
        None => asked.send(server.address()),
    }
}

fn is_refused(answer: &Answer) -> bool {
    matches!(answer.status, 401 | 403)
}

/// Given every route of a role and every sort of credential, then exactly the one scope that the route
/// needs opens it.
fn each_route_asks_for_its_scope(server: &Server, role: Role) {
    for (method, pattern) in served(role) {
        let (asks, target) = (asks(method, &pattern), target(&pattern));
        let none = ask(server, method, &target, None);
        let bad = ask(server, method, &target, Some("Bearer nobody-knows-this-token"));
        match asks {
            Asks::Nothing => assert!(!is_refused(&none) && !is_refused(&bad), "{method} {pattern}: {none:?}"),
            Asks::Signature => assert_eq!((none.status, bad.status), (401, 401), "{method} {pattern}"),
            Asks::Scope(_) => {
                let reasons = (none.status, none.reason(), bad.status, bad.reason());
                let expected = (401, "NO_CREDENTIALS".to_owned(), 401, "BAD_CREDENTIALS".to_owned());
                assert_eq!(reasons, expected, "{method} {pattern}");
                assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"trine\""));
                let bad = bad.header("www-authenticate");
                assert_eq!(bad, Some("Bearer realm=\"trine\", error=\"invalid_token\""));
            }
        }
        for scope in Scope::ALL {
            let token = format!("Bearer token-for-{}-only", scope.as_str());
            let answer = ask(server, method, &target, Some(&token));
            let opens = match asks {
                Asks::Nothing => true,
                Asks::Signature => false,
                Asks::Scope(needed) => needed == scope,
            };
            assert_eq!(!is_refused(&answer), opens, "{method} {pattern} with {scope:?}: {answer:?}");
            if let (Asks::Scope(needed), false) = (asks, opens) {
                assert_eq!((answer.status, answer.reason().as_str()), (403, "SCOPE"), "{method} {pattern}");
                let challenge = format!("scope=\"{}\"", needed.as_str());
                assert!(answer.header("www-authenticate").expect("a challenge").contains(&challenge));
            }
        }
    }
}

#[test]
fn each_route_of_a_monolith_asks_for_its_scope() {
    each_route_asks_for_its_scope(&Server::monolith_of(one_token_a_scope()), Role::Monolith);
}

#[test]
fn each_route_of_a_nanoservice_asks_for_its_scope() {
    let monolith = Server::monolith_of(one_token_a_scope());
    each_route_asks_for_its_scope(&monolith.nanoservice(), Role::Nanoservice);
}

/// Given an Authorization header that is no bearer token, then it is refused where credentials count, and
/// nothing of it is repeated.
#[test]
fn a_header_that_is_no_bearer_token_is_bad_credentials() {
    let server = Server::monolith_of(one_token_a_scope());
    let long = format!("Bearer {}", "a".repeat(20_000));
    for header in ["Basic YTpi", "Bearer", "Bearer ", "token-for-read-only", &long] {
        let answer = ask(&server, "GET", "/blog/v1/users", Some(header));
        assert_eq!((answer.status, answer.reason().as_str()), (401, "BAD_CREDENTIALS"), "{header:.40}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("YTpi"));
    }
    let twice = request("GET", "/blog/v1/users")
        .header("Authorization", "Bearer token-for-read-only")
        .header("Authorization", "Bearer token-for-write-only")
        .send(server.address());
    assert_eq!(twice.status, 400, "which of two counts is anybody's guess");
}

/// Given answers that depend on who asks, then no shared cache may keep them.
#[test]
fn an_answer_to_credentials_is_private() {
    let server = Server::monolith_of(one_token_a_scope());
    let answer = ask(&server, "GET", "/blog/v1/users", Some("Bearer token-for-read-only"));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("private")));
    assert!(answer.all("vary").iter().any(|vary| vary.contains("Authorization")), "{answer:?}");
    let open = Server::monolith();
    let answer = ask(&open, "GET", "/blog/v1/users", None);
    assert_eq!((answer.status, answer.header("cache-control")), (200, None));
}

/// Given one key and two principals, then each has an effect of its own and sees only its own answer.
#[test]
fn an_idempotency_key_is_one_principals() {
    let named: [(&str, &[Scope]); 2] = [("alice", &[Scope::Write]), ("bob", &[Scope::Write])];
    let server = Server::monolith_of(Setting { authenticator: tokens(&named), ..Setting::default() });
    let create = |token: &str| {
        let asked = request("POST", "/blog/v1/users").json("{\"displayName\":\"x\"}");
        let asked = asked.header("Authorization", token).header("Idempotency-Key", "same");
        asked.send(server.address())
    };
    let (alice, bob) = ("Bearer token-for-alice-only", "Bearer token-for-bob-only");
    let first = create(alice);
    let other = create(bob);
    assert_eq!((first.status, other.status), (201, 201));
    assert_ne!(first.header("location"), other.header("location"));
    assert_eq!(other.header("idempotency-replayed"), None);
    let again = create(alice);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
}

/// Tells a monolith, as its microservice would, that a request of somebody has failed.
fn fail_an_operation(server: &Server, secrets: &Secrets, id: &str, principal: &str) {
    let key = IdempotencyKey { principal: principal.to_owned(), scope: "POST /x".into(), key: id.to_owned() };
    let request = AcceptedRequest {
        id: OperationId(id.to_owned()),
        method: "blog.v1.User.Create".to_owned(),
        work: Work::Rule("{}".to_owned()),
        idempotency: Idempotency { key, fingerprint: Fingerprint([0; 32]) },
        scopes: Default::default(),
        position: None,
        request_id: String::new(),
        traceparent: None,
        accept_time: Timestamp::now(),
    };
    let write_set = request.failure(1, serde_json::json!({ "code": 3, "message": "no", "details": [] }));
    let event = CloudEvent::decided(request.id.clone(), Decided { write_set, replan: false });
    let body = serde_json::to_vec(&[event]).expect("JSON");
    let now = jiff::Timestamp::now().as_second().to_string();
    let signature = secrets.sign("a", &now, &body);
    let answer = request_to_inbox(&now, &signature).bytes(&body).send(server.address());
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn request_to_inbox<'a>(now: &'a str, signature: &'a str) -> crate::client::Request<'a> {
    let signed =
        request("POST", "/trine/v1/inbox").header("webhook-id", "a").header("webhook-timestamp", now);
    let signed = signed.header("webhook-signature", signature);
    signed.header("Content-Type", "application/cloudevents-batch+json")
}

/// Given operations of two principals, then each sees and cancels his own, and an admin all.
#[test]
fn an_operation_is_its_principals() {
    let both: &[Scope] = &[Scope::Read, Scope::Write];
    let all: &[Scope] = &[Scope::Read, Scope::Write, Scope::Admin];
    let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let authenticator = tokens(&[("alice", both), ("bob", both), ("root", all)]);
    let setting = Setting { authenticator, secrets: Some(secrets.clone()), ..Setting::default() };
    let server = Server::monolith_of(setting);
    const HERS: &str = "0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01";
    const HIS: &str = "0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e02";
    fail_an_operation(&server, &secrets, HERS, "alice");
    fail_an_operation(&server, &secrets, HIS, "bob");
    let count = |name: &str| {
        let token = format!("Bearer token-for-{name}-only");
        let answer = ask(&server, "GET", "/trine/v1/operations", Some(&token));
        answer.json()["operations"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((count("alice"), count("bob"), count("root")), (1, 1, 2));
    let target = format!("/trine/v1/operations/{HERS}");
    for (method, target) in [("GET", target.clone()), ("POST", format!("{target}:cancel"))] {
        for (name, status) in [("alice", 200), ("bob", 404), ("root", 200)] {
            let token = format!("Bearer token-for-{name}-only");
            let asked = request(method, &target).header("Authorization", &token).send(server.address());
            assert_eq!(asked.status, status, "{method} {target} {name}: {asked:?}");
        }
    }
}
