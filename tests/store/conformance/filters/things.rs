//! Typed values of every kind, messages of them, and how they are written in proto and JSON.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Text,
    Blob,
    Mood,
    Small,
    Long,
    Count,
    Huge,
    Single,
    Real,
    Flag,
    Moment,
    Span,
}

/// A kind, its name as a field and its proto type.
pub const KINDS: [(Kind, &str, &str); 12] = [
    (Kind::Text, "text", "string"),
    (Kind::Blob, "blob", "bytes"),
    (Kind::Mood, "mood", "Mood"),
    (Kind::Small, "small", "int32"),
    (Kind::Long, "long", "int64"),
    (Kind::Count, "count", "uint32"),
    (Kind::Huge, "huge", "uint64"),
    (Kind::Single, "single", "float"),
    (Kind::Real, "real", "double"),
    (Kind::Flag, "flag", "bool"),
    (Kind::Moment, "moment", "google.protobuf.Timestamp"),
    (Kind::Span, "span", "google.protobuf.Duration"),
];

/// Wrapped kinds: bare in JSON, unset or set.
pub const WRAPPED: [(Kind, &str, &str); 5] = [
    (Kind::Text, "wrapped_text", "StringValue"),
    (Kind::Long, "wrapped_long", "Int64Value"),
    (Kind::Huge, "wrapped_huge", "UInt64Value"),
    (Kind::Flag, "wrapped_flag", "BoolValue"),
    (Kind::Blob, "wrapped_blob", "BytesValue"),
];

#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Text(String),
    Blob(Vec<u8>),
    /// By number; 7 has no name.
    Mood(i32),
    Integer(i128),
    Single(f32),
    Real(f64),
    Flag(bool),
    /// Position in [`MOMENTS`].
    Moment(usize),
    /// Position in [`SPANS`].
    Span(usize),
}

pub const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "b",
    "abc",
    "a*b",
    "*",
    "a%b",
    "a_b",
    "[a]",
    "?",
    "a\\b",
    "\"q\"",
    "é",
    "z\u{10FFFF}",
    "\u{D7FF}",
    "\u{E000}",
    "aé\n",
    "$",
    "a.b",
];
const BLOBS: &[&[u8]] = &[b"", b"\x00", b"\xfb\xff", b"abc", b"\xff\xff\xff"];
pub const SMALLS: &[i128] = &[0, 1, -1, 7, 2_147_483_647, -2_147_483_648];
pub const LONGS: &[i128] = &[
    0,
    1,
    -1,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    i64::MAX as i128,
    i64::MAX as i128 - 1,
    i64::MIN as i128,
];
const COUNTS: &[i128] = &[0, 1, 9, 10, 4_294_967_295];
const HUGES: &[i128] =
    &[0, 9, 10, 9_007_199_254_740_993, i64::MAX as i128 + 1, u64::MAX as i128, u64::MAX as i128 - 1];
const SINGLES: &[f32] = &[
    0.0,
    -0.0,
    0.1,
    1.5,
    -2.0,
    16_777_216.0,
    1e-45,
    3.402_823_5e38,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
];
pub const REALS: &[f64] = &[
    0.0,
    -0.0,
    0.1,
    0.30000000000000004,
    0.3,
    -2.5,
    5e-324,
    1.7976931348623157e308,
    9007199254740992.0,
    9007199254740994.0,
    1.0000000000000002,
    123456789.12345679,
    1e22,
    1e23,
    2.2250738585072014e-308,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
/// In the order of time.
pub const MOMENTS: &[&str] = &[
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00Z",
    "2026-11-21T09:14:00Z",
    "2026-11-21T09:14:00.000000001Z",
    "2026-11-21T09:14:00.000001Z",
    "2026-11-21T09:14:00.100Z",
    "2026-11-21T09:14:00.120Z",
    "2026-11-21T09:14:00.120001Z",
    "2026-11-21T09:14:01Z",
    "9999-12-31T23:59:59.999999999Z",
];
/// From the shortest.
pub const SPANS: &[&str] = &[
    "-315576000000s",
    "-10s",
    "-9.5s",
    "-1.500s",
    "-1.2s",
    "-1s",
    "-0.500s",
    "-0.000000001s",
    "0s",
    "0.000000001s",
    "0.5s",
    "1s",
    "1.000001s",
    "1.5s",
    "9s",
    "10s",
    "86400.25s",
    "315576000000s",
];
pub const MOODS: &[(&str, i32)] = &[("MOOD_UNSPECIFIED", 0), ("HAPPY", 1), ("SAD", 2), ("GLAD", 1)];
pub const KEYS: &[&str] = &["k", "a.b", "it's", "\"q\"", "", "é", "7", "x\\y"];

pub fn one<'a, T>(random: &mut StdRng, pool: &'a [T]) -> &'a T {
    &pool[random.random_range(0..pool.len())]
}

