//! Ranges of numbers, moments and spans: bounds, which may enclose or exclude, and lists.

use super::rules::Membership;

#[derive(Debug)]
pub(super) struct Range<T> {
    pub equal: Option<T>,
    pub lower: Option<Bound<T>>,
    pub upper: Option<Bound<T>>,
    pub membership: Membership<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound<T> {
    pub value: T,
    pub inclusive: bool,
}

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self { equal: None, lower: None, upper: None, membership: Membership::default() }
    }
}

impl<T: Copy + PartialOrd> Range<T> {
    /// What the value should be and is not; each completes "`path` must …".
    pub fn broken(&self, value: T, show: impl Fn(T) -> String, found: &mut Vec<String>) {
        if let Some(equal) = self.equal.filter(|equal| *equal != value) {
            found.push(format!("be {}", show(equal)));
        }
        if !self.encloses(value) {
            found.push(format!("be {}", self.bounds(&show)));
        }
        let Membership { among, not_among } = &self.membership;
        if !among.is_empty() && !among.contains(&value) {
            found.push(format!("be one of {}", list(among, &show)));
        }
        if not_among.contains(&value) {
            found.push(format!("be none of {}", list(not_among, &show)));
        }
    }

    /// An upper bound below the lower one means: outside of what lies between them.
    pub fn is_exclusive(&self) -> bool {
        matches!((&self.lower, &self.upper), (Some(lower), Some(upper)) if upper.value < lower.value)
    }

    fn encloses(&self, value: T) -> bool {
        let above = self.lower.as_ref().is_none_or(|bound| bound.is_below(value));
        let below = self.upper.as_ref().is_none_or(|bound| bound.is_above(value));
        if self.is_exclusive() { above || below } else { above && below }
    }

    fn bounds(&self, show: &impl Fn(T) -> String) -> String {
        let word = |bound: &Bound<T>, strict: &str, lax: &str| {
            format!("{} {}", if bound.inclusive { lax } else { strict }, show(bound.value))
        };
        let lower = self.lower.as_ref().map(|bound| word(bound, "greater than", "at least"));
        let upper = self.upper.as_ref().map(|bound| word(bound, "less than", "at most"));
        let joint = if self.is_exclusive() { " or " } else { " and " };
        [lower, upper].into_iter().flatten().collect::<Vec<_>>().join(joint)
    }
}

/// Written so that NaN is neither: it fails every bound.
impl<T: Copy + PartialOrd> Bound<T> {
    fn is_below(&self, value: T) -> bool {
        value > self.value || self.inclusive && value == self.value
    }

    fn is_above(&self, value: T) -> bool {
        value < self.value || self.inclusive && value == self.value
    }
}

pub(super) fn list<T>(items: &[T], show: impl Fn(T) -> String) -> String
where
    T: Copy,
{
    items.iter().map(|item| show(*item)).collect::<Vec<_>>().join(", ")
}
