//! `auth.*` of the configuration, as it is written. What each key means is in `config/default.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::model::Scope;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    None,
    Tokens,
    Jwt,
}

#[derive(Clone, Debug, Deserialize)]
pub struct AuthSettings {
    pub mode: AuthMode,
    pub allow_anonymous: bool,
    /// By a name that is for people.
    pub tokens: BTreeMap<String, TokenSettings>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct TokenSettings {
    /// The token, or `sha256:` and its hash in hexadecimal.
    pub token: Option<TokenText>,
    /// A file that holds either.
    pub token_file: Option<PathBuf>,
    pub subject: String,
    pub scopes: Vec<Scope>,
}

/// A token as it is written in a file: never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct TokenText(pub String);

impl fmt::Debug for TokenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}