impl Scalar {
    pub fn random(random: &mut StdRng, kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text((*one(random, TEXTS)).to_owned()),
            Kind::Blob => Self::Blob(one(random, BLOBS).to_vec()),
            Kind::Mood => Self::Mood(*one(random, &[0, 1, 2, 7])),
            Kind::Small => Self::Integer(*one(random, SMALLS)),
            Kind::Long => Self::Integer(*one(random, LONGS)),
            Kind::Count => Self::Integer(*one(random, COUNTS)),
            Kind::Huge => Self::Integer(*one(random, HUGES)),
            Kind::Single => Self::Single(*one(random, SINGLES)),
            Kind::Real => Self::Real(*one(random, REALS)),
            Kind::Flag => Self::Flag(random.random()),
            Kind::Moment => Self::Moment(random.random_range(0..MOMENTS.len())),
            Kind::Span => Self::Span(random.random_range(0..SPANS.len())),
        }
    }

    /// None where the kind has presence.
    pub fn default_of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Text => Self::Text(String::new()),
            Kind::Blob => Self::Blob(Vec::new()),
            Kind::Mood => Self::Mood(0),
            Kind::Small | Kind::Long | Kind::Count | Kind::Huge => Self::Integer(0),
            Kind::Single => Self::Single(0.0),
            Kind::Real => Self::Real(0.0),
            Kind::Flag => Self::Flag(false),
            Kind::Moment | Kind::Span => return None,
        })
    }

    fn json(&self, kind: Kind) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Blob(bytes) => json!(STANDARD.encode(bytes)),
            Self::Mood(number) => json!(number),
            Self::Integer(number) if matches!(kind, Kind::Long | Kind::Huge) => json!(number.to_string()),
            Self::Integer(number) => json!(*number as i64),
            Self::Single(number) => real(number.to_string().parse().unwrap()),
            Self::Real(number) => real(*number),
            Self::Flag(flag) => json!(flag),
            Self::Moment(at) => json!(MOMENTS[*at]),
            Self::Span(at) => json!(SPANS[*at]),
        }
    }
}

fn real(number: f64) -> Value {
    match number {
        number if number.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        number => json!(number),
    }
}

/// A message: of a resource, or a part of one.
#[derive(Clone, Debug, Default)]
pub struct Node {
    pub scalars: BTreeMap<String, (Kind, Scalar)>,
    pub part: Option<Box<Node>>,
    pub parts: Vec<Node>,
    pub rooms: BTreeMap<String, Node>,
    pub labels: BTreeMap<String, String>,
    pub counts: BTreeMap<i32, i64>,
    pub tags: Vec<String>,
    pub moods: Vec<i32>,
    pub reals: Vec<f64>,
    /// Of a oneof: a text, a number, or a part.
    pub pick: Option<Pick>,
}

#[derive(Clone, Debug)]
pub enum Pick {
    Text(String),
    Long(i64),
    Part(Box<Node>),
}

impl Node {
    pub fn random(random: &mut StdRng, depth: usize, is_root: bool) -> Self {
        let mut node = Self::default();
        for (kind, field) in scalar_fields(is_root) {
            if random.random_ratio(2, 5) {
                node.scalars.insert(field, (kind, Scalar::random(random, kind)));
            }
        }
        let few = |random: &mut StdRng| {
            random.random_range(0..3usize).saturating_sub(usize::from(random.random::<bool>()))
        };
        if depth > 0 {
            let inner = |random: &mut StdRng| Self::random(random, depth - 1, false);
            node.part = random.random_ratio(1, 2).then(|| Box::new(inner(random)));
            node.parts = (0..few(random)).map(|_| inner(random)).collect();
            node.rooms = (0..few(random)).map(|_| ((*one(random, KEYS)).to_owned(), inner(random))).collect();
        }
        node.labels = (0..few(random))
            .map(|_| ((*one(random, KEYS)).to_owned(), (*one(random, TEXTS)).to_owned()))
            .collect();
        node.counts =
            (0..few(random)).map(|_| (*one(random, SMALLS) as i32, *one(random, LONGS) as i64)).collect();
        node.tags = (0..few(random)).map(|_| (*one(random, TEXTS)).to_owned()).collect();
        node.moods = (0..few(random)).map(|_| *one(random, &[0, 1, 2, 7])).collect();
        node.reals = (0..few(random)).map(|_| *one(random, REALS)).collect();
        node.pick = match random.random_range(0..5) {
            0 => Some(Pick::Text((*one(random, TEXTS)).to_owned())),
            1 => Some(Pick::Long(*one(random, LONGS) as i64)),
            2 if depth > 0 => Some(Pick::Part(Box::new(Self::random(random, depth - 1, false)))),
            _ => None,
        };
        node
    }

