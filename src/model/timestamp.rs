//! Points in time, kept as fixed-width text so that every database orders them alike.
//!
//! Invariant: always exactly 30 characters, `2026-11-21T09:14:00.123456789Z`, in UTC.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(Arc<str>);

impl Timestamp {
    pub fn now() -> Self {
        Self::from_jiff(jiff::Timestamp::now())
    }

    /// Takes the stored 30-character form as it is.
    pub fn from_stored(text: &str) -> Self {
        debug_assert_eq!(text.len(), 30, "{text}");
        Self(text.into())
    }

    pub fn from_jiff(time: jiff::Timestamp) -> Self {
        Self(format!("{time:.9}").into())
    }

    /// So many days later, or the last moment there is.
    pub fn plus_days(&self, days: i64) -> Self {
        let time: jiff::Timestamp = self.0.parse().expect("30-character RFC 3339 text parses");
        let later = time.checked_add(jiff::SignedDuration::from_hours(days.saturating_mul(24)));
        Self::from_jiff(later.unwrap_or(jiff::Timestamp::MAX))
    }

    /// The stored 30-character form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Seconds since the Unix epoch and the nanoseconds within the second.
    pub fn seconds_and_nanos(&self) -> (i64, i32) {
        let time: jiff::Timestamp = self.0.parse().expect("30-character RFC 3339 text parses");
        (time.as_second(), time.subsec_nanosecond())
    }

    /// proto3 JSON form: 0, 3, 6 or 9 fractional digits.
    pub fn json_text(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        self.push_json_text(&mut text);
        text
    }

    /// Appends what [`Timestamp::json_text`] answers.
    pub fn push_json_text(&self, text: &mut String) {
        // Everything before the trailing groups of zeros; a bare point goes too.
        let mut end = 29;
        while end > 20 && self.0[..end].ends_with("000") {
            end -= 3;
        }
        text.push_str(&self.0[..if end == 20 { 19 } else { end }]);
        text.push('Z');
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_keeps_whole_groups_of_three_digits() {
        for (stored, json) in [
            ("2026-11-21T09:14:00.000000000Z", "2026-11-21T09:14:00Z"),
            ("2026-11-21T09:14:00.120000000Z", "2026-11-21T09:14:00.120Z"),
            ("2026-11-21T09:14:00.000100000Z", "2026-11-21T09:14:00.000100Z"),
            ("2026-11-21T09:14:00.123456789Z", "2026-11-21T09:14:00.123456789Z"),
        ] {
            assert_eq!(Timestamp::from_stored(stored).json_text(), json);
        }
    }

    #[test]
    fn now_has_the_stored_width() {
        assert_eq!(Timestamp::now().as_str().len(), 30);
    }
}
