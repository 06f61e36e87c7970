//! Paths, masks and page tokens that try to mean something else, byte for byte as an attacker sends them.

use serde_json::{Value, json};

use crate::support::blog;
use crate::support::http::Api;
use crate::support::raw::{exchange, statuses};
use crate::support::trine::{Launch, Trine};

fn start() -> (Trine, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("blog.db").display());
    let trine = Launch::role("monolith").argument("--database", &url).ready();
    blog::create_user(&trine.api(), "ada").expect(201);
    blog::create_user(&trine.api(), "bob").expect(201);
    (trine, home)
}

/// Request target and status; `10K` stands for 10,000 letters.
const TARGETS: &[(&str, u16)] = &[
    ("/blog/v1/users/10K", 400),
    ("/blog/v1/users/10K/entries/10K", 400),
    ("/10K", 404),
    ("/blog/v1/users/ada%2F", 400),
    ("/blog/v1/users%2Fada", 400),
    ("/blog/v1/users/ada%2f..%2fbob", 400),
    ("/blog/v1/users/%2e%2e/users", 404),
    ("/blog/v1/users/../users/ada", 404),
    ("/blog/v1/./users", 404),
    ("/blog/v1/users/ada/", 404),
    ("//blog/v1/users", 404),
    ("/blog/v1//users/ada", 404),
    ("/blog/v1/users/ada;v=1", 400),
    ("/blog/v1/users;v=1", 404),
    ("/blog/v1/users/ada%00", 400),
    ("/blog/v1/users/%00", 400),
    ("/blog/v1/users/ada%0d%0aX-Injected:%201", 400),
    ("/blog/v1/users/%252e%252e", 400),
    ("/blog/v1/users/ada%252f", 400),
    ("/blog/v1/users/%c0%af", 400),
    ("/blog/v1/users/%u0061da", 400),
    ("/blog/v1/users/ada%", 400),
    ("/blog/v1/users/ada\\..\\bob", 400),
    ("/blog/v1/users/%5c..%5cbob", 400),
    ("/blog/v1/users/ada%20", 400),
    ("/blog/v1/users/%EF%BD%81da", 400),
    ("/blog/v1/users/ada%3Apublish", 400),
    ("/BLOG/v1/users", 404),
    ("/blog/v1/users/ada:publish:publish", 405),
    ("/blog/v1/users/ada.json", 404),
    ("/.git/config", 404),
    ("/blog/v1/users/%27%20OR%201=1--", 400),
    ("/trine/v1/operations/..%2f..", 400),
    ("/docs/../../etc/passwd", 404),
    ("/docs%2f..%2f..%2fetc%2fpasswd", 400),
    ("*", 404),
];

#[test]
fn a_path_means_one_thing_or_nothing() {
    let (trine, _home) = start();
    let long = "a".repeat(10_000);
    for (target, status) in TARGETS {
        for method in ["GET", "DELETE"] {
            let head = format!(
                "{method} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                target.replace("10K", &long)
            );
            let text = exchange(trine.public, head.as_bytes());
            let answered = statuses(&text);
            let refused = answered == [*status] || method == "DELETE" && answered == [405];
            assert!(refused, "{method} {target}: {status} wanted, {text}");
            assert!(!text.contains("X-Injected:"), "{text}");
            assert!(text.len() < 2500, "{target}: an answer of {} bytes", text.len());
        }
    }
    for name in ["ada", "bob"] {
        trine.api().get(&format!("/blog/v1/users/{name}")).expect(200);
    }
}

#[test]
fn masks_that_name_nothing_or_too_much_are_refused() {
    let (trine, _home) = start();
    let long = "a".repeat(10_000);
    for (mask, reasons) in [
        ("nothing", &["INVALID_MASK"][..]),
        ("displayName.x", &["INVALID_MASK"]),
        ("display..name", &["INVALID_MASK"]),
        (".displayName", &["INVALID_MASK"]),
        ("displayName,", &["INVALID_MASK"]),
        ("*,displayName", &["INVALID_MASK"]),
        ("%00", &["INVALID_PARAMETER"]),
        ("a';DROP", &["INVALID_MASK"]),
        (long.as_str(), &["INVALID_MASK"]),
    ] {
        let path = format!("/blog/v1/users/ada?updateMask={mask}");
        let answer = trine.api().patch(&path, &json!({ "displayName": "Changed" }));
        let shown: String = mask.chars().take(40).collect();
        assert!(
            answer.status == 400 && reasons.contains(&answer.reason().as_str()),
            "{shown}: {}",
            answer.text()
        );
        assert!(answer.body.len() < 2500, "{shown}: {}", answer.text());
    }
    let ada = trine.api().get("/blog/v1/users/ada").expect(200).json();
    assert_ne!(ada["displayName"], "Changed");
}

fn page_token(api: &Api, path: &str) -> String {
    api.get(path).expect(200).json()["nextPageToken"].as_str().expect("a second page").to_owned()
}

#[test]
fn page_tokens_of_elsewhere_and_of_nobody_are_refused() {
    let (trine, _home) = start();
    let api = trine.api();
    for number in 0..3 {
        blog::publish(&api, "ada", &format!("a{number}"), "t").send();
        blog::publish(&api, "bob", &format!("b{number}"), "t").send();
    }
    let users = page_token(&api, "/blog/v1/users?pageSize=1");
    let entries = page_token(&api, "/blog/v1/users/ada/entries?pageSize=1");
    let bent = {
        let mut letters: Vec<char> = users.chars().collect();
        let middle = letters.len() / 2;
        letters[middle] = if letters[middle] == 'A' { 'B' } else { 'A' };
        letters.into_iter().collect::<String>()
    };
    let cut = &users[..users.len() - 4];
    let long = "A".repeat(5000);
    let cases = [
        format!("/blog/v1/users?pageToken={entries}"),
        format!("/blog/v1/users/bob/entries?pageToken={entries}"),
        format!("/blog/v1/users/-/entries?pageToken={entries}"),
        format!("/blog/v1/users/ada/entries?orderBy=title&pageToken={entries}"),
        format!("/blog/v1/users/ada/entries?filter=title%3D%22x%22&pageToken={entries}"),
        format!("/blog/v1/users?pageToken={bent}"),
        format!("/blog/v1/users?pageToken={cut}"),
        format!("/blog/v1/users?pageToken={users}AAAA"),
        format!("/blog/v1/users?pageToken={long}"),
        "/blog/v1/users?pageToken=%F0%9F%92%A9".to_owned(),
    ];
    for path in cases {
        let answer = api.get(&path);
        let shown: String = path.chars().take(120).collect();
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (400, "PAGE_TOKEN_INVALID"),
            "{shown}: {}",
            answer.text()
        );
    }
    let page = api.get(&format!("/blog/v1/users?pageToken={users}")).expect(200).json();
    assert_eq!(
        page["users"].as_array().map(Vec::len),
        Some(1),
        "the real one still works: {}",
        page["users"]
    );
    assert_eq!(page["nextPageToken"], Value::Null);
}
