//! Masks: what they may name, of a read and of an update.

use super::*;
use crate::model::Reason;

/// Given a message within itself, then a mask names what a resource can hold, and no path overflows a stack.
#[test]
fn masks_go_as_deep_as_resources_do() {
    let catalogue = load_text(&[(
        "tree.proto",
        r#"syntax = "proto3"; package tree.v1;
        import "google/api/resource.proto";
        message Tree {
          option (google.api.resource) = { type: "tree.example.com/Tree" pattern: "trees/{tree}" };
          string name = 1; Node node = 2;
        }
        message Node { Node next = 1; repeated Node kids = 2; string label = 3; }"#,
    )]);
    let catalogue = catalogue.expect("it loads");
    let kind = catalogue.resource(&TypeName::new("tree.v1.Tree")).expect("a tree");
    let path = |part: &str, depth: usize| format!("node.{}label", format!("{part}.").repeat(depth - 2));
    let split = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    assert!(kind.read_mask(&[split(&path("next", 100))]).is_ok());
    let deep = path("next", 100);
    let input = kind.input_from_json(b"{}").expect("empty");
    assert!(kind.edits(&input, Some(&[deep])).is_ok());
    for deep in [path("next", 101), path("next", 100_000), path("kids.*", 52), path("kids.*", 10_000)] {
        let read = kind.read_mask(&[split(&deep)]).expect_err("too deep");
        assert!(read.reason == Reason::InvalidMask && read.message.len() < 200, "{read}");
        let update = kind.edits(&input, Some(&[deep])).expect_err("too deep");
        assert!(update.reason == Reason::InvalidMask && update.message.len() < 200, "{update}");
    }
}

/// Rooms within rooms, by name.
fn shop() -> Arc<ResourceType> {
    let catalogue = load_text(&[(
        "shop.proto",
        r#"syntax = "proto3"; package shop.v1;
        import "google/api/resource.proto";
        message Shop {
          option (google.api.resource) = { type: "shop.example.com/Shop" pattern: "shops/{shop}" };
          string name = 1; map<string, Room> rooms = 2;
        }
        message Room { string x = 1; string y = 2; string z = 3; map<string, Room> rooms = 4; }"#,
    )]);
    let catalogue = catalogue.expect("it loads");
    Arc::clone(catalogue.resource(&TypeName::new("shop.v1.Shop")).expect("a shop"))
}

/// Given a mask that names an entry of a map and every entry, then of the named one both are answered.
#[test]
fn a_mask_is_the_union_of_its_paths() {
    let kind = &shop();
    let room = r#"{"x":"1","y":"2","z":"3"}"#;
    let nested = format!(r#"{{"x":"1","y":"2","z":"3","rooms":{{"a":{room},"b":{room}}}}}"#);
    let row = stored(kind, "s", &format!(r#"{{"rooms":{{"a":{nested},"b":{nested}}}}}"#));
    let masked = |paths: &[&str]| {
        let split = |path: &&str| path.split('.').map(str::to_owned).collect();
        let mask = kind.read_mask(&paths.iter().map(split).collect::<Vec<_>>()).expect("a mask");
        let mut text = String::new();
        kind.push_masked(&row, &mask, &mut text).expect("JSON");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["rooms"].clone()
    };
    use serde_json::json;
    for paths in [["rooms.a.x", "rooms.*.y"], ["rooms.*.y", "rooms.a.x"]] {
        assert_eq!(masked(&paths), json!({ "a": { "x": "1", "y": "2" }, "b": { "y": "2" } }));
    }
    assert_eq!(masked(&["rooms.a.x", "rooms.*"])["a"], masked(&["rooms"])["a"]);
    let deep = masked(&["rooms.a.rooms.b.x", "rooms.*.rooms.*.y"]);
    assert_eq!(deep["a"]["rooms"], json!({ "a": { "y": "2" }, "b": { "x": "1", "y": "2" } }));
    assert_eq!(deep["b"]["rooms"], json!({ "a": { "y": "2" }, "b": { "y": "2" } }));
}

/// Given paths that could be combined in more ways than memory holds, then what they pick is found as fast as ever.
#[test]
fn a_mask_is_as_large_as_its_paths() {
    let kind = &shop();
    // Each names one level and takes every room of the others.
    let path = |named: usize| {
        let level = |level: usize| ["rooms", if level == named { "a" } else { "*" }].map(str::to_owned);
        (0..40).flat_map(level).chain(["x".to_owned()]).collect::<Vec<_>>()
    };
    let mask = kind.read_mask(&(0..40).map(path).collect::<Vec<_>>()).expect("a mask");
    let deep =
        |depth: usize| format!("{}{{\"x\":\"1\"}}{}", r#"{"rooms":{"a":"#.repeat(depth), "}}".repeat(depth));
    let row = stored(kind, "s", &deep(40));
    let mut text = String::new();
    kind.push_masked(&row, &mask, &mut text).expect("JSON");
    assert_eq!(text, deep(40));
}
