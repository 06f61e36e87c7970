//! Request paths: split, decoded exactly once, refused when they could mean two things.
//!
//! Not here: which route a path belongs to (`matcher`).
//! Invariants: decoding happens once (`%2561` is the text `%61`, never `a`); a decoded segment has
//! no `/`, no `\`, no control character, so it can neither leave its place nor end a C string.

use std::borrow::Cow;

use crate::model::{Error, Reason, Result};

/// A path's segments and, after the last `:` of the last one, its custom verb.
#[derive(Debug, PartialEq, Eq)]
pub struct Path<'a> {
    pub segments: Vec<Cow<'a, str>>,
    pub verb: Option<Cow<'a, str>>,
}

/// More than any pattern has; a longer path is no route.
const SEGMENTS_MAX: usize = 64;

impl<'a> Path<'a> {
    /// Splits the raw request target; the verb is cut off before decoding, so `%3A` is never a verb.
    pub fn parse(raw: &'a str) -> Result<Self> {
        let body = raw.strip_prefix('/').ok_or_else(|| no_route(raw))?;
        let (body, verb) = match body.rfind(':') {
            Some(colon) if !body[colon..].contains('/') => (&body[..colon], Some(&body[colon + 1..])),
            _ => (body, None),
        };
        if body.split('/').count() > SEGMENTS_MAX {
            return Err(no_route(raw));
        }
        let segments = body.split('/').map(segment).collect::<Result<Vec<_>>>()?;
        Ok(Self { segments, verb: verb.map(segment).transpose()? })
    }
}

/// 404 for a path that no route has.
pub fn no_route(raw: &str) -> Error {
    let shown: String = raw.chars().take(200).collect();
    Error::new(
        Reason::NotFound,
        format!("nothing is served at `{shown}`; check the package, version and collection"),
    )
}

fn segment(raw: &str) -> Result<Cow<'_, str>> {
    let text =
        decode(raw, false).ok_or_else(|| invalid(raw, "its percent encoding is broken or not UTF-8"))?;
    if text.is_empty() || text == "." || text == ".." {
        return Err(Error::new(Reason::NotFound, "a path has no empty, `.` or `..` segments"));
    }
    if text.chars().any(|character| matches!(character, '/' | '\\') || character.is_control()) {
        return Err(invalid(raw, "it holds an encoded `/`, `\\` or control character"));
    }
    Ok(text)
}

fn invalid(raw: &str, why: &str) -> Error {
    let shown: String = raw.chars().take(200).collect();
    Error::new(Reason::InvalidId, format!("path segment `{shown}` is refused: {why}"))
}

/// Percent-decodes once; none when the encoding is broken or the bytes are not UTF-8.
pub fn decode(raw: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    if !raw.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return Some(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// The id rule of the contract: `[A-Za-z0-9][A-Za-z0-9._~-]{0,127}`.
pub fn is_valid_id(id: &str) -> bool {
    id.len() <= 128
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
}

/// 400 for an id that breaks the rule.
pub fn check_id(id: &str) -> Result<()> {
    if is_valid_id(id) {
        return Ok(());
    }
    let shown: String = id.chars().take(130).collect();
    Err(Error::new(
        Reason::InvalidId,
        format!(
            "id `{shown}` is refused: use a letter or digit, then up to 127 letters, digits, `.`, `_`, `~` or `-`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decodes_once_and_only_once() {
        let path = Path::parse("/a/%2561:pub").expect("a path");
        assert_eq!(path.segments, ["a", "%61"]);
        assert_eq!(path.verb.as_deref(), Some("pub"));
    }

    #[test]
    fn refuses_what_could_mean_two_things() {
        for (raw, reason) in [
            ("/a//b", Reason::NotFound),
            ("/a/", Reason::NotFound),
            ("/a/%2e%2E", Reason::NotFound),
            ("/a/b%2Fc", Reason::InvalidId),
            ("/a/b%5cc", Reason::InvalidId),
            ("/a/b%00", Reason::InvalidId),
            ("/a/%ff", Reason::InvalidId),
            ("/a/%4", Reason::InvalidId),
            ("*", Reason::NotFound),
        ] {
            assert_eq!(Path::parse(raw).expect_err(raw).reason, reason, "{raw}");
        }
    }

    #[test]
    fn an_encoded_colon_is_no_verb() {
        assert_eq!(Path::parse("/users/a%3Ab").expect("a path").verb, None);
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_its_own_encoding(ids in prop::collection::vec("\\PC{1,12}", 1..5), raw in ".{0,80}") {
            let _ = Path::parse(&raw);
            let encoded: String = ids.iter().map(|id| format!("/{}", encode(id))).collect();
            match Path::parse(&encoded) {
                Ok(path) => prop_assert_eq!(path.segments.iter().map(|s| s.to_string()).collect::<Vec<_>>(), ids),
                Err(_) => prop_assert!(ids.iter().any(|id| id == "." || id == ".." || id.contains(['/', '\\']))),
            }
        }
    }

    fn encode(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }
}
