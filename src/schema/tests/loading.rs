//! Trees of `.proto` files: what is understood, and every mistake by its place.

use super::*;
use crate::schema::{ColumnKind, ColumnSource, StandardMethod, descriptor_set, from_descriptor_set, source};

const HEAD: &str = r#"syntax = "proto3";
package t.v1;
import "google/api/annotations.proto";
import "google/api/resource.proto";
import "trine/v1/options.proto";
"#;

fn problem(body: &str) -> SchemaProblem {
    let problems = load_text(&[("t.proto", &format!("{HEAD}{body}"))]).expect_err("must be refused");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

#[test]
fn the_bundled_blog_is_read() {
    let blog = tree("proto");
    let names: Vec<&str> = blog.types.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names, ["blog.v1.Entry", "blog.v1.Follow", "blog.v1.User"]);
    let entry = &blog.types[0];
    assert_eq!((entry.singular.as_str(), entry.source.as_str()), ("entry", "blog.example.com"));
    assert_eq!(entry.pattern.resource_name("a/b"), "users/a/entries/b");
    let columns: Vec<(&str, ColumnKind)> =
        entry.columns.iter().map(|column| (column.field.as_str(), column.kind)).collect();
    assert_eq!(
        columns,
        [
            ("title", ColumnKind::Text),
            ("state", ColumnKind::Text),
            ("publish_time", ColumnKind::Timestamp),
            ("create_time", ColumnKind::Timestamp),
        ]
    );
    assert_eq!(entry.columns[3].source, ColumnSource::CreateTime);
    assert_eq!(entry.columns[1].enum_values, ["STATE_UNSPECIFIED", "DRAFT", "PUBLISHED"]);
    assert!(blog.types[2].indexes[0].unique);
    let publish = &blog.commands[0];
    assert_eq!(publish.name, "blog.v1.BlogService.Publish");
    assert_eq!((publish.verb.as_str(), publish.path_field.as_str()), ("publish", "user"));
    assert_eq!(publish.collections, ["users"]);
}

#[test]
fn an_admitted_set_gives_the_same_catalogue() {
    let blog = tree("proto");
    let again = from_descriptor_set(&blog.descriptor_set).expect("admitted");
    assert_eq!(blog.digest, again.digest);
    assert_eq!(blog.types[0].columns, again.types[0].columns);
    assert_eq!(blog.commands.len(), again.commands.len());
    assert_eq!(tree("proto").digest, blog.digest);
}

#[test]
fn a_foreign_tree_is_read_and_its_paths_are_kept() {
    let library = tree("tests/fixtures/library");
    assert_eq!(library.types.len(), 5);
    assert!(library.commands.is_empty());
    let routes = |kind: &str| -> Vec<(StandardMethod, &str)> {
        let of_kind = library.standard_routes.iter().filter(|route| route.kind.as_str().ends_with(kind));
        of_kind.map(|route| (route.method, route.prefix.as_str())).collect()
    };
    assert_eq!(routes("Book").len(), 5);
    assert!(routes("Book").iter().all(|(_, prefix)| *prefix == "/v1"));
    assert_eq!(routes("Magazine").len(), 4);
    assert!(routes("Publisher").is_empty());
    let magazine = library.resource(&TypeName::new("example.library.v1.Magazine")).expect("there is one");
    assert_eq!((magazine.route_prefix.as_str(), magazine.singular.as_str()), ("/library/v2", "magazine"));
    let listed = &magazine.listed;
    assert_eq!((listed.json_name.as_str(), listed.resources_number), ("magazine", 4));
    assert_eq!((listed.next_page_token_number, book().listed.next_page_token_number), (1, 2));
    assert!(book().standard.uid && book().standard.etag);
}

#[test]
fn only_the_domains_named_are_served() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proto");
    let none = load(&[path], &["shop.*".to_owned()]).expect("loads");
    assert!(none.types.is_empty() && none.commands.is_empty());
}

#[test]
fn services_of_vendored_vocabulary_are_not_the_trees_own() {
    let operations = r#"syntax = "proto3";
package google.longrunning;
import "google/api/annotations.proto";
message Operation { string name = 1; }
service Operations {
  rpc GetOperation(Operation) returns (Operation) { option (google.api.http) = { get: "/v1/{name=operations/**}" }; }
}"#;
    let own = format!(
        "{HEAD}import \"google/longrunning/operations.proto\";\nmessage A {{
           option (google.api.resource) = {{ type: \"x.com/A\" pattern: \"as/{{a}}\" }};
           google.longrunning.Operation last = 1; }}"
    );
    let files = [("google/longrunning/operations.proto", operations), ("t.proto", own.as_str())];
    let catalogue = load_text(&files).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!((catalogue.types.len(), catalogue.commands.len()), (1, 0));
    assert!(from_descriptor_set(&catalogue.descriptor_set).is_ok());
}

