//! Soft delete, undelete, force and upserts as a client sees them.

use serde_json::{Value, json};

use crate::client::{Answer, request};
use crate::server::{Server, Setting};

const FOLDER: &str = "/archive/v1/cabinets/c/folders/f";

fn archive() -> Server {
    Server::monolith_of(Setting { proto: &["tests/fixtures/archive"], ..Setting::default() })
}

fn create(server: &Server, target: &str, body: &Value) -> Answer {
    request("POST", target).json(&body.to_string()).send(server.address())
}

fn with_folder() -> Server {
    let server = archive();
    for (target, body) in [
        ("/archive/v1/cabinets?cabinetId=c", json!({ "label": "C" })),
        ("/archive/v1/cabinets/c/folders?folderId=f", json!({ "title": "F", "code": "7" })),
    ] {
        let created = create(&server, target, &body);
        assert_eq!(created.status, 201, "{created:?}");
    }
    server
}

fn get(server: &Server, target: &str) -> Answer {
    request("GET", target).send(server.address())
}

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.reason())
}

fn listed(server: &Server, query: &str) -> usize {
    let page = get(server, &format!("/archive/v1/cabinets/c/folders{query}")).json();
    page["folders"].as_array().expect("folders").len()
}

/// Given a folder, when it is deleted, then it is shown with its times, and hidden from lists unless asked.
#[test]
fn a_deleted_folder_is_shown_and_not_listed() {
    let server = with_folder();
    let before = get(&server, FOLDER).json();
    let deleted = request("DELETE", FOLDER).send(server.address());
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let body = deleted.json();
    assert!(
        body["deleteTime"].is_string() && body["purgeTime"].as_str() > body["deleteTime"].as_str(),
        "{body}"
    );
    assert_eq!((&body["title"], &body["uid"]), (&before["title"], &before["uid"]));
    assert_ne!(body["etag"], before["etag"]);
    let shown = get(&server, FOLDER);
    assert_eq!((shown.json(), shown.header("etag")), (body, deleted.header("etag")));
    assert_eq!((listed(&server, ""), listed(&server, "?showDeleted=true")), (0, 1));

    let binary = request("GET", FOLDER).header("Accept", "application/protobuf").send(server.address());
    // Fields 5 and 6, delete_time and purge_time, are messages.
    assert!(binary.body.contains(&0x2a) && binary.body.contains(&0x32), "{binary:?}");
    let again = create(&server, "/archive/v1/cabinets/c/folders?folderId=f", &json!({ "title": "G" }));
    assert_eq!(outcome(&again), (409, "ALREADY_EXISTS".into()));
    assert_eq!(outcome(&request("DELETE", FOLDER).send(server.address())), (404, "NOT_FOUND".into()));
    let missing = request("DELETE", &format!("{FOLDER}?allowMissing=true")).send(server.address());
    assert_eq!((missing.status, missing.json()), (200, shown.json()));
    let update = request("PATCH", FOLDER).json("{\"title\":\"G\"}").send(server.address());
    assert_eq!(outcome(&update), (404, "NOT_FOUND".into()));
}

/// Given a deleted folder, when it is undeleted, then it is as before, once; conditions count.
#[test]
fn an_undelete_brings_back_once() {
    let server = with_folder();
    let target = format!("{FOLDER}:undelete");
    let undelete = |body: &str| request("POST", &target).json(body).send(server.address());
    assert_eq!(outcome(&undelete("{}")), (409, "ALREADY_EXISTS".into()));
    let deleted = request("DELETE", FOLDER).send(server.address()).json();
    for (body, status, reason) in [
        ("{\"etag\":\"1\"}", 409, "ETAG_MISMATCH"),
        ("{\"name\":\"cabinets/c/folders/g\"}", 400, "INVALID_FIELD"),
        ("{\"force\":true}", 400, "UNKNOWN_FIELD"),
    ] {
        assert_eq!(outcome(&undelete(body)), (status, reason.to_owned()), "{body}");
    }
    let stale = request("POST", &target).header("If-Match", "\"1\"").send(server.address());
    assert_eq!(outcome(&stale), (412, "IF_MATCH".into()));
    let restored =
        request("POST", &target).json(&json!({ "etag": deleted["etag"] }).to_string()).send(server.address());
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!((restored.json().get("deleteTime"), restored.json().get("purgeTime")), (None, None));
    assert_eq!(get(&server, FOLDER).json(), restored.json());
    assert_eq!(listed(&server, ""), 1);
    let nobody = request("POST", "/archive/v1/cabinets/c/folders/none:undelete").send(server.address());
    assert_eq!(outcome(&nobody), (404, "NOT_FOUND".into()));
    assert_eq!(get(&server, &target).status, 405);
}

