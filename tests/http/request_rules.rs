//! Rules that a service declares for its requests hold whichever way the method is asked for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use trine::model::Deadline;
use trine::store::WriteStore;

use crate::client::{Answer, request};
use crate::operations::write_set;
use crate::server::{Server, Setting, database, options};

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
    let batch = |id: &str| {
        let create = json!({ "memberId": id, "member": member(None) });
        post("/v1/members:batchCreate", &json!({ "requests": [create] }))
    };
    let batch_upsert = |id: &str| {
        let update = json!({ "member": member(Some(id)), "allowMissing": true });
        post("/v1/members:batchUpdate", &json!({ "requests": [update] }))
    };
    let ways: [(&str, Way<'_>); 6] = [
        ("create", &|id| post(&format!("{MEMBERS}?memberId={id}"), &member(None))),
        ("update", &|id| patch(&format!("{MEMBERS}/{id}?allowMissing=true"), &member(None))),
        ("create in a write set", &create),
        ("update in a write set", &upsert),
        ("create in a batch", &batch),
        ("update in a batch", &batch_upsert),
    ];
    for (at, (way, make)) in ways.iter().enumerate() {
        let refused = make("UPPER");
        assert_eq!((refused.status, refused.reason().as_str()), (400, "INVALID_FIELD"), "{way}: {refused:?}");
        assert!(String::from_utf8_lossy(&refused.body).contains("memberId"), "{way}: {refused:?}");
        let taken = make(&"abcdef"[at..=at]);
        assert!([200, 201].contains(&taken.status), "{way}: {taken:?}");
    }
    let listed = request("GET", MEMBERS).send(server.address()).json();
    assert_eq!(listed["members"].as_array().map(Vec::len), Some(6), "{listed}");
}

/// Given a member from before there was the rule, then an update that may create changes it all the same.
#[test]
fn what_is_there_is_updated_whatever_creates_demand() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let setting = Setting { proto: &["tests/fixtures/library"], ..Setting::default() };
    let store =
        WriteStore::open(&database(directory.path()), options(), &setting.catalogue()).expect("a primary");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let document = member(None).as_object().expect("an object").clone();
    let old = write_set("example.library.v1.Member", "OLD", document);
    runtime.block_on(store.commit(old, Deadline::after(Duration::from_secs(5)))).expect("committed");
    drop(store);
    let server = Server::monolith_in(directory, setting);
    let patch = |id: &str| {
        let target = format!("{MEMBERS}/{id}?allowMissing=true&updateMask=displayName");
        request("PATCH", &target).json("{\"displayName\":\"Eva\"}").send(server.address())
    };
    let updated = patch("OLD");
    assert_eq!((updated.status, updated.json()["displayName"].as_str()), (200, Some("Eva")), "{updated:?}");
    let target = format!("{MEMBERS}/OLD?allowMissing=true");
    let only_new = request("PATCH", &target).header("If-None-Match", "*");
    let refused = only_new.json(&member(None).to_string()).send(server.address());
    assert_eq!((refused.status, refused.reason().as_str()), (400, "INVALID_FIELD"), "{refused:?}");
    let update = json!({ "member": { "name": "members/OLD", "displayName": "Eve" }, "updateMask": "displayName", "allowMissing": true });
    let batch = json!({ "requests": [update] }).to_string();
    let batch = request("POST", "/v1/members:batchUpdate").json(&batch).send(server.address());
    assert_eq!(batch.json()["members"][0]["displayName"], "Eve", "{batch:?}");
}
