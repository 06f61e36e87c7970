//! `updateMask=` and `readMask=` → paths. Which fields they name is the schema's to check.

use crate::model::{Error, Reason, Result};

const PATHS_MAX: usize = 500;

/// Comma-separated paths, snake_case or lowerCamelCase; `*` only alone. None for an empty text.
pub fn parse(text: &str) -> Result<Option<Vec<String>>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let paths: Vec<String> = text.split(',').map(|path| path.trim().to_owned()).collect();
    if paths.len() > PATHS_MAX {
        return Err(invalid(text, format!("more than {PATHS_MAX} paths; name their parent instead")));
    }
    if paths.len() > 1 && paths.iter().any(|path| path == "*") {
        return Err(invalid("*", "`*` is everything; leave the other paths out".to_owned()));
    }
    match paths.iter().find(|path| !is_path(path)) {
        Some(path) => Err(invalid(path, format!("`{path}` is no path; write `field` or `field.part`"))),
        None => Ok(Some(paths)),
    }
}

fn is_path(path: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    path == "*" || path.split('.').all(is_name)
}

fn invalid(path: &str, reason: String) -> Error {
    Error::new(Reason::InvalidMask, format!("mask: {reason}")).with_violation(path, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_lists_of_paths() {
        assert_eq!(parse("").expect("none"), None);
        assert_eq!(
            parse("title, author.given_name").expect("two"),
            Some(vec!["title".into(), "author.given_name".into()])
        );
        assert_eq!(parse("*").expect("all"), Some(vec!["*".into()]));
        for text in ["*,title", "title,", "a..b", "a.*", "tags[0]"] {
            assert_eq!(parse(text).expect_err(text).reason, Reason::InvalidMask);
        }
    }
}
