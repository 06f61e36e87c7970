//! A piece of SQL with the values of its placeholders, in their order: pieces are put together, never cut.
//!
//! The same for each database but for the placeholder, which belongs to the kind of value.

/// A value that a statement is given, and what stands for it in the text.
pub(super) trait Value: Clone {
    const PLACEHOLDER: &'static str;
}

#[derive(Clone, Debug)]
pub(super) struct Fragment<V> {
    pub text: String,
    pub binds: Vec<V>,
}

impl<V: Value> Fragment<V> {
    /// SQL without values.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), binds: Vec::new() }
    }

    /// One value.
    pub(super) fn bind(value: V) -> Self {
        Self { text: V::PLACEHOLDER.to_owned(), binds: vec![value] }
    }

    /// The template with each `{}` replaced by the next piece.
    pub(super) fn of(template: &str, pieces: &[&Self]) -> Self {
        debug_assert_eq!(template.matches("{}").count(), pieces.len(), "{template}");
        let mut parts = template.split("{}");
        let mut whole = Self::new(parts.next().unwrap_or_default());
        for (piece, part) in pieces.iter().zip(parts) {
            whole.text.push_str(&piece.text);
            whole.text.push_str(part);
            whole.binds.extend(piece.binds.iter().cloned());
        }
        whole
    }

    /// In parentheses, joined by `word`.
    pub(super) fn joined(pieces: &[Self], word: &str) -> Self {
        let template = format!("({})", vec!["{}"; pieces.len()].join(word));
        Self::of(&template, &pieces.iter().collect::<Vec<_>>())
    }
}
