//! Which keys there are, for the sentence about one that is not: read from the page that explains them.

/// The known key or section that `key` was probably meant to be.
pub(super) fn nearest(key: &str, defaults: &str) -> Option<String> {
    /// Below this likeness a guess would send the reader astray.
    const LIKENESS_MIN: f64 = 0.85;
    let known = keys(defaults);
    // In a section that is right only the rest can be wrong: what they share makes nothing alike.
    let section = key
        .rfind('.')
        .map(|dot| &key[..=dot])
        .filter(|section| known.iter().any(|known| known.starts_with(section)));
    let begin = section.unwrap_or_default();
    let candidates = known.iter().filter_map(|known| {
        let likeness = strsim::jaro_winkler(&key[begin.len()..], known.strip_prefix(begin)?);
        Some((likeness, known.clone()))
    });
    let best = candidates.max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).map(|(_, known)| known)
}

/// Sections, keys with a default, and those that are only explained (`# replica = …`).
fn keys(defaults: &str) -> Vec<String> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            found.push(name.to_owned());
        } else if let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ")
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            found.push(format!("{section}{name}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_finds_its_key_and_nonsense_finds_none() {
        let defaults = "role = \"monolith\"\n[http]\nlisten = \"x\"\n[database]\n# replica = \"…\"\n";
        for (slip, meant) in [
            ("http.lisen", Some("http.listen")),
            ("databse", Some("database")),
            ("database.replca", Some("database.replica")),
            ("roel", Some("role")),
            ("teapot", None),
            ("http.nope", None),
        ] {
            assert_eq!(nearest(slip, defaults).as_deref(), meant, "{slip}");
        }
    }
}
