//! `trine config print`: the effective values, secrets masked, and where each came from.

use toml::Value;

use super::Layers;
use super::mask::{MASK, is_secret_key, without_passwords};

impl Layers {
    /// One `key = value  # source` line a key, in key order.
    pub fn print(&self) -> String {
        self.leaves()
            .map(|(key, value, source)| format!("{key} = {}  # {source}\n", masked(key, value)))
            .collect()
    }
}

fn masked(key: &str, value: &Value) -> Value {
    match value {
        Value::String(_) if is_secret_key(key) => MASK.into(),
        Value::String(text) => Value::String(without_passwords(text)),
        Value::Array(values) => values.iter().map(|value| masked(key, value)).collect::<Vec<_>>().into(),
        Value::Table(table) => {
            table.iter().map(|(key, value)| (key.clone(), masked(key, value))).collect::<toml::Table>().into()
        }
        other => other.clone(),
    }
}
