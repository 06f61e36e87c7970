//! Brackets within brackets, counted before a file is parsed: the parser follows them by recursion, and what it
//! links can be read back to a bounded depth only.
//!
//! Not here: whether they match. Brackets in texts and comments are none.

/// Far more than anybody writes: messages in messages, aggregates in options.
pub(super) const NESTING_MAX: usize = 60;

/// The byte at which the text goes deeper.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut rest) = (0_usize, text.char_indices().peekable());
    while let Some((at, character)) = rest.next() {
        match (character, rest.peek().map(|(_, next)| *next)) {
            ('"' | '\'', _) => skip_text(&mut rest, character),
            ('/', Some('/')) => drop(rest.by_ref().find(|(_, character)| *character == '\n')),
            ('/', Some('*')) => skip_comment(&mut rest),
            ('{' | '[' | '(' | '<', _) if depth == NESTING_MAX => return Some(at),
            ('{' | '[' | '(' | '<', _) => depth += 1,
            ('}' | ']' | ')' | '>', _) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn skip_text(rest: &mut impl Iterator<Item = (usize, char)>, quote: char) {
    while let Some((_, character)) = rest.next() {
        match character {
            '\\' => drop(rest.next()),
            // A text ends with its line at the latest.
            '\n' => return,
            _ if character == quote => return,
            _ => {}
        }
    }
}

fn skip_comment(rest: &mut impl Iterator<Item = (usize, char)>) {
    let mut star = false;
    // The star of `/*` opens alone: `/*/` is still open.
    rest.next();
    for (_, character) in rest.by_ref() {
        if star && character == '/' {
            return;
        }
        star = character == '*';
    }
}
