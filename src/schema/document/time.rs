//! Timestamps and durations of proto3 JSON: RFC 3339 and `1.5s`, ranges checked, written in UTC.
//!
//! By civil time, because the range ends at 9999-12-31T23:59:59.999999999Z, which instants of the
//! time library do not reach.

use jiff::SignedDuration;
use jiff::civil::DateTime;

const DURATION_SECONDS_MAX: u64 = 315_576_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const NANOS_MAX: u32 = 999_999_999;
const SECOND: i128 = 1_000_000_000;

/// Whether a binary google.protobuf.Timestamp is one; nanoseconds count forward, also before 1970.
pub(super) fn is_timestamp(seconds: i64, nanos: i32) -> bool {
    TIMESTAMP_SECONDS.contains(&seconds) && u32::try_from(nanos).is_ok_and(|nanos| nanos <= NANOS_MAX)
}

/// Whether a binary google.protobuf.Duration is one; both parts point the same way.
pub(super) fn is_duration(seconds: i64, nanos: i32) -> bool {
    let is_one_way = seconds.signum() * i64::from(nanos.signum()) >= 0;
    seconds.unsigned_abs() <= DURATION_SECONDS_MAX && nanos.unsigned_abs() <= NANOS_MAX && is_one_way
}

/// RFC 3339 with any offset → the 30-character form, in UTC; none when it is no such time.
pub(crate) fn stored_timestamp(text: &str) -> Option<String> {
    let time = parse_timestamp(text)?;
    Some(format!("{}.{:09}Z", head(&time), time.subsec_nanosecond()))
}

/// RFC 3339 with any offset → UTC with 0, 3, 6 or 9 fractional digits.
pub(super) fn canonical_timestamp(text: &str) -> Option<String> {
    let time = parse_timestamp(text)?;
    Some(format!("{}{}Z", head(&time), fraction(time.subsec_nanosecond() as u32)))
}

/// `-1.5s` → `-1.500s`; none when it is no duration or longer than 10,000 years.
pub(super) fn canonical_duration(text: &str) -> Option<String> {
    let (seconds, nanos) = duration_parts(text)?;
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    Some(format!("{sign}{}{}s", seconds.unsigned_abs(), fraction(nanos.unsigned_abs())))
}

/// Seconds and nanoseconds, both of one sign.
pub(crate) fn duration_parts(text: &str) -> Option<(i64, i32)> {
    let text = text.strip_suffix('s')?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (seconds, nanos) = match digits.split_once('.') {
        Some((seconds, fraction)) => (number(seconds, 12)?, nanoseconds(fraction)?),
        None => (number(digits, 12)?, 0),
    };
    if seconds > DURATION_SECONDS_MAX {
        return None;
    }
    Some((sign * seconds as i64, sign as i32 * nanos as i32))
}

/// Since 1970, of RFC 3339 text.
pub(in crate::schema) fn timestamp_nanoseconds(text: &str) -> Option<i128> {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    parse_timestamp(text).map(|time| time.duration_since(epoch).as_nanos())
}

/// The canonical text of a time that is in range.
pub(in crate::schema) fn timestamp_text(nanoseconds: i128) -> String {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    let (seconds, nanos) = (nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND));
    let span = SignedDuration::new(i64::try_from(seconds).unwrap_or_default(), nanos as i32);
    let time = epoch.checked_add(span).unwrap_or(epoch);
    format!("{}{}Z", head(&time), fraction(time.subsec_nanosecond() as u32))
}

/// Of `1.5s`.
pub(in crate::schema) fn duration_nanoseconds(text: &str) -> Option<i128> {
    let text = text.strip_suffix('s')?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (seconds, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    Some(sign * (i128::from(number(seconds, 12)?) * SECOND + i128::from(nanoseconds(decimals)?)))
}

pub(in crate::schema) fn duration_text(nanoseconds: i128) -> String {
    let (sign, length) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.abs());
    format!("{sign}{}{}s", length / SECOND, fraction((length % SECOND) as u32))
}

fn parse_timestamp(text: &str) -> Option<DateTime> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let is_shaped = date_time.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    // A leap second would be taken for the second before it.
    if !is_shaped || &date_time[17..] == "60" {
        return None;
    }
    let (nanos, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|character: char| !character.is_ascii_digit())?;
            (nanoseconds(&rest[..end])?, &rest[end..])
        }
        None => (0, rest),
    };
    let local: DateTime = date_time.parse().ok()?;
    let local = local.checked_add(SignedDuration::from_nanos(nanos.into())).ok()?;
    let time = local.checked_sub(SignedDuration::from_secs(offset_seconds(zone)?)).ok()?;
    (1..=9999).contains(&time.year()).then_some(time)
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let two = |text: &str| if text.len() == 2 { number(text, 2) } else { None };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as i64)
}

fn number(text: &str, digits_max: usize) -> Option<u64> {
    let is_number = (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    let digits = number(fraction, 9)?;
    Some(digits as u32 * 10_u32.pow(9 - fraction.len() as u32))
}

fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    }
}

fn head(time: &DateTime) -> String {
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}
