//! What a schema may become, and what is refused.

use super::*;
use crate::schema::evolution::additive;

const BEFORE: &str = r#"syntax = "proto3";
package t.v1;
import "google/api/resource.proto";
import "trine/v1/options.proto";
enum E { ZERO = 0; ONE = 1; }
message Part { string a = 1; E e = 2; Part inner = 3; }
message T {
  option (google.api.resource) = { type: "x.com/T" pattern: "ts/{t}" };
  string name = 1;
  int32 n = 2 [(trine.v1.index) = true];
  Part part = 3;
  repeated string tags = 4;
  map<string, int32> map = 5;
  oneof choice { string x = 6; string y = 7; }
}"#;

fn problems(from: &str, to: &str) -> Vec<String> {
    assert!(BEFORE.contains(from), "{from}");
    let old = load_text(&[("t.proto", BEFORE)]).expect("loads");
    let new =
        load_text(&[("t.proto", &BEFORE.replace(from, to))]).unwrap_or_else(|found| panic!("{found:#?}"));
    additive(&old, &new).into_iter().map(|problem| problem.to_string()).collect()
}

#[test]
fn additions_are_admitted() {
    for (from, to) in [
        ("ONE = 1;", "ONE = 1; TWO = 2;"),
        ("string name = 1;", "string name = 1; bytes more = 9 [(trine.v1.unique) = true];"),
        (
            "message T {",
            "message Other { option (google.api.resource) = { type: \"x.com/O\" pattern: \"os/{o}\" }; }\nmessage T {",
        ),
        (" [(trine.v1.index) = true]", ""),
        ("ts/{t}", "ts/{thing}"),
        ("string a = 1;", "string a = 1; E second = 4;"),
    ] {
        assert_eq!(problems(from, to), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn what_stored_documents_do_not_survive_is_named() {
    for (from, to, word) in [
        ("int32 n = 2 [(trine.v1.index) = true];", "", "t.v1.T.n"),
        ("int32 n = 2", "int32 m = 2", "called `m`"),
        ("int32 n = 2", "int32 n = 9", "t.v1.T.n"),
        ("int32 n = 2", "int64 n = 2", "int64"),
        ("int32 n = 2", "optional int32 n = 2", "optional"),
        ("repeated string tags", "string tags", "repeated"),
        ("string a = 1;", "", "t.v1.Part.a"),
        ("ONE = 1", "UNO = 1", "ONE"),
        ("ZERO = 0; ONE = 1;", "option allow_alias = true; ZERO = 0; UNO = 1; ONE = 1;", "ONE"),
        ("map<string, int32>", "map<string, int64>", "int64"),
        (
            "oneof choice { string x = 6; string y = 7; }",
            "oneof choice { string x = 6; } string y = 7;",
            "t.v1.T.y",
        ),
        ("ts/{t}", "things/{t}", "pattern"),
        ("message T {", "message U {", "t.v1.T"),
        ("string a = 1;", "string a = 1 [json_name = \"b\"];", "JSON `b`"),
    ] {
        let found = problems(from, to);
        assert!(found.iter().any(|problem| problem.contains(word)), "{to}: {found:?}");
    }
}
