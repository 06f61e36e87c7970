//! `pattern` is in the syntax of RE2, the matcher in that of Rust: close, but not the same.
//!
//! In RE2 `\d`, `\w`, `\s` and `\b` are ASCII, and within brackets `[`, `&&`, `--` and `~~` are
//! ordinary characters. What has no counterpart does not compile, and the schema is refused.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

#[derive(Debug)]
pub(super) struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    /// The sentence says what the matcher did not like.
    pub fn new(written: &str) -> Result<Self, String> {
        let regex = Regex::new(&translate(written)).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            last.trim_end_matches('.').to_owned()
        })?;
        Ok(Self { written: written.to_owned(), regex })
    }

    pub fn written(&self) -> &str {
        &self.written
    }

    /// Anywhere in the text, unless the pattern itself holds on to an end.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn translate(written: &str) -> String {
    let mut translated = String::with_capacity(written.len() + 16);
    let mut characters = written.chars().peekable();
    let mut is_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => escape(characters.next(), is_class, &mut translated),
            '[' if is_class => nested(&mut characters, &mut translated),
            '[' => {
                is_class = true;
                translated.push('[');
                open(&mut characters, &mut translated);
            }
            ']' if is_class => {
                is_class = false;
                translated.push(']');
            }
            '&' | '~' if is_class => translated.extend(['\\', character]),
            '-' if is_class && translated.ends_with('-') => translated.push_str("\\-"),
            other => translated.push(other),
        }
    }
    translated
}

/// After the opening bracket `]` is an ordinary character.
fn open(characters: &mut Peekable<Chars<'_>>, translated: &mut String) {
    if characters.peek() == Some(&'^') {
        characters.next();
        translated.push('^');
    }
    if characters.peek() == Some(&']') {
        characters.next();
        translated.push_str("\\]");
    }
}

/// `[:alpha:]` is a class of its own; any other bracket within brackets is a bracket.
fn nested(characters: &mut Peekable<Chars<'_>>, translated: &mut String) {
    translated.push_str(if characters.peek() == Some(&':') { "[" } else { "\\[" });
    if translated.ends_with("\\[") {
        return;
    }
    for character in characters.by_ref() {
        translated.push(character);
        if character == ']' {
            return;
        }
    }
}

fn escape(escaped: Option<char>, is_class: bool, translated: &mut String) {
    match escaped {
        Some('d') => translated.push_str("[0-9]"),
        Some('D') => translated.push_str("[^0-9]"),
        Some('w') => translated.push_str("[0-9A-Za-z_]"),
        Some('W') => translated.push_str("[^0-9A-Za-z_]"),
        Some('s') => translated.push_str(r"[\t\n\f\r ]"),
        Some('S') => translated.push_str(r"[^\t\n\f\r ]"),
        Some('b') if !is_class => translated.push_str(r"(?-u:\b)"),
        Some(other) => translated.extend(['\\', other]),
        None => translated.push('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_re2_means() {
        for (written, text, fits) in [
            (r"^\d+$", "123", true),
            (r"^\d+$", "\u{0661}", false),
            (r"^\w+$", "é", false),
            (r"^[\w.-]+$", "a.b-c_1", true),
            (r"^[^\s]+$", "a b", false),
            ("^[[a]+$", "[a[", true),
            ("^[[:alpha:]]+$", "abc", true),
            ("^[[:^alpha:]x]+$", "1x", true),
            ("^[a&&b]+$", "a&b", true),
            ("^[]a]+$", "]a", true),
            ("^[^]a]+$", "]", false),
            ("b", "abc", true),
            (r"\bb", "éb", true),
            ("^[+--]+$", ",", true),
        ] {
            let pattern = Pattern::new(written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(pattern.is_match(text), fits, "{written} {text}");
        }
    }

    #[test]
    fn what_the_matcher_cannot_read_says_why_in_one_line() {
        for written in ["(", "[a", "(?=a)", r"(a)\1", "a{2,1}"] {
            let reason = Pattern::new(written).expect_err(written);
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
        }
    }
}
