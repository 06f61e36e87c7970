//! One field's option (`buf.validate.FieldRules`) → [`FieldRules`], or the sentences that say why not.

use prost_reflect::{DynamicMessage, Kind, Value};

use super::format::{self, Format};
use super::moment;
use super::number::{Bound, Range};
use super::options::Taken;
use super::pattern::Pattern;
use super::rules::{BytesRules, FieldRules, Ignore, MaskRules, Membership, Size, TextRules, ValueRules};

/// What the rules are for.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    Single(&'a Kind),
    List(&'a Kind),
    Map(&'a Kind, &'a Kind),
}

impl Target<'_> {
    /// The member of `FieldRules.type` that fits; none for an ordinary message.
    fn option(&self) -> Option<&'static str> {
        match self {
            Target::Single(kind) => kind_option(kind),
            Target::List(_) => Some("repeated"),
            Target::Map(..) => Some("map"),
        }
    }
}

fn kind_option(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Double => "double",
        Kind::Float => "float",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Sint32 => "sint32",
        Kind::Sint64 => "sint64",
        Kind::Fixed32 => "fixed32",
        Kind::Fixed64 => "fixed64",
        Kind::Sfixed32 => "sfixed32",
        Kind::Sfixed64 => "sfixed64",
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Enum(_) => "enum",
        Kind::Message(message) => match message.full_name().strip_prefix("google.protobuf.")? {
            "DoubleValue" => "double",
            "FloatValue" => "float",
            "Int32Value" => "int32",
            "Int64Value" => "int64",
            "UInt32Value" => "uint32",
            "UInt64Value" => "uint64",
            "BoolValue" => "bool",
            "StringValue" => "string",
            "BytesValue" => "bytes",
            "Any" => "any",
            "Duration" => "duration",
            "Timestamp" => "timestamp",
            "FieldMask" => "field_mask",
            _ => return None,
        },
    })
}

const TYPES: &[&str] = &[
    "float",
    "double",
    "int32",
    "int64",
    "uint32",
    "uint64",
    "sint32",
    "sint64",
    "fixed32",
    "fixed64",
    "sfixed32",
    "sfixed64",
    "bool",
    "string",
    "bytes",
    "enum",
    "repeated",
    "map",
    "any",
    "duration",
    "timestamp",
    "field_mask",
];

/// Reads one option; `at` is how its author wrote it, `(buf.validate.field)`.
pub(super) fn rules(
    option: &DynamicMessage,
    target: Target<'_>,
    at: &str,
    found: &mut Vec<String>,
) -> FieldRules {
    let mut taken = Taken::new(option);
    let mut rules = FieldRules {
        required: taken.take_flag("required"),
        ignore: ignore(&mut taken, at, found),
        ..FieldRules::default()
    };
    for name in TYPES {
        let Some(option) = taken.take_message(name) else { continue };
        let fitting = target.option();
        if fitting == Some(*name) {
            rules.value = value(&option, name, target, &format!("{at}.{name}"), found);
        } else {
            let remedy = fitting.map_or("only `required` and `ignore` fit a message".to_owned(), |fitting| {
                format!("write `{at}.{fitting}`")
            });
            found.push(format!("`{at}.{name}` does not fit the type of this field; {remedy}"));
        }
    }
    refuse_left(&taken, at, found);
    rules
}

/// Every age of the option: names that were withdrawn mean what they meant.
fn ignore(taken: &mut Taken, at: &str, found: &mut Vec<String>) -> Ignore {
    let (skipped, ignore_empty) = (taken.take_flag("skipped"), taken.take_flag("ignore_empty"));
    match taken.take_enum("ignore").as_deref() {
        _ if skipped => Ignore::Always,
        None | Some("IGNORE_UNSPECIFIED") if ignore_empty => Ignore::IfZero,
        None | Some("IGNORE_UNSPECIFIED") => Ignore::Never,
        Some("IGNORE_IF_ZERO_VALUE" | "IGNORE_IF_UNPOPULATED" | "IGNORE_EMPTY") => Ignore::IfZero,
        Some("IGNORE_ALWAYS") => Ignore::Always,
        Some(other) => {
            found.push(format!(
                "`{at}.ignore = {other}` is not served; write IGNORE_IF_ZERO_VALUE or IGNORE_ALWAYS"
            ));
            Ignore::Never
        }
    }
}

/// Whatever nobody took would be believed and not enforced.
pub(super) fn refuse_left(taken: &Taken, at: &str, found: &mut Vec<String>) {
    for name in taken.left() {
        found.push(match name.as_str() {
            "cel" | "cel_expression" => format!(
                "`{at}.{name}`: CEL is not evaluated here; say it with the other rules of buf.validate or check it in a command, and remove it"
            ),
            _ => format!("`{at}.{name}` is a rule that is not enforced here; remove it"),
        });
    }
}

