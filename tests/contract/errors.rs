//! The table of errors: one real request for each reason that a client can bring about, its answer in a golden
//! file, and its reason in the OpenAPI document of the very operation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::golden;
use crate::support::http::{Answer, Api};
use crate::support::trine::{Launch, Trine};

const USERS: &str = "/blog/v1/users";
const ADA: &str = "/blog/v1/users/ada";
const ONE: &str = "/blog/v1/users/{}";
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/library");

/// What no request can bring about alone, and where it is provoked instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("CommitOutcomeUnknown", "a connection lost at COMMIT: tests/system/lost_commit.rs"),
    ("Conflict", "two writers at one moment: tests/commands/sync.rs"),
    ("DatabaseUnavailable", "a database that is away: tests/system/outage.rs"),
    ("IdempotencyKeyRequired", "an asynchronous method: tests/commands/asynchronous.rs"),
    ("InProgress", "two requests of one key at one moment: tests/store/conformance/idempotency.rs"),
    ("Internal", "a fault of the program: src/http/errors.rs"),
    ("KeysUnavailable", "an issuer that is away: tests/http/jwt.rs"),
    ("NotThisRole", "a microservice: tests/commands/asynchronous.rs"),
    ("Overloaded", "more requests than fit: tests/system/load.rs"),
    ("Owner", "rows of somebody else: tests/http/credentials.rs"),
    ("PageTokenStale", "an order that is no longer served: src/query/tests.rs"),
    ("ReadOnlyMode", "a database that is read only: tests/store/postgres/operator.rs"),
    ("ReplicaBehind", "a replica that is late: tests/system/consistency.rs"),
    ("StatementTimeout", "a statement that takes long: tests/store/postgres/time_outs.rs"),
    ("StrongRead", "consistency.strong, which is not served yet"),
];

struct Servers {
    blog: Trine,
    library: Trine,
    reader: Trine,
    guarded: Trine,
    _home: tempfile::TempDir,
}

impl Servers {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let file = |name: &str| format!("sqlite:{}", home.path().join(name).display());
        let monolith = |name: &str| Launch::role("monolith").argument("--database", &file(name));
        let blog = monolith("blog.db").set("http.cors_origins", "[\"https://app.example.com\"]").ready();
        let library = monolith("library.db").argument("--proto", LIBRARY).ready();
        let reader = Launch::role("nanoservice").argument("--replica", &file("blog.db")).ready();
        let token = "{ token = \"0123456789abcdef\", subject = \"a\", scopes = [\"events\"] }";
        let guarded = monolith("guarded.db").set("auth.mode", "tokens").set("auth.tokens.a", token).ready();
        let servers = Self { blog, library, reader, guarded, _home: home };
        let ada = json!({ "displayName": "Ada", "email": "ada@example.com" });
        servers.blog.api().post("/blog/v1/users?userId=ada", &ada).expect(201);
        servers
            .blog
            .api()
            .post("/blog/v1/users/ada/entries?entryId=one", &json!({ "title": "T" }))
            .expect(201);
        servers
            .library
            .api()
            .post("/v1/publishers/p/books?bookId=b", &json!({ "title": "T", "isbn": "1" }))
            .expect(201);
        servers
    }
}

