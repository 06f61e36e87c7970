//! The rules. Textual on purpose: a reader can check each by hand.

/// A source file; `path` is relative to the repository.
pub struct File {
    pub path: String,
    pub text: String,
}

pub type Rule = fn(&File) -> Vec<String>;

pub const RULES: &[(&str, Rule)] = &[
    ("module documentation", module_documentation),
    ("length of files", file_length),
    ("length of functions", function_length),
    ("unfinished work", unfinished),
    ("arrows between modules", arrows),
    ("names that belong to one place", single_places),
    ("words of the workplace", workplace_words),
];

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// What each module may use; 1:1 the arrows of the architecture. Telemetry is for everyone.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("schema", &["model"]),
    ("query", &["schema", "model"]),
    ("store", &["query", "schema", "model"]),
    ("events", &["store", "query", "schema", "model"]),
    ("commands", &["store", "events", "query", "schema", "flags", "model"]),
    ("domains", &["commands", "model"]),
    ("http", &["auth", "commands", "events", "store", "query", "schema", "flags", "model"]),
    ("flags", &["model"]),
    ("auth", &["model"]),
];

/// A word and the only paths that may use it.
const PLACES: &[(&str, &[&str])] = &[
    ("diesel", &["src/store/", "src/store.rs"]),
    ("unleash", &["src/flags/", "src/flags.rs", "src/config/", "src/config.rs"]),
    ("env::var", &["src/config/", "src/config.rs", "src/failpoint.rs"]),
];

/// Patterns that decide by the role; the plan says it all.
const ROLE_DECISIONS: &[&str] = &["Role::Monolith", "Role::Nanoservice", "Role::Microservice"];

/// `(number, line)` without comments; tests at the end of a file are left out when `tests` is false.
fn code(file: &File, tests: bool) -> impl Iterator<Item = (usize, &str)> {
    let end = if tests { None } else { file.text.find("#[cfg(test)]\nmod ") };
    let text = &file.text[..end.unwrap_or(file.text.len())];
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Not a unit test: those may play any part.
fn is_product(file: &File) -> bool {
    let is_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    file.path.starts_with("src/") && !is_test
}

fn module_documentation(file: &File) -> Vec<String> {
    let first = file.text.lines().next().unwrap_or_default();
    // The root of the library shows the README.
    let documented = first.starts_with("//!") || first.starts_with("#![doc = include_str!");
    if documented { vec![] } else { vec!["does not begin with `//!`: what is it for?".to_owned()] }
}

fn file_length(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= FILE_LINES_MAX { vec![] } else { vec![format!("{lines} lines, {FILE_LINES_MAX} are enough")] }
}

/// From the line with `fn` to the closing brace at the same indentation, as rustfmt writes it.
fn function_length(file: &File) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut problems = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indentation}}}");
        let length = lines[start..].iter().position(|line| *line == closing).map_or(1, |index| index + 1);
        let one_line = line.ends_with('}') || line.ends_with(';');
        if !one_line && length > FUNCTION_LINES_MAX {
            problems.push(format!("line {}: `{name}` has {length} lines", start + 1));
        }
    }
    problems
}

fn function_name(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let modifiers = ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", "unsafe "];
    let stripped = modifiers.iter().fold(words, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    stripped.strip_prefix("fn ")?.split(['(', '<']).next()
}

fn unfinished(file: &File) -> Vec<String> {
    let marks = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX", "TODO"];
    let lines = file.text.lines().enumerate();
    let marked = lines.filter_map(|(index, line)| {
        let mark = marks.iter().find(|mark| line.contains(**mark))?;
        Some(format!("line {}: {mark}", index + 1))
    });
    marked.collect()
}

/// `store` for `src/store/lane.rs` and for `src/store.rs`.
fn module(path: &str) -> Option<&str> {
    path.strip_prefix("src/")?.split(['/', '.']).next()
}

fn arrows(file: &File) -> Vec<String> {
    if !is_product(file) {
        return vec![];
    }
    let Some((from, allowed)) =
        module(&file.path).and_then(|name| ARROWS.iter().find(|arrow| arrow.0 == name))
    else {
        return vec![];
    };
    let mut problems = Vec::new();
    for (number, line) in code(file, false) {
        for used in line.split("crate::").skip(1) {
            let to = used.split(|character: char| !character.is_alphanumeric() && character != '_').next();
            let to = to.unwrap_or_default();
            let known =
                ARROWS.iter().any(|arrow| arrow.0 == to) || ["auth", "app", "cli", "config"].contains(&to);
            if known && to != *from && !allowed.contains(&to) {
                problems.push(format!("line {number}: {from} may not use {to}"));
            }
        }
    }
    problems
}

fn single_places(file: &File) -> Vec<String> {
    if !is_product(file) {
        return vec![];
    }
    let mut problems = Vec::new();
    for (number, line) in code(file, false) {
        let lower = line.to_lowercase();
        for (word, places) in PLACES {
            if lower.contains(word) && !places.iter().any(|place| file.path.starts_with(place)) {
                problems.push(format!("line {number}: `{word}` belongs to {}", places[0]));
            }
        }
        let decides = ROLE_DECISIONS.iter().any(|pattern| line.contains(pattern));
        if decides && file.path != "src/role.rs" {
            problems.push(format!(
                "line {number}: asks for the role; the plan in src/role.rs says what is given"
            ));
        }
    }
    problems
}

fn workplace_words(file: &File) -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let words = [["help", "er\")"].concat(), ["/tmp", "/w/"].concat(), ["/work", "/"].concat()];
    let found = words.iter().filter(|word| file.text.contains(word.as_str()));
    found.map(|word| format!("`{word}`")).collect()
}
