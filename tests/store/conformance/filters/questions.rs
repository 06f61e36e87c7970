//! Random filters: as text for the product, and as a meaning for the evaluator.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::RngExt;
use rand::rngs::StdRng;

use super::things::{
    KEYS, Kind, LONGS, MOMENTS, MOODS, Node, Pick, REALS, SMALLS, SPANS, Scalar, TEXTS, one, scalar_fields,
};

pub enum Question {
    All(Vec<Question>),
    Any(Vec<Question>),
    Not(Box<Question>),
    Leaf { text: String, holds: Box<dyn Fn(&Node) -> bool + Send + Sync> },
}

const SIGNS: &[&str] = &["=", "!=", "<", "<=", ">", ">=", ":"];

impl Question {
    pub fn random(random: &mut StdRng, depth: usize) -> Self {
        let several = |random: &mut StdRng| -> Vec<Self> {
            let count = random.random_range(2..4);
            (0..count).map(|_| Self::random(random, depth - 1)).collect()
        };
        match random.random_range(0..8) {
            0 if depth > 0 => Self::All(several(random)),
            1 if depth > 0 => Self::Any(several(random)),
            2 | 3 if depth > 0 => Self::Not(Box::new(Self::random(random, depth - 1))),
            _ => leaf(random),
        }
    }

    /// In more parentheses than it needs.
    pub fn text(&self) -> String {
        let joined = |items: &[Self], word: &str| {
            let items: Vec<String> = items.iter().map(|item| format!("({})", item.text())).collect();
            items.join(word)
        };
        match self {
            Self::All(items) if items.len() == 2 => joined(items, " "),
            Self::All(items) => joined(items, " AND "),
            Self::Any(items) => joined(items, " OR "),
            Self::Not(inner) => format!("NOT ({})", inner.text()),
            Self::Leaf { text, .. } => text.clone(),
        }
    }

    pub fn holds(&self, thing: &Node) -> bool {
        match self {
            Self::All(items) => items.iter().all(|item| item.holds(thing)),
            Self::Any(items) => items.iter().any(|item| item.holds(thing)),
            Self::Not(inner) => !inner.holds(thing),
            Self::Leaf { holds, .. } => holds(thing),
        }
    }
}

/// A way from the resource to messages in it.
#[derive(Clone)]
enum Hop {
    Part,
    PickPart,
    Room(String),
    Each,
}

fn reach<'n>(node: &'n Node, hops: &[Hop]) -> Vec<&'n Node> {
    let Some((hop, rest)) = hops.split_first() else { return vec![node] };
    let next: Vec<&Node> = match hop {
        Hop::Part => node.part.as_deref().into_iter().collect(),
        Hop::PickPart => match &node.pick {
            Some(Pick::Part(part)) => vec![part],
            _ => vec![],
        },
        Hop::Room(key) => node.rooms.get(key).into_iter().collect(),
        Hop::Each => node.parts.iter().collect(),
    };
    next.into_iter().flat_map(|node| reach(node, rest)).collect()
}

struct Way {
    hops: Vec<Hop>,
    prefix: String,
}

impl Way {
    fn random(random: &mut StdRng) -> Self {
        let length = *one(random, &[0, 0, 0, 0, 1, 1, 2]);
        let mut way = Self { hops: Vec::new(), prefix: String::new() };
        for _ in 0..length {
            let hop = match random.random_range(0..4) {
                0 => Hop::Part,
                1 => Hop::PickPart,
                2 => Hop::Room((*one(random, KEYS)).to_owned()),
                _ => Hop::Each,
            };
            way.prefix += &match &hop {
                Hop::Part => "part.".to_owned(),
                Hop::PickPart => "pickPart.".to_owned(),
                Hop::Room(key) => format!("rooms.{}.", quoted(key)),
                Hop::Each => "parts.".to_owned(),
            };
            way.hops.push(hop);
        }
        way
    }

    fn is_many(&self) -> bool {
        self.hops.iter().any(|hop| matches!(hop, Hop::Each))
    }

