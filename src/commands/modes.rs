//! Modes: how the writes of a method are done, by configuration and flag.
//!
//! `sync` unless `writes.methods` says otherwise; a flag that is off, unknown or unreachable means
//! `sync` too.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::flags::Flags;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Run and committed here while the client waits.
    Sync,
    /// Run on the microservice, committed here while the client waits.
    Forward,
    /// Accepted here or on the microservice, done later.
    Async,
}

/// A value of `writes.methods`: `"async"` or `{ mode = "async", flag = "name" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodMode {
    pub mode: Mode,
    /// The mode holds while this flag is on, else `sync`.
    pub flag: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flagged {
    mode: Mode,
    flag: Option<String>,
}

/// By hand: of an untagged enum serde says only that nothing matched.
impl<'de> Deserialize<'de> for MethodMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = MethodMode;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`sync`, `forward`, `async` or { mode = MODE, flag = NAME }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MethodMode, E> {
        let mode = Mode::deserialize(text.into_deserializer())?;
        Ok(MethodMode { mode, flag: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MethodMode, A::Error> {
        let Flagged { mode, flag } = Flagged::deserialize(MapAccessDeserializer::new(map))?;
        Ok(MethodMode { mode, flag })
    }
}

/// `writes.methods`
pub type MethodModes = BTreeMap<String, MethodMode>;

/// The flags that `writes.methods` names: what a provider must look at.
pub fn flag_names(methods: &MethodModes) -> Vec<String> {
    methods.values().filter_map(|method| method.flag.clone()).collect()
}

/// `writes.methods` with the flags that decide it.
#[derive(Clone)]
pub struct Modes {
    methods: MethodModes,
    flags: Flags,
}

impl Modes {
    pub fn new(methods: MethodModes, flags: Flags) -> Self {
        Self { methods, flags }
    }

    pub fn is_listed(&self, method: &str) -> bool {
        self.methods.contains_key(method)
    }

    /// The mode of one request. A client may prefer `async` only where the configuration allows it,
    /// but there even while the flag is off.
    pub fn of(&self, method: &str, prefers_async: bool) -> Mode {
        let Some(configured) = self.methods.get(method) else { return Mode::Sync };
        let on = configured.flag.as_deref().is_none_or(|flag| self.flags.is_on(flag));
        match configured.mode {
            Mode::Async if on || prefers_async => Mode::Async,
            Mode::Forward if on => Mode::Forward,
            _ => Mode::Sync,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(on: bool) -> Modes {
        let text = r#"
            "a.Plain" = "async"
            "a.Forwarded" = { mode = "forward", flag = "f" }
            "a.Flagged" = { mode = "async", flag = "f" }
        "#;
        let methods: MethodModes = toml::from_str(text).unwrap();
        assert_eq!(flag_names(&methods), ["f", "f"]);
        Modes::new(methods, Flags::fixed([("f".to_owned(), on)]))
    }

    #[test]
    fn a_flag_decides_and_off_is_sync() {
        assert_eq!(modes(false).of("a.Plain", false), Mode::Async);
        assert_eq!(modes(false).of("a.Flagged", false), Mode::Sync);
        assert_eq!(modes(true).of("a.Flagged", false), Mode::Async);
        assert_eq!(modes(true).of("a.Forwarded", false), Mode::Forward);
        assert_eq!(modes(true).of("a.Other", false), Mode::Sync);
    }

    #[test]
    fn a_preference_counts_only_where_async_is_configured() {
        assert_eq!(modes(false).of("a.Flagged", true), Mode::Async);
        assert_eq!(modes(false).of("a.Forwarded", true), Mode::Sync);
        assert_eq!(modes(true).of("a.Other", true), Mode::Sync);
    }

    #[test]
    fn a_misspelt_mode_or_key_is_refused() {
        assert!(toml::from_str::<MethodModes>("\"a.B\" = \"later\"").is_err());
        assert!(toml::from_str::<MethodModes>("\"a.B\" = { mode = \"async\", flags = \"f\" }").is_err());
    }
}
