//! What binary clients send and JSON clients cannot.

use prost::Message;
use prost_types::Timestamp;
use serde_json::json;

use crate::client::{Answer, request};
use crate::server::Server;

/// `blog.v1.Entry` as far as it is sent here.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "2")]
    title: String,
    #[prost(message, optional, tag = "6")]
    publish_time: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct PublishRequest {
    #[prost(message, optional, tag = "2")]
    entry: Option<Entry>,
}

fn entry(seconds: i64, nanos: i32) -> Entry {
    Entry { title: "T".to_owned(), publish_time: Some(Timestamp { seconds, nanos }) }
}

fn post(server: &Server, target: &str, message: &impl Message) -> Answer {
    let request = request("POST", target).header("Content-Type", "application/protobuf");
    request.bytes(&message.encode_to_vec()).send(server.address())
}

#[test]
fn a_time_that_json_would_shift_is_refused() {
    let server = Server::monolith();
    let alice = request("POST", "/blog/v1/users?userId=alice").json("{\"displayName\":\"Alice\"}");
    assert_eq!(alice.send(server.address()).status, 201);
    for (seconds, nanos) in [(7, -1), (7, 1_000_000_000), (253_402_300_800, 0)] {
        let odd = entry(seconds, nanos);
        let created = post(&server, "/blog/v1/users/alice/entries", &odd);
        let published = post(&server, "/blog/v1/users/alice:publish", &PublishRequest { entry: Some(odd) });
        for (refused, field) in [(created, "publishTime"), (published, "entry.publishTime")] {
            assert_eq!((refused.status, refused.reason().as_str()), (400, "INVALID_FIELD"), "{refused:?}");
            let violation = &refused.json()["error"]["details"][1]["fieldViolations"][0];
            assert_eq!(violation["field"], json!(field), "{refused:?}");
        }
    }
    let fine = post(&server, "/blog/v1/users/alice/entries", &entry(7, 1));
    assert_eq!(fine.json()["publishTime"], "1970-01-01T00:00:07.000000001Z", "{fine:?}");
}
