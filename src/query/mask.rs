//! `updateMask=` and `readMask=` → paths. Which fields they name is the schema's to check.
//!
//! A mask of a read may go through lists (`*`) and maps, whose keys stand in backticks where they are
//! no identifiers (AIP-161); one of an update may not.

use crate::model::{Error, Reason, Result};
use crate::schema::ResourceType;
use crate::schema::document::ReadMask;

const PATHS_MAX: usize = 500;

/// Comma-separated paths, snake_case or lowerCamelCase; `*` only alone. None for an empty text.
pub fn parse(text: &str) -> Result<Option<Vec<String>>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let paths: Vec<String> = text.split(',').map(|path| path.trim().to_owned()).collect();
    if paths.len() > PATHS_MAX {
        return Err(too_many(text));
    }
    if paths.len() > 1 && paths.iter().any(|path| path == "*") {
        return Err(invalid("*", "`*` is everything; leave the other paths out".to_owned()));
    }
    match paths.iter().find(|path| !is_path(path)) {
        Some(path) => Err(invalid(path, format!("`{path}` is no path; write `field` or `field.part`"))),
        None => Ok(Some(paths)),
    }
}

/// What is answered of each resource; none for everything.
pub fn read(kind: &ResourceType, text: &str) -> Result<Option<ReadMask>> {
    if matches!(text.trim(), "" | "*") {
        return Ok(None);
    }
    let mut paths = vec![vec![]];
    let mut rest = text.trim();
    loop {
        let (segment, after) = segment(rest).ok_or_else(|| no_segment(text))?;
        paths.last_mut().into_iter().for_each(|path| path.push(segment.clone()));
        let Some(separator) = after.chars().next() else { break };
        rest = after[1..].trim_start();
        match separator {
            ',' if paths.len() == PATHS_MAX => return Err(too_many(text)),
            ',' => paths.push(vec![]),
            _ => {}
        }
    }
    if paths.iter().any(|path| matches!(path.as_slice(), [all] if all == "*")) {
        return Err(invalid("*", "`*` is everything; leave the other paths out".to_owned()));
    }
    kind.read_mask(&paths).map(Some)
}

/// The next name, key or `*`, and what follows it: nothing, or `.` or `,` and more.
fn segment(text: &str) -> Option<(String, &str)> {
    let (segment, after) = match text.strip_prefix('`') {
        Some(quoted) => quoted.split_once('`')?,
        None => text.split_at(text.find(['.', ',']).unwrap_or(text.len())),
    };
    let after = after.trim_start();
    let is_end = after.is_empty() || after.starts_with(['.', ',']);
    let segment = if text.starts_with('`') { segment } else { segment.trim() };
    let is_bare = segment == "*" || segment.chars().all(|part| part.is_alphanumeric() || "_-".contains(part));
    let is_segment = text.starts_with('`') || !segment.is_empty() && is_bare;
    (is_end && is_segment).then(|| (segment.to_owned(), after))
}

fn no_segment(text: &str) -> Error {
    let shown: String = text.chars().take(200).collect();
    let reason = format!(
        "`{shown}` is no list of paths; write `field`, `field.part`, `items.*.part` or `labels.`key``"
    );
    invalid("readMask", reason)
}

fn too_many(text: &str) -> Error {
    invalid(text, format!("more than {PATHS_MAX} paths; name their parent instead"))
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
