//! `trine config print`: the effective values, secrets masked, and where each came from.

use toml::Value;

use super::Layers;

impl Layers {
    /// One `key = value  # source` line a key, in key order.
    pub fn print(&self) -> String {
        self.leaves()
            .map(|(key, value, source)| format!("{key} = {}  # {source}\n", masked(key, value)))
            .collect()
    }
}

fn masked(key: &str, value: &Value) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    match value.as_str() {
        Some(_) if matches!(last, "secret" | "token" | "token_secret") => "\"***\"".to_owned(),
        Some(text) if text.contains("://") => Value::String(without_password(text)).to_string(),
        _ => value.to_string(),
    }
}

/// `postgres://user:***@host/db`.
fn without_password(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => text.to_owned(),
    }
}
