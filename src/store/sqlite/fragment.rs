//! A piece of SQL with the values of its `?`, in their order: pieces are put together, never cut.

use super::statement::Bind;

#[derive(Clone, Debug, Default)]
pub(super) struct Fragment {
    pub text: String,
    pub binds: Vec<Bind>,
}

impl Fragment {
    /// SQL without values.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), binds: Vec::new() }
    }

    /// One value.
    pub(super) fn bind(value: Bind) -> Self {
        Self { text: "?".to_owned(), binds: vec![value] }
    }

    /// The template with each `{}` replaced by the next piece.
    pub(super) fn of(template: &str, pieces: &[&Fragment]) -> Self {
        debug_assert_eq!(template.matches("{}").count(), pieces.len(), "{template}");
        let mut whole = Self::default();
        let mut parts = template.split("{}");
        whole.text.push_str(parts.next().unwrap_or_default());
        for (piece, part) in pieces.iter().zip(parts) {
            whole.text.push_str(&piece.text);
            whole.text.push_str(part);
            whole.binds.extend(piece.binds.iter().cloned());
        }
        whole
    }

    /// In parentheses, joined by `word`.
    pub(super) fn joined(pieces: &[Fragment], word: &str) -> Self {
        let template = format!("({})", vec!["{}"; pieces.len()].join(word));
        Self::of(&template, &pieces.iter().collect::<Vec<_>>())
    }
}
