//! Words → a syntax tree. OR binds tighter than AND; terms side by side are joined by AND.
//!
//! Recursive, and never deeper than [`DEPTH_MAX`]. Not here: what a field is.

use super::cursor::{Cursor, Word};
use super::problem::Problem;
use super::{BYTES_MAX, DEPTH_MAX, TERMS_MAX};
use crate::query::Operator;

pub(super) enum Syntax {
    All(Vec<Syntax>),
    Any(Vec<Syntax>),
    Not(Box<Syntax>),
    Restriction(Restriction),
}

/// `author.city = "Paris"`
pub(super) struct Restriction {
    pub path: Vec<Segment>,
    pub sign: Sign,
    pub sign_at: usize,
    pub value: Word,
    pub value_at: usize,
}

pub(super) struct Segment {
    pub text: String,
    pub at: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sign {
    Compare(Operator),
    Has,
}

const SIGNS: [(&str, Sign); 7] = [
    ("<=", Sign::Compare(Operator::LessOrEqual)),
    (">=", Sign::Compare(Operator::GreaterOrEqual)),
    ("!=", Sign::Compare(Operator::NotEqual)),
    ("<", Sign::Compare(Operator::Less)),
    (">", Sign::Compare(Operator::Greater)),
    ("=", Sign::Compare(Operator::Equal)),
    (":", Sign::Has),
];

/// None for an empty text.
pub(super) fn parse(text: &str) -> Result<Option<Syntax>, Problem> {
    if text.len() > BYTES_MAX {
        let message = format!("the filter has {} bytes, {BYTES_MAX} are allowed; shorten it", text.len());
        return Err(Problem::new(0, message));
    }
    let mut parser = Parser { cursor: Cursor::new(text), terms: 0, depth: 0 };
    parser.cursor.skip_blanks();
    if parser.cursor.peek().is_none() {
        return Ok(None);
    }
    let syntax = parser.expression()?;
    match parser.cursor.peek() {
        None => Ok(Some(syntax)),
        Some(_) => Err(parser.problem("`)` closes nothing; remove it")),
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    terms: usize,
    depth: usize,
}

impl Parser<'_> {
    /// Factors joined by AND or by nothing, until the end or `)`.
    fn expression(&mut self) -> Result<Syntax, Problem> {
        let mut factors = vec![self.factor()?];
        loop {
            self.cursor.skip_blanks();
            if matches!(self.cursor.peek(), None | Some(')')) {
                return Ok(single(factors, Syntax::All));
            }
            if self.cursor.take_keyword("AND") {
                self.require_term("AND")?;
            }
            factors.push(self.factor()?);
        }
    }

    /// Terms joined by OR.
    fn factor(&mut self) -> Result<Syntax, Problem> {
        let mut terms = vec![self.term()?];
        loop {
            self.cursor.skip_blanks();
            if !self.cursor.take_keyword("OR") {
                return Ok(single(terms, Syntax::Any));
            }
            self.require_term("OR")?;
            terms.push(self.term()?);
        }
    }

    fn term(&mut self) -> Result<Syntax, Problem> {
        self.cursor.skip_blanks();
        for keyword in ["AND", "OR"] {
            let at = self.cursor.at();
            if self.cursor.take_keyword(keyword) {
                return Err(Problem::new(at, format!("{keyword} joins two terms; one is missing before it")));
            }
        }
        if self.cursor.take_keyword("NOT") {
            self.require_term("NOT")?;
            return self.negated();
        }
        if self.cursor.take("-") { self.negated() } else { self.simple() }
    }

    fn negated(&mut self) -> Result<Syntax, Problem> {
        let simple = self.deeper(Self::simple)?;
        Ok(Syntax::Not(Box::new(simple)))
    }

    fn simple(&mut self) -> Result<Syntax, Problem> {
        self.cursor.skip_blanks();
        let begin = self.cursor.at();
        if !self.cursor.take("(") {
            return self.restriction().map(Syntax::Restriction);
        }
        self.cursor.skip_blanks();
        if self.cursor.peek() == Some(')') {
            return Err(Problem::new(begin, "the parentheses are empty; write a term between them"));
        }
        let inner = self.deeper(Self::expression)?;
        if self.cursor.take(")") { Ok(inner) } else { Err(Problem::new(begin, "`(` is not closed; add `)`")) }
    }

    fn deeper(&mut self, parse: fn(&mut Self) -> Result<Syntax, Problem>) -> Result<Syntax, Problem> {
        if self.depth == DEPTH_MAX {
            return Err(
                self.problem(&format!("parentheses and NOT go {DEPTH_MAX} deep at most; flatten the filter"))
            );
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn restriction(&mut self) -> Result<Restriction, Problem> {
        if self.terms == TERMS_MAX {
            return Err(self.problem(&format!("a filter has {TERMS_MAX} terms at most; shorten it")));
        }
        self.terms += 1;
        let path = self.path()?;
        self.cursor.skip_blanks();
        let sign_at = self.cursor.at();
        let found = SIGNS.into_iter().find(|(sign, _)| self.cursor.take(sign));
        let Some((written, sign)) = found else { return Err(self.no_sign(&path)) };
        self.cursor.skip_blanks();
        let value_at = self.cursor.at();
        let value = self.value(&path, written)?;
        Ok(Restriction { path, sign, sign_at, value, value_at })
    }

    fn path(&mut self) -> Result<Vec<Segment>, Problem> {
        let mut path = Vec::new();
        loop {
            let at = self.cursor.at();
            let word = self.cursor.segment()?;
            if word.text.is_empty() && !word.quoted {
                return Err(self.no_segment(at, &path));
            }
            path.push(Segment { text: word.text, at });
            if self.cursor.peek() == Some('(') {
                return Err(function(&path));
            }
            if !self.cursor.take(".") {
                return Ok(path);
            }
        }
    }

    fn value(&mut self, path: &[Segment], sign: &str) -> Result<Word, Problem> {
        let at = self.cursor.at();
        let field = joined(path);
        if self.cursor.peek() == Some('(') {
            let message = format!(
                "a group of values is not served; repeat the field: `({field} {sign} a OR {field} {sign} b)`"
            );
            return Err(Problem::new(at, message));
        }
        for keyword in ["AND", "OR", "NOT"] {
            if self.cursor.take_keyword(keyword) {
                let message =
                    format!("{keyword} is no value for `{field}`; write it in quotes if it is meant");
                return Err(Problem::new(at, message));
            }
        }
        let value = self.cursor.value()?;
        if value.text.is_empty() && !value.quoted {
            let message = match self.cursor.peek() {
                None | Some(')') => {
                    format!("`{field}` is compared with nothing; write a value behind `{sign}`")
                }
                Some(next) => format!("`{next}` is no value for `{field}`; write one, or put it in quotes"),
            };
            return Err(Problem::new(at, message));
        }
        match self.cursor.peek() {
            Some('(') if !value.quoted => Err(Problem::new(
                at,
                format!("the function `{}(…)` is not served; compare with a value", value.text),
            )),
            Some(next) if !next.is_whitespace() && next != ')' => {
                Err(self.problem(&format!("`{next}` means nothing here; put the value in quotes")))
            }
            _ => Ok(value),
        }
    }

    fn require_term(&mut self, keyword: &str) -> Result<(), Problem> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            None | Some(')') => Err(self.problem(&format!("a term must follow {keyword}"))),
            Some(_) => Ok(()),
        }
    }

    fn no_segment(&self, at: usize, path: &[Segment]) -> Problem {
        match (self.cursor.peek(), path.is_empty()) {
            (None, true) => Problem::new(at, "a term is missing at the end"),
            (Some(next), true) => Problem::new(
                at,
                format!("a term begins with a field, not with `{next}`; write `field = value`"),
            ),
            (_, false) => Problem::new(at, format!("a name is missing behind `{}.`", joined(path))),
        }
    }

    fn no_sign(&self, path: &[Segment]) -> Problem {
        let at = path.first().map_or(0, |segment| segment.at);
        let word = joined(path);
        match self.cursor.peek() {
            Some(next) if "!,".contains(next) => {
                self.problem(&format!("`{next}` means nothing here; use = != < <= > >= or :"))
            }
            _ => Problem::new(
                at,
                format!(
                    "`{word}` alone would be a search in all fields, which is not served; compare a field: `field = \"{word}\"`"
                ),
            ),
        }
    }

    fn problem(&self, message: &str) -> Problem {
        Problem::new(self.cursor.at(), message)
    }
}

fn single(mut items: Vec<Syntax>, several: fn(Vec<Syntax>) -> Syntax) -> Syntax {
    if items.len() == 1 { items.remove(0) } else { several(items) }
}

fn function(path: &[Segment]) -> Problem {
    let at = path.first().map_or(0, |segment| segment.at);
    Problem::new(
        at,
        format!("the function `{}(…)` is not served; compare a field with a value", joined(path)),
    )
}

/// The path as it was written, without its quotes.
pub(super) fn joined(path: &[Segment]) -> String {
    path.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(".")
}