    fn leaf(
        self,
        field: &str,
        rest: &str,
        holds: impl Fn(&Node) -> bool + Send + Sync + 'static,
    ) -> Question {
        let text = format!("{}{field}{rest}", self.prefix);
        let hops = self.hops;
        Question::Leaf { text, holds: Box::new(move |thing| reach(thing, &hops).into_iter().any(&holds)) }
    }
}

fn leaf(random: &mut StdRng) -> Question {
    let way = Way::random(random);
    let text = (*one(random, TEXTS)).to_owned();
    let key = (*one(random, KEYS)).to_owned();
    match random.random_range(0..30) {
        0 => way.leaf("part", ":*", |node| node.part.is_some()),
        1 => way.leaf("parts", ":*", |node| !node.parts.is_empty()),
        2 => way.leaf("tags", ":*", |node| !node.tags.is_empty()),
        3 => way.leaf("tags", &format!(":{}", quoted(&text)), move |node| node.tags.contains(&text)),
        4 => {
            let (written, fits) = pattern(random);
            way.leaf("tags", &format!(":{written}"), move |node| node.tags.iter().any(|tag| fits(tag)))
        }
        5 => {
            let (name, number) = *one(random, MOODS);
            way.leaf("moods", &format!(":{name}"), move |node| node.moods.contains(&number))
        }
        6 => {
            let number = *one(random, REALS);
            let number = if number.is_nan() { 0.1 } else { number };
            way.leaf("reals", &format!(":{}", shown_real(number)), move |node| node.reals.contains(&number))
        }
        7 => way.leaf("labels", ":*", |node| !node.labels.is_empty()),
        8 => way.leaf("labels", &format!(":{}", quoted(&key)), move |node| node.labels.contains_key(&key)),
        9 => way.leaf("rooms", &format!(".{}:*", quoted(&key)), move |node| node.rooms.contains_key(&key)),
        10 => {
            let sign = if way.is_many() { ":" } else { *one(random, SIGNS) };
            way.leaf("labels", &format!(".{} {sign} {}", quoted(&key), quoted(&text)), move |node| {
                node.labels.get(&key).is_some_and(|found| passes(Some(found.cmp(&text)), sign))
            })
        }
        11 => {
            let sign = if way.is_many() { ":" } else { *one(random, SIGNS) };
            let (key, number) = (*one(random, SMALLS) as i32, *one(random, LONGS) as i64);
            way.leaf("counts", &format!(".{} {sign} {number}", quoted(&key.to_string())), move |node| {
                node.counts.get(&key).is_some_and(|found| passes(Some(found.cmp(&number)), sign))
            })
        }
        12 => {
            let sign = if way.is_many() { ":" } else { *one(random, SIGNS) };
            way.leaf("pick_text", &format!("{sign}{}", quoted(&text)), move |node| {
                matches!(&node.pick, Some(Pick::Text(found)) if passes(Some(found.cmp(&text)), sign))
            })
        }
        13 => way.leaf("pick_long", ":*", |node| matches!(node.pick, Some(Pick::Long(_)))),
        _ => of_scalar(random, way),
    }
}

fn of_scalar(random: &mut StdRng, way: Way) -> Question {
    let (kind, field) = one(random, &scalar_fields(way.hops.is_empty())).clone();
    let default =
        if field.contains("opt") || field.contains("wrapped") { None } else { Scalar::default_of(kind) };
    let name = field.clone();
    let value = move |node: &Node| match node.scalars.get(&name) {
        Some((_, scalar)) => Some(scalar.clone()),
        None => default.clone(),
    };
    if random.random_ratio(1, 8) {
        let is_implicit = value(&Node::default()).is_some();
        return way.leaf(&field, ":*", move |node| match value(node) {
            Some(scalar) => !is_implicit || Some(scalar) != Scalar::default_of(kind),
            None => false,
        });
    }
    let is_many = way.is_many();
    if kind == Kind::Text && random.random_ratio(1, 3) {
        let (written, fits) = pattern(random);
        let sign = if is_many { ":" } else { *one(random, &["=", "!=", ":"]) };
        return way.leaf(&field, &format!(" {sign} {written}"), move |node| match value(node) {
            Some(Scalar::Text(text)) => fits(&text) == (sign != "!="),
            _ => false,
        });
    }
    let ordered = !matches!(kind, Kind::Blob | Kind::Mood | Kind::Flag);
    let sign = match (is_many, ordered) {
        (true, _) => ":",
        (_, true) => *one(random, SIGNS),
        _ => *one(random, &["=", "!=", ":"]),
    };
    let (written, literal) = literal(random, kind);
    way.leaf(&field, &format!(" {sign} {written}"), move |node| {
        value(node).is_some_and(|found| passes(compare(&found, &literal), sign))
    })
}

