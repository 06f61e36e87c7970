//! Files that import one another: told once, at an import that closes the circle.

use std::collections::BTreeMap;

use protox::file::File;

use super::SchemaProblem;

/// `sentence` is the parser's: the files that it came through, and at last one of them again. Whichever of them was
/// opened first, the circle begins with the same one.
pub(super) fn problem(sentence: &str, sources: &BTreeMap<String, String>) -> Option<SchemaProblem> {
    let files: Vec<&str> = sentence.strip_prefix("import cycle detected: ")?.split(" -> ").collect();
    let (last, before) = files.split_last()?;
    let mut circle = before[before.iter().position(|file| file == last)?..].to_vec();
    let first = (0..circle.len()).min_by_key(|at| circle[*at])?;
    circle.rotate_left(first);
    circle.push(circle[0]);
    let message = match circle.as_slice() {
        [_, _] => "the file imports itself; remove this".to_owned(),
        _ => format!(
            "the files import one another, `{}`; move what they share into a file that imports none of them",
            circle.join("` → `")
        ),
    };
    let location = place(circle[0], circle[1], sources).unwrap_or_else(|| circle[0].to_owned());
    Some(SchemaProblem { location, message })
}

/// Where one file imports another.
fn place(file: &str, imported: &str, sources: &BTreeMap<String, String>) -> Option<String> {
    let parsed = File::from_source(file, sources.get(file)?).ok()?;
    let descriptor = parsed.file_descriptor_proto();
    let at = descriptor.dependency.iter().position(|name| name == imported)?;
    // `repeated string dependency = 3`
    let path = [3, i32::try_from(at).ok()?];
    let locations = &descriptor.source_code_info.as_ref()?.location;
    let span = &locations.iter().find(|location| location.path == path)?.span;
    Some(format!("{file}:{}:{}", span.first()? + 1, span.get(1)? + 1))
}
