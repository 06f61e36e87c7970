//! The parser says what is wrong; here is what to do about it.
//!
//! By the parser's own words, since it has no codes: a sentence that is not known stays as it is.

/// The parser's sentence and help in the words of this program, with the remedy.
pub(super) fn teach(sentence: &str, help: Option<String>) -> String {
    if let Some((name, _)) = sentence.split_once(" resolves to ").filter(|(name, _)| name.starts_with('\'')) {
        return format!(
            "no option {name} is declared; correct its name, or import the file that declares it"
        );
    }
    if let Some((wanted, found)) = extended(sentence) {
        let (wanted, found, name) = (thing(wanted), thing(found.1), found.0);
        return format!("{name} is an option of {found}, and this is one of {wanted}; move it");
    }
    let remedy = remedy(sentence);
    let help = help.filter(|_| remedy.is_none()).map(|help| format!("; {help}")).unwrap_or_default();
    format!("{sentence}{help}{}", remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default())
}

fn remedy(sentence: &str) -> Option<String> {
    let starts = |words: &str| sentence.starts_with(words);
    let has = |words: &str| sentence.contains(words);
    let undefined = sentence.strip_prefix("name '").and_then(|rest| rest.strip_suffix("' is not defined"));
    if let Some(name) = undefined {
        return Some(match declared_in(name) {
            Some(file) => format!("write `import \"{file}\";`"),
            None => "declare it, or import the file that does".to_owned(),
        });
    }
    Some(
        match () {
            () if starts("import '") => "add the directory that contains it to `schema.paths`",
            () if has("is already used") => "give each field a number of its own",
            () if has("is defined twice") || has("conflicts with field") => "rename one",
            () if has("conflicts with reserved range") => {
                "take another number: what is reserved belongs to a field that was deleted"
            }
            () if has("numbers must be between") => "choose a number from 1 on",
            () if has("first value for proto3 enums") => {
                "begin it with a value like `STATE_UNSPECIFIED = 0;`"
            }
            () if starts("option field ") => "correct its name",
            () if starts("invalid value of type") => {
                "one of its names or values is wrong: compare it with the option's declaration"
            }
            () if starts("expected a value of type") => "write a value that the option can have",
            () if starts("required fields are not allowed") => {
                "leave it out, and say `(google.api.field_behavior) = REQUIRED`"
            }
            () if starts("map fields are not allowed in a oneof") => "put the map into a message",
            () if starts("expected ") && has("but found") && !has("value of type") => {
                "look at the end of the line before, too"
            }
            () => return None,
        }
        .to_owned(),
    )
}

/// `expected an extension to type 'A', but 'x' extends 'B'` → (A, (x, B))
fn extended(sentence: &str) -> Option<(&str, (&str, &str))> {
    let rest = sentence.strip_prefix("expected an extension to type ")?;
    let (wanted, rest) = rest.split_once(", but ")?;
    Some((wanted, rest.split_once(" extends ")?))
}

/// `'google.protobuf.FieldOptions'` → `fields`
fn thing(options: &str) -> String {
    let name = options.trim_matches('\'').trim_start_matches("google.protobuf.");
    match name.strip_suffix("Options") {
        Some(thing) => format!("{}s", thing.to_lowercase()),
        None => options.to_owned(),
    }
}

/// The bundled file of an option, for who forgot to import it.
fn declared_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "google.api.http" => "google/api/annotations.proto",
        "google.api.resource" | "google.api.resource_reference" => "google/api/resource.proto",
        "google.api.field_behavior" => "google/api/field_behavior.proto",
        "google.api.method_signature" | "google.api.default_host" => "google/api/client.proto",
        "google.longrunning.operation_info" => "google/longrunning/operations.proto",
        "google.protobuf.Timestamp" => "google/protobuf/timestamp.proto",
        "google.protobuf.Duration" => "google/protobuf/duration.proto",
        "google.protobuf.FieldMask" => "google/protobuf/field_mask.proto",
        "google.protobuf.Empty" => "google/protobuf/empty.proto",
        "google.protobuf.Any" => "google/protobuf/any.proto",
        "google.protobuf.Struct" | "google.protobuf.Value" => "google/protobuf/struct.proto",
        _ if name.starts_with("trine.v1.") => "trine/v1/options.proto",
        _ if name.starts_with("buf.validate.") => "buf/validate/validate.proto",
        _ => return None,
    })
}