#[test]
fn syntax_errors_have_their_place() {
    let found =
        load_text(&[("a.proto", "syntax = \"proto3\";\nmessage {}"), ("b/c.proto", "import \"no.proto\";")])
            .expect_err("refused");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(found[0].location, "a.proto:2:9");
    assert_eq!(found[1].location, "b/c.proto:1:1");
    assert!(found[1].message.contains("schema.paths"), "{found:#?}");
}

/// Given files that import one another in a circle, and one that comes upon it from outside, then the circle is told
/// once.
#[test]
fn files_that_import_one_another_are_named_once() {
    let files = [
        ("a.proto", "syntax = \"proto3\";\nimport \"c.proto\";"),
        ("b.proto", "syntax = \"proto3\";\nimport \"google/protobuf/empty.proto\";\n  import \"c.proto\";"),
        ("c.proto", "syntax = \"proto3\";\nimport \"b.proto\";"),
    ];
    let found: Vec<String> =
        load_text(&files).expect_err("refused").iter().map(ToString::to_string).collect();
    let expected = "b.proto:3:3: the files import one another, `b.proto` → `c.proto` → `b.proto`; move what they share \
                    into a file that imports none of them";
    assert_eq!(found, [expected]);
}

/// A byte order mark is read past, as protoc does; any other encoding than UTF-8 is refused where it begins.
#[test]
fn files_are_utf_8() {
    let load_bytes = |bytes: &[u8]| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("t.proto"), bytes).expect("written");
        load(&[directory.path().to_owned()], &["*".to_owned()])
    };
    load_bytes(b"\xef\xbb\xbfsyntax = \"proto3\";").expect("loads");
    let found = load_bytes(b"\xef\xbb\xbf\xef\xbb\xbfsyntax = \"proto3\";").expect_err("refused");
    assert_eq!(found[0].location, "t.proto:1:1", "{found:?}");
    for (bytes, place) in
        [(&b"syntax = \"proto3\";\n// caf\xe9\n"[..], "t.proto:2:7"), (b"\xff\xfes\0y\0", "t.proto:1:1")]
    {
        let found = load_bytes(bytes).expect_err("refused");
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(lines, [format!("{place}: this is no UTF-8; save the file in that encoding")]);
    }
}

#[test]
fn every_mistake_of_a_file_is_named_in_one_go() {
    let body = "message M {\n  Nobody a = 1;\n  Nothing b = 2;\n  string c = 3;\n  string c = 3;\n}\n";
    let found = load_text(&[("t.proto", &format!("{HEAD}{body}"))]).expect_err("refused");
    let places: Vec<&str> = found.iter().map(|problem| problem.location.as_str()).collect();
    assert!(places.contains(&"t.proto:10:10"), "{found:#?}");
    let found = load_text(&[("t.proto", &format!("{HEAD}{}", body.replace("  string c = 3;\n", "")))]);
    let found = found.expect_err("refused");
    let places: Vec<&str> = found.iter().map(|problem| problem.location.as_str()).collect();
    assert_eq!(places, ["t.proto:7:3", "t.proto:8:3"], "{found:#?}");
}

#[test]
fn editions_are_refused_in_text_and_in_descriptor_sets() {
    let found = load_text(&[("a.proto", "// so new\n  edition = \"2023\";")]).expect_err("refused");
    assert_eq!(found[0].location, "a.proto:2:3");
    assert!(found[0].message.contains("proto3"));
    let file = prost_types::FileDescriptorProto {
        name: Some("e.proto".to_owned()),
        syntax: Some("editions".to_owned()),
        ..Default::default()
    };
    let set = prost_types::FileDescriptorSet { file: vec![file] };
    let found = from_descriptor_set(&prost::Message::encode_to_vec(&set)).expect_err("refused");
    assert_eq!(found[0].location, "e.proto");
}

#[test]
fn garbage_is_no_descriptor_set() {
    assert!(from_descriptor_set(b"\xff\xff\xff\xffnonsense").is_err());
}

#[test]
fn options_that_do_nothing_yet_are_refused() {
    let found = problem(
        "message A {\n option (google.api.resource) = { type: \"x.com/A\" pattern: \"as/{a}\" };\n option (trine.v1.event_before) = true;\n string b = 1;\n}",
    );
    assert!(found.message.contains("trine.v1.event_before"), "{found}");
}

