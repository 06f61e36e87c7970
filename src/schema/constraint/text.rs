//! Judges strings and bytes.

use super::rules::{BytesRules, Membership, Size, TextRules};

/// What the text should be and is not; each completes "`path` must …".
pub(super) fn judge_text(rules: &TextRules, text: &str, found: &mut Vec<String>) {
    let mut expect = |holds: bool, sentence: &dyn Fn() -> String| {
        if !holds {
            found.push(sentence());
        }
    };
    if let Some(equal) = &rules.equal {
        expect(text == equal, &|| format!("be {equal:?}"));
    }
    if let Some(pattern) = &rules.pattern {
        expect(pattern.is_match(text), &|| format!("match `{}`", pattern.written()));
    }
    if let Some(prefix) = &rules.prefix {
        expect(text.starts_with(prefix.as_str()), &|| format!("begin with {prefix:?}"));
    }
    if let Some(suffix) = &rules.suffix {
        expect(text.ends_with(suffix.as_str()), &|| format!("end with {suffix:?}"));
    }
    if let Some(part) = &rules.contains {
        expect(text.contains(part.as_str()), &|| format!("contain {part:?}"));
    }
    if let Some(part) = &rules.not_contains {
        expect(!text.contains(part.as_str()), &|| format!("not contain {part:?}"));
    }
    if let Some(format) = &rules.format {
        expect(format.fits(text), &|| format!("be {}", format.expected));
    }
    if rules.length != Size::default() {
        judge_size(rules.length, text.chars().count() as u64, "have", "character", found);
    }
    judge_size(rules.bytes, text.len() as u64, "have", "byte", found);
    judge_membership(&rules.membership, text, |text| format!("{text:?}"), found);
}

pub(super) fn judge_bytes(rules: &BytesRules, bytes: &[u8], found: &mut Vec<String>) {
    let mut expect = |holds: bool, sentence: String| {
        if !holds {
            found.push(sentence);
        }
    };
    if let Some(equal) = &rules.equal {
        expect(bytes == equal, format!("be {} (base64)", base64(equal)));
    }
    if let Some(pattern) = &rules.pattern {
        let fits = std::str::from_utf8(bytes).is_ok_and(|text| pattern.is_match(text));
        expect(fits, format!("be UTF-8 that matches `{}`", pattern.written()));
    }
    if let Some(prefix) = &rules.prefix {
        expect(bytes.starts_with(prefix), format!("begin with {} (base64)", base64(prefix)));
    }
    if let Some(suffix) = &rules.suffix {
        expect(bytes.ends_with(suffix), format!("end with {} (base64)", base64(suffix)));
    }
    if let Some(part) = &rules.contains {
        let holds = part.is_empty() || bytes.windows(part.len()).any(|window| window == part);
        expect(holds, format!("contain {} (base64)", base64(part)));
    }
    if let Some((name, lengths)) = rules.format {
        expect(lengths.contains(&bytes.len()), format!("be {name}"));
    }
    judge_size(rules.length, bytes.len() as u64, "have", "byte", found);
    judge_membership(&rules.membership, bytes, base64, found);
}

pub(super) fn judge_size(size: Size, count: u64, verb: &str, noun: &str, found: &mut Vec<String>) {
    let Size { min, max } = size;
    if min.is_none_or(|min| count >= min) && max.is_none_or(|max| count <= max) {
        return;
    }
    let plural = |number: u64| if number == 1 { noun.to_owned() } else { format!("{noun}s") };
    let sentence = match (min, max) {
        (Some(min), Some(max)) if min == max => format!("exactly {min} {}", plural(min)),
        (Some(min), Some(max)) => format!("{min} to {max} {}", plural(max)),
        (Some(min), None) => format!("at least {min} {}", plural(min)),
        (_, max) => format!("at most {} {}", max.unwrap_or(0), plural(max.unwrap_or(0))),
    };
    found.push(format!("{verb} {sentence}, and has {count}"));
}

fn judge_membership<T, B>(
    membership: &Membership<T>,
    value: &B,
    show: impl Fn(&B) -> String,
    found: &mut Vec<String>,
) where
    T: std::borrow::Borrow<B>,
    B: PartialEq + ?Sized,
{
    let Membership { among, not_among } = membership;
    let list = |items: &[T]| items.iter().map(|item| show(item.borrow())).collect::<Vec<_>>().join(", ");
    if !among.is_empty() && !among.iter().any(|item| item.borrow() == value) {
        found.push(format!("be one of {}", list(among)));
    }
    if not_among.iter().any(|item| item.borrow() == value) {
        found.push(format!("be none of {}", list(not_among)));
    }
}

/// The same for what is shown as it is.
pub(super) fn judge_member(membership: &Membership<String>, value: &str, found: &mut Vec<String>) {
    judge_membership(membership, value, str::to_owned, found);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
