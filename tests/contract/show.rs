//! `trine schema show`: what a schema amounts to, in three forms. Golden files; `TRINE_GOLDEN=update` writes
//! them anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use prost_reflect::DescriptorPool;

fn show(arguments: &[&str]) -> String {
    show_tree("proto", arguments)
}

fn show_tree(tree: &str, arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_trine"))
        .args(["schema", "show"])
        .args(["--proto", root.join(tree).to_str().unwrap()])
        .args(arguments)
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "no database is touched");
    String::from_utf8(ended.stdout).unwrap()
}

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema").join(name);
    if std::env::var_os("TRINE_GOLDEN").is_some_and(|word| word == "update") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "{} differs; if that is meant, TRINE_GOLDEN=update. Now:\n{text}",
        path.display()
    );
}

#[test]
fn the_summary_names_resources_routes_and_indexes() {
    let text = show(&[]);
    check("blog.txt", &text);
    assert!(text.contains("blog_v1.entry"), "{text}");
    assert!(text.contains("GET    /blog/v1/users/{user}/entries/{entry}"), "{text}");
}

/// Given a service that declares the paths of some methods, and one pbtable with soft delete, then each method is
/// shown where it is served.
#[test]
fn the_summary_shows_where_a_service_puts_its_methods() {
    let text = show_tree("tests/fixtures/library", &[]);
    check("library.txt", &text);
    assert!(text.contains(" /v1/"), "{text}");
}

#[test]
fn the_ddl_is_that_of_the_configured_kind_of_database() {
    check("sqlite.sql", &show(&["--sql", "--database", "sqlite:some.db"]));
    check("postgres.sql", &show(&["--sql", "--database", "postgres://nobody@nowhere/x"]));
}

/// Given a pbtable with soft delete, then the index that a purge looks into is part of what is shown.
#[test]
fn the_ddl_has_every_index_that_an_apply_makes() {
    for database in ["sqlite:some.db", "postgres://nobody@nowhere/x"] {
        let text = show_tree("tests/fixtures/archive", &["--sql", "--database", database]);
        let indexes: Vec<&str> = text.lines().filter(|line| line.contains("INDEX")).collect();
        assert!(indexes.iter().any(|line| line.contains("archive.v1.Folder:purge")), "{indexes:#?}");
    }
}

/// Given the printed service, when it is compiled beside the schema, then it is valid, and lists are numbered as
/// they are encoded.
#[test]
fn the_service_of_the_default_routes_compiles() {
    let text = show(&["--proto"]);
    check("blog.proto", &text);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trine/standard/blog.v1.proto");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &text).unwrap();
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proto");
    let set = protox::compile(["trine/standard/blog.v1.proto"], [directory.path().to_owned(), own])
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    let pool = DescriptorPool::from_file_descriptor_set(set).unwrap();
    let number = |message: &str, field: &str| {
        let message = pool.get_message_by_name(&format!("trine.standard.blog.v1.{message}")).unwrap();
        message.get_field_by_name(field).unwrap().number()
    };
    assert_eq!(number("ListEntriesResponse", "entries"), 1);
    assert_eq!(number("ListEntriesResponse", "next_page_token"), 2);
    assert_eq!(number("CreateEntryRequest", "entry"), 3);
    assert_eq!(number("UpdateEntryRequest", "update_mask"), 2);
    assert_eq!(number("BatchGetEntriesRequest", "names"), 2);
    let service = pool.services().find(|service| service.name() == "StandardMethods").unwrap();
    assert_eq!(service.methods().len(), 27, "nine of each of three resources");
}
