//! Entity tags: a resource's version, quoted, with a suffix per representation.
//!
//! `If-None-Match` compares the whole tag (a cached JSON body is no protobuf body); `If-Match`
//! compares the version alone (it is the same resource). Weak tags never match a strong comparison.

use super::media::Media;
use crate::model::{Error, Reason, Result, Version};
use crate::schema::document::ReadMask;

/// `"7"` for JSON, `"7.p"` for protobuf.
pub fn of(version: Version, media: Media) -> String {
    match media {
        Media::Json => format!("\"{}\"", version.0),
        Media::Protobuf(_) => format!("\"{}.p\"", version.0),
    }
}

/// `"7.1f3a"`: of a part of the resource, by what is picked and how it is written.
pub fn of_masked(version: Version, media: Media, mask: Option<&ReadMask>) -> String {
    match (mask, media) {
        (None, media) => of(version, media),
        (Some(mask), Media::Json) => format!("\"{}.{}\"", version.0, mask.hash()),
        (Some(mask), Media::Protobuf(_)) => format!("\"{}.{}.p\"", version.0, mask.hash()),
    }
}

/// Whether `If-None-Match` holds this tag, so that 304 is the answer.
pub fn none_match_holds(header: &str, tag: &str) -> bool {
    header.trim() == "*" || header.split(',').any(|given| given.trim().trim_start_matches("W/") == tag)
}

/// What `If-Match` demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`
    Any,
    /// Versions of the strong tags that are versions at all; none of ours means: can never match.
    Versions(Vec<Version>),
}

impl IfMatch {
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return IfMatch::Any;
        }
        IfMatch::Versions(header.split(',').filter_map(|tag| version_of_tag(tag.trim())).collect())
    }

    pub fn holds(&self, version: Version) -> bool {
        match self {
            IfMatch::Any => true,
            IfMatch::Versions(versions) => versions.contains(&version),
        }
    }
}

/// 412.
pub fn if_match_failed() -> Error {
    Error::new(Reason::IfMatch, "If-Match does not hold the resource's current ETag; read it again")
}

/// `"7"`, `"7.p"` or `"7.1f3a"`.
fn version_of_tag(tag: &str) -> Option<Version> {
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    inner.split('.').next()?.parse().ok().map(Version)
}

/// The `etag` field or parameter: the quoted form or the bare number; anything else is of no version.
pub fn version_of_field(etag: &str) -> Result<Version> {
    version_of_tag(etag).or_else(|| etag.parse().ok().map(Version)).ok_or_else(|| {
        Error::new(Reason::EtagMismatch, "`etag` is not the resource's current one; read it again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_versions_of_strong_tags() {
        assert!(IfMatch::parse("\"1\", \"7.p\"").holds(Version(7)));
        assert!(IfMatch::parse("*").holds(Version(7)));
        for never in ["W/\"7\"", "7", "\"x\"", "", "\"77\""] {
            assert!(!IfMatch::parse(never).holds(Version(7)), "{never}");
        }
    }

    #[test]
    fn if_none_match_compares_whole_tags() {
        assert!(none_match_holds("W/\"7\", \"8\"", "\"7\""));
        assert!(none_match_holds("*", "\"7\""));
        assert!(!none_match_holds("\"7\"", "\"7.p\""));
    }

    #[test]
    fn the_field_takes_the_bare_number_too() {
        assert_eq!(version_of_field("7").expect("bare"), Version(7));
        assert_eq!(version_of_field("\"7\"").expect("quoted"), Version(7));
        assert_eq!(version_of_field("seven").expect_err("409").reason, Reason::EtagMismatch);
    }
}
