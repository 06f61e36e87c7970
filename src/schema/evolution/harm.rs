//! Whom a change breaks: the middle of every sentence.

use std::fmt;
use std::ops::BitOr;

/// A set of those who suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Harm(u8);

impl Harm {
    /// Documents in the database, and with them the columns and pages made from them.
    pub const STORED: Self = Self(1);
    pub const JSON: Self = Self(2);
    pub const BINARY: Self = Self(4);
    /// Binaries of the older schema that still run on the same database.
    pub const OLDER: Self = Self(8);
    pub const CLIENTS: Self = Self(2 | 4);
    pub const ALL: Self = Self(15);
    pub const NONE: Self = Self(0);

    /// What is in no pbtable is neither stored nor read by another binary.
    pub fn of_what_is_stored(self, stored: bool) -> Self {
        match (stored, self.0 & Self::CLIENTS.0) {
            (true, _) => self,
            (false, 0) => Self::CLIENTS,
            (false, clients) => Self(clients),
        }
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Harm {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (Self::STORED, "stored documents"),
            (Self::JSON, "JSON clients"),
            (Self::BINARY, "binary clients"),
            (Self::OLDER, "older binaries"),
        ];
        let names: Vec<&str> = all.iter().filter(|(one, _)| self.has(*one)).map(|(_, name)| *name).collect();
        match names.split_last() {
            Some((last, [])) => formatter.write_str(last),
            Some((last, rest)) => write!(formatter, "{} and {last}", rest.join(", ")),
            None => formatter.write_str("nobody"),
        }
    }
}