/// A reason, the operation that is asked (verb and nameless path), and its answer.
type Case = (&'static str, &'static str, &'static str, Answer);

fn bodies(servers: &Servers) -> Vec<Case> {
    let post = |text: &str| servers.blog.api().request("POST", USERS).body("application/json", text).send();
    let typed = |media: &str| servers.blog.api().request("POST", USERS).body(media, "{}").send();
    let encoded = servers.blog.api().request("POST", USERS).header("Content-Encoding", "gzip");
    let changed = servers.library.api().patch("/v1/publishers/p/books/b", &json!({ "isbn": "2" }));
    vec![
        ("INVALID_BODY", "post", USERS, post("{")),
        ("INVALID_FIELD", "post", USERS, post("{\"displayName\":7}")),
        ("UNKNOWN_FIELD", "post", USERS, post("{\"displayName\":\"A\",\"colour\":1}")),
        ("REQUIRED", "post", USERS, post("{}")),
        ("BODY_TOO_LARGE", "post", USERS, post(&"x".repeat((1 << 20) + 1))),
        ("MEDIA_TYPE", "post", USERS, typed("text/plain")),
        ("CONTENT_ENCODING", "post", USERS, encoded.body("application/json", "{}").send()),
        ("IMMUTABLE", "patch", "/v1/publishers/{}/books/{}", changed),
    ]
}

fn parameters(servers: &Servers) -> Vec<Case> {
    let get = |path: &str| servers.blog.api().get(path);
    let mask =
        servers.blog.api().patch("/blog/v1/users/ada?updateMask=nothing", &json!({ "displayName": "B" }));
    let token = servers.blog.api().request("GET", ADA).token("forged").send();
    vec![
        ("INVALID_FILTER", "get", USERS, get("/blog/v1/users?filter=nothing%3D1")),
        ("INVALID_ORDER", "get", USERS, get("/blog/v1/users?orderBy=nothing")),
        ("INVALID_MASK", "patch", ONE, mask),
        ("INVALID_PARAMETER", "get", USERS, get("/blog/v1/users?colour=red")),
        ("INVALID_ID", "get", ONE, get("/blog/v1/users/a%20b")),
        ("PAGE_TOKEN_INVALID", "get", USERS, get("/blog/v1/users?pageToken=forged")),
        ("CONSISTENCY_TOKEN_INVALID", "get", ONE, token),
        ("NOT_FOUND", "get", ONE, get("/blog/v1/users/nobody")),
        (
            "NOT_ACCEPTABLE",
            "get",
            ONE,
            servers.blog.api().request("GET", ADA).header("Accept", "text/xml").send(),
        ),
        ("DEADLINE", "post", USERS, late(&servers.blog.api())),
    ]
}

fn late(api: &Api) -> Answer {
    api.request("POST", USERS).header("Grpc-Timeout", "0n").json(&json!({ "displayName": "A" })).send()
}

fn states(servers: &Servers) -> Vec<Case> {
    let api = servers.blog.api();
    let create = |path: &str, email: &str| api.post(path, &json!({ "displayName": "A", "email": email }));
    let keyed =
        |name: &str| api.request("POST", USERS).key("one-key").json(&json!({ "displayName": name })).send();
    keyed("first").expect(201);
    let stale = json!({ "displayName": "B", "etag": "\"999\"" });
    let condition =
        api.request("PATCH", ADA).header("If-Match", "\"999\"").json(&json!({ "displayName": "B" }));
    let page = api.request("GET", USERS).header("Origin", "https://other.example").send();
    let guarded = |token: Option<&str>| {
        let request = servers.guarded.api().request("GET", USERS);
        token.map_or(servers.guarded.api().request("GET", USERS), |token| {
            request.header("Authorization", &format!("Bearer {token}"))
        })
    };
    vec![
        ("ALREADY_EXISTS", "post", USERS, create("/blog/v1/users?userId=ada", "x@example.com")),
        ("UNIQUE_VIOLATION", "post", USERS, create("/blog/v1/users?userId=twin", "ada@example.com")),
        ("ETAG_MISMATCH", "patch", ONE, api.patch(ADA, &stale)),
        ("IF_MATCH", "patch", ONE, condition.send()),
        ("FAILED_PRECONDITION", "delete", ONE, api.delete(ADA)),
        ("IDEMPOTENCY_KEY_REUSED", "post", USERS, keyed("second")),
        ("ORIGIN", "get", USERS, page),
        ("NO_CREDENTIALS", "get", USERS, guarded(None).send()),
        ("BAD_CREDENTIALS", "get", USERS, guarded(Some("fedcba9876543210")).send()),
        ("SCOPE", "get", USERS, guarded(Some("0123456789abcdef")).send()),
    ]
}

/// Not of an operation: what is asked is none.
fn undocumented(servers: &Servers) -> Vec<(&'static str, Answer)> {
    let user = json!({ "displayName": "A" });
    let events = servers.blog.api().get("/trine/v1/events");
    vec![
        ("METHOD_NOT_ALLOWED", servers.blog.api().request("PUT", ADA).json(&user).send()),
        ("READ_ONLY_ROLE", servers.reader.api().post(USERS, &user)),
        ("NOT_IMPLEMENTED", events),
        ("BODY_TIMEOUT", stalled(&servers.blog)),
    ]
}

/// A body that never comes.
fn stalled(server: &Trine) -> Answer {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(server.public).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    let head = format!(
        "POST {USERS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let status = String::from_utf8_lossy(&bytes[9..12]).parse().expect("a status");
    Answer { status, headers: Default::default(), body: bytes[end + 4..].to_vec() }
}

fn documented_reasons(server: &Trine, verb: &str, path: &str, status: u16) -> Vec<String> {
    let document = server.api().get("/openapi.json").expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let (_, item) =
        paths.iter().find(|(known, _)| nameless(known) == path).unwrap_or_else(|| panic!("{path}"));
    let response = &item[verb]["responses"][status.to_string()];
    let reference = response["$ref"].as_str().unwrap_or_else(|| panic!("{verb} {path}: no {status}"));
    let reasons = &document.pointer(&reference[1..]).expect("a response")["x-reasons"];
    reasons
        .as_array()
        .expect("reasons")
        .iter()
        .filter_map(|reason| Some(reason.as_str()?.to_owned()))
        .collect()
}

fn nameless(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_reason_is_brought_about_and_looks_as_it_always_did() {
    let servers = Servers::start();
    let mut seen: BTreeMap<&str, Answer> = BTreeMap::new();
    for (reason, verb, path, answer) in
        [bodies(&servers), parameters(&servers), states(&servers)].into_iter().flatten()
    {
        let answer = answer.clone();
        assert_eq!(answer.reason(), reason, "{verb} {path}: {}", answer.text());
        let is_guarded = ["NO_CREDENTIALS", "BAD_CREDENTIALS", "SCOPE"].contains(&reason);
        let server = match (is_guarded, path.starts_with("/v1/")) {
            (true, _) => &servers.guarded,
            (_, true) => &servers.library,
            _ => &servers.blog,
        };
        let told = documented_reasons(server, verb, path, answer.status);
        assert!(told.iter().any(|told| told == reason), "{verb} {path}: {reason} is not among {told:?}");
        seen.insert(reason, answer);
    }
    for (reason, answer) in undocumented(&servers) {
        assert_eq!(answer.reason(), reason, "{}", answer.text());
        seen.insert(reason, answer);
    }
    let mut golden = String::new();
    for (reason, answer) in &seen {
        let body: Value = answer.json();
        let _ = writeln!(golden, "// {reason}: {}\n{body:#}\n", answer.status);
    }
    golden::check("errors.txt", &golden);
    let all = reasons();
    let missing: Vec<&String> = all
        .iter()
        .filter(|name| {
            !seen.contains_key(screaming(name).as_str()) && !ELSEWHERE.iter().any(|(known, _)| known == name)
        })
        .collect();
    assert!(missing.is_empty(), "neither brought about nor excused: {missing:?}");
    let excused_in_vain: Vec<&str> = ELSEWHERE
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| seen.contains_key(screaming(name).as_str()))
        .collect();
    assert!(excused_in_vain.is_empty(), "{excused_in_vain:?}");
}

/// Every variant of the program's `Reason`, read from its source so that a new one is not forgotten here.
fn reasons() -> Vec<String> {
    let source = include_str!("../../src/model/error.rs");
    let body =
        source.split("pub enum Reason {").nth(1).and_then(|rest| rest.split('}').next()).expect("the enum");
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(|line| line.trim_end_matches(',').to_owned()).collect()
}

/// `NotFound` → `NOT_FOUND`
fn screaming(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}
