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
    // The sentence is that of another mistake.
    if help.as_deref().is_some_and(|help| help.starts_with("imports may not contain")) {
        return "this is no path of an import; write it as below a directory of `schema.paths`, parts joined by single \
                `/`, without `.`, `..` and backslashes"
            .to_owned();
    }
    let remedy = remedy(sentence);
    let help = help.filter(|_| remedy.is_none()).map(|help| format!("; {help}")).unwrap_or_default();
    format!("{sentence}{help}{}", remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default())
}

fn remedy(sentence: &str) -> Option<String> {
    let undefined = sentence.strip_prefix("name '").and_then(|rest| rest.strip_suffix("' is not defined"));
    if let Some(name) = undefined {
        return Some(match declared_in(name) {
            Some(file) => format!("write `import \"{file}\";`"),
            None if SCALARS.contains(&name) => {
                "put it into a message: an rpc takes and gives nothing else".to_owned()
            }
            None => "declare it, or import the file that does".to_owned(),
        });
    }
    let fits =
        |(start, part, _): &&(&str, &str, &str)| sentence.starts_with(start) && sentence.contains(part);
    REMEDIES.iter().find(fits).map(|(_, _, remedy)| (*remedy).to_owned())
}

/// Names of types that an rpc cannot take.
const SCALARS: [&str; 15] = [
    "bool", "bytes", "double", "fixed32", "fixed64", "float", "int32", "int64", "sfixed32", "sfixed64",
    "sint32", "sint64", "string", "uint32", "uint64",
];

/// How a sentence begins, what else is in it, and what to do. The first that fits.
const REMEDIES: &[(&str, &str, &str)] = &[
    ("import '", " listed twice", "remove one"),
    ("import '", "", "add the directory that contains it to `schema.paths`"),
    ("", "is already used", "give each field a number of its own"),
    ("", "is defined twice", "rename one"),
    ("", "conflicts with field", "rename one"),
    ("a field with JSON name ", "", "give each field a JSON name of its own"),
    (
        "enum number ",
        "conflicts with reserved range",
        "take another: what is reserved belongs to a value that was deleted",
    ),
    (
        "",
        "conflicts with reserved range",
        "take another number: what is reserved belongs to a field that was deleted",
    ),
    ("", "numbers must be between", "choose a number from 1 on"),
    ("the first value for proto3 enums", "", "begin it with a value like `STATE_UNSPECIFIED = 0;`"),
    ("enums must have at least one value", "", "begin it with a value like `STATE_UNSPECIFIED = 0;`"),
    (
        "enum number ",
        "already been used",
        "take another, or write `option allow_alias = true;` for a second name",
    ),
    ("option field ", "", "correct its name"),
    (
        "invalid value of type",
        "",
        "one of its names or values is wrong: compare it with the option's declaration",
    ),
    ("expected a value of type", "", "write a value that the option can have"),
    ("required fields are not allowed", "", "leave it out, and say `(google.api.field_behavior) = REQUIRED`"),
    ("map fields are not allowed in a oneof", "", "put the map into a message"),
    ("map fields cannot have labels", "", "leave the label out: a map holds many values as it is"),
    ("a map field key type", "", "take a text or a whole number as the key"),
    ("oneof fields cannot have labels", "", "leave the label out"),
    ("a oneof must have at least one field", "", "give it one, or remove it"),
    ("fields must have a label", "", "write `optional` before it"),
    ("groups are not allowed in proto3", "", "declare a message, and a field of that type"),
    ("default values are not allowed in proto3", "", "leave it out: what is absent is 0, false or empty"),
    ("multiple package names", "", "keep one"),
    ("'#' comments", "", "write `//`"),
    ("nested block comments", "", "end the first before the next"),
    ("unterminated string", "", "close it with its quotation mark in the same line"),
    ("invalid string escape", "", "write a backslash as two"),
    ("invalid token", "", "take it out: outside of texts and comments nothing but ASCII is read"),
    ("expected comment terminator", "", "close the comment with `*/`"),
    ("expected ", "but reached end of file", "the file breaks off here: write the rest of it"),
    ("expected ", "but found", "look at the end of the line before, too"),
    ("'", " is not a message", "name a message or an enum"),
];

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