/// A value and one way to write it.
fn literal(random: &mut StdRng, kind: Kind) -> (String, Scalar) {
    loop {
        let scalar = Scalar::random(random, kind);
        let written = match &scalar {
            Scalar::Text(text) => quoted(text),
            Scalar::Blob(bytes) if random.random() => format!("\"{}\"", URL_SAFE_NO_PAD.encode(bytes)),
            Scalar::Blob(bytes) => format!("\"{}\"", STANDARD.encode(bytes)),
            Scalar::Mood(number) => match MOODS.iter().rfind(|(_, known)| known == number) {
                Some((name, _)) => (*name).to_owned(),
                None => continue,
            },
            Scalar::Integer(number) => number.to_string(),
            Scalar::Single(number) if number.is_nan() => continue,
            Scalar::Single(number) => shown_real(f64::from(*number)),
            Scalar::Real(number) if number.is_nan() => continue,
            Scalar::Real(number) => shown_real(*number),
            Scalar::Flag(flag) => flag.to_string(),
            Scalar::Moment(at) if random.random() => format!("\"{}\"", MOMENTS[*at]),
            Scalar::Moment(at) => MOMENTS[*at].to_owned(),
            Scalar::Span(at) => SPANS[*at].to_owned(),
        };
        return (written, scalar);
    }
}

fn shown_real(number: f64) -> String {
    match number {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        number => format!("{number:?}"),
    }
}

type Fits = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// A pattern as written, and what it means.
fn pattern(random: &mut StdRng) -> (String, Fits) {
    let text = (*one(random, TEXTS)).to_owned();
    let inner = quoted(&text);
    let inner = &inner[1..inner.len() - 1];
    match random.random_range(0..3) {
        0 => (format!("\"{inner}*\""), Box::new(move |found| found.starts_with(&text))),
        1 => (format!("\"*{inner}\""), Box::new(move |found| found.ends_with(&text))),
        _ => (format!("\"*{inner}*\""), Box::new(move |found| found.contains(&text))),
    }
}

/// In quotes, with everything escaped that would mean something.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn compare(found: &Scalar, with: &Scalar) -> Option<Ordering> {
    match (found, with) {
        (Scalar::Text(found), Scalar::Text(with)) => Some(found.chars().cmp(with.chars())),
        (Scalar::Blob(found), Scalar::Blob(with)) => Some(found.cmp(with)),
        (Scalar::Mood(found), Scalar::Mood(with)) => Some(found.cmp(with)),
        (Scalar::Integer(found), Scalar::Integer(with)) => Some(found.cmp(with)),
        (Scalar::Single(found), Scalar::Single(with)) => found.partial_cmp(with),
        (Scalar::Real(found), Scalar::Real(with)) => found.partial_cmp(with),
        (Scalar::Flag(found), Scalar::Flag(with)) => Some(found.cmp(with)),
        (Scalar::Moment(found), Scalar::Moment(with)) | (Scalar::Span(found), Scalar::Span(with)) => {
            Some(found.cmp(with))
        }
        _ => panic!("{found:?} and {with:?} are of two kinds"),
    }
}

/// NaN passes nothing.
fn passes(ordering: Option<Ordering>, sign: &str) -> bool {
    ordering.is_some_and(|ordering| match sign {
        "=" | ":" => ordering.is_eq(),
        "!=" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        _ => ordering.is_ge(),
    })
}
