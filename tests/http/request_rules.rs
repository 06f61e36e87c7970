//! Rules that a service declares for its requests hold whichever way the method is asked for.

use serde_json::{Value, json};

use crate::client::{Answer, request};
use crate::server::{Server, Setting};

const MEMBERS: &str = "/v1/members";
const WRITE_SETS: &str = "/trine/v1/writeSets:commit";

/// Makes a member with this id.
type Way<'a> = &'a dyn Fn(&str) -> Answer;

fn member(name: Option<&str>) -> Value {
    let mut member = json!({ "displayName": "Ada", "grade": "GRADE_BASIC", "barcode": "12345678" });
    if let Some(name) = name {
        member["name"] = json!(format!("members/{name}"));
    }
    member
}

/// Given a service whose creates want ids of small letters, when a member with another id is made by a create, a
/// batch, a write set or an update that may create, then each refuses it by that rule and nothing is written.
#[test]
fn no_way_around_the_rules_of_a_create() {
    let server = Server::monolith_of(Setting { proto: &["tests/fixtures/library"], ..Setting::default() });
    let post =
        |target: &str, body: &Value| request("POST", target).json(&body.to_string()).send(server.address());
    let patch =
        |target: &str, body: &Value| request("PATCH", target).json(&body.to_string()).send(server.address());
    let write = |mutation: Value| post(WRITE_SETS, &json!({ "mutations": [mutation] }));
    let kind = "example.library.v1.Member";
    let create = |id: &str| write(json!({ "create": { "type": kind, "id": id, "resource": member(None) } }));
    let upsert = |id: &str| {
        write(json!({ "update": { "type": kind, "allowMissing": true, "resource": member(Some(id)) } }))
    };
    let ways: [(&str, Way<'_>); 4] = [
        ("create", &|id| post(&format!("{MEMBERS}?memberId={id}"), &member(None))),
        ("update", &|id| patch(&format!("{MEMBERS}/{id}?allowMissing=true"), &member(None))),
        ("create in a write set", &create),
        ("update in a write set", &upsert),
    ];
    for (at, (way, make)) in ways.iter().enumerate() {
        let refused = make("UPPER");
        assert_eq!((refused.status, refused.reason().as_str()), (400, "INVALID_FIELD"), "{way}: {refused:?}");
        assert!(String::from_utf8_lossy(&refused.body).contains("memberId"), "{way}: {refused:?}");
        let taken = make(&"abcd"[at..=at]);
        assert!([200, 201].contains(&taken.status), "{way}: {taken:?}");
    }
    let listed = request("GET", MEMBERS).send(server.address()).json();
    assert_eq!(listed["members"].as_array().map(Vec::len), Some(4), "{listed}");
}
