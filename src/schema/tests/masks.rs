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