    pub fn json(&self) -> Value {
        let nodes = |nodes: &BTreeMap<String, Node>| -> Map<String, Value> {
            nodes.iter().map(|(key, node)| (key.clone(), node.json())).collect()
        };
        let mut object: Map<String, Value> =
            self.scalars.iter().map(|(field, (kind, scalar))| (field.clone(), scalar.json(*kind))).collect();
        object.insert("part".into(), self.part.as_ref().map_or(Value::Null, |part| part.json()));
        object.insert("parts".into(), self.parts.iter().map(Node::json).collect());
        object.insert("rooms".into(), Value::Object(nodes(&self.rooms)));
        object.insert("labels".into(), json!(self.labels));
        let counts = self.counts.iter().map(|(key, count)| (key.to_string(), json!(count.to_string())));
        object.insert("counts".into(), Value::Object(counts.collect()));
        object.insert("tags".into(), json!(self.tags));
        object.insert("moods".into(), json!(self.moods));
        object.insert("reals".into(), self.reals.iter().map(|number| real(*number)).collect());
        match &self.pick {
            Some(Pick::Text(text)) => drop(object.insert("pick_text".into(), json!(text))),
            Some(Pick::Long(number)) => drop(object.insert("pick_long".into(), json!(number.to_string()))),
            Some(Pick::Part(part)) => drop(object.insert("pick_part".into(), part.json())),
            None => {}
        }
        Value::Object(object)
    }
}

/// `text`, `text_opt` and, of a resource, the same indexed; wrapped ones.
pub fn scalar_fields(is_root: bool) -> Vec<(Kind, String)> {
    let endings: &[&str] = if is_root { &["", "_opt", "_ix", "_opt_ix"] } else { &["", "_opt"] };
    let ends = |kind: Kind, ending: &str| kind != Kind::Span || !ending.ends_with("_ix");
    let plain = KINDS.iter().flat_map(|(kind, name, _)| {
        endings
            .iter()
            .filter(|ending| ends(*kind, ending))
            .map(move |ending| (*kind, format!("{name}{ending}")))
    });
    plain.chain(WRAPPED.iter().map(|(kind, name, _)| (*kind, (*name).to_owned()))).collect()
}

pub fn proto() -> String {
    let mut number = 1;
    let mut fields = |is_root: bool| {
        let mut text = String::new();
        let mut add = |text: &mut String, field: String, option: &str| {
            number += 1;
            text.push_str(&format!("  {field} = {number}{option};\n"));
        };
        for (_, name, proto) in KINDS {
            for (ending, label, option) in
                [("", "", ""), ("_opt", "optional ", ""), ("_ix", "", INDEX), ("_opt_ix", "optional ", INDEX)]
            {
                if option.is_empty() || is_root && name != "span" {
                    add(&mut text, format!("{label}{proto} {name}{ending}"), option);
                }
            }
        }
        for (_, name, proto) in WRAPPED {
            add(&mut text, format!("google.protobuf.{proto} {name}"), "");
        }
        for field in [
            "Part part",
            "repeated Part parts",
            "map<string, Part> rooms",
            "map<string, string> labels",
            "map<int32, int64> counts",
            "repeated string tags",
            "repeated Mood moods",
            "repeated double reals",
        ] {
            add(&mut text, field.to_owned(), "");
        }
        text.push_str("  oneof pick {\n");
        for field in ["string pick_text", "int64 pick_long", "Part pick_part"] {
            add(&mut text, field.to_owned(), "");
        }
        text + "  }\n"
    };
    format!(
        r#"syntax = "proto3"; package zoo.v1;
import "google/api/resource.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "trine/v1/options.proto";
enum Mood {{ option allow_alias = true; MOOD_UNSPECIFIED = 0; HAPPY = 1; SAD = 2; GLAD = 1; }}
message Thing {{
  option (google.api.resource) = {{ type: "zoo.example.com/Thing" pattern: "things/{{thing}}" }};
  string name = 1;
{}}}
message Part {{
{}}}
"#,
        fields(true),
        fields(false)
    )
}

const INDEX: &str = " [(trine.v1.index) = true]";
