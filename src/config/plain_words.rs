//! What the parser says of a value of a wrong type, in the words of who wrote it.
//!
//! Not here: which key it is and where it came from. Sentences that need no translation stay as they are.

pub(super) fn in_plain_words(sentence: &str) -> String {
    if sentence == "invalid socket address syntax" {
        return "it must be an address and a port, such as 127.0.0.1:8080".to_owned();
    }
    let said = ["invalid type: ", "invalid value: "].iter().find_map(|begin| sentence.strip_prefix(begin));
    let parts = said.and_then(|rest| rest.rsplit_once(", expected "));
    match parts.and_then(|(found, expected)| Some((found, plain(expected)?))) {
        Some((found, expected)) => format!("it must be {expected}, not {found}"),
        None => sentence.to_owned(),
    }
}

/// The parser's names of types are Rust's.
fn plain(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "usize" | "u8" | "u16" | "u32" | "u64" => "a whole number, 0 or more, without quotes",
        "isize" | "i8" | "i16" | "i32" | "i64" => "a whole number, without quotes",
        "a boolean" => "true or false, without quotes",
        "a string" | "string" | "path string" => "a text in quotes",
        "a sequence" => "a list, in [ and ]",
        "a map" => "a table, in { and }, or a section",
        _ if expected.starts_with("struct ") => "a table, in { and }, or a section",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::in_plain_words;

    #[test]
    fn types_have_the_names_that_users_know() {
        for (said, plain) in [
            (
                r#"invalid type: string "1MB", expected usize"#,
                r#"it must be a whole number, 0 or more, without quotes, not string "1MB""#,
            ),
            (
                "invalid type: integer `1`, expected a boolean",
                "it must be true or false, without quotes, not integer `1`",
            ),
            ("unknown variant `xml`, expected `json`", "unknown variant `xml`, expected `json`"),
        ] {
            assert_eq!(in_plain_words(said), plain);
        }
    }
}
