//! Golden files: `TRINE_GOLDEN=update` writes them anew, anything else compares.

use std::path::PathBuf;

/// Compares with `tests/golden/{name}`, or writes it.
pub fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("TRINE_GOLDEN").is_some_and(|word| word == "update") {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        std::fs::write(&path, text).expect("written");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    if golden != text {
        let pairs = golden.lines().zip(text.lines()).enumerate();
        let first =
            pairs.filter(|(_, (before, now))| before != now).map(|(line, pair)| (line + 1, pair)).next();
        panic!(
            "{} differs, first at {first:?} (line, (before, now)); if that is meant, TRINE_GOLDEN=update \
             writes it anew",
            path.display()
        );
    }
}
