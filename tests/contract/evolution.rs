//! What a schema may become: a corpus of changes, judged here and by the real `buf breaking`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use trine::schema::evolution::{Comparison, compare};
use trine::schema::load;

use crate::support::tools;

const CASES: &str = include_str!("../fixtures/evolution/cases.txt");
const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");

#[derive(Debug)]
struct Case {
    name: String,
    /// `case7`: the directory and the package.
    place: String,
    trine: String,
    /// Allowed or not.
    buf: bool,
    before: String,
    after: String,
}

fn cases() -> Vec<Case> {
    let cases = CASES.split("\n=== ").skip(1).enumerate();
    cases.map(|(number, text)| parse(number, text)).collect()
}

fn parse(number: usize, text: &str) -> Case {
    let (title, body) = text.split_once('\n').expect("a title");
    let (kind, name) = title.split_once(": ").expect("a kind");
    let place = format!("case{number}");
    let (mut trine, mut buf, mut before, mut after) = (String::new(), None, String::new(), String::new());
    for line in body.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(verdict) = line.strip_prefix("trine: ") {
            trine = verdict.to_owned();
        } else if let Some(verdict) = line.strip_prefix("buf: ") {
            let (verdict, reason) = verdict.split_once(", because ").expect("a reason");
            assert!(reason.len() > 20, "{name}: {reason}");
            buf = Some(verdict == "allowed");
        } else {
            let (mark, line) = line.split_at(1);
            if mark != "+" {
                before.push_str(&format!("{line}\n"));
            }
            if mark != "-" {
                after.push_str(&format!("{line}\n"));
            }
        }
    }
    let same = trine != "refused";
    assert_ne!(buf, Some(same), "{name}: nothing to explain");
    let file = |text: String| within(kind, &place, &text);
    Case {
        name: name.to_owned(),
        trine,
        buf: buf.unwrap_or(same),
        before: file(before),
        after: file(after),
        place,
    }
}

fn within(kind: &str, place: &str, text: &str) -> String {
    let head = format!(
        "syntax = \"proto3\";\npackage {place}.v1;\nimport \"google/api/field_behavior.proto\";\n\
         import \"google/api/resource.proto\";\nimport \"google/protobuf/timestamp.proto\";\n\
         import \"google/protobuf/wrappers.proto\";\nimport \"trine/v1/options.proto\";\n"
    );
    let table = "message T {\n  option (google.api.resource) = { type: \"x.com/T\" pattern: \"ts/{t}\" };\n  string name = 1;\n";
    match kind {
        "fields" => format!("{head}{table}{text}}}\n"),
        "file" => format!("{head}{table}}}\n{text}"),
        "whole" => text.replace("PACKAGE", place),
        other => panic!("{other}"),
    }
}

fn compared(case: &Case) -> Comparison {
    let loaded = [&case.before, &case.after].map(|text| {
        let directory = TempDir::new().expect("a directory");
        std::fs::write(directory.path().join("case.proto"), text).expect("written");
        load(&[directory.path().to_owned()], &["*".to_owned()])
            .unwrap_or_else(|problems| panic!("{}: {problems:#?}", case.name))
    });
    compare(&loaded[0], &loaded[1])
}

/// Given each change of the corpus, when the old schema is compared with the new, then the verdict is the written
/// one, and each finding has a line, whom it breaks and a remedy.
#[test]
fn every_change_of_the_corpus_is_judged_as_written() {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let comparison = compared(case);
        let verdict = match (comparison.breaks.as_slice(), comparison.questions.as_slice()) {
            ([], []) => "allowed",
            ([], _) => "asks",
            _ => "refused",
        };
        if verdict != case.trine {
            wrong.push(format!("{}: {verdict} {:?}", case.name, comparison.breaks));
        }
        for finding in &comparison.breaks {
            let line = finding.to_string();
            assert!(line.starts_with("case.proto"), "{}: {line}", case.name);
            assert!(line.contains(", which breaks ") && line.contains("; "), "{}: {line}", case.name);
            assert!(!line.contains('\n'), "{}: {line}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Given the corpus, when `buf breaking` judges it by WIRE_JSON, then it says the same, or the corpus says why not.
#[test]
fn buf_says_the_same_or_the_corpus_says_why_not() {
    let cases = cases();
    let (before, after) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    for case in &cases {
        for (directory, text) in [(&before, &case.before), (&after, &case.after)] {
            let place = directory.path().join(&case.place);
            std::fs::create_dir(&place).expect("made");
            std::fs::write(place.join("case.proto"), text).expect("written");
        }
    }
    for directory in [&before, &after] {
        copy(&Path::new(OWN).join("google"), &directory.path().join("google"));
        copy(&Path::new(OWN).join("trine"), &directory.path().join("trine"));
    }
    let refused = refused_by_buf(before.path(), after.path());
    let wrong: Vec<String> = cases
        .iter()
        .filter(|case| refused.contains_key(&case.place) == case.buf)
        .map(|case| format!("{}: {:?}", case.name, refused.get(&case.place)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in from.read_dir().expect("readable").map(|entry| entry.expect("readable")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// What it says of each directory; all of them in one run.
fn refused_by_buf(before: &Path, after: &Path) -> HashMap<String, HashSet<String>> {
    let config = r#"{"version":"v2","breaking":{"use":["WIRE_JSON"]}}"#;
    let output = Command::new(tools::buf())
        .args(["breaking", "--error-format", "json", "--config", config, "--against-config", config])
        .arg(after)
        .arg("--against")
        .arg(before)
        .env("HOME", after)
        .output()
        .expect("tests/install/install.sh has installed buf");
    assert!([Some(0), Some(100)].contains(&output.status.code()), "{output:?}");
    let mut refused: HashMap<String, HashSet<String>> = HashMap::new();
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let finding: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let path = text("path");
        let place = path.split('/').find(|part| part.starts_with("case")).expect("a case").to_owned();
        refused.entry(place).or_default().insert(text("message"));
    }
    refused
}