/// Given a deleted folder, when a binary client undeletes it, then its message counts: the name, the version, and
/// that it is only tried.
#[test]
fn an_undelete_is_read_as_protobuf_too() {
    let server = with_folder();
    let etag = request("DELETE", FOLDER).send(server.address()).json()["etag"].as_str().unwrap().to_owned();
    let undelete = |body: Vec<u8>| {
        request("POST", &format!("{FOLDER}:undelete"))
            .header("Content-Type", "application/x-protobuf")
            .bytes(&body)
            .send(server.address())
    };
    let text = |number: u32, value: &str| {
        let mut bytes = Vec::new();
        prost::encoding::string::encode(number, &value.to_owned(), &mut bytes);
        bytes
    };
    let only_tried = || vec![3 << 3, 1];
    assert_eq!(outcome(&undelete(text(1, "cabinets/c/folders/g"))), (400, "INVALID_FIELD".into()));
    assert_eq!(outcome(&undelete(text(2, "\"1\""))), (409, "ETAG_MISMATCH".into()));
    assert_eq!(outcome(&undelete(text(9, "?"))), (400, "UNKNOWN_FIELD".into()));
    let tried = undelete([text(2, &etag), only_tried()].concat());
    assert_eq!((tried.status, tried.json().get("deleteTime")), (200, None), "{tried:?}");
    assert_eq!(listed(&server, ""), 0, "it was only tried");
    assert_eq!(undelete(text(2, &etag)).status, 200);
    assert_eq!(listed(&server, ""), 1);
}

/// Given a deleted folder whose code is taken, when it is undeleted, then the field is named.
#[test]
fn an_undelete_meets_the_unique_values_of_the_living() {
    let server = with_folder();
    assert_eq!(request("DELETE", FOLDER).send(server.address()).status, 200);
    let taker =
        create(&server, "/archive/v1/cabinets/c/folders?folderId=g", &json!({ "title": "G", "code": "7" }));
    assert_eq!(taker.status, 201);
    let refused = request("POST", &format!("{FOLDER}:undelete")).send(server.address());
    assert_eq!(outcome(&refused), (409, "UNIQUE_VIOLATION".into()));
    assert!(refused.json().to_string().contains("code"), "{refused:?}");
}

/// Given a cabinet with a folder, then it is deleted by force only, and the folder goes softly with it.
#[test]
fn force_deletes_what_is_below() {
    let server = with_folder();
    let target = "/archive/v1/cabinets/c";
    let refused = request("DELETE", target).send(server.address());
    assert_eq!(outcome(&refused), (400, "FAILED_PRECONDITION".into()));
    let forced = request("DELETE", &format!("{target}?force=true"))
        .header("Idempotency-Key", "k")
        .send(server.address());
    assert_eq!((forced.status, forced.body.as_slice()), (200, b"{}".as_slice()), "{forced:?}");
    let replayed = request("DELETE", &format!("{target}?force=true"))
        .header("Idempotency-Key", "k")
        .send(server.address());
    assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(get(&server, target).status, 404);
    assert!(get(&server, FOLDER).json()["deleteTime"].is_string());
    let below = create(&server, &format!("{}/pages", &FOLDER), &json!({ "text": "t" }));
    assert_eq!(outcome(&below), (404, "NOT_FOUND".into()));
    let gone = request("DELETE", &format!("{target}?allowMissing=true")).send(server.address());
    assert_eq!((gone.status, gone.body.as_slice()), (200, b"{}".as_slice()));
}

/// Given `allowMissing`, then an update creates what is not there, with its id, as a create would.
#[test]
fn an_upsert_says_whether_it_created() {
    let server = with_folder();
    let target = "/archive/v1/cabinets/c/folders/u?allowMissing=true";
    let upsert = |body: &str| request("PATCH", target).json(body).send(server.address());
    assert_eq!(outcome(&upsert("{\"code\":\"u\"}")), (400, "REQUIRED".into()));
    // The mask is of the update; what is created is the whole body.
    let created = request("PATCH", &format!("{target}&updateMask=title"))
        .json("{\"title\":\"U\",\"code\":\"u\"}")
        .send(server.address());
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.header("location"), Some("/archive/v1/cabinets/c/folders/u"));
    assert_eq!((&created.json()["code"], created.json()["uid"].is_string()), (&json!("u"), true));
    let updated = upsert("{\"title\":\"V\"}");
    assert_eq!((updated.status, &updated.json()["code"]), (200, &json!("u")));
    assert_eq!(updated.json()["uid"], created.json()["uid"]);

    let only_new = |target: &str| {
        request("PATCH", target).header("If-None-Match", "*").json("{\"title\":\"W\"}").send(server.address())
    };
    assert_eq!(outcome(&only_new(target)), (412, "IF_MATCH".into()));
    assert_eq!(only_new("/archive/v1/cabinets/c/folders/w?allowMissing=true").status, 201);
    assert_eq!(outcome(&only_new("/archive/v1/cabinets/c/folders/x")), (400, "INVALID_PARAMETER".into()));
    let known = request("PATCH", "/archive/v1/cabinets/c/folders/x?allowMissing=true")
        .header("If-Match", "*")
        .json("{\"title\":\"W\"}")
        .send(server.address());
    assert_eq!(outcome(&known), (412, "IF_MATCH".into()));
    assert_eq!(request("DELETE", "/archive/v1/cabinets/c/folders/u").send(server.address()).status, 200);
    assert_eq!(outcome(&upsert("{\"title\":\"V\"}")), (409, "ALREADY_EXISTS".into()));
}
