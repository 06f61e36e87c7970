//! Bad samples: each rule must find its own.

use super::rules::{File, RULES};

fn found(rule: &str, path: &str, text: &str) -> usize {
    let (_, rule) = RULES.iter().find(|(name, _)| *name == rule).expect("a rule of that name");
    rule(&File { path: path.to_owned(), text: text.to_owned() }).len()
}

#[test]
fn each_rule_finds_its_bad_sample_and_leaves_the_good_one() {
    let long_file = "//! x\n".repeat(401);
    let long_function = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(70));
    let short_function = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(60));
    let long_method =
        format!("impl X {{\n    pub async fn f() {{\n{}    }}\n}}\n", "        g();\n".repeat(70));
    let workplace = ["// see /work", "/notes"].concat();
    let samples = [
        ("module documentation", "src/a.rs", "fn f() {}\n", 1),
        ("module documentation", "src/a.rs", "//! Fine.\n", 0),
        ("length of files", "src/a.rs", long_file.as_str(), 1),
        ("length of functions", "src/a.rs", long_function.as_str(), 1),
        ("length of functions", "src/a.rs", long_method.as_str(), 1),
        ("length of functions", "src/a.rs", short_function.as_str(), 0),
        ("unfinished work", "src/a.rs", "fn f() { todo!(\"later\") }\n// FIXME\n", 2),
        ("arrows between modules", "src/model/a.rs", "use crate::store::Lane;\n", 1),
        ("arrows between modules", "src/store/a.rs", "use crate::http::Page;\n", 1),
        ("arrows between modules", "src/domains/blog/a.rs", "let x = crate::store::x();\n", 1),
        ("arrows between modules", "src/http/a.rs", "use crate::commands::Engine;\n", 0),
        ("arrows between modules", "src/app.rs", "use crate::http::serve;\n", 0),
        ("names that belong to one place", "src/http/a.rs", "use diesel::prelude::*;\n", 1),
        ("names that belong to one place", "src/store/a.rs", "use diesel::prelude::*;\n", 0),
        ("names that belong to one place", "src/http/a.rs", "std::env::var(\"HOME\")\n", 1),
        ("names that belong to one place", "src/http/a.rs", "if role == Role::Monolith {\n", 1),
        ("names that belong to one place", "src/http/a.rs", "// diesel is elsewhere\n", 0),
        ("names that belong to one place", "src/commands/a.rs", "unleash_api_client::x()\n", 1),
        ("words of the workplace", "src/a.rs", workplace.as_str(), 1),
    ];
    for (rule, path, text, expected) in samples {
        assert_eq!(found(rule, path, text), expected, "{rule} on {path}:\n{text}");
    }
    let tested: std::collections::BTreeSet<&str> = samples.iter().map(|sample| sample.0).collect();
    assert_eq!(tested.len(), RULES.len(), "a rule has no bad sample");
}
