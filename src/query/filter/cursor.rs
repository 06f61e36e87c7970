//! The words of a filter, taken one by one from its text.
//!
//! Which characters end a word depends on the place: a field ends at `.` and `:`, a value does not
//! (`1.5`, `2026-01-01T00:00:00Z`). Invariant: positions are bytes at which a character begins.

use super::problem::Problem;
use super::tree::Pattern;

pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A word or a string, as its author meant it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub text: String,
    pub quoted: bool,
    /// Where unescaped `*` begins or ends it.
    pub pattern: Option<Pattern>,
}

impl Word {
    /// `*` without quotes.
    pub fn is_star(&self) -> bool {
        !self.quoted && self.text == "*"
    }

    fn new(characters: &[(char, bool)], quoted: bool) -> Self {
        let is_star = |place: Option<&(char, bool)>| matches!(place, Some(('*', false)));
        let (open_start, open_end) = (is_star(characters.first()), is_star(characters.last()));
        let text: String = characters.iter().map(|(character, _)| character).collect();
        let pattern = (open_start || open_end).then(|| {
            let end = characters.len() - usize::from(open_end);
            let inner = characters.get(usize::from(open_start)..end).unwrap_or_default();
            Pattern { text: inner.iter().map(|(character, _)| character).collect(), open_start, open_end }
        });
        Self { text, quoted, pattern }
    }
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes `sign` if it is next.
    pub fn take(&mut self, sign: &str) -> bool {
        let is_next = self.rest().starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    /// Takes `AND`, `OR` or `NOT` if it is the whole next word.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let Some(rest) = self.rest().strip_prefix(keyword) else { return false };
        let ends = rest.chars().next().is_none_or(|next| next.is_whitespace() || "()\"'-".contains(next));
        if ends {
            self.at += keyword.len();
        }
        ends
    }

    /// A part of a field's path.
    pub fn segment(&mut self) -> Result<Word, Problem> {
        self.word(|character| "()=!<>:,\"'.".contains(character))
    }

    pub fn value(&mut self) -> Result<Word, Problem> {
        self.word(|character| "()=!<>,\"'".contains(character))
    }

    fn word(&mut self, ends_word: impl Fn(char) -> bool) -> Result<Word, Problem> {
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let rest = self.rest();
        let length = rest.find(|character: char| character.is_whitespace() || ends_word(character));
        let word = &rest[..length.unwrap_or(rest.len())];
        self.at += word.len();
        Ok(Word::new(&word.chars().map(|character| (character, false)).collect::<Vec<_>>(), false))
    }

    fn quoted(&mut self, quote: char) -> Result<Word, Problem> {
        let begin = self.at;
        let mut text: Vec<(char, bool)> = Vec::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, escaped)) => text.push((unescape(escaped), true)),
                    None => break,
                },
                end if end == quote => {
                    self.at += offset + quote.len_utf8();
                    return Ok(Word::new(&text, true));
                }
                other => text.push((other, false)),
            }
        }
        Err(Problem::new(begin, format!("the string is not closed; add {quote} at its end")))
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
