//! The rules that the code keeps for its readers, looked up in the sources.
//!
//! Each rule is a function from the text of a file to what is wrong in it, so that each can be shown a
//! bad sample: a rule that finds nothing in it would find nothing anywhere.

mod rules;
mod samples;

use std::path::{Path, PathBuf};

use rules::{File, RULES};

/// All Rust files below the directories that are ours.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut directories: Vec<PathBuf> = ["src", "tests", "benches"].map(|name| root.join(name)).to_vec();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let path = path.strip_prefix(root).expect("below the root").display().to_string();
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

#[test]
fn sources_keep_the_rules() {
    let files = files();
    assert!(files.len() > 20, "the sources were not found");
    // The samples are bad on purpose.
    let judged = files.iter().filter(|file| !file.path.starts_with("tests/tidy/"));
    let mut problems = Vec::new();
    for file in judged {
        for (name, rule) in RULES {
            problems
                .extend(rule(file).into_iter().map(|problem| format!("{}: {name}: {problem}", file.path)));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
