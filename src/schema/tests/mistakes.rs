//! Broken schemas, each with the very lines that its author reads: `tests/golden/schema_mistakes.txt`.
//!
//! `TRINE_GOLDEN=update` writes the lines anew; the schemas above them are written by hand.

use std::fmt::Write;

use super::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/schema_mistakes.txt");
/// Stands before every schema that does not begin with a statement of its own.
const HEAD: &str = r#"syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "trine/v1/options.proto";
"#;

#[test]
fn every_mistake_is_told_with_its_place_and_its_remedy() {
    let golden = std::fs::read_to_string(GOLDEN).expect("the golden file");
    let mut now = String::new();
    let mut count = 0;
    for case in golden.split("\n### ").skip(1) {
        let (title, rest) = case.split_once('\n').expect("a title");
        let (schema, _) = rest.split_once("\n---\n").expect("a schema and its lines");
        let lines = mistakes(schema);
        let is_known = !lines.is_empty() || std::env::var_os("TRINE_GOLDEN").is_some();
        assert!(is_known, "{title}: nothing was wrong with it");
        write!(now, "\n### {title}\n{schema}\n---\n{}\n", lines.join("\n")).expect("written");
        count += 1;
    }
    assert!(count >= 40, "{count} cases");
    let head = golden.split("\n### ").next().unwrap_or_default();
    let now = format!("{head}{now}");
    if std::env::var_os("TRINE_GOLDEN").is_some_and(|word| word == "update") {
        return std::fs::write(GOLDEN, now).expect("written");
    }
    let differing = golden.lines().zip(now.lines()).find(|(before, now)| before != now);
    assert!(golden == now, "first difference: {differing:#?}\n`TRINE_GOLDEN=update` writes the lines anew");
}

/// The head is one line, so that those of the text begin with the second.
fn mistakes(schema: &str) -> Vec<String> {
    let own = ["syntax", "edition", "//", "import", "package"].iter().any(|word| schema.starts_with(word));
    let text = if own { schema.to_owned() } else { format!("{}\n{schema}", HEAD.replace('\n', " ")) };
    let found = load_text(&[("shop.proto", &text)]).err().unwrap_or_default();
    let lines = found.iter().map(SchemaProblem::to_string);
    let lines: Vec<String> = lines.collect();
    for line in &lines {
        assert!(!line.contains('\n') && !line.contains("panicked"), "one line each: {line}");
        let place = line.split(": ").next().unwrap_or_default();
        let numbers: Vec<_> = place.split(':').skip(1).map(str::parse::<u32>).collect();
        assert!(numbers.len() == 2 && numbers.iter().all(Result::is_ok), "a line and a column: {line}");
        assert!(line.contains("; "), "what to do: {line}");
    }
    lines
}
