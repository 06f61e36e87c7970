//! `buf.validate`: what each rule lets in, what it refuses in which words, and what a schema may not say.

mod cases;

use super::*;
use crate::model::{Document, Reason};

/// A resource with these members, and what else the file declares.
fn thing(members: &str) -> Result<Catalogue, Vec<SchemaProblem>> {
    let text = format!(
        r#"syntax = "proto3";
package t.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Color {{ COLOR_UNSPECIFIED = 0; RED = 1; BLUE = 2; }}
message Part {{ string sku = 1 [(buf.validate.field).string.min_len = 2]; Part inner = 2; }}
message Thing {{
  option (google.api.resource) = {{ type: "x.com/Thing" pattern: "things/{{thing}}" }};
  string name = 100;
  {members}
}}"#
    );
    load_text(&[("t.proto", &text)])
}

fn kind(members: &str) -> Arc<ResourceType> {
    let catalogue = thing(members).unwrap_or_else(|problems| panic!("{members}: {problems:#?}"));
    Arc::clone(catalogue.resource(&TypeName::new("t.v1.Thing")).expect("there is a thing"))
}

fn document(kind: &ResourceType, json: &str) -> Document {
    kind.input_from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}")).document
}

/// What is broken, one sentence a rule; empty when all holds.
fn broken(kind: &ResourceType, json: &str) -> Vec<String> {
    match kind.check_required(&document(kind, json)) {
        Ok(()) => Vec::new(),
        Err(error) => error.violations.into_iter().map(|violation| violation.description).collect(),
    }
}

