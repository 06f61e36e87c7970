//! One scalar of proto3 JSON → its one canonical form; what is accepted is wider than what is kept.
//!
//! Source: the ProtoJSON guide, and what the conformance suite demands beyond it.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

use crate::schema::shape::EnumShape;

/// Padded or not: both are accepted, padded is written.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD_BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const URL_SAFE_BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Why a value does not fit; completes "`path` must be …".
pub(crate) type Expected = String;

pub(super) fn text(value: &Value) -> Result<&str, Expected> {
    let text = value.as_str().ok_or("a string")?;
    // PostgreSQL cannot store it, so nobody may.
    if text.contains('\0') { Err("a string without NUL (\\u0000)".to_owned()) } else { Ok(text) }
}

/// A JSON number or the same in quotes, with or without exponent, as long as it is a whole number.
pub(super) fn integer(value: &Value, min: i128, max: i128) -> Result<i128, Expected> {
    let number = match value {
        Value::String(text) => exact(text),
        value => number(value).as_ref().and_then(whole),
    };
    let number = number.ok_or_else(|| format!("a whole number from {min} to {max}"))?;
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(format!("from {min} to {max}, and is {number}"))
    }
}

pub(super) fn double(value: &Value) -> Result<Value, Expected> {
    if let Some(special) = not_finite(value) {
        return Ok(special);
    }
    let number = number(value).and_then(|number| number.as_f64()).ok_or("a number")?;
    Ok(real(number))
}

/// The shortest text that reads back as the same 32 bits: 0.1, not 0.10000000149011612.
pub(crate) fn float(value: &Value) -> Result<Value, Expected> {
    if let Some(special) = not_finite(value) {
        return Ok(special);
    }
    let wide = number(value).and_then(|number| number.as_f64()).ok_or("a number")?;
    let narrow = wide as f32;
    if !narrow.is_finite() {
        return Err("a number within the range of a 32-bit float".to_owned());
    }
    Ok(real(narrow.to_string().parse().unwrap_or(wide)))
}

pub(crate) fn bytes(value: &Value) -> Result<Value, Expected> {
    let text = value.as_str().ok_or("a base64 string")?;
    let engine = if text.contains(['-', '_']) { &URL_SAFE_BASE64 } else { &STANDARD_BASE64 };
    let bytes = engine.decode(text).map_err(|_| "a base64 string".to_owned())?;
    Ok(Value::String(base64::engine::general_purpose::STANDARD.encode(bytes)))
}

/// By name; a number that an open enum does not know stays a number.
pub(super) fn enumeration(value: &Value, shape: &EnumShape) -> Result<Value, Expected> {
    let number = match value {
        Value::String(name) => shape.number_of(name),
        Value::Number(_) => integer(value, i32::MIN.into(), i32::MAX.into()).ok().map(|number| number as i32),
        _ => None,
    };
    let known = number.and_then(|number| shape.name_of(number));
    match (known, number) {
        (Some(name), _) => Ok(Value::String(name.to_owned())),
        (None, Some(number)) if shape.open => Ok(Value::Number(number.into())),
        _ => {
            let names: Vec<&str> = shape.values.iter().map(|(name, _)| name.as_str()).collect();
            Err(format!("one of {}", names.join(", ")))
        }
    }
}

/// A whole number below 2^53 is written without a fraction, so that 1.0 and 1 are one text; -0 is 0.
pub(super) fn real(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Value::Number((number as i64).into());
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        // The quoted form follows the grammar of a JSON number, blanks excluded.
        Value::String(text) if !text.contains(char::is_whitespace) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn whole(number: &Number) -> Option<i128> {
    if let Some(number) = number.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = number.as_u64() {
        return Some(number.into());
    }
    let number = number.as_f64()?;
    // The least 64-bit number is what the one below it was rounded to; in digits it came as an integer above.
    let is_least = number == i64::MIN as f64;
    // Beyond 2^64 nothing fits anyway, and the cast stays exact.
    (number.fract() == 0.0 && number.abs() <= 1.9e19 && !is_least).then_some(number as i128)
}

/// A quoted number to the last digit: on the way through a float `-9223372036854775809` would fit into 64 bits.
fn exact(text: &str) -> Option<i128> {
    number(&Value::from(text))?;
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |digits| (-1, digits));
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // The number is these digits, moved by so many places.
    let places = exponent.parse::<i64>().ok()?.checked_sub(fraction.len() as i64)?;
    let digits = format!("{integer}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let cut = digits.len().checked_sub(usize::try_from(-places.min(0)).ok()?)?;
    let (kept, cut) = digits.split_at_checked(cut)?;
    let zeros = usize::try_from(places.max(0)).ok()?;
    // No kind of integer has more digits; and what is cut off must be nothing, as in `120e-1`.
    let fits = kept.len().saturating_add(zeros) <= 20 && cut.bytes().all(|digit| digit == b'0');
    let whole = fits.then(|| format!("{kept}{}", "0".repeat(zeros)))?;
    whole.parse::<i128>().ok().map(|number| number * sign)
}

fn not_finite(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    matches!(text, "NaN" | "Infinity" | "-Infinity").then(|| Value::String(text.to_owned()))
}
