//! Lists as a client sees them: filters, masks, totals, parents.

use serde_json::{Value, json};

use crate::client::{Answer, request};
use crate::server::Server;

fn with_entries() -> Server {
    let server = Server::monolith();
    for user in ["alice", "bob"] {
        let target = format!("/blog/v1/users?userId={user}");
        let created =
            request("POST", &target).json(&json!({ "displayName": user }).to_string()).send(server.address());
        assert_eq!(created.status, 201, "{created:?}");
        for number in 0..4 {
            let target = format!("/blog/v1/users/{user}/entries?entryId=e{number}");
            let entry = json!({ "title": format!("t{number}"), "body": format!("100% of {user}_{number}"), "tags": [user, "a"] });
            let created = request("POST", &target).json(&entry.to_string()).send(server.address());
            assert_eq!(created.status, 201, "{created:?}");
        }
    }
    server
}

fn get(server: &Server, target: &str) -> Answer {
    request("GET", &target.replace(' ', "%20").replace('"', "%22").replace('<', "%3C").replace('>', "%3E"))
        .send(server.address())
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let names = answer.json()["entries"].as_array().cloned().unwrap_or_default();
    names.iter().filter_map(|entry| entry["name"].as_str()).map(|name| name.replace("/entries", "")).collect()
}

#[test]
fn filters_reach_every_field() {
    let server = with_entries();
    for (filter, expected) in [
        ("title = t1 OR title = \"t2\"", vec!["users/alice/e1", "users/alice/e2"]),
        ("body = \"*alice_3\"", vec!["users/alice/e3"]),
        (
            "body = \"100%25 of*\" AND NOT title = \"t0\" -title = t3",
            vec!["users/alice/e1", "users/alice/e2"],
        ),
        ("tags:alice (title < t1)", vec!["users/alice/e0"]),
        ("tags:bob", vec![]),
        ("name = \"users/alice/entries/e2\"", vec!["users/alice/e2"]),
        ("publish_time:* OR title > t2", vec!["users/alice/e3"]),
    ] {
        assert_eq!(
            ids(&get(&server, &format!("/blog/v1/users/alice/entries?filter={filter}"))),
            expected,
            "{filter}"
        );
    }
    let all = get(&server, "/blog/v1/users/-/entries?filter=title = t1&orderBy=name desc");
    assert_eq!(ids(&all), ["users/bob/e1", "users/alice/e1"]);
    let wrong = get(&server, "/blog/v1/users/alice/entries?filter=title = t1 AND colour = red");
    assert_eq!((wrong.status, wrong.reason().as_str()), (400, "INVALID_FILTER"));
    assert_eq!(wrong.json()["error"]["details"][0]["metadata"]["column"], "16");
}

#[test]
fn totals_count_all_pages() {
    let server = with_entries();
    let first = get(&server, "/blog/v1/users/alice/entries?pageSize=3&showTotalSize=true&filter=title != t0");
    assert_eq!(first.json()["totalSize"], 3);
    assert!(first.json().get("nextPageToken").is_none());
    let first = get(&server, "/blog/v1/users/-/entries?page_size=3&show_total_size=true&readMask=name");
    let token = first.json()["nextPageToken"].as_str().expect("a token").to_owned();
    assert_eq!(first.json()["totalSize"], 8);
    // Another mask and page size continue the same list; another filter does not.
    let target = format!(
        "/blog/v1/users/-/entries?pageToken={token}&pageSize=100&readMask=name,title&showTotalSize=true"
    );
    let second = get(&server, &target);
    assert_eq!((ids(&second).len(), second.json()["totalSize"].clone()), (5, json!(8)));
    let other = get(&server, &format!("/blog/v1/users/-/entries?pageToken={token}&filter=title = t1"));
    assert_eq!((other.status, other.reason().as_str()), (400, "PAGE_TOKEN_INVALID"));
    let forged =
        get(&server, &format!("/blog/v1/users/-/entries?pageToken={}", token.replace('a', "b") + "A"));
    assert_eq!((forged.status, forged.reason().as_str()), (400, "PAGE_TOKEN_INVALID"));
}

#[test]
fn masks_answer_what_they_name() {
    let server = with_entries();
    let target = "/blog/v1/users/alice/entries/e1";
    let whole = get(&server, target);
    let masked = get(&server, &format!("{target}?readMask=title,tags"));
    assert_eq!(masked.json(), json!({ "title": "t1", "tags": ["alice", "a"] }));
    let tag = masked.header("etag").expect("a tag").to_owned();
    let version = whole.header("etag").expect("a tag").trim_matches('"').to_owned();
    assert!(tag.starts_with(&format!("\"{version}.")) && tag != format!("\"{version}.p\""), "{tag}");
    // The order of paths and their spelling do not matter; other paths do.
    let same = request("GET", &format!("{target}?read_mask=tags,title"))
        .header("If-None-Match", &tag)
        .send(server.address());
    assert_eq!((same.status, same.header("etag")), (304, Some(tag.as_str())));
    let other = request("GET", &format!("{target}?readMask=title"))
        .header("If-None-Match", &tag)
        .send(server.address());
    assert_eq!(other.status, 200);
    assert_eq!(get(&server, &format!("{target}?readMask=*")).json(), whole.json());
    let changed =
        request("PATCH", target).header("If-Match", &tag).json("{\"title\":\"x\"}").send(server.address());
    assert_eq!(changed.status, 200, "the version of a masked tag is the resource's: {changed:?}");

    let binary = request("GET", &format!("{target}?readMask=title"))
        .header("Accept", "application/x-protobuf")
        .send(server.address());
    assert_eq!(binary.body, b"\x12\x01x");
    let list = get(&server, "/blog/v1/users/bob/entries?readMask=title&pageSize=2");
    assert_eq!(list.json()["entries"], json!([{ "title": "t0" }, { "title": "t1" }]));
    for mask in
        ["colour", "title.x", "tags.a", "title,", ",", "*,title", "a..b", "`title", "publishTime.seconds"]
    {
        for target in [target, "/blog/v1/users/bob/entries"] {
            let refused = get(&server, &format!("{target}?readMask={mask}"));
            assert_eq!(
                (refused.status, refused.reason().as_str()),
                (400, "INVALID_MASK"),
                "{mask}: {refused:?}"
            );
        }
    }
}

#[test]
fn page_sizes_are_bounded() {
    let server = with_entries();
    let size = |text: &str| get(&server, &format!("/blog/v1/users/-/entries?pageSize={text}"));
    assert_eq!(ids(&size("0")).len(), 8);
    assert_eq!(ids(&size("5000")).len(), 8);
    assert_eq!(size("-1").status, 400);
    let value: Value = size("2").json();
    assert_eq!(value["entries"].as_array().map(Vec::len), Some(2));
}
