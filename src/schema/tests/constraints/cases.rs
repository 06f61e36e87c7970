//! Each rule, with what it lets in and the words in which it refuses.

use super::*;

/// Declaration of the members; what fits; what does not, and how that is told.
type Case = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const NUMBERS: &[Case] = &[
    (
        "int32 a = 1 [(buf.validate.field).int32.gt = 0];",
        &[r#"{"a": 1}"#],
        &[(r#"{"a": -1}"#, "`a` must be greater than 0"), ("{}", "`a` must be greater than 0")],
    ),
    (
        "int32 a = 1 [(buf.validate.field).int32 = {gte: 1, lte: 5}];",
        &[r#"{"a": 1}"#, r#"{"a": 5}"#],
        &[(r#"{"a": 6}"#, "`a` must be at least 1 and at most 5")],
    ),
    (
        "sint32 a = 1 [(buf.validate.field).sint32 = {gt: 10, lt: 5}];",
        &[r#"{"a": 4}"#, r#"{"a": 11}"#],
        &[
            (r#"{"a": 5}"#, "`a` must be greater than 10 or less than 5"),
            (r#"{"a": 7}"#, "`a` must be greater than 10 or less than 5"),
        ],
    ),
    (
        "uint64 a = 1 [(buf.validate.field).uint64.lt = 18446744073709551615];",
        &[r#"{"a": "18446744073709551614"}"#],
        &[(r#"{"a": "18446744073709551615"}"#, "`a` must be less than 18446744073709551615")],
    ),
    (
        "optional int64 a = 1 [(buf.validate.field).int64.const = 7];",
        &["{}", r#"{"a": "7"}"#],
        &[(r#"{"a": 0}"#, "`a` must be 7")],
    ),
    (
        "fixed32 a = 1 [(buf.validate.field).fixed32 = {in: [1, 2]}];",
        &[r#"{"a": 2}"#],
        &[(r#"{"a": 3}"#, "`a` must be one of 1, 2")],
    ),
    (
        "sfixed64 a = 1 [(buf.validate.field).sfixed64 = {not_in: [1, 2]}];",
        &[r#"{"a": 3}"#],
        &[(r#"{"a": "1"}"#, "`a` must be none of 1, 2")],
    ),
    (
        "float a = 1 [(buf.validate.field).float = {gte: 0.1, finite: true}];",
        &[r#"{"a": 0.1}"#],
        &[(r#"{"a": 0.05}"#, "`a` must be at least 0.1"), (r#"{"a": "Infinity"}"#, "`a` must be finite")],
    ),
    (
        "double a = 1 [(buf.validate.field).double.lt = 1.5];",
        &[r#"{"a": "-Infinity"}"#],
        &[(r#"{"a": "NaN"}"#, "`a` must be less than 1.5")],
    ),
    (
        "google.protobuf.Int32Value a = 1 [(buf.validate.field).int32.gt = 0];",
        &["{}", r#"{"a": 1}"#],
        &[(r#"{"a": 0}"#, "`a` must be greater than 0")],
    ),
    (
        "bool a = 1 [(buf.validate.field).bool.const = true];",
        &[r#"{"a": true}"#],
        &[("{}", "`a` must be true")],
    ),
    (
        "Color a = 1 [(buf.validate.field).enum = {defined_only: true, not_in: [0]}];",
        &[r#"{"a": "RED"}"#],
        &[
            (r#"{"a": 9}"#, "`a` must be one of COLOR_UNSPECIFIED, RED, BLUE"),
            ("{}", "`a` must be none of COLOR_UNSPECIFIED"),
        ],
    ),
    (
        "Color a = 1 [(buf.validate.field).enum.const = 2];",
        &[r#"{"a": "BLUE"}"#],
        &[(r#"{"a": "RED"}"#, "`a` must be BLUE")],
    ),
];

const TEXT: &[Case] = &[
    (
        "string a = 1 [(buf.validate.field).string = {min_len: 2, max_len: 3}];",
        &[r#"{"a": "äöü"}"#],
        &[
            (r#"{"a": "x"}"#, "`a` must have 2 to 3 characters, and has 1"),
            ("{}", "`a` must have 2 to 3 characters, and has 0"),
        ],
    ),
    (
        "string a = 1 [(buf.validate.field).string = {len_bytes: 4}];",
        &[r#"{"a": "äö"}"#],
        &[(r#"{"a": "äöü"}"#, "`a` must have exactly 4 bytes, and has 6")],
    ),
    (
        r#"string a = 1 [(buf.validate.field).string = {pattern: "^[a-z]+$"}];"#,
        &[r#"{"a": "abc"}"#],
        &[(r#"{"a": "aBc"}"#, "`a` must match `^[a-z]+$`")],
    ),
    (
        r#"string a = 1 [(buf.validate.field).string = {prefix: "p", suffix: "s", contains: "-", not_contains: "x"}];"#,
        &[r#"{"a": "p-s"}"#],
        &[
            (r#"{"a": "-s"}"#, "`a` must begin with \"p\""),
            (r#"{"a": "p-"}"#, "`a` must end with \"s\""),
            (r#"{"a": "ps"}"#, "`a` must contain \"-\""),
            (r#"{"a": "p-xs"}"#, "`a` must not contain \"x\""),
        ],
    ),
    (
        r#"string a = 1 [(buf.validate.field).string = {in: ["a", "b"]}];"#,
        &[r#"{"a": "b"}"#],
        &[(r#"{"a": "c"}"#, "`a` must be one of \"a\", \"b\"")],
    ),
    (
        r#"string a = 1 [(buf.validate.field).string = {not_in: ["a"]}];"#,
        &[r#"{"a": "b"}"#],
        &[(r#"{"a": "a"}"#, "`a` must be none of \"a\"")],
    ),
    (
        r#"bytes a = 1 [(buf.validate.field).bytes = {min_len: 2, prefix: "\x00"}];"#,
        &[r#"{"a": "AAEC"}"#],
        &[
            (r#"{"a": "AQI="}"#, "`a` must begin with AA== (base64)"),
            (r#"{"a": "AA=="}"#, "`a` must have at least 2 bytes, and has 1"),
        ],
    ),
    (
        "bytes a = 1 [(buf.validate.field).bytes.ipv4 = true];",
        &[r#"{"a": "AAECAw=="}"#],
        &[(r#"{"a": "AAEC"}"#, "`a` must be an IPv4 address of 4 bytes")],
    ),
];

const REST: &[Case] = &[
    (
        "repeated string a = 1 [(buf.validate.field).repeated = {min_items: 1, max_items: 2, unique: true, items: {string: {min_len: 2}}}];",
        &[r#"{"a": ["aa", "bb"]}"#],
        &[
            ("{}", "`a` must have 1 to 2 items, and has 0"),
            (r#"{"a": ["aa", "aa"]}"#, "`a` must have no two items alike"),
            (r#"{"a": ["aa", "b"]}"#, "`a[1]` must have at least 2 characters, and has 1"),
        ],
    ),
    (
        "map<string, int32> a = 1 [(buf.validate.field).map = {max_pairs: 1, keys: {string: {min_len: 2}}, values: {int32: {gt: 0}}}];",
        &["{}", r#"{"a": {"kk": 1}}"#],
        &[
            (
                r#"{"a": {"k": 1}}"#,
                "`a[\"k\"]` is under a key that must have at least 2 characters, and has 1",
            ),
            (r#"{"a": {"kk": 0}}"#, "`a[\"kk\"]` must be greater than 0"),
            (r#"{"a": {"kk": 1, "ll": 1}}"#, "`a` must have at most 1 pair, and has 2"),
        ],
    ),
    (
        "repeated Part a = 1; Part b = 2; map<string, Part> c = 3;",
        &["{}", r#"{"a": [{"sku": "ab"}]}"#],
        &[
            (r#"{"a": [{"sku": "ab"}, {}]}"#, "`a[1].sku` must have at least 2 characters, and has 0"),
            (
                r#"{"b": {"sku": "ab", "inner": {"sku": "x"}}}"#,
                "`b.inner.sku` must have at least 2 characters, and has 1",
            ),
            (r#"{"c": {"x y": {}}}"#, "`c[\"x y\"].sku` must have at least 2 characters, and has 0"),
        ],
    ),
    ("Part a = 1 [(buf.validate.field).ignore = IGNORE_ALWAYS];", &[r#"{"a": {}}"#], &[]),
    (
        "Part a = 1 [(buf.validate.field).required = true];",
        &[r#"{"a": {"sku": "ab"}}"#],
        &[("{}", "`a` is required")],
    ),
    (
        "int32 a = 1 [(buf.validate.field) = {required: true, int32: {lt: 9}}];",
        &[r#"{"a": 1}"#],
        &[("{}", "`a` is required"), (r#"{"a": 9}"#, "`a` must be less than 9")],
    ),
    (
        "string a = 1 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE, string: {email: true}}];",
        &["{}", r#"{"a": "a@b.c"}"#],
        &[(r#"{"a": "a"}"#, "`a` must be an e-mail address, as in ada@example.com")],
    ),
    (
        "optional string a = 1 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE, string: {min_len: 1}}];",
        &["{}"],
        &[(r#"{"a": ""}"#, "`a` must have at least 1 character, and has 0")],
    ),
    (
        "oneof o { option (buf.validate.oneof).required = true; string a = 1 [(buf.validate.field).string.min_len = 2]; int32 b = 2; }",
        &[r#"{"b": 0}"#, r#"{"a": "xx"}"#],
        &[
            ("{}", "`a` is one of `a`, `b` (oneof `o`), of which exactly one must be set"),
            (r#"{"a": "x"}"#, "`a` must have at least 2 characters, and has 1"),
        ],
    ),
    (
        r#"option (buf.validate.message).oneof = {fields: ["a", "b"]}; string a = 1 [(buf.validate.field).string.min_len = 2]; int32 b = 2;"#,
        &["{}", r#"{"a": "xx"}"#],
        &[(r#"{"a": "xx", "b": 1}"#, "`a` is one of `a`, `b`, of which at most one must be set")],
    ),
    (
        "google.protobuf.Duration a = 1 [(buf.validate.field).duration = {gt: {seconds: 1}, lte: {seconds: 2, nanos: 500000000}}];",
        &["{}", r#"{"a": "2.5s"}"#],
        &[(r#"{"a": "1s"}"#, "`a` must be greater than 1s and at most 2.500s")],
    ),
    (
        "google.protobuf.Timestamp a = 1 [(buf.validate.field).timestamp = {gte: {seconds: -1}}];",
        &[r#"{"a": "1969-12-31T23:59:59Z"}"#],
        &[(r#"{"a": "1969-12-31T23:59:58.9Z"}"#, "`a` must be at least 1969-12-31T23:59:59Z")],
    ),
    (
        "google.protobuf.Timestamp a = 1 [(buf.validate.field).timestamp.lt_now = true];",
        &[r#"{"a": "2000-01-01T00:00:00Z"}"#],
        &[(r#"{"a": "9000-01-01T00:00:00Z"}"#, "`a` must be in the past")],
    ),
    (
        "google.protobuf.Timestamp a = 1 [(buf.validate.field).timestamp = {gt_now: true}];",
        &[r#"{"a": "9000-01-01T00:00:00Z"}"#],
        &[(r#"{"a": "2000-01-01T00:00:00Z"}"#, "`a` must be in the future")],
    ),
    (
        "google.protobuf.Timestamp a = 1 [(buf.validate.field).timestamp = {within: {seconds: 60}}];",
        &["{}"],
        &[(r#"{"a": "2000-01-01T00:00:00Z"}"#, "`a` must be within 60s of now")],
    ),
    (
        r#"google.protobuf.FieldMask a = 1 [(buf.validate.field).field_mask = {in: ["a_b", "c"]}];"#,
        &[r#"{"a": "aB.x,c"}"#],
        &[(r#"{"a": "d"}"#, "`a` must name only paths of aB, c, and names d")],
    ),
    (
        r#"google.protobuf.Any a = 1 [(buf.validate.field).any = {in: ["type.googleapis.com/t.v1.Part"]}];"#,
        &[r#"{"a": {"@type": "type.googleapis.com/t.v1.Part"}}"#],
        &[(
            r#"{"a": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}}"#,
            "`a` must be one of type.googleapis.com/t.v1.Part",
        )],
    ),
];

#[test]
fn rules_of_numbers_are_kept() {
    keep(NUMBERS);
}

#[test]
fn rules_of_text_and_bytes_are_kept() {
    keep(TEXT);
}

#[test]
fn rules_of_collections_messages_and_times_are_kept() {
    keep(REST);
}

fn keep(cases: &[Case]) {
    for (members, fitting, refused) in cases {
        let kind = kind(members);
        assert!(kind.has_constraints() || refused.is_empty(), "{members}");
        for json in *fitting {
            assert_eq!(broken(&kind, json), [""; 0], "{members} {json}");
        }
        for (json, sentence) in *refused {
            assert_eq!(broken(&kind, json), [*sentence], "{members} {json}");
        }
    }
}

/// Of each format, what is one and what is none.
const FORMATS: &[(&str, &[&str], &[&str])] = &[
    ("email", &["a@b", "a.b+c@x.example"], &["", "a", "a@", "@b", "a@-b", "a b@c", "a@b..c"]),
    ("hostname", &["a", "a.example.", "1a.b-c"], &["", "a.1", "-a", "a-", "a..b", "a_b", "."]),
    ("ip", &["127.0.0.1", "::1", "fe80::1%en0"], &["", "127.0.0.01", "256.1.1.1", "::1%", "1.2.3"]),
    ("ipv4", &["0.0.0.0"], &["::1", "1.2.3.4.5"]),
    ("ipv6", &["::", "2001:db8::1", "::ffff:1.2.3.4"], &["1.2.3.4", ":::", "g::"]),
    (
        "uri",
        &["https://a.example/b?c#d", "urn:a:b", "mailto:a@b"],
        &["", "a/b", "//a", "http://a b", "http://[x]"],
    ),
    ("uri_ref", &["", "./a?b", "//a", "https://a"], &["a b", "%", "http://a\\b"]),
    ("address", &["a.example", "::1", "10.0.0.1"], &["", "a_b", "10.0.0.256"]),
    (
        "uuid",
        &["0192d3c4-0000-7000-8000-00000000000F"],
        &["", "0192d3c400007000800000000000000f", "x192d3c4-0000-7000-8000-000000000000"],
    ),
    ("tuuid", &["0192d3c4000070008000000000000000"], &["", "0192d3c4-0000-7000-8000-000000000000"]),
    (
        "ulid",
        &["01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        &["", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAI"],
    ),
    (
        "ip_with_prefixlen",
        &["10.0.0.1/8", "::1/128"],
        &["", "10.0.0.1", "10.0.0.1/33", "10.0.0.1/08", "::1%a/64"],
    ),
    ("ipv4_with_prefixlen", &["10.0.0.1/0"], &["::1/8"]),
    ("ipv6_with_prefixlen", &["::1/0"], &["10.0.0.1/8", "::/129"]),
    (
        "ip_prefix",
        &["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"],
        &["10.0.0.1/8", "2001:db8::1/32", "1.0.0.0/0"],
    ),
    ("ipv4_prefix", &["10.1.2.3/32"], &["10.0.0.1/31"]),
    ("ipv6_prefix", &["::/0"], &["::1/127"]),
    (
        "host_and_port",
        &["a.example:1", "[::1]:65535", "10.0.0.1:0"],
        &["", "a", "a:", "a:65536", "::1:80", "a:080", "[::1]", "[1.2.3.4]:80"],
    ),
    ("protobuf_fqn", &["a.b_c.D1"], &["", ".a", "a..b", "1a"]),
    ("protobuf_dot_fqn", &[".a.b"], &["", "a.b", "."]),
    ("well_known_regex: KNOWN_REGEX_HTTP_HEADER_NAME", &["X-A", ":path"], &["", "a b", ":", "a:"]),
    ("strict: false well_known_regex: KNOWN_REGEX_HTTP_HEADER_NAME", &["a b"], &["", "a\\n"]),
    ("well_known_regex: KNOWN_REGEX_HTTP_HEADER_VALUE", &["", "a\\tb"], &["a\\rb", "\\u007f"]),
    ("strict: false well_known_regex: KNOWN_REGEX_HTTP_HEADER_VALUE", &["\\u007f"], &["a\\nb"]),
];

#[test]
fn well_known_formats_are_told_apart() {
    for (format, fitting, refused) in FORMATS {
        let rule = if format.contains(':') { (*format).to_owned() } else { format!("{format}: true") };
        let kind = kind(&format!("string a = 1 [(buf.validate.field).string = {{{rule}}}];"));
        let json = |text: &str| format!(r#"{{"a": "{text}"}}"#);
        for text in *fitting {
            assert!(broken(&kind, &json(text)).is_empty(), "{format} should take {text:?}");
        }
        for text in *refused {
            assert_eq!(broken(&kind, &json(text)).len(), 1, "{format} should refuse {text:?}");
        }
    }
}
