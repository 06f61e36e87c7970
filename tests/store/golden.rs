//! Golden files of every hot statement with its plan: a changed query, or an index that is no longer
//! used, is seen in review. `TRINE_GOLDEN=update` writes the files anew.
//!
//! Nothing here knows SQL: each story is told through the door, and what then reached the database is
//! caught on its way (`auto_explain` on PostgreSQL, diesel's instrumentation on SQLite).

mod lifecycle;
mod owners;
mod postgres;
mod sqlite;
mod stories;

use std::path::PathBuf;

/// One statement as the database got it, and how it is carried out (empty for `BEGIN` and the like).
struct Statement {
    sql: String,
    plan: String,
}

/// Compares with the file of this story, or writes it.
fn check(database: &str, story: &str, statements: &[Statement]) {
    let text: String = statements
        .iter()
        .map(|statement| format!("{}\n{}\n", statement.sql, indented(&statement.plan)))
        .collect();
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sql").join(database);
    let path = directory.join(format!("{story}.sql"));
    if std::env::var_os("TRINE_GOLDEN").is_some_and(|word| word == "update") {
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(&path, &text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "{} differs; if that is meant, TRINE_GOLDEN=update writes it anew. Now:\n{text}\nBefore:\n{golden}",
        path.display()
    );
}

/// As comments, so that the file is SQL.
fn indented(plan: &str) -> String {
    plan.lines().map(|line| format!("--   {line}\n")).collect()
}
