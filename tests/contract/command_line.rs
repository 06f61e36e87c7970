//! The command line: exit codes, and sentences that name the place, the mistake and the remedy.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    output: String,
    errors: Vec<String>,
}

/// Runs the program in a directory of these files, and sees that it leaves nothing else there.
fn trine_among(files: &[(&str, &str)], arguments: &[&str]) -> Said {
    let directory = TempDir::new().expect("a directory");
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).expect("written");
    }
    let said = run(directory.path(), arguments);
    let left = directory.path().read_dir().expect("readable").count();
    assert_eq!(left, files.len(), "it left something behind");
    said
}

fn trine(arguments: &[&str]) -> Said {
    trine_among(&[], arguments)
}

fn run(directory: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRINE_")) {
        command.env_remove(name);
    }
    let ended = command.args(arguments).current_dir(directory).output().expect("the program runs");
    Said {
        code: ended.status.code(),
        output: String::from_utf8(ended.stdout).expect("UTF-8"),
        errors: String::from_utf8(ended.stderr).expect("UTF-8").lines().map(str::to_owned).collect(),
    }
}

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
const NO_RULE: &str = r#"syntax = "proto3";
package shop.v1;
import "google/api/annotations.proto";
import "google/api/resource.proto";
message Order {
  option (google.api.resource) = { type: "shop.example.com/Order" pattern: "orders/{order}" };
  string name = 1;
}
message ShipRequest { string name = 1; }
service Shop {
  rpc Ship(ShipRequest) returns (Order) {
    option (google.api.http) = { post: "/v1/{name=orders/*}:ship" body: "*" };
  }
}"#;

#[test]
fn every_mistake_in_the_files_is_told_with_its_place() {
    let files = [
        ("a.proto", "syntax = \"proto3\";\npackage a.v1;\nmessage A { Nobody b = 1; }"),
        ("b.proto", "syntax = \"proto3\";\nimport \"absent.proto\";"),
    ];
    for (arguments, code) in
        [(["schema", "check", "--proto", "."], 1), (["config", "check", "--proto", "."], 1)]
    {
        let said = trine_among(&files, &arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.errors[0].starts_with("a.proto:3:13: "), "{said:?}");
        assert!(
            said.errors[1].starts_with("b.proto:2:1: ") && said.errors[1].contains("schema.paths"),
            "{said:?}"
        );
    }
    let said = trine_among(&files, &["serve", "--proto", "."]);
    assert_eq!((said.code, said.errors.len()), (Some(2), 2), "{said:?}");
}

#[test]
fn every_mistake_in_the_configuration_is_told_with_its_key() {
    let files = [("bad.toml", "rolle = \"x\"\n[http]\nlistn = 3\nworkers = 0\n")];
    let said = trine_among(&files, &["serve", "--config", "bad.toml", "--proto", BUNDLED]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for key in ["rolle", "http.listn", "http.workers"] {
        assert!(
            said.errors.iter().any(|line| line.starts_with(&format!("configuration: {key} "))),
            "{said:?}"
        );
    }
    let said =
        trine_among(&[("bad.toml", "role = \"monolith\"\n[http\n")], &["serve", "--config", "bad.toml"]);
    assert!(said.errors[0].starts_with("configuration: bad.toml:2:6: "), "{said:?}");
    assert_eq!((said.code, said.errors.len()), (Some(2), 1), "{said:?}");
    let said = trine(&["serve", "--listen", "here"]);
    assert!(said.errors[0].starts_with("configuration: http.listen (from command line) "), "{said:?}");
    assert_eq!((said.code, said.errors.len()), (Some(2), 1), "{said:?}");
}

#[test]
fn a_command_without_a_rule_is_refused_before_a_database_is_touched() {
    for (arguments, code) in [(["serve", "--proto", "."], 2), (["config", "check", "--proto"], 1)] {
        let arguments: Vec<&str> = arguments.into_iter().chain((code == 1).then_some(".")).collect();
        let free = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let said = trine_among(&[("shop.proto", NO_RULE)], &[&arguments[..], &free].concat());
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(
            said.errors[0].starts_with("shop.v1.Shop.Ship: no rule carries out this command"),
            "{said:?}"
        );
    }
}

#[test]
fn nothing_to_serve_is_refused() {
    let said = trine_among(
        &[("e.proto", "syntax = \"proto3\"; package e.v1;")],
        &["config", "check", "--proto", "."],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors[0].contains("google.api.resource"), "{said:?}");
    let said = trine(&["schema", "check", "--proto", "nowhere"]);
    assert!(said.code == Some(1) && said.errors[0].starts_with("nowhere: "), "{said:?}");
}

#[test]
fn usage_that_is_not_served_is_refused() {
    for arguments in
        [&["serve", "--watch"][..], &["serve", "--role", "king"], &["openapi"], &["schema", "prune"], &[]]
    {
        let said = trine(arguments);
        assert!(said.code == Some(2) && !said.errors.is_empty(), "{arguments:?} {said:?}");
    }
}

#[test]
fn effective_values_are_printed_without_their_secrets() {
    let said =
        trine(&["config", "print", "--database", "postgres://u:hidden@h/d", "--set", "http.workers=3"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.output.contains("http.workers = 3  # command line"), "{said:?}");
    assert!(said.output.contains("http.listen = \"127.0.0.1:8080\"  # default"), "{said:?}");
    assert!(!said.output.contains("hidden"), "{said:?}");
}

#[test]
fn checks_of_what_is_right_say_nothing() {
    for command in ["schema", "config"] {
        let said = trine(&[command, "check", "--proto", BUNDLED]);
        assert_eq!((said.code, said.output.as_str(), said.errors.len()), (Some(0), "", 0), "{said:?}");
    }
}

#[test]
fn grants_are_sql_for_the_login() {
    let said = trine(&["grants", "--role", "nanoservice", "--user", "we\"b"]);
    assert!(
        said.code == Some(0) && said.output.contains("GRANT SELECT") && said.output.contains("\"we\"\"b\"")
    );
    assert!(!said.output.contains("INSERT"), "{said:?}");
}
