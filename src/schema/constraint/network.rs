//! Addresses of machines in text: IP, host names, prefixes, host and port.
//!
//! Sources: RFC 1034 and 3986 as protovalidate reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// With a zone or without, `fe80::1%eth0`.
pub(super) fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('\0'))
}

pub(super) fn is_ip(text: &str) -> bool {
    is_ipv4(text) || is_ipv6(text)
}

/// At most 253 characters, labels of 1 to 63 letters, digits and inner hyphens; the last is no number.
pub(super) fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_address(text: &str) -> bool {
    is_hostname(text) || is_ip(text)
}

/// `example.com:8080`, `10.0.0.1:80`, `[::1]:443`; the port must be there.
pub(super) fn is_host_and_port(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.rsplit_once("]:").is_some_and(|(host, port)| is_ipv6(host) && is_port(port));
    }
    text.rsplit_once(':').is_some_and(|(host, port)| (is_hostname(host) || is_ipv4(host)) && is_port(port))
}

fn is_port(text: &str) -> bool {
    decimal(text).is_some_and(|port| port <= 65_535)
}

/// Digits as one writes a number: no sign, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// `10.0.0.1/8`; `strict` also wants the bits behind the prefix to be zero, as in `10.0.0.0/8`.
pub(super) fn is_ipv4_prefix(text: &str, strict: bool) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let (Ok(address), Some(length @ 0..=32)) = (address.parse::<Ipv4Addr>(), decimal(length)) else {
        return false;
    };
    !strict || address.to_bits().checked_shl(length).unwrap_or(0) == 0
}

pub(super) fn is_ipv6_prefix(text: &str, strict: bool) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let (Ok(address), Some(length @ 0..=128)) = (address.parse::<Ipv6Addr>(), decimal(length)) else {
        return false;
    };
    !strict || address.to_bits().checked_shl(length).unwrap_or(0) == 0
}

pub(super) fn is_ip_prefix(text: &str, strict: bool) -> bool {
    is_ipv4_prefix(text, strict) || is_ipv6_prefix(text, strict)
}
