//! The text of a stored document, read without trust: SQLite takes any bytes for a text, and SQL may write it.
//!
//! Invariant: what is no UTF-8 fails nobody's statement. It reads as NUL, which no field may hold, so the value that
//! it is in is left out of answers like every other that does not fit.

use diesel::deserialize::{FromSql, FromSqlRow, Result};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};

/// How JSON writes NUL: bytes that are no text can only be within one of the document's strings.
const NUL: &str = "\\u0000";
/// The first byte of U+FFFD: few documents have it, so few are looked at twice.
const REPLACEMENT_LEAD: u8 = 0xEF;

#[derive(Debug, Default, PartialEq, FromSqlRow)]
pub(super) struct StoredDocument {
    pub text: String,
    /// Not what is stored, and so not to be passed through.
    pub is_mended: bool,
}

impl FromSql<Text, Sqlite> for StoredDocument {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> Result<Self> {
        let text = value.read_text().to_owned();
        // It puts U+FFFD for what is no text; whoever means that character has it in the bytes too.
        let is_suspect = text.as_bytes().contains(&REPLACEMENT_LEAD) && text.contains('\u{fffd}');
        if !is_suspect || std::str::from_utf8(value.read_blob()).is_ok() {
            return Ok(Self { text, is_mended: false });
        }
        Ok(Self { text: mended(value.read_blob()), is_mended: true })
    }
}

fn mended(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + NUL.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(NUL);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::mended;

    #[test]
    fn every_run_of_strange_bytes_becomes_nul_and_the_rest_stays() {
        assert_eq!(mended(b"{\"a\":\"x\xe9\",\"b\":\"\xc3\xa9\"}"), "{\"a\":\"x\\u0000\",\"b\":\"\u{e9}\"}");
    }
}
