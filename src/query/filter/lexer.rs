//! The words of a filter.

use std::fmt;

use super::{invalid, not_served, sign};
use crate::model::Result;
use crate::query::Operator;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A field, a number, an enum value: anything without quotes.
    Word(String),
    /// In quotes.
    Text(String),
    Operator(Operator),
    Has,
    Open,
    Close,
    Comma,
}

pub(super) struct Lexer<'a> {
    rest: &'a str,
    terms: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, terms: 0 }
    }

    /// The first token of the next term, with the AND before it; adjacency is AND.
    pub fn next_term(&mut self) -> Result<Option<Token>> {
        let first = self.next()?;
        let is_and = |token: &Token| matches!(token, Token::Word(word) if word == "AND");
        let term = match first {
            Some(token) if is_and(&token) && self.terms > 0 => {
                let after = self.next()?.filter(|token| !is_and(token));
                Some(after.ok_or_else(|| invalid("a term must follow AND".to_owned()))?)
            }
            other => other,
        };
        self.terms += 1;
        match &term {
            Some(Token::Word(word)) if matches!(word.as_str(), "OR" | "NOT") => Err(not_served(word)),
            Some(Token::Word(word)) if word.starts_with('-') => Err(not_served("`-` (NOT)")),
            Some(Token::Open) => Err(not_served("a group in parentheses")),
            _ => Ok(term),
        }
    }

    pub fn next(&mut self) -> Result<Option<Token>> {
        self.token(|character| "()=!<>:,\"'".contains(character))
    }

    /// What stands after an operator: `2026-01-01T00:00:00Z` is one word there, in spite of its colons.
    pub fn next_value(&mut self) -> Result<Option<Token>> {
        let value = self.token(|character| "()=!<>,\"'".contains(character))?;
        match (&value, self.rest.starts_with('(')) {
            (Some(Token::Word(word)), true) => Err(not_served(&format!("the function `{word}(…)`"))),
            _ => Ok(value),
        }
    }

    fn token(&mut self, ends_word: impl Fn(char) -> bool) -> Result<Option<Token>> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let signs = [
            ("<=", Token::Operator(Operator::LessOrEqual)),
            (">=", Token::Operator(Operator::GreaterOrEqual)),
            ("!=", Token::Operator(Operator::NotEqual)),
            ("<", Token::Operator(Operator::Less)),
            (">", Token::Operator(Operator::Greater)),
            ("=", Token::Operator(Operator::Equal)),
            (":", Token::Has),
            ("(", Token::Open),
            (")", Token::Close),
            (",", Token::Comma),
        ];
        if let Some((sign, token)) = signs.into_iter().find(|(sign, _)| self.rest.starts_with(sign)) {
            self.rest = &self.rest[sign.len()..];
            return Ok(Some(token));
        }
        if first == '"' || first == '\'' {
            return self.quoted(first).map(Some);
        }
        let is_end = |character: char| character.is_whitespace() || ends_word(character);
        let length = self.rest.find(is_end).unwrap_or(self.rest.len());
        if length == 0 {
            return Err(invalid(format!("`{first}` means nothing here; see AIP-160 for the syntax")));
        }
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(Some(Token::Word(word.to_owned())))
    }

    fn quoted(&mut self, quote: char) -> Result<Token> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == quote {
                self.rest = &self.rest[at + 1..];
                return Ok(Token::Text(text));
            }
            let unescaped = match character {
                '\\' => characters.next().map(|(_, escaped)| unescape(escaped)),
                other => Some(other),
            };
            text.extend(unescaped);
        }
        Err(invalid(format!("a string is not closed; add {quote} at its end")))
    }
}

fn unescape(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        other => other,
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(word) => write!(formatter, "`{word}`"),
            Token::Text(text) => write!(formatter, "the string {text:?}"),
            Token::Operator(operator) => write!(formatter, "`{}`", sign(*operator)),
            Token::Has => formatter.write_str("`:`"),
            Token::Open => formatter.write_str("`(`"),
            Token::Close => formatter.write_str("`)`"),
            Token::Comma => formatter.write_str("`,`"),
        }
    }
}