#[test]
fn every_broken_rule_is_named_at_once() {
    let kind = kind(
        "string a = 1 [(buf.validate.field).string.min_len = 1]; int32 b = 2 [(buf.validate.field).int32.gt = 0];
         string c = 3 [(google.api.field_behavior) = REQUIRED];",
    );
    let error = kind.check_required(&document(&kind, "{}")).expect_err("broken");
    assert_eq!(error.reason, Reason::InvalidField);
    let fields: Vec<&str> = error.violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["c", "a", "b"]);
    let error = kind.check_required(&document(&kind, r#"{"a": "x", "b": 1}"#)).expect_err("broken");
    assert_eq!((error.reason, error.message.as_str()), (Reason::Required, "`c` is required"));
}

#[test]
fn an_update_answers_for_what_it_changes() {
    let kind = kind(
        "string a = 1 [(buf.validate.field).string.min_len = 3]; int32 b = 2; repeated Part c = 3;
         Part d = 4; string e = 5 [(buf.validate.field).required = true];",
    );
    // Stored before there were rules.
    let old = r#"{"a": "x", "c": [{"sku": "y"}], "d": {"sku": "z", "inner": {"sku": "ok"}}}"#;
    let change = |json: &str| {
        let mut after = document(&kind, old);
        let input = kind.input_from_json(json.as_bytes()).expect("canonical");
        let edits = kind.edits(&input, None).expect("edits");
        kind.apply(&mut after, &edits).map_err(|error| error.violations[0].field.clone())
    };
    assert_eq!(change(r#"{"b": 1}"#), Ok(()));
    assert_eq!(change(r#"{"a": "x"}"#), Ok(()));
    assert_eq!(change(r#"{"a": "y"}"#), Err("a".to_owned()));
    assert_eq!(change(r#"{"c": [{"sku": "y"}, {"sku": "new"}]}"#), Ok(()));
    assert_eq!(change(r#"{"c": [{"sku": "q"}]}"#), Err("c[0].sku".to_owned()));
    assert_eq!(change(r#"{"d": {"sku": "z", "inner": {"sku": "other"}}}"#), Ok(()));
    assert_eq!(change(r#"{"d": {"sku": "z", "inner": {"sku": "n"}}}"#), Err("d.inner.sku".to_owned()));
    assert_eq!(change(r#"{"e": "set"}"#), Ok(()));
}

#[test]
fn what_is_not_kept_is_judged_when_it_arrives() {
    let kind = kind(
        "string a = 1 [(google.api.field_behavior) = INPUT_ONLY, (buf.validate.field).string.min_len = 3];
         string b = 2 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).string.min_len = 3];",
    );
    assert!(broken(&kind, "{}").is_empty());
    let error = kind.input_from_json(br#"{"a": "x"}"#).expect_err("broken");
    assert_eq!((error.reason, error.violations[0].field.as_str()), (Reason::InvalidField, "a"));
}

#[test]
fn rules_that_would_not_be_enforced_are_refused_by_name() {
    for (members, words) in [
        (
            r#"string a = 1 [(buf.validate.field).cel = {id: "x" expression: "true"}];"#,
            "(buf.validate.field).cel`: CEL is not evaluated",
        ),
        (r#"string a = 1 [(buf.validate.field).cel_expression = "this != ''"];"#, "cel_expression"),
        (
            r#"option (buf.validate.message).cel = {id: "x" expression: "true"}; string a = 1;"#,
            "(buf.validate.message).cel`",
        ),
        (
            r#"repeated string a = 1 [(buf.validate.field).repeated.items.cel = {id: "x"}];"#,
            "(buf.validate.field).repeated.items.cel`",
        ),
        ("string a = 1 [(buf.validate.field).int32.gt = 1];", "write `(buf.validate.field).string`"),
        ("int32 a = 1 [(buf.validate.field).sint32.gt = 1];", "write `(buf.validate.field).int32`"),
        (
            "Part a = 1 [(buf.validate.field).string.min_len = 1];",
            "only `required` and `ignore` fit a message",
        ),
        (r#"string a = 1 [(buf.validate.field).string.pattern = "a("];"#, "which cannot be read"),
        ("string a = 1 [(buf.validate.field).string = {min_len: 3, max_len: 2}];", "nothing fits"),
        ("repeated Part a = 1 [(buf.validate.field).repeated.unique = true];", "remove it"),
        (
            r#"option (buf.validate.message).oneof = {fields: ["nobody"]}; string a = 1;"#,
            "names [\"nobody\"]",
        ),
        (
            "string a = 1 [(google.api.field_behavior) = INPUT_ONLY, (buf.validate.field).required = true];",
            "remove `required`",
        ),
    ] {
        let found = thing(members).expect_err(members);
        assert_eq!(found.len(), 1, "{members} {found:#?}");
        assert!(found[0].message.contains(words), "{}", found[0]);
        let line = if members.starts_with("option") { "13:1" } else { "16:3" };
        assert_eq!(found[0].location, format!("t.proto:{line}"), "{}", found[0]);
    }
}

#[test]
fn rules_of_the_users_own_making_are_refused_by_name() {
    let found = load_text(&[(
        "t.proto",
        r#"syntax = "proto2";
package t.v1;
import "buf/validate/validate.proto";
import "google/api/resource.proto";
extend buf.validate.StringRules { optional bool shouted = 1001; }
message Thing {
  option (google.api.resource) = { type: "x.com/Thing" pattern: "things/{thing}" };
  optional string a = 1 [(buf.validate.field).string.(t.v1.shouted) = true];
}"#,
    )])
    .expect_err("refused");
    assert_eq!(
        found[0].to_string(),
        "t.proto:8:3: `a`: `(buf.validate.field).string.(t.v1.shouted)` is a rule that is not enforced here; remove it"
    );
}

#[test]
fn rules_are_told_in_the_words_of_json_schema() {
    let catalogue = thing(
        r#"string a = 1 [(buf.validate.field).string = {min_len: 1, max_len: 9, pattern: "^a"}];
         int32 b = 2 [(buf.validate.field) = {required: true, int32: {gte: 1, lt: 5}}];
         repeated Color c = 3 [(buf.validate.field).repeated = {max_items: 3, items: {enum: {in: [1, 2]}}}];
         string d = 4 [(buf.validate.field).string.uuid = true];"#,
    )
    .expect("loads");
    let told = |field: &str| {
        let description = catalogue.describe_field("t.v1.Thing", field);
        (description.required, serde_json::Value::Object(description.keywords).to_string())
    };
    assert_eq!(told("a"), (false, r#"{"maxLength":9,"minLength":1,"pattern":"^a"}"#.to_owned()));
    assert_eq!(told("b"), (true, r#"{"exclusiveMaximum":5,"minimum":1}"#.to_owned()));
    assert_eq!(told("c"), (false, r#"{"items":{"enum":["RED","BLUE"]},"maxItems":3}"#.to_owned()));
    assert!(told("d").1.contains(r#""format":"uuid""#));
    assert_eq!(told("nobody"), (false, "{}".to_owned()));
}
