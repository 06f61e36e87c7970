//! `trine schema check --against`, `apply` and `prune` as a developer meets them.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    output: String,
    errors: String,
}

fn trine(home: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRINE_")) {
        command.env_remove(name);
    }
    let ended = command.args(arguments).current_dir(home).output().expect("the program runs");
    Said {
        code: ended.status.code(),
        output: String::from_utf8(ended.stdout).expect("UTF-8"),
        errors: String::from_utf8(ended.stderr).expect("UTF-8"),
    }
}

/// Directories of one file each.
fn home(trees: &[(&str, &str)]) -> TempDir {
    let home = TempDir::new().expect("a directory");
    for (name, fields) in trees {
        let text = format!(
            "syntax = \"proto3\";\npackage shop.v1;\nimport \"google/api/resource.proto\";\n\
             import \"trine/v1/options.proto\";\nmessage Item {{\n\
             option (google.api.resource) = {{ type: \"shop.example.com/Item\" pattern: \"items/{{item}}\" }};\n\
             string name = 1;\n{fields}\n}}\n"
        );
        std::fs::create_dir(home.path().join(name)).expect("made");
        std::fs::write(home.path().join(name).join("shop.proto"), text).expect("written");
    }
    home
}

const FIRST: &str = "int32 size = 2; string code = 3 [(trine.v1.index) = true];";
const WIDER: &str = "int64 size = 2; string code = 3 [(trine.v1.index) = true];";
const SHORTER: &str = "int32 size = 2; reserved 3; reserved \"code\";";
const WIDENED: &str = "shop.proto:8:1: `shop.v1.Item.size` was int32 and is int64, which breaks JSON clients and \
                       older binaries; change it back and add a new field instead\n";

/// Given two versions in files, when one is checked against the other, then each break is one line and the exit code
/// tells; what is not there is bad usage.
#[test]
fn a_schema_is_checked_against_files() {
    let home = home(&[("first", FIRST), ("wider", WIDER), ("shorter", SHORTER)]);
    let check = |new, old| trine(home.path(), &["schema", "check", "--proto", new, "--against", old]);
    let said = check("wider", "first");
    assert_eq!((said.code, said.errors.as_str()), (Some(1), WIDENED), "{said:?}");
    let said = check("shorter", "first");
    assert_eq!((said.code, said.errors.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.output.contains("its stored values stay, hidden, until `trine schema prune`"), "{said:?}");

    let first = trine::schema::load(&[home.path().join("first")], &["*".to_owned()]).expect("loads");
    std::fs::write(home.path().join("first.binpb"), &first.descriptor_set).expect("written");
    let said = check("wider", "first.binpb");
    assert_eq!((said.code, said.errors.as_str()), (Some(1), WIDENED), "{said:?}");
    let said = check("wider", "nowhere");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.errors.contains("write a path, or `database`"), "{said:?}");
}

/// Given a database with a schema, when another is checked, applied and started, then all three say the same; when
/// one that shrinks is applied, then a prune lists what is left over, and removes it only when told to.
#[test]
fn a_database_is_asked_and_pruned() {
    let home = home(&[("first", FIRST), ("wider", WIDER), ("shorter", SHORTER)]);
    let on =
        |arguments: &[&str]| trine(home.path(), &[arguments, &["--database", "sqlite:shop.db"]].concat());
    assert_eq!(on(&["schema", "check", "--proto", "first", "--against", "database"]).code, Some(0));
    assert!(!home.path().join("shop.db").exists(), "a check makes no database");
    assert_eq!(on(&["schema", "apply", "--proto", "first"]).code, Some(0));

    let said = on(&["schema", "check", "--proto", "wider", "--against", "database"]);
    assert_eq!((said.code, said.errors.as_str()), (Some(1), WIDENED), "{said:?}");
    let listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for command in
        [vec!["schema", "apply", "--proto", "wider"], [&["serve", "--proto", "wider"][..], &listen].concat()]
    {
        let said = on(&command);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.errors.ends_with(WIDENED) && said.errors.contains("nothing was changed"), "{said:?}");
    }

    assert_eq!(on(&["schema", "apply", "--proto", "shorter"]).code, Some(0));
    assert_eq!(on(&["schema", "apply", "--proto", "first"]).code, Some(0), "it is in the history");
    let said = on(&["schema", "prune", "--proto", "first"]);
    assert!(said.code == Some(2) && said.errors.contains("not the newest"), "{said:?}");
    let said = on(&["schema", "prune", "--proto", "shorter"]);
    let lines: Vec<&str> = said.output.lines().collect();
    assert_eq!((said.code, lines.len()), (Some(0), 4), "{said:?}");
    assert!(lines[0].starts_with("would remove schema ") && lines[3].contains("--yes"), "{said:?}");
    assert_eq!(
        lines[1..3],
        ["would remove index `shop.v1.Item:index:code`", "would remove column `f_code` of `shop.v1.Item`"]
    );
    let said = on(&["schema", "prune", "--proto", "shorter", "--yes"]);
    assert!(said.code == Some(0) && said.output.lines().count() == 3, "{said:?}");
    assert_eq!(on(&["schema", "prune", "--proto", "shorter"]).output, "");
    let said = on(&["schema", "apply", "--proto", "first"]);
    assert!(said.code == Some(2) && said.errors.contains("trine schema prune"), "{said:?}");
}
