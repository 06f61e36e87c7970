//! Messages within messages, in chains longer than a stack: a schema is data, and may be of any shape.

use super::*;
use crate::model::Document;
use crate::schema::evolution::compare;
use crate::schema::json_schema::JsonSchemas;

const LENGTH: usize = 20_000;

/// `T` holds `M0`, which holds `M1` and so on; the last asks for a text.
fn chain() -> Catalogue {
    let mut text = String::from(
        "syntax = \"proto3\"; package t.v1; import \"google/api/resource.proto\"; \
         import \"google/api/field_behavior.proto\";
         message T { option (google.api.resource) = { type: \"x.com/T\" pattern: \"ts/{t}\" };
           string name = 1; M0 part = 2; }\n",
    );
    for number in 0..LENGTH {
        text += &format!("message M{number} {{ M{} part = 1; repeated M0 parts = 2; }}\n", number + 1);
    }
    text += &format!("message M{LENGTH} {{ string label = 1 [(google.api.field_behavior) = REQUIRED]; }}");
    load_text(&[("t.proto", &text)]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Given files that import one another in a long chain, and one in a circle, then the first is served and the second is
/// refused with a sentence.
#[test]
fn a_chain_of_files_may_be_of_any_length() {
    let files = |last: &str| -> Vec<(String, String)> {
        let text = |number: usize| match number {
            699 => format!("syntax = \"proto3\"; {last}"),
            _ => format!("syntax = \"proto3\"; import \"f{}.proto\";", number + 1),
        };
        (0..700).map(|number| (format!("f{number}.proto"), text(number))).collect()
    };
    let load = |files: &[(String, String)]| {
        load_text(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
    };
    load(&files("")).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let circle = load(&files("import \"f0.proto\";")).expect_err("a circle");
    assert!(circle.len() == 1 && circle[0].message.contains("import one another"), "{circle:?}");
}

/// Brackets are counted, where they are brackets.
#[test]
fn brackets_go_as_deep_as_can_be_read_back() {
    let message = |depth: usize| format!("{}{}", "message M { ".repeat(depth), "}".repeat(depth));
    let load = |body: &str| load_text(&[("t.proto", &format!("syntax = \"proto3\";\n{body}"))]);
    load(&message(30)).unwrap_or_else(|problems| panic!("{problems:#?}"));
    load(&format!("// {0}\n/* {0} */ option java_package = \"{0}\";", "{".repeat(100))).expect("no brackets");
    for depth in [61, 100_000] {
        let found = load(&message(depth)).expect_err("too deep");
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["t.proto:2:731: more than 60 brackets within one another; flatten it"]);
    }
}

/// Given a chain of messages, when it is loaded, compared, described and used, then no stack is too short for it.
#[test]
fn a_chain_of_messages_may_be_of_any_length() {
    let catalogue = chain();
    let kind = catalogue.resource(&TypeName::new("t.v1.T")).expect("a resource");
    let mut schemas = JsonSchemas::new(&catalogue);
    assert_eq!(schemas.input(&kind.descriptor)["$ref"], "#/components/schemas/t.v1.T-input");
    let schemas = schemas.finish();
    assert_eq!(schemas[&format!("t.v1.M{LENGTH}-input")]["required"], serde_json::json!(["label"]));
    assert_eq!(schemas.len(), LENGTH + 2);
    assert_eq!(compare(&catalogue, &chain()).breaks, []);
    let document = kind.input_from_json(br#"{"part":{"part":{}}}"#).expect("a document").document;
    assert_eq!(
        document,
        Document(serde_json::json!({ "part": { "part": {} } }).as_object().expect("one").clone())
    );
}