fn value(
    option: &DynamicMessage,
    name: &str,
    target: Target<'_>,
    at: &str,
    found: &mut Vec<String>,
) -> ValueRules {
    let mut taken = Taken::new(option);
    // Documentation only.
    taken.take("example");
    let rules = match (name, target) {
        ("repeated", Target::List(item)) => list(&mut taken, item, at, found),
        ("map", Target::Map(key, value)) => map(&mut taken, key, value, at, found),
        ("bool", _) => taken.take_bool("const").map_or(ValueRules::Nothing, ValueRules::Boolean),
        ("float" | "double", _) => {
            ValueRules::Real { range: range(&mut taken, real), finite: taken.take_flag("finite") }
        }
        ("string", _) => ValueRules::Text(Box::new(text(&mut taken, at, found))),
        ("bytes", _) => ValueRules::Bytes(Box::new(bytes(&mut taken, at, found))),
        ("enum", _) => ValueRules::Enum {
            numbers: range(&mut taken, integer),
            defined_only: taken.take_flag("defined_only"),
        },
        ("any", _) => ValueRules::Any(membership(&mut taken, |value| value.as_str().map(str::to_owned))),
        ("duration", _) => ValueRules::Duration(range(&mut taken, moment::nanoseconds)),
        ("timestamp", _) => ValueRules::Timestamp(Box::new(moment::rules(&mut taken))),
        ("field_mask", _) => ValueRules::FieldMask(mask(&mut taken)),
        _ => ValueRules::Integer(range(&mut taken, integer)),
    };
    refuse_left(&taken, at, found);
    rules
}

fn list(taken: &mut Taken, item: &Kind, at: &str, found: &mut Vec<String>) -> ValueRules {
    let size = size(taken, ["min_items", "max_items", ""], at, found);
    let unique = taken.take_flag("unique");
    if unique && matches!(item, Kind::Message(_)) {
        found.push(format!("`{at}.unique` is for scalars and enums, and the items are messages; remove it"));
    }
    let items = taken.take_message("items");
    let items = items.map(|option| rules(&option, Target::Single(item), &format!("{at}.items"), found));
    ValueRules::List { size, unique, items: Box::new(items.unwrap_or_default()) }
}

fn map(taken: &mut Taken, key: &Kind, value: &Kind, at: &str, found: &mut Vec<String>) -> ValueRules {
    let size = size(taken, ["min_pairs", "max_pairs", ""], at, found);
    let mut part = |name: &str, kind: &Kind| {
        let option = taken.take_message(name);
        option
            .map(|option| rules(&option, Target::Single(kind), &format!("{at}.{name}"), found))
            .unwrap_or_default()
    };
    let (keys, values) = (Box::new(part("keys", key)), Box::new(part("values", value)));
    ValueRules::Map { size, keys, values }
}

fn text(taken: &mut Taken, at: &str, found: &mut Vec<String>) -> TextRules {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let strict = taken.take_bool("strict").unwrap_or(true);
    TextRules {
        equal: taken.take_text("const"),
        membership: membership(taken, text),
        length: size(taken, ["min_len", "max_len", "len"], at, found),
        bytes: size(taken, ["min_bytes", "max_bytes", "len_bytes"], at, found),
        pattern: pattern(taken, at, found),
        prefix: taken.take_text("prefix"),
        suffix: taken.take_text("suffix"),
        contains: taken.take_text("contains"),
        not_contains: taken.take_text("not_contains"),
        format: text_format(taken, strict, at, found),
    }
}

fn text_format(taken: &mut Taken, strict: bool, at: &str, found: &mut Vec<String>) -> Option<Format> {
    let known = taken.take_enum("well_known_regex");
    let set: Vec<&str> = format::OPTIONS.iter().copied().filter(|name| taken.take_flag(name)).collect();
    match (known.as_deref(), strict) {
        (Some("KNOWN_REGEX_HTTP_HEADER_NAME"), true) => Format::named("header_name"),
        (Some("KNOWN_REGEX_HTTP_HEADER_NAME"), false) => Format::named("header_name_loose"),
        (Some("KNOWN_REGEX_HTTP_HEADER_VALUE"), true) => Format::named("header_value"),
        (Some("KNOWN_REGEX_HTTP_HEADER_VALUE"), false) => Format::named("header_value_loose"),
        (None | Some("KNOWN_REGEX_UNSPECIFIED"), _) => set.first().and_then(|name| Format::named(name)),
        (Some(other), _) => {
            found.push(format!(
                "`{at}.well_known_regex = {other}` is a rule that is not enforced here; remove it"
            ));
            None
        }
    }
}

