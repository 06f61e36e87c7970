//! Whose children a list shows: one parent's, everybody's (AIP-159), or those of some parents.

/// What `ListQuery::parent` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parents<'a> {
    All,
    One(&'a str),
    /// `alice/-` or `-/bob`: ids, none for every one of that level. Neither all nor none of them are given.
    Some(Vec<Option<&'a str>>),
}

impl<'a> Parents<'a> {
    pub fn new(parent: Option<&'a str>) -> Self {
        let Some(parent) = parent.filter(|parent| !parent.is_empty()) else { return Self::All };
        // An id never is `-`: ids begin with a letter or digit.
        let ids: Vec<Option<&str>> = parent.split('/').map(|id| (id != "-").then_some(id)).collect();
        match ids.iter().flatten().count() {
            0 => Self::All,
            count if count == ids.len() => Self::One(parent),
            _ => Self::Some(ids),
        }
    }

    /// What all keys and parents begin with, `alice/`; the rest of the ids follow.
    pub fn prefix(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::One(parent) => format!("{parent}/"),
            Self::Some(ids) => ids.iter().map_while(|id| *id).map(|id| format!("{id}/")).collect(),
        }
    }

    /// The parents as a pattern in which `any` stands for one level and `quote` spells an id; none when the prefix
    /// says it all.
    pub fn pattern(&self, any: &str, quote: impl Fn(&str) -> String) -> Option<String> {
        let Self::Some(ids) = self else { return None };
        let after_prefix = ids.iter().skip_while(|id| id.is_some());
        after_prefix.flatten().next()?;
        let parts: Vec<String> = ids.iter().map(|id| id.map_or_else(|| any.to_owned(), &quote)).collect();
        Some(parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_levels_are_open() {
        let of = |parent| Parents::new(Some(parent));
        assert_eq!(of("-/-"), Parents::All);
        assert_eq!(of("a/b"), Parents::One("a/b"));
        let quote = |id: &str| id.replace('_', "\\_");
        assert_eq!((of("a/-").prefix().as_str(), of("a/-").pattern("%", quote)), ("a/", None));
        assert_eq!(
            (of("-/b_c").prefix().as_str(), of("-/b_c").pattern("%", quote)),
            ("", Some("%/b\\_c".into()))
        );
        assert_eq!(of("a/-/c").pattern("*", quote).as_deref(), Some("a/*/c"));
    }
}
