//! Who asks, and what for: the subject of a credential and its scopes.
//!
//! Not here: how a credential is checked. A principal travels with its request to every role that works
//! on it, so it serialises; scopes that a newer version knows are dropped, which only ever takes rights away.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The subject of requests without credentials. No credential may carry it.
pub const ANONYMOUS: &str = "anonymous";

/// A right; none includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Read,
    Write,
    Events,
    /// Sees and writes the rows of every owner, and everybody's operations.
    Admin,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<Scope>")]
pub struct Scopes(u8);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    pub subject: String,
    #[serde(default)]
    pub scopes: Scopes,
}

/// Which rows a reader or writer has to do with, where a type has owners; decided once a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sight {
    /// The scope `admin`, and the chassis itself.
    All,
    /// The rows whose owner field is this subject.
    Own(Arc<str>),
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Events, Scope::Admin];

    pub fn as_str(self) -> &'static str {
        ["read", "write", "events", "admin"][self as usize]
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is no scope; use read, write, events or admin"))
    }
}

impl Scopes {
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

impl From<Vec<String>> for Scopes {
    fn from(names: Vec<String>) -> Self {
        names.iter().filter_map(|name| name.parse::<Scope>().ok()).collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        Scope::ALL.into_iter().filter(|scope| scopes.has(*scope)).collect()
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(Vec::<Scope>::from(*self)).finish()
    }
}

impl Principal {
    pub fn new(subject: &str, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self { subject: subject.to_owned(), scopes: scopes.into_iter().collect() }
    }

    /// Whoever asks where nobody has to say who he is: everything but the rows of others.
    pub fn anonymous() -> Self {
        Self::new(ANONYMOUS, [Scope::Read, Scope::Write, Scope::Events])
    }

    pub fn sight(&self) -> Sight {
        if self.scopes.has(Scope::Admin) { Sight::All } else { Sight::Own(self.subject.as_str().into()) }
    }
}

/// What a message of a version that knew no principals means: nobody in particular, without a right.
impl Default for Principal {
    fn default() -> Self {
        Self::new(ANONYMOUS, [])
    }
}

/// Nobody's in particular: what is forgotten hides rows, it does not show them.
impl Default for Sight {
    fn default() -> Self {
        Principal::default().sight()
    }
}

impl Sight {
    /// The owner that a row must have; none: any.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Own(subject) => Some(subject),
        }
    }

    /// Whether a row of this owner is there at all.
    pub fn sees(&self, owner: &str) -> bool {
        self.owner().is_none_or(|own| own == owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_keeps_its_scopes_on_the_way() {
        let principal = Principal::new("alice", [Scope::Read, Scope::Admin]);
        let text = serde_json::to_string(&principal).expect("JSON");
        assert_eq!(text, r#"{"subject":"alice","scopes":["read","admin"]}"#);
        assert_eq!(serde_json::from_str::<Principal>(&text).expect("a principal"), principal);
    }

    #[test]
    fn a_scope_of_a_newer_version_gives_no_right() {
        let principal: Principal =
            serde_json::from_str(r#"{"subject":"a","scopes":["write","root"]}"#).expect("a principal");
        assert_eq!(principal, Principal::new("a", [Scope::Write]));
    }

    #[test]
    fn only_admins_see_what_others_own() {
        assert!(Principal::new("a", [Scope::Admin]).sight().sees("b"));
        let alice = Principal::new("alice", [Scope::Read, Scope::Write]).sight();
        assert!(alice.sees("alice") && !alice.sees("bob") && !alice.sees(""));
        assert!(!Principal::anonymous().sight().sees("alice"));
    }
}
