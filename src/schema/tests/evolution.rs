//! What a schema may become, and what is refused.

use super::*;
use crate::model::{Document, Edit};
use crate::schema::evolution::compare;

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
    compare(&old, &new).breaks.iter().map(ToString::to_string).collect()
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
        ("int32 n = 2", "int32 n = 9", "number 2"),
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
        ("string a = 1;", "string a = 1 [json_name = \"b\"];", "\"b\" in JSON"),
    ] {
        let found = problems(from, to);
        assert!(found.iter().any(|problem| problem.contains(word)), "{to}: {found:?}");
    }
}

/// Given a type whose rows have owners, when another field names them, or none does, then it is refused; when owners
/// are new, then it is said what becomes of the rows.
#[test]
fn rows_do_not_change_hands() {
    let catalogue = |owner: &str| {
        let option = format!("message T {{\n  option (trine.v1.owner_field) = \"{owner}\";");
        let option = if owner.is_empty() { "message T {".to_owned() } else { option };
        let fields = "string name = 1; string author = 10; string editor = 11;";
        let text = BEFORE.replace("message T {", &option).replace("string name = 1;", fields);
        load_text(&[("t.proto", &text)]).unwrap_or_else(|found| panic!("{found:#?}"))
    };
    let compared = |old: &str, new: &str| compare(&catalogue(old), &catalogue(new));
    for (new, word) in [("", "was `author` and has none"), ("editor", "was `author` and is `editor`")] {
        let breaks = compared("author", new).breaks;
        assert!(breaks.len() == 1 && breaks[0].message.contains(word), "{breaks:?}");
    }
    assert_eq!(compared("author", "author").breaks, []);
    let added = compared("", "author");
    assert_eq!(added.breaks, []);
    let notes: Vec<String> = added.notes.iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.contains("has owners now, by `author`")), "{notes:?}");
}

/// Given a schema with several faults, when it is compared, then each has the place of the new schema.
#[test]
fn a_finding_has_its_place_whom_it_breaks_and_a_remedy() {
    let found = problems("int32 n = 2", "\n  int64 n = 2");
    let expected = "t.proto:11:3: `t.v1.T.n` was int32 and is int64, which breaks JSON clients and older binaries; \
                    change it back and add a new field instead";
    assert_eq!(found, [expected]);
    let found = problems("string a = 1; E e = 2;", "reserved 1; E e = 2;");
    let expected = "t.proto:6:1: `t.v1.Part.a` = 1 is gone without being reserved, which breaks stored documents, JSON \
                    clients, binary clients and older binaries; reserve its name too (`reserved \"a\";`)";
    assert_eq!(found, [expected]);
}

