//! Finds a path's route: a trie over literal segments and one variable per level.
//!
//! Not here: which routes exist (`routes`). Cost: one hash look-up a segment, whatever the number
//! of tables. Invariant: a literal wins over a variable; there is no backtracking.

use std::collections::HashMap;

use super::path::Path;

/// A trie whose leaves are positions in the list of routes.
#[derive(Debug, Default)]
pub struct Matcher {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    variable: Option<Box<Node>>,
    route: Option<usize>,
    verbs: HashMap<String, usize>,
}

impl Matcher {
    /// Adds `pattern` (`/blog/v1/users/{user}:publish`); gives the route that is already there.
    pub fn insert(&mut self, pattern: &str, route: usize) -> Result<(), usize> {
        let (path, verb) = match pattern.rsplit_once(':') {
            Some((path, verb)) => (path, Some(verb)),
            None => (pattern, None),
        };
        let mut node = &mut self.root;
        for segment in path.split('/').skip(1) {
            node = if segment.starts_with('{') {
                node.variable.get_or_insert_default()
            } else {
                node.literals.entry(segment.to_owned()).or_default()
            };
        }
        let place = match verb {
            Some(verb) => node.verbs.entry(verb.to_owned()).or_insert(route),
            None => node.route.get_or_insert(route),
        };
        if *place == route { Ok(()) } else { Err(*place) }
    }

    /// The route of a path and the values of its variables in order.
    pub fn find<'a>(&self, path: &'a Path<'_>) -> Option<(usize, Vec<&'a str>)> {
        let mut node = &self.root;
        let mut values = Vec::new();
        for segment in &path.segments {
            node = match node.literals.get(segment.as_ref()) {
                Some(literal) => literal,
                None => {
                    values.push(segment.as_ref());
                    node.variable.as_deref()?
                }
            };
        }
        let route = match &path.verb {
            Some(verb) => node.verbs.get(verb.as_ref()).copied(),
            None => node.route,
        };
        route.map(|route| (route, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_collections_resources_and_verbs() {
        let mut matcher = Matcher::default();
        for (route, pattern) in
            ["/b/v1/users", "/b/v1/users/{user}", "/b/v1/users/{user}:publish", "/b/v1/users/{user}/entries"]
                .into_iter()
                .enumerate()
        {
            matcher.insert(pattern, route).expect("a new pattern");
        }
        assert_eq!(matcher.insert("/b/v1/users/{other}", 9), Err(1));
        let found =
            |raw| matcher.find(&Path::parse(raw).expect("a path")).map(|(route, ids)| (route, ids.join(",")));
        assert_eq!(found("/b/v1/users"), Some((0, String::new())));
        assert_eq!(found("/b/v1/users/al"), Some((1, "al".to_owned())));
        assert_eq!(found("/b/v1/users/al:publish"), Some((2, "al".to_owned())));
        assert_eq!(found("/b/v1/users/al/entries"), Some((3, "al".to_owned())));
        assert_eq!(found("/b/v1/users/al:other"), None);
        assert_eq!(found("/b/v1"), None);
        assert_eq!(found("/b/v1/users/al/entries/x"), None);
    }

    proptest::proptest! {
        /// What is found is what was asked for: the values are the decoded segments, not decoded again.
        #[test]
        fn never_panics_and_hands_on_what_the_path_says(raw in "/(users|%75sers)(/[a-z0-9%.~:/é-]{0,30})?", any in ".{0,60}") {
            let mut matcher = Matcher::default();
            matcher.insert("/users/{user}", 0).expect("a new pattern");
            matcher.insert("/users/{user}:publish", 1).expect("a new pattern");
            if let Ok(path) = Path::parse(&any) {
                let _ = matcher.find(&path);
            }
            if let Ok(path) = Path::parse(&raw)
                && let Some((_, values)) = matcher.find(&path)
            {
                proptest::prop_assert_eq!(values, vec![path.segments[1].as_ref()]);
            }
        }
    }
}
