//! The well-known formats of strings, by the names of their options.

use regex::Regex;

use super::network;

/// One format: how it is told to people and to tools, and its test.
#[derive(Debug)]
pub(super) struct Format {
    /// Completes "must be …".
    pub expected: &'static str,
    /// The JSON Schema `format` that says the same, where there is one.
    pub json_schema: Option<&'static str>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Pattern(Regex),
    Function(fn(&str) -> bool),
}

impl Format {
    /// The format that an option of this name asks for.
    pub fn named(option: &str) -> Option<Self> {
        let (expected, json_schema) = description(option)?;
        let test = match function(option) {
            Some(function) => Test::Function(function),
            None => Test::Pattern(Regex::new(pattern(option)?).ok()?),
        };
        Some(Self { expected, json_schema, test })
    }

    pub fn fits(&self, text: &str) -> bool {
        match &self.test {
            Test::Pattern(pattern) => pattern.is_match(text),
            Test::Function(fits) => fits(text),
        }
    }

    /// The regular expression behind it, if it is one.
    pub fn pattern(&self) -> Option<&str> {
        match &self.test {
            Test::Pattern(pattern) => Some(pattern.as_str()),
            Test::Function(_) => None,
        }
    }
}

/// The boolean options of `StringRules`; `well_known_regex` has names of its own.
pub(super) const OPTIONS: &[&str] = &[
    "email",
    "hostname",
    "ip",
    "ipv4",
    "ipv6",
    "uri",
    "uri_ref",
    "address",
    "uuid",
    "tuuid",
    "ulid",
    "ip_with_prefixlen",
    "ipv4_with_prefixlen",
    "ipv6_with_prefixlen",
    "ip_prefix",
    "ipv4_prefix",
    "ipv6_prefix",
    "host_and_port",
    "protobuf_fqn",
    "protobuf_dot_fqn",
];

fn description(option: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match option {
        "email" => ("an e-mail address, as in ada@example.com", Some("email")),
        "hostname" => ("a host name, as in shop.example.com", Some("hostname")),
        "ip" => ("an IP address, as in 192.0.2.1 or 2001:db8::1", None),
        "ipv4" => ("an IPv4 address, as in 192.0.2.1", Some("ipv4")),
        "ipv6" => ("an IPv6 address, as in 2001:db8::1", Some("ipv6")),
        "uri" => ("a URI, as in https://example.com/a", Some("uri")),
        "uri_ref" => ("a URI or a relative reference, as in ./a?b", Some("uri-reference")),
        "address" => ("a host name or an IP address", None),
        "uuid" => ("a UUID, as in 0192d3c4-0000-7000-8000-000000000000", Some("uuid")),
        "tuuid" => ("a UUID without its hyphens: 32 hexadecimal digits", None),
        "ulid" => ("a ULID: 26 characters of Crockford's base 32", None),
        "ip_with_prefixlen" => ("an IP address with a prefix length, as in 192.0.2.1/24", None),
        "ipv4_with_prefixlen" => ("an IPv4 address with a prefix length, as in 192.0.2.1/24", None),
        "ipv6_with_prefixlen" => ("an IPv6 address with a prefix length, as in 2001:db8::1/64", None),
        "ip_prefix" => ("an IP prefix without further bits, as in 192.0.2.0/24", None),
        "ipv4_prefix" => ("an IPv4 prefix without further bits, as in 192.0.2.0/24", None),
        "ipv6_prefix" => ("an IPv6 prefix without further bits, as in 2001:db8::/32", None),
        "host_and_port" => ("a host and a port, as in example.com:8080 or [::1]:80", None),
        "protobuf_fqn" => ("a full protobuf name, as in blog.v1.Entry", None),
        "protobuf_dot_fqn" => ("a full protobuf name with a leading dot, as in .blog.v1.Entry", None),
        "header_name" | "header_name_loose" => ("the name of an HTTP header", None),
        "header_value" | "header_value_loose" => ("a value of an HTTP header", None),
        _ => return None,
    })
}

fn function(option: &str) -> Option<fn(&str) -> bool> {
    Some(match option {
        "hostname" => network::is_hostname,
        "ip" => network::is_ip,
        "ipv4" => network::is_ipv4,
        "ipv6" => network::is_ipv6,
        "uri" => |text| fluent_uri::Uri::parse(text).is_ok(),
        "uri_ref" => |text| fluent_uri::UriRef::parse(text).is_ok(),
        "address" => network::is_address,
        "ip_with_prefixlen" => |text| network::is_ip_prefix(text, false),
        "ipv4_with_prefixlen" => |text| network::is_ipv4_prefix(text, false),
        "ipv6_with_prefixlen" => |text| network::is_ipv6_prefix(text, false),
        "ip_prefix" => |text| network::is_ip_prefix(text, true),
        "ipv4_prefix" => |text| network::is_ipv4_prefix(text, true),
        "ipv6_prefix" => |text| network::is_ipv6_prefix(text, true),
        "host_and_port" => network::is_host_and_port,
        _ => return None,
    })
}

fn pattern(option: &str) -> Option<&'static str> {
    Some(match option {
        // The definition of the HTML standard, which browsers share.
        "email" => {
            r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$"
        }
        "uuid" => r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        "tuuid" => r"^[0-9a-fA-F]{32}$",
        "ulid" => r"^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$",
        "protobuf_fqn" => r"^[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*$",
        "protobuf_dot_fqn" => r"^\.[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*$",
        // Tokens of RFC 9110; a colon begins the pseudo-headers of HTTP/2.
        "header_name" => r"^:?[0-9a-zA-Z!#$%&'*+.^_|~`-]+$",
        "header_name_loose" => r"^[^\x00\r\n]+$",
        "header_value" => r"^[^\x00-\x08\x0A-\x1F\x7F]*$",
        "header_value_loose" => r"^[^\x00\r\n]*$",
        _ => return None,
    })
}
