//! Static bearer tokens: who presents this text is that principal.
//!
//! Invariants: only hashes are kept; a presented token is compared with all of them, each in constant
//! time, so that the time of an answer says nothing about a token.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::settings::{AuthSettings, TokenSettings};
use super::{Mistake, check_subject};
use crate::model::Principal;

/// Shorter texts can be guessed.
const TOKEN_LENGTH_MIN: usize = 16;
const HASH_PREFIX: &str = "sha256:";

type Hash = [u8; 32];

pub struct Tokens(Vec<(Hash, Arc<Principal>)>);

impl Tokens {
    /// All mistakes at once.
    pub fn parse(settings: &AuthSettings) -> Result<Self, Vec<Mistake>> {
        let (mut tokens, mut mistakes) = (Vec::<(Hash, Arc<Principal>)>::new(), Vec::new());
        for (name, token) in &settings.tokens {
            let key = format!("auth.tokens.{name}");
            match parse_one(token) {
                Ok((hash, _)) if tokens.iter().any(|(other, _)| *other == hash) => mistakes
                    .push((key, "is the same token as another one; a token is one principal's".to_owned())),
                Ok((hash, principal)) => tokens.push((hash, Arc::new(principal))),
                Err((field, message)) => mistakes.push((format!("{key}.{field}"), message)),
            }
        }
        if settings.tokens.is_empty() {
            mistakes
                .push(("auth.tokens".to_owned(), "is empty, so nobody could ask; add a token".to_owned()));
        }
        if mistakes.is_empty() { Ok(Self(tokens)) } else { Err(mistakes) }
    }

    pub fn principal(&self, presented: &str) -> Option<Arc<Principal>> {
        let hash = sha256(presented);
        let mut found = None;
        for (known, principal) in &self.0 {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(principal);
            }
        }
        found.cloned()
    }
}

fn parse_one(token: &TokenSettings) -> Result<(Hash, Principal), (&'static str, String)> {
    check_subject(&token.subject).map_err(|message| ("subject", message))?;
    if token.scopes.is_empty() {
        return Err(("scopes", "is empty, so this token could do nothing; name some".to_owned()));
    }
    let (field, text) = text_of(token)?;
    let hash = hash_of(text.trim()).map_err(|message| (field, message))?;
    Ok((hash, Principal::new(&token.subject, token.scopes.iter().copied())))
}

fn text_of(token: &TokenSettings) -> Result<(&'static str, String), (&'static str, String)> {
    match (&token.token, &token.token_file) {
        (Some(text), None) => Ok(("token", text.0.clone())),
        (None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(("token_file", text)),
            Err(error) => Err(("token_file", format!("cannot read {}: {error}", path.display()))),
        },
        (Some(_), Some(_)) => Err(("token_file", "is given beside `token`; keep one of them".to_owned())),
        (None, None) => {
            Err(("token", "is missing; give a token, `sha256:` and its hash, or token_file".to_owned()))
        }
    }
}

fn hash_of(text: &str) -> Result<Hash, String> {
    if let Some(digits) = text.strip_prefix(HASH_PREFIX) {
        return hexadecimal(digits)
            .ok_or_else(|| "has no SHA-256 after `sha256:`; it has 64 hexadecimal digits".to_owned());
    }
    let sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !text.bytes().all(sendable) {
        return Err(
            "has characters that no bearer token may have; use letters, digits and -._~+/=".to_owned()
        );
    }
    if text.len() < TOKEN_LENGTH_MIN {
        return Err(format!(
            "is too short to be a secret; take {TOKEN_LENGTH_MIN} or more random characters"
        ));
    }
    Ok(sha256(text))
}

fn sha256(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

fn hexadecimal(digits: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::settings::{AuthMode, JwtSettings, TokenText};
    use crate::model::Scope;

    const TOKEN: &str = "correct-horse-battery-staple";

    fn settings(token: &str, subject: &str, scopes: &[Scope]) -> AuthSettings {
        let token = TokenSettings {
            token: Some(TokenText(token.to_owned())),
            token_file: None,
            subject: subject.to_owned(),
            scopes: scopes.to_vec(),
        };
        let tokens = [("reports".to_owned(), token)].into();
        AuthSettings { mode: AuthMode::Tokens, allow_anonymous: false, tokens, jwt: JwtSettings::default() }
    }

    #[test]
    fn a_token_is_its_principal_however_it_is_written() {
        let hash: String = sha256(TOKEN).iter().map(|byte| format!("{byte:02x}")).collect();
        for written in [TOKEN.to_owned(), format!("sha256:{hash}"), format!("sha256:{}", hash.to_uppercase())]
        {
            let tokens = Tokens::parse(&settings(&written, "alice", &[Scope::Read])).expect("tokens");
            let found = tokens.principal(TOKEN).map(|principal| (*principal).clone());
            assert_eq!(found, Some(Principal::new("alice", [Scope::Read])), "{written}");
            for wrong in ["", "correct-horse-battery-stapl", &hash, &format!("sha256:{hash}")] {
                assert_eq!(tokens.principal(wrong), None, "{wrong}");
            }
        }
    }

    #[test]
    fn a_mistake_names_its_key_and_never_the_token() {
        let read = [Scope::Read];
        for (settings, key) in [
            (settings("short", "alice", &read), "auth.tokens.reports.token"),
            (settings("twenty characters with blanks", "alice", &read), "auth.tokens.reports.token"),
            (settings("sha256:12", "alice", &read), "auth.tokens.reports.token"),
            (settings(TOKEN, "", &read), "auth.tokens.reports.subject"),
            (settings(TOKEN, "anonymous", &read), "auth.tokens.reports.subject"),
            (settings(TOKEN, "alice", &[]), "auth.tokens.reports.scopes"),
        ] {
            let mistakes = Tokens::parse(&settings).err().expect("a refusal");
            assert_eq!((mistakes.len(), mistakes[0].0.as_str()), (1, key), "{mistakes:?}");
            assert!(!mistakes[0].1.contains("horse"), "{mistakes:?}");
            assert!(!format!("{settings:?}").contains("horse"));
        }
    }
}