/// Given a set that a newer binary has admitted, with an option and forms of indexes and methods that this one does not
/// know, then they are left out and the type is served; in files of one's own they are refused.
#[test]
fn what_a_newer_binary_has_admitted_is_left_out_where_it_is_not_known() {
    let body = "message A {\n option (google.api.resource) = { type: \"x.com/A\" pattern: \"as/{a}\" };
        option (trine.v1.event_before) = true;
        option (trine.v1.indexes) = { fields: \"b\" fields: \"tags\" unique: true };
        option (trine.v1.indexes) = { fields: \"b\" fields: \"c\" };
        option (trine.v1.indexes) = { fields: \"b.d\" };
        option (trine.v1.sql_writable) = true;
        string b = 1 [(trine.v1.index) = true];
        string c = 2 [(buf.validate.field).string.min_len = 1];
        repeated string tags = 3 [(trine.v1.index) = true];\n}
        service S { rpc Do(A) returns (A) {
          option (google.api.http) = { custom: { kind: \"LOCK\" path: \"/t.v1/as\" } }; } }";
    let text = format!("{HEAD}import \"buf/validate/validate.proto\";{body}");
    let found = load_text(&[("t.proto", &text)]).expect_err("refused");
    assert_eq!(found.len(), 5, "{found:#?}");

    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("t.proto"), text).expect("written");
    let sources = source::read(&[directory.path().to_owned()]).expect("linked");
    let files: Vec<_> = sources.pool.files().collect();
    let admitted = from_descriptor_set(&descriptor_set::encode(&files)).expect("decoded");
    let kind = admitted.resource(&TypeName::new("t.v1.A")).expect("served");
    let columns: Vec<&str> = kind.columns.iter().map(|column| column.field.as_str()).collect();
    assert_eq!(columns, ["b", "c"]);
    let indexes: Vec<&[usize]> = kind.indexes.iter().map(|index| index.columns.as_slice()).collect();
    assert_eq!(indexes, [&[0][..], &[0, 1][..]]);
    assert!(kind.indexes.iter().all(|index| !index.unique));
    assert!(!kind.sql_writable && admitted.commands.is_empty() && admitted.left_out);
}

/// Given columns that are indexed by a field's option, by an owner and by lists, when several say the same, then it
/// is one index; another order, or uniqueness, is another index.
#[test]
fn an_index_that_is_declared_twice_is_one() {
    let body = "message A {\n option (google.api.resource) = { type: \"x.com/A\" pattern: \"as/{a}\" };
        option (trine.v1.owner_field) = \"owner\";
        option (trine.v1.indexes) = { fields: \"b\" };
        option (trine.v1.indexes) = { fields: \"owner\" };
        option (trine.v1.indexes) = { fields: \"c\" unique: true };
        option (trine.v1.indexes) = { fields: \"b\" fields: \"c\" };
        option (trine.v1.indexes) = { fields: \"b\" fields: \"c\" };
        option (trine.v1.indexes) = { fields: \"c\" fields: \"b\" };
        option (trine.v1.indexes) = { fields: \"c\" };
        string owner = 1;
        string b = 2 [(trine.v1.index) = true];
        string c = 3 [(trine.v1.unique) = true];\n}";
    let catalogue = load_text(&[("t.proto", &format!("{HEAD}{body}"))]).expect("loads");
    let indexes = &catalogue.resource(&TypeName::new("t.v1.A")).expect("served").indexes;
    let found: Vec<_> = indexes.iter().map(|index| (index.columns.as_slice(), index.unique)).collect();
    let expected: [(&[usize], bool); 6] =
        [(&[0], false), (&[1], false), (&[2], true), (&[1, 2], false), (&[2, 1], false), (&[2], false)];
    assert_eq!(found, expected);
}

#[test]
fn an_owner_is_a_text_that_nothing_else_clears_or_takes() {
    for (field, complaint) in [
        ("int32 b = 1;", "is no single `string`"),
        ("repeated string b = 1;", "is no single `string`"),
        ("oneof one { string b = 1; string c = 2; }", "`oneof`"),
        ("string b = 1 [(trine.v1.unique) = true];", "is unique"),
        ("string c = 1;", "does not have"),
    ] {
        let option = "option (google.api.resource) = { type: \"x.com/A\" pattern: \"as/{a}\" };";
        let found = problem(&format!(
            "message A {{\n {option}\n option (trine.v1.owner_field) = \"b\";\n {field}\n}}"
        ));
        assert!(found.message.contains("owner_field") && found.message.contains(complaint), "{found}");
    }
}

#[test]
fn patterns_that_cannot_be_served_are_refused() {
    for pattern in ["as", "users/{user}/config", "as/{a}~{b}", "*", "as/{a=**}", "/as/{a}", "as/a"] {
        let option =
            format!("option (google.api.resource) = {{ type: \"x.com/A\" pattern: \"{pattern}\" }};");
        let found = problem(&format!("message A {{ {option} }}"));
        assert_eq!(found.location, "t.proto:6:1", "{found}");
    }
}

#[test]
fn several_mistakes_are_all_named_with_their_places() {
    let body = r#"message A {
  option (google.api.resource) = { type: "x.com/A" pattern: "as/{a}" pattern: "bs/{b}/as/{a}" };
}
message B {
  option (google.api.resource) = { type: "x.com/B" pattern: "bs/{b}" };
  repeated string tags = 1 [(trine.v1.index) = true];
  A a = 2 [(trine.v1.index) = true];
}"#;
    let found = load_text(&[("t.proto", &format!("{HEAD}{body}"))]).expect_err("refused");
    let places: Vec<&str> = found.iter().map(|problem| problem.location.as_str()).collect();
    assert_eq!(places, ["t.proto:6:1", "t.proto:11:3", "t.proto:12:3"], "{found:#?}");
}

#[test]
fn commands_that_cannot_be_served_say_how_they_could() {
    for rule in [
        "get: \"/t/v1/{name=as/*}:look\"",
        "post: \"/v1/{name=as/**}:look\" body: \"*\"",
        "post: \"/v1/{name=as/*}/bs:look\" body: \"*\"",
        "post: \"/t/v1/as:look\" body: \"*\"",
        "post: \"/t/v1/{nobody=as/*}:look\" body: \"*\"",
    ] {
        let body = format!(
            "message Q {{ string name = 1; }}\nservice S {{ rpc Look(Q) returns (Q) {{ option (google.api.http) = {{ {rule} }}; }} }}"
        );
        let found = problem(&body);
        assert_eq!(found.location, "t.proto:7:13", "{found}");
        assert!(found.message.contains("t.v1.S.Look"), "{found}");
    }
}

const SHELF: &str = r#"
message Shelf {
  option (google.api.resource) = { type: "x.com/Shelf" pattern: "rooms/{room}/shelves/{shelf_id}" };
  string name = 1;
}
message ByName { string name = 1; }
message ByParent { string parent = 1; }
message CreateRequest { string parent = 1; Shelf shelf = 2; string shelf_id = 3; }
message ListShelvesResponse { repeated Shelf shelves = 1; string next_page_token = 2; }
message ListShelvesUnpagedResponse { repeated Shelf shelves = 1; }
"#;

#[test]
fn standard_methods_that_would_be_served_differently_are_refused() {
    for (rpc, words) in [
        ("GetShelf(ByName) returns (Shelf) | get: \"/v1/shelves/{name}\"", "{name=rooms/*/shelves/*}"),
        ("GetShelf(ByName) returns (Shelf) | post: \"/v1/{name=rooms/*/shelves/*}\"", "get only"),
        ("GetShelf(ByName) returns (Shelf) | get: \"/{name=rooms/*/shelves/*}\"", "begin it with a version"),
        (
            "GetShelf(ByName) returns (Shelf) | get: \"/v1/{name=rooms/*/shelves/*}\" additional_bindings { get: \"/v2/x\" }",
            "additional bindings",
        ),
        (
            "ListShelvesUnpaged(ByParent) returns (ListShelvesUnpagedResponse) | get: \"/v1/{parent=rooms/*}/shelves\"",
            "next_page_token",
        ),
        (
            "CreateShelf(CreateRequest) returns (Shelf) | post: \"/v1/{parent=rooms/*}/shelves\" body: \"*\"",
            "body: \"shelf\"",
        ),
        (
            "UpdateShelf(CreateRequest) returns (Shelf) | put: \"/v1/{shelf.name=rooms/*/shelves/*}\" body: \"shelf\"",
            "patch only",
        ),
        (
            "DeleteShelf(ByName) returns (Shelf) | delete: \"/v1/{name=rooms/*/shelves/*}\" body: \"*\"",
            "takes no body",
        ),
        (
            "UndeleteShelf(ByName) returns (Shelf) | post: \"/v1/{name=rooms/*/shelves/*}:undelete\" body: \"*\"",
            "no `google.protobuf.Timestamp delete_time`",
        ),
    ] {
        let (signature, rule) = rpc.split_once(" | ").expect("two parts");
        let service =
            format!("service S {{ rpc {signature} {{ option (google.api.http) = {{ {rule} }}; }} }}");
        let found = problem(&format!("{SHELF}{service}"));
        assert!(found.location.starts_with("t.proto:16:13") && found.message.contains(words), "{found}");
    }
}

#[test]
fn names_that_differ_only_in_case_are_refused() {
    let found = problem(
        "message Ab { option (google.api.resource) = { type: \"x.com/Ab\" pattern: \"abs/{ab}\" }; }
         message AB { option (google.api.resource) = { type: \"x.com/AB\" pattern: \"others/{ab}\" }; }",
    );
    assert!(found.message.contains("`t.v1.AB` and `t.v1.Ab` differ only in case"), "{found}");
    // The linker's own rule; the tables rely on it.
    let found = problem("message A { string taga = 1; string tagA = 2; }");
    assert!(found.message.contains("conflicts with"), "{found}");
}