fn bytes(taken: &mut Taken, at: &str, found: &mut Vec<String>) -> BytesRules {
    let bytes = |value: &Value| value.as_bytes().map(|bytes| bytes.to_vec());
    let formats: [(&str, &str, &[usize]); 4] = [
        ("ip", "an IP address of 4 or 16 bytes", &[4, 16]),
        ("ipv4", "an IPv4 address of 4 bytes", &[4]),
        ("ipv6", "an IPv6 address of 16 bytes", &[16]),
        ("uuid", "a UUID of 16 bytes", &[16]),
    ];
    let set: Vec<_> = formats.into_iter().filter(|(name, ..)| taken.take_flag(name)).collect();
    BytesRules {
        equal: taken.take("const").as_ref().and_then(bytes),
        membership: membership(taken, bytes),
        length: size(taken, ["min_len", "max_len", "len"], at, found),
        pattern: pattern(taken, at, found),
        prefix: taken.take("prefix").as_ref().and_then(bytes),
        suffix: taken.take("suffix").as_ref().and_then(bytes),
        contains: taken.take("contains").as_ref().and_then(bytes),
        format: set.first().map(|(_, expected, lengths)| (*expected, *lengths)),
    }
}

fn pattern(taken: &mut Taken, at: &str, found: &mut Vec<String>) -> Option<Pattern> {
    let written = taken.take_text("pattern")?;
    Pattern::new(&written)
        .map_err(|reason| {
            found.push(format!(
                "`{at}.pattern` is {written:?}, which cannot be read: {reason}; write it in the syntax of RE2"
            ));
        })
        .ok()
}

/// `[least, most, exactly]`
fn size(taken: &mut Taken, names: [&str; 3], at: &str, found: &mut Vec<String>) -> Size {
    let [least, most, exactly] = names;
    let (min, max, exact) = (taken.take_size(least), taken.take_size(most), taken.take_size(exactly));
    if min.is_some_and(|min| max.is_some_and(|max| max < min)) {
        found.push(format!("`{at}.{least}` is above `{at}.{most}`, so nothing fits; lower it"));
    }
    let min = [min, exact].into_iter().flatten().max();
    let max = [max, exact].into_iter().flatten().min();
    Size { min, max }
}

fn mask(taken: &mut Taken) -> MaskRules {
    let camel = |path: &str| path.split('.').map(super::camel_case).collect::<Vec<_>>().join(".");
    let equal = taken.take_message("const").map(|mask| {
        let paths = mask.get_field_by_name("paths").map(|paths| paths.into_owned());
        let paths = paths.as_ref().and_then(Value::as_list).unwrap_or_default();
        paths.iter().filter_map(Value::as_str).map(camel).collect::<Vec<_>>().join(",")
    });
    MaskRules { equal, membership: membership(taken, |value| value.as_str().map(camel)) }
}

fn membership<T>(taken: &mut Taken, parse: impl Fn(&Value) -> Option<T>) -> Membership<T> {
    let mut list = |name| taken.take_list(name).iter().filter_map(&parse).collect();
    Membership { among: list("in"), not_among: list("not_in") }
}

pub(super) fn range<T>(taken: &mut Taken, parse: impl Fn(&Value) -> Option<T>) -> Range<T> {
    let equal = taken.take("const").as_ref().and_then(&parse);
    let mut bound = |strict: &str, lax: &str| {
        let (strict, lax) = (taken.take(strict), taken.take(lax));
        let inclusive = strict.is_none();
        strict.or(lax).as_ref().and_then(&parse).map(|value| Bound { value, inclusive })
    };
    let (lower, upper) = (bound("gt", "gte"), bound("lt", "lte"));
    Range { equal, lower, upper, membership: membership(taken, parse) }
}

fn integer(value: &Value) -> Option<i128> {
    Some(match value {
        Value::I32(number) | Value::EnumNumber(number) => i128::from(*number),
        Value::I64(number) => i128::from(*number),
        Value::U32(number) => i128::from(*number),
        Value::U64(number) => i128::from(*number),
        _ => return None,
    })
}

/// A 32-bit float by its shortest decimal, as documents hold it.
fn real(value: &Value) -> Option<f64> {
    match value {
        Value::F32(number) => number.to_string().parse().ok(),
        Value::F64(number) => Some(*number),
        _ => None,
    }
}
