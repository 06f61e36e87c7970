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
    pub jwt: JwtSettings,
}

/// As `config/default.toml` has it.
impl Default for JwtSettings {
    fn default() -> Self {
        Self {
            leeway_s: 30,
            subject_claim: "sub".to_owned(),
            scope_claim: "scope".to_owned(),
            jwks_ttl_s: 300,
            jwks_stale_s: 86_400,
            jwks_pause_s: 30,
            issuers: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct JwtSettings {
    pub leeway_s: u64,
    pub subject_claim: String,
    pub scope_claim: String,
    pub jwks_ttl_s: u64,
    pub jwks_stale_s: u64,
    pub jwks_pause_s: u64,
    pub issuers: Vec<IssuerSettings>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct IssuerSettings {
    /// `iss`
    pub issuer: String,
    /// `aud` must be one of these.
    pub audiences: Vec<String>,
    pub jwks_url: Option<String>,
    pub jwks_file: Option<PathBuf>,
    #[serde(default = "usual_algorithms")]
    pub algorithms: Vec<String>,
    #[serde(default)]
    pub subject_prefix: String,
}

fn usual_algorithms() -> Vec<String> {
    ["RS256", "ES256", "EdDSA"].map(str::to_owned).to_vec()
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
