//! Query parameters: each known by name, in lowerCamelCase or snake_case, at most once.
//!
//! Invariant: a parameter that would be ignored is refused instead (400, or 501 when the contract
//! has it and this version does not).

use super::path::decode;
use crate::model::{Error, Reason, Result};
use crate::schema::ResourceType;

/// Checked parameters of one request, names in lowerCamelCase.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

/// What a method understands.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub served: &'a [&'a str],
    /// Boolean or textual parameters of the contract that are refused with 501 unless they say `false`.
    pub later: &'a [&'a str],
}

impl Parameters {
    pub fn parse(query: &str, known: Known<'_>) -> Result<Self> {
        Self::parse_with(query, known, "")
    }

    /// As [`Parameters::parse`]; `repeated` may be given more than once.
    pub fn parse_with(query: &str, known: Known<'_>, repeated: &str) -> Result<Self> {
        let mut parsed: Vec<(String, String)> = Vec::new();
        for pair in pairs(query) {
            let (name, value) = pair?;
            if name != repeated && parsed.iter().any(|(earlier, _)| *earlier == name) {
                return Err(invalid(format!("parameter `{name}` is given twice")));
            }
            if known.later.contains(&name.as_str()) {
                refuse_later(&name, &value)?;
            } else if !known.served.contains(&name.as_str()) {
                return Err(unknown(&name, known));
            }
            parsed.push((name, value));
        }
        Ok(Self(parsed))
    }

    /// The value of a parameter; none when absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a parameter that may be repeated, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A boolean parameter; false when absent.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(format!("parameter `{name}` is `true` or `false`"))),
        }
    }

    /// Sorted and joined, for a fingerprint; without `except`.
    pub fn canonical(&self, except: &str) -> String {
        let mut pairs: Vec<_> = self.0.iter().filter(|(name, _)| name != except).collect();
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
    }
}

/// Each name, in lowerCamelCase, with its value.
pub fn pairs(query: &str) -> impl Iterator<Item = Result<(String, String)>> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((camel_case(&text(name)?), text(value)?))
    })
}

/// The one that chooses the id of a new resource (AIP-133): `userId`.
pub fn id_parameter(kind: &ResourceType) -> String {
    format!("{}Id", camel_case(&kind.singular))
}

/// `page_size` → `pageSize`; lowerCamelCase stays as it is.
pub fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut characters = part.chars();
        camel.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(characters.as_str());
    }
    camel
}

fn text(raw: &str) -> Result<String> {
    match decode(raw, true) {
        Some(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(invalid("the query string is not percent-encoded UTF-8 without NUL".to_owned())),
    }
}

fn refuse_later(name: &str, value: &str) -> Result<()> {
    if value == "false" {
        return Ok(());
    }
    Err(Error::new(Reason::NotImplemented, format!("parameter `{name}` is not served yet; leave it out")))
}

fn unknown(name: &str, known: Known<'_>) -> Error {
    let shown: String = name.chars().take(80).collect();
    let listed = if known.served.is_empty() { "none".to_owned() } else { known.served.join(", ") };
    invalid(format!("parameter `{shown}` is not known here; known: {listed}"))
        .with_metadata("parameter", shown)
}

/// 400 `INVALID_PARAMETER`.
pub fn invalid(message: String) -> Error {
    Error::new(Reason::InvalidParameter, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known<'static> = Known { served: &["pageSize", "filter"], later: &["showDeleted"] };

    #[test]
    fn reads_both_spellings_once() {
        let parameters =
            Parameters::parse("page_size=3&filter=a+%3D%201&showDeleted=false", KNOWN).expect("known");
        assert_eq!(parameters.get("pageSize"), Some("3"));
        assert_eq!(parameters.get("filter"), Some("a = 1"));
    }

    #[test]
    fn refuses_what_it_would_ignore() {
        for (query, reason) in [
            ("page=1", Reason::InvalidParameter),
            ("pageSize=1&page_size=2", Reason::InvalidParameter),
            ("filter=%zz", Reason::InvalidParameter),
            ("filter=%00", Reason::InvalidParameter),
            ("showDeleted=true", Reason::NotImplemented),
        ] {
            assert_eq!(Parameters::parse(query, KNOWN).expect_err(query).reason, reason, "{query}");
        }
    }

    #[test]
    fn canonical_form_does_not_depend_on_order() {
        let one = Parameters::parse("pageSize=1&filter=x", KNOWN).expect("known");
        let two = Parameters::parse("filter=x&page_size=1", KNOWN).expect("known");
        assert_eq!(one.canonical(""), two.canonical(""));
        assert_eq!(one.canonical("filter"), "pageSize=1\n");
    }
}