/// Given a field that is stored, when it becomes INPUT_ONLY, or is so no longer, then that is said with what it means for
/// its values; of a request nothing is stored, and nothing said.
#[test]
fn what_becomes_input_only_is_named() {
    let head = "syntax = \"proto3\"; package t.v1; import \"google/api/resource.proto\";
        import \"google/api/field_behavior.proto\";
        message T { option (google.api.resource) = { type: \"x.com/T\" pattern: \"ts/{t}\" }; Part part = 1; }\n";
    let hidden = "[(google.api.field_behavior) = INPUT_ONLY]";
    let catalogue = |option: &str| {
        let messages =
            format!("message Part {{ string pin = 1 {option}; }}\nmessage Ask {{ string a = 1 {option}; }}");
        load_text(&[("t.proto", &format!("{head}{messages}"))]).unwrap_or_else(|found| panic!("{found:#?}"))
    };
    let compared = |old: &str, new: &str| {
        let found = compare(&catalogue(old), &catalogue(new));
        assert_eq!(found.breaks, []);
        found.notes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let becomes = "t.proto:4:16: `t.v1.Part.pin` is INPUT_ONLY now: its stored values stay, hidden, until `trine schema prune`, \
                   and older binaries that still run go on storing and showing it: end them";
    assert_eq!(compared("", hidden), [becomes]);
    let ends = "t.proto:4:16: `t.v1.Part.pin` is INPUT_ONLY no longer: values of it that are stored still are shown again";
    assert_eq!(compared(hidden, ""), [ends]);
    assert_eq!(compared(hidden, hidden), Vec::<String>::new());
}

/// Given a newer schema that deleted fields, options and a pbtable, when it is overlaid with the older one, then
/// what older binaries need is kept: columns, indexes, the oneof of a deleted member, the pbtable.
#[test]
fn storage_keeps_what_older_binaries_need() {
    let old = load_text(&[("t.proto", BEFORE)]).expect("loads");
    let text = BEFORE
        .replace("int32 n = 2 [(trine.v1.index) = true];", "reserved 2, 7; reserved \"n\", \"y\";")
        .replace("string y = 7;", "string z = 8;")
        .replace("message T {", "message U { option (google.api.resource) = { type: \"x.com/U\" pattern: \"us/{u}\" }; }\nmessage T {");
    let new = load_text(&[("t.proto", &text)]).expect("loads");
    assert_eq!(compare(&old, &new).breaks, []);
    assert!(crate::schema::storage::needs(&new, &old) && !crate::schema::storage::needs(&new, &new));
    assert!(crate::schema::storage::missing(&new, &old).is_some_and(|missing| missing.contains("t.v1.T.n")));
    let storage = crate::schema::storage::overlay(new.clone(), std::slice::from_ref(&old), "both".to_owned());
    assert_eq!(crate::schema::storage::missing(&storage, &old), None);
    assert_eq!(crate::schema::storage::missing(&storage, &new), None);
    assert_eq!(storage.digest, "both");

    let kind = storage.resource(&TypeName::new("t.v1.T")).expect("there");
    let edit = |name: &str| Edit { path: vec![name.to_owned()], value: Some("v".into()) };
    for (stored, set) in [("y", "z"), ("z", "y"), ("y", "x")] {
        let mut document = Document(serde_json::Map::from_iter([(stored.to_owned(), "old".into())]));
        kind.apply(&mut document, &[edit(set)]).expect("applies");
        assert_eq!(document.0.keys().collect::<Vec<_>>(), [set], "{stored} gives way to {set}");
    }
}

/// Given stored text with keys of another schema, when it is shown, then they are left out, at any depth, and
/// everything else is as it was; text without any is passed through.
#[test]
fn what_a_schema_does_not_know_is_not_shown() {
    let catalogue = load_text(&[("t.proto", BEFORE)]).expect("loads");
    let kind = catalogue.resource(&TypeName::new("t.v1.T")).expect("there");
    let shown = |document: &str| {
        let stored = Stored { document: document.to_owned(), ..stored_row() };
        let json = kind.render_json(&stored);
        json.replace("\"name\":\"ts/a\",", "").replace("\"name\":\"ts/a\"", "")
    };
    for known in [
        r#"{}"#,
        r#"{"n": 1, "part": {"a": "}\"{", "inner": {"e": "ONE"}}, "tags": ["gone", "{"], "map": {"gone": 1}}"#,
        r#"{"map": {"a\"b": 1, "x": -2.5e3}, "tags": []}"#,
    ] {
        assert_eq!(shown(known), known);
    }
    for (stored, expected) in [
        (r#"{"gone": {"a": [1, {}]}, "n": 1}"#, r#"{"n":1}"#),
        (r#"{"part": {"inner": {"gone": null, "a": "x"}}}"#, r#"{"part":{"inner":{"a":"x"}}}"#),
        (r#"{"g\u006fne": 1}"#, "{}"),
    ] {
        assert_eq!(shown(stored), expected);
    }
}

/// Given a value of a deleted field, whose JSON name is now another field's proto name, when it is shown, then it is left
/// out and taken for no value of that field, in a message of few fields and of many.
#[test]
fn what_is_stored_is_known_by_its_json_name() {
    for more in [0, 20] {
        let more: String = (20..20 + more).map(|number| format!("string more{number} = {number};")).collect();
        let text =
            BEFORE.replace("string name = 1;", &format!("string name = 1; string old_name = 10; {more}"));
        let catalogue = load_text(&[("t.proto", &text)]).expect("loads");
        let kind = catalogue.resource(&TypeName::new("t.v1.T")).expect("there");
        let stored = Stored { document: r#"{"old_name":"x","n":1}"#.to_owned(), ..stored_row() };
        assert_eq!(kind.render_json(&stored), r#"{"name":"ts/a","n":1}"#);
        let message = kind.to_message(&stored).expect("a message");
        assert!(!message.has_field_by_name("old_name"), "{message:?}");
    }
}

fn stored_row() -> Stored {
    Stored {
        kind: TypeName::new("t.v1.T"),
        key: Key::new("a"),
        version: Version(1),
        create_time: Timestamp::now(),
        update_time: Timestamp::now(),
        delete_time: None,
        purge_time: None,
        schema_id: 1,
        document: String::new(),
    }
}
