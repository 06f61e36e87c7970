//! Idempotency keys of requests: where they come from and what they are bound to.
//!
//! Not here: looking keys up. Only the commit does that, in the transaction of the effect.
//! Source: draft-ietf-httpapi-idempotency-key-header-07, AIP-155.

use sha2::{Digest, Sha256};

use super::exchange::Exchange;
use super::parameters::{Parameters, invalid};
use crate::model::{Fingerprint, Idempotency, IdempotencyKey, Result};

/// The key of a write, bound to all that the request asks for; none when the client sent none.
pub fn of_request(exchange: &Exchange, parameters: &Parameters, body: &[u8]) -> Result<Option<Idempotency>> {
    of_body(exchange, parameters, "", body)
}

/// As [`of_request`] where the body may hold the `requestId` too.
pub fn of_body(
    exchange: &Exchange,
    parameters: &Parameters,
    in_body: &str,
    body: &[u8],
) -> Result<Option<Idempotency>> {
    let header = exchange.header("idempotency-key")?.map(key_of_header).transpose()?;
    let given = parameters.get("requestId").unwrap_or_default();
    if !given.is_empty() && !in_body.is_empty() && given != in_body {
        return Err(invalid("requestId differs between the body and the query; send one of them".to_owned()));
    }
    let given = if given.is_empty() { in_body } else { given };
    let parameter = Some(given).filter(|given| !given.is_empty()).map(key_of_parameter).transpose()?;
    if let (Some(header), Some(parameter)) = (&header, &parameter)
        && header != parameter
    {
        return Err(invalid("Idempotency-Key and requestId differ; send one of them".to_owned()));
    }
    let Some(key) = header.or(parameter) else { return Ok(None) };
    let scope = format!("{} {}", exchange.method(), exchange.path);
    let fingerprint = fingerprint(exchange, &scope, parameters, body)?;
    let principal = exchange.principal.subject.clone();
    Ok(Some(Idempotency { key: IdempotencyKey { principal, scope, key }, fingerprint }))
}

fn fingerprint(
    exchange: &Exchange,
    scope: &str,
    parameters: &Parameters,
    body: &[u8],
) -> Result<Fingerprint> {
    let mut hash = Sha256::new();
    let query = parameters.canonical("requestId");
    let headers = [
        exchange.list_header("if-match")?,
        exchange.list_header("if-none-match")?,
        exchange.header("content-type")?.map(str::to_owned),
    ];
    let headers = headers.map(|header| header.unwrap_or_default());
    for part in [
        scope.as_bytes(),
        query.as_bytes(),
        headers[0].as_bytes(),
        headers[1].as_bytes(),
        headers[2].as_bytes(),
        body,
    ] {
        // Lengths keep the parts apart: `ab` + `c` is not `a` + `bc`.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Ok(Fingerprint(hash.finalize().into()))
}

/// A structured-field string in quotes, or the bare text that most clients send.
fn key_of_header(value: &str) -> Result<String> {
    let value = value.trim();
    let key = match value.strip_prefix('"') {
        Some(rest) => unquote(rest)?,
        None => value.to_owned(),
    };
    let printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if key.is_empty() || key.len() > 255 || !printable {
        return Err(invalid("Idempotency-Key must be 1 to 255 printable ASCII characters".to_owned()));
    }
    Ok(key)
}

fn unquote(rest: &str) -> Result<String> {
    let mut key = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' if characters.as_str().is_empty() => return Ok(key),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                _ => break,
            },
            '"' => break,
            other => key.push(other),
        }
    }
    Err(invalid("Idempotency-Key is not a well-formed quoted string".to_owned()))
}

fn key_of_parameter(value: &str) -> Result<String> {
    match uuid::Uuid::try_parse(value) {
        Ok(id) if value.len() == 36 && !id.is_nil() => Ok(id.to_string()),
        _ => Err(invalid("requestId must be a UUID such as 0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_keys_are_quoted_or_bare() {
        assert_eq!(key_of_header("\"a \\\"b\\\\\"").expect("quoted"), "a \"b\\");
        assert_eq!(key_of_header("abc-1").expect("bare"), "abc-1");
        for bad in ["", "\"\"", "\"open", "\"a\"b\"", "\"a\\n\"", &"x".repeat(256)] {
            assert!(key_of_header(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn request_ids_are_uuids_of_either_case() {
        let id = "0192F1A0-7C1E-7AAA-8000-5B2F6D1C9E01";
        assert_eq!(key_of_parameter(id).expect("a UUID"), id.to_lowercase());
        for bad in ["7", "00000000-0000-0000-0000-000000000000", "{0192f1a0-7c1e-7aaa-8000-5b2f6d1c9e01}"] {
            assert!(key_of_parameter(bad).is_err(), "{bad}");
        }
    }
}
