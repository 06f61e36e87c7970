//! Masks the passwords in the addresses that a configuration names: URLs and `host=… password=…`.
//!
//! Invariant: what is half understood is masked rather than shown.

pub(super) const MASK: &str = "***";

/// The text with each password in it as `***`.
pub(super) fn without_passwords(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme.trim_start()) => url(scheme, rest),
        _ => pairs(text),
    }
}

fn is_scheme(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || "+.-".contains(character))
}

/// `postgres://user:***@host/db?password=***`. By hand: `host:1,host:2` is no URL to a parser.
fn url(scheme: &str, rest: &str) -> String {
    let has_login = |part: &&str| part.contains('@');
    // A password may hold a raw `?`: without a login before it, all is looked at.
    let address = rest.split('?').next().filter(has_login).unwrap_or(rest);
    let login = address.rfind('@').and_then(|at| Some((address[..at].find(':')?, at)));
    let (shown, rest) = match login {
        Some((colon, at)) => (format!("{scheme}://{}:{MASK}", &rest[..colon]), &rest[at..]),
        None => (format!("{scheme}://"), rest),
    };
    match rest.split_once('?') {
        Some((path, query)) => {
            let pairs: Vec<String> = query.split('&').map(query_pair).collect();
            format!("{shown}{path}?{}", pairs.join("&"))
        }
        None => shown + rest,
    }
}

fn query_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, _)) if is_secret(key) => format!("{key}={MASK}"),
        _ => pair.to_owned(),
    }
}

/// `host=x password='a b'`, as libpq reads it.
fn pairs(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('=') {
        let value = after.trim_start();
        let (value, later) = value.split_at(value_length(value));
        let key = before.split_whitespace().last().unwrap_or_default();
        shown += before;
        shown.push('=');
        shown += if is_secret(key) { MASK } else { value };
        rest = later;
    }
    shown + rest
}

/// To the closing quote or to the next space; a backslash takes the next character with it.
fn value_length(text: &str) -> usize {
    let is_quoted = text.starts_with('\'');
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '\'' if is_quoted => return at + 1,
            _ if !is_quoted && character.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether a key of the configuration holds a secret. A token where its table should be is one too.
pub(super) fn is_secret_key(key: &str) -> bool {
    let is_token_entry = key.strip_prefix("auth.tokens.").is_some_and(|name| !name.contains('.'));
    is_token_entry || is_secret(key.rsplit('.').next().unwrap_or(key))
}

/// `password`, `sslpassword`, `oauth_client_secret`, `scram_client_key`; a key in percents may be any of them.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "scram_", "token", "api_key", "apikey", "%"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_wherever_an_address_may_have_them() {
        for (given, shown) in [
            ("postgres://u:p@h/d", "postgres://u:***@h/d"),
            ("postgres://u:p@h:1,g:2/d", "postgres://u:***@h:1,g:2/d"),
            ("postgres://u:a@b/c@h/d", "postgres://u:***@h/d"),
            ("postgres://u:a?b@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h:1/d", "postgres://u@h:1/d"),
            (
                "postgres://h/d?user=u&password=p&sslpassword=q&sslmode=require",
                "postgres://h/d?user=u&password=***&sslpassword=***&sslmode=require",
            ),
            ("postgres://h/d?p%61ssword=p", "postgres://h/d?p%61ssword=***"),
            ("host=x password=p dbname=d", "host=x password=*** dbname=d"),
            ("password = 'a b' host=x", "password =*** host=x"),
            (r"password='a\' b' sslpassword=a\ b host=x", "password=*** sslpassword=*** host=x"),
            ("host=x password='a b", "host=x password=***"),
            ("password=a://b@c host=x", "password=*** host=x"),
            ("sqlite:trine.db", "sqlite:trine.db"),
            ("http://127.0.0.1:8080/a?b=c", "http://127.0.0.1:8080/a?b=c"),
        ] {
            assert_eq!(without_passwords(given), shown);
        }
    }
}
