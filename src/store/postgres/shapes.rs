//! How many texts of lists a connection keeps prepared.
//!
//! The client's filter and order decide the text. diesel's cache has no limit, and each prepared
//! statement holds memory of the server for as long as the connection lives; so the first shapes
//! are kept and every further one is planned for its one use.

use std::collections::HashSet;

const KEPT_MAX: usize = 256;

#[derive(Default)]
pub(super) struct Shapes {
    kept: HashSet<String>,
}

impl Shapes {
    /// Whether the statement with this text may be kept prepared.
    pub(super) fn keeps(&mut self, text: &str) -> bool {
        self.kept.contains(text) || (self.kept.len() < KEPT_MAX && self.kept.insert(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_shapes_stay_and_their_number_is_bounded() {
        let mut shapes = Shapes::default();
        let kept = (0..1000).filter(|number| shapes.keeps(&number.to_string())).count();
        assert_eq!(kept, KEPT_MAX);
        assert!(shapes.keeps("0") && !shapes.keeps("999"));
    }
}
