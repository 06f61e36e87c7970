//! Batches of binary clients, whose messages are numbered as in the AIPs.

use prost::Message;

use crate::batches::{ENTRIES, with_entries};
use crate::client::{Answer, request};
use crate::server::Server;

/// `trine.standard.blog.v1.CreateEntryRequest`, as a client that was generated from the AIPs' numbers.
#[derive(Clone, PartialEq, Message)]
struct CreateEntry {
    #[prost(string, tag = "2")]
    entry_id: String,
    #[prost(bytes, optional, tag = "3")]
    entry: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct UpdateEntry {
    #[prost(bytes, optional, tag = "1")]
    entry: Option<Vec<u8>>,
    #[prost(bytes, optional, tag = "2")]
    update_mask: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct BatchCreate {
    #[prost(string, tag = "1")]
    parent: String,
    #[prost(message, repeated, tag = "2")]
    requests: Vec<CreateEntry>,
    #[prost(bool, tag = "3")]
    validate_only: bool,
}

#[derive(Clone, PartialEq, Message)]
struct BatchUpdate {
    #[prost(message, repeated, tag = "2")]
    requests: Vec<UpdateEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct BatchDelete {
    #[prost(string, repeated, tag = "2")]
    names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Entries {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    title: String,
    #[prost(string, tag = "3")]
    body: String,
}

fn binary(server: &Server, target: &str, message: &impl Message) -> Answer {
    request("POST", target)
        .header("Content-Type", "application/x-protobuf")
        .header("Accept", "application/x-protobuf")
        .bytes(&message.encode_to_vec())
        .send(server.address())
}

/// Given messages numbered as in the AIPs, then batches take and answer them.
#[test]
fn binary_clients_send_and_get_batches() {
    let server = with_entries();
    let entry = |name: &str, title: &str| {
        let entry = Entry { name: name.to_owned(), title: title.to_owned(), body: "b".to_owned() };
        Some(entry.encode_to_vec())
    };
    let create = |validate_only| BatchCreate {
        parent: "users/alice".to_owned(),
        requests: vec![
            CreateEntry { entry_id: "y".to_owned(), entry: entry("", "Y") },
            CreateEntry { entry_id: "x".to_owned(), entry: entry("", "X") },
        ],
        validate_only,
    };
    let target = format!("{ENTRIES}:batchCreate");
    for validate_only in [true, false] {
        let created = binary(&server, &target, &create(validate_only));
        assert_eq!((created.status, created.header("content-type")), (200, Some("application/x-protobuf")));
        let entries = Entries::decode(created.body.as_slice()).expect("entries").entries;
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["users/alice/entries/y", "users/alice/entries/x"]);
    }
    // google.protobuf.FieldMask { paths: ["title"] }
    let update_mask = Some(b"\x0a\x05title".to_vec());
    let member = UpdateEntry { entry: entry("users/alice/entries/x", "X2"), update_mask };
    let updated = binary(&server, &format!("{ENTRIES}:batchUpdate"), &BatchUpdate { requests: vec![member] });
    assert_eq!(
        Entries::decode(updated.body.as_slice()).expect("entries").entries[0].title,
        "X2",
        "{updated:?}"
    );
    let read = request("GET", &format!("{ENTRIES}:batchGet?names=users/alice/entries/x"))
        .header("Accept", "application/x-protobuf")
        .send(server.address());
    assert_eq!(read.body, updated.body);
    let names = vec!["users/alice/entries/x".to_owned(), "users/alice/entries/y".to_owned()];
    let deleted = binary(&server, &format!("{ENTRIES}:batchDelete"), &BatchDelete { names });
    assert_eq!((deleted.status, deleted.body.len()), (200, 0), "{deleted:?}");
    let unknown = request("POST", &target)
        .header("Content-Type", "application/x-protobuf")
        .bytes(b"\xa0\x06\x01")
        .send(server.address());
    assert_eq!((unknown.status, unknown.reason().as_str()), (400, "UNKNOWN_FIELD"));
}
