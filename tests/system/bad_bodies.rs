//! Bodies of a schema with every kind of field that are wrong in every way there is: each is refused with
//! the place of the mistake, none is written, none shows what is inside the server.

use serde_json::{Value, json};

use crate::support::http::{Answer, Api};
use crate::support::trine::{Launch, Trine};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const BOOKS: &str = "/v1/publishers/p/books";

struct Server {
    trine: Trine,
    _home: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let url = format!("sqlite:{}", home.path().join("library.db").display());
        let tree = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/library");
        let launch = Launch::role("monolith").argument("--database", &url).argument("--proto", tree);
        Self { trine: launch.ready(), _home: home }
    }

    fn api(&self) -> Api {
        self.trine.api()
    }
}

/// Words of the inside: none may reach a client.
const INSIDE: &[&str] =
    &["SELECT", "INSERT", "sqlite", "diesel", "panicked", ".rs", "/src/", "DynamicMessage", "prost", "serde"];

#[track_caller]
fn assert_explained(answer: &Answer, status: u16, reason: &str, place: &str, case: &str) {
    let text = answer.text();
    let shown: String = case.chars().take(120).collect();
    assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "{shown}: {text}");
    let error = &answer.json()["error"];
    assert!(text.contains(place), "{shown}: does not say where ({place}): {text}");
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 15), "{shown}: {text}");
    assert!(text.len() < 2000, "{shown}: an answer of {} bytes", text.len());
    for word in INSIDE {
        assert!(!text.contains(word), "{shown}: shows `{word}`: {text}");
    }
}

/// Fields beside a title, the reason, and what the answer must name.
const FIELDS: &[(&str, &str, &str)] = &[
    // Types.
    (r#""title":7"#, "INVALID_FIELD", "title"),
    (r#""isbn":7"#, "INVALID_FIELD", "isbn"),
    (r#""isbn":["a"]"#, "INVALID_FIELD", "isbn"),
    (r#""author":"Ada""#, "INVALID_FIELD", "author"),
    (r#""author":{"givenName":{}}"#, "INVALID_FIELD", "author.givenName"),
    (r#""translators":{"givenName":"A"}"#, "INVALID_FIELD", "translators"),
    (r#""translators":[{"givenName":"A"},{"givenName":7}]"#, "INVALID_FIELD", "translators[1].givenName"),
    (r#""tags":"a""#, "INVALID_FIELD", "tags"),
    (r#""tags":[null]"#, "INVALID_FIELD", "tags[0]"),
    (r#""sales":["a"]"#, "INVALID_FIELD", "sales"),
    (r#""sales":{"a":"many"}"#, "INVALID_FIELD", "sales"),
    (r#""chapters":{"one":{"givenName":"A"}}"#, "INVALID_FIELD", "chapters"),
    (r#""chapters":{"1":null}"#, "INVALID_FIELD", "chapters"),
    (r#""inPrint":"true""#, "INVALID_FIELD", "inPrint"),
    (r#""inPrint":1"#, "INVALID_FIELD", "inPrint"),
    (r#""cover":"***""#, "INVALID_FIELD", "cover"),
    (r#""format":"PAPER""#, "INVALID_FIELD", "format"),
    (r#""format":1.5"#, "INVALID_FIELD", "format"),
    (r#""allFormats":["HARDCOVER","PAPER"]"#, "INVALID_FIELD", "allFormats[1]"),
    // Ranges.
    (r#""pages":2147483648"#, "INVALID_FIELD", "pages"),
    (r#""pages":1.5"#, "INVALID_FIELD", "pages"),
    (r#""pages":1e99"#, "INVALID_FIELD", "pages"),
    (r#""copies":"9223372036854775808""#, "INVALID_FIELD", "copies"),
    (r#""copies":"0x10""#, "INVALID_FIELD", "copies"),
    (r#""barcode":-1"#, "INVALID_FIELD", "barcode"),
    (r#""barcode":18446744073709551616"#, "INVALID_FIELD", "barcode"),
    (r#""shelf":4294967296"#, "INVALID_FIELD", "shelf"),
    (r#""rating":1e39"#, "INVALID_FIELD", "rating"),
    (r#""weight":"Inf""#, "INVALID_FIELD", "weight"),
    (r#""weight":1e400"#, "INVALID_BODY", "number"),
    (r#""publishTime":"yesterday""#, "INVALID_FIELD", "publishTime"),
    (r#""publishTime":"0000-01-01T00:00:00Z""#, "INVALID_FIELD", "publishTime"),
    (r#""publishTime":"10000-01-01T00:00:00Z""#, "INVALID_FIELD", "publishTime"),
    (r#""publishTime":1700000000"#, "INVALID_FIELD", "publishTime"),
    (r#""readingTime":"1h""#, "INVALID_FIELD", "readingTime"),
    (r#""readingTime":"315576000001s""#, "INVALID_FIELD", "readingTime"),
    (r#""reviewed":"a,,b""#, "INVALID_FIELD", "reviewed"),
    (r#""reviewed":["a"]"#, "INVALID_FIELD", "reviewed"),
    (r#""extra":"a""#, "INVALID_FIELD", "extra"),
    (r#""stock":"many""#, "INVALID_FIELD", "stock"),
    (r#""attachment":{}"#, "INVALID_FIELD", "attachment"),
    (r#""attachment":{"@type":"type.googleapis.com/no.Such"}"#, "INVALID_FIELD", "attachment"),
    (r#""attachment":{"@type":7}"#, "INVALID_FIELD", "attachment"),
    // Texts that one of the databases could not hold.
    ("\"subtitle\":\"a\\u0000b\"", "INVALID_FIELD", "subtitle"),
    ("\"subtitle\":\"\\ud800\"", "INVALID_BODY", "column"),
    ("\"extra\":{\"a\\u0000\":1}", "INVALID_FIELD", "extra"),
    ("\"sales\":{\"a\\u0000\":\"1\"}", "INVALID_FIELD", "sales"),
    // Twice, unknown, both of a oneof.
    (r#""isbn":"a","isbn":"b""#, "INVALID_BODY", "isbn"),
    (
        r#""publishTime":"2026-01-01T00:00:00Z","publish_time":"2026-01-01T00:00:00Z""#,
        "INVALID_FIELD",
        "publish_time",
    ),
    (r#""extra":{"a":1,"a":2}"#, "INVALID_BODY", "a"),
    (r#""sales":{"a":"1","a":"2"}"#, "INVALID_BODY", "a"),
    (r#""colour":"red""#, "UNKNOWN_FIELD", "colour"),
    (r#""author":{"givenName":"A","colour":1}"#, "UNKNOWN_FIELD", "author.colour"),
    (r#""amount":1,"onRequest":"x""#, "INVALID_FIELD", "onRequest"),
    (r#""author":{"familyName":"L"}"#, "REQUIRED", "author.givenName"),
    (r#""name":"publishers/p/books/other""#, "INVALID_FIELD", "name"),
];

#[test]
fn every_wrong_value_is_named_and_none_is_written() {
    let server = Server::start();
    let mut wrong = Vec::new();
    for (fields, reason, place) in FIELDS {
        let title = if fields.contains("\"title\"") { "" } else { "\"title\":\"T\"," };
        let answer = server.api().request("POST", BOOKS).body(JSON, format!("{{{title}{fields}}}")).send();
        let judged = std::panic::catch_unwind(|| assert_explained(&answer, 400, reason, place, fields));
        if judged.is_err() {
            wrong.push(format!("{fields}: {reason} {place} wanted, {}", answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(server.api().get(BOOKS).expect(200).json()["books"], json!([]), "something was written");
}

/// `{"sequel":{"sequel":…}}`, `{"extra":{"a":{"a":…}}}` and arrays: deep enough to end a careless parser's stack.
#[test]
fn depth_bombs_are_refused() {
    let server = Server::start();
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for depth in [200, 100_000] {
        for (field, open, close) in [
            ("sequel", "{\"sequel\":", "}"),
            ("extra", "{\"a\":", "}"),
            ("anything", "[", "]"),
            ("unknown", "[{\"a\":", "}]"),
        ] {
            let body = format!("{{\"title\":\"T\",\"{field}\":{}}}", nested(open, close, depth));
            let answer = server.api().request("POST", BOOKS).body(JSON, body).send();
            assert!([400, 413].contains(&answer.status), "{field} {depth}: {}", answer.text());
            assert_explained(&answer, answer.status, &answer.reason(), "", field);
        }
    }
    // `sequel = 36`, each within the other, with right lengths; and groups that only open.
    let mut message: Vec<u8> = Vec::new();
    for _ in 0..20_000 {
        let mut outer = vec![0xa2, 0x02];
        prost::encoding::encode_varint(message.len() as u64, &mut outer);
        outer.append(&mut message);
        message = outer;
    }
    let groups = [0xa3, 0x02].repeat(100_000);
    for bytes in [message, groups] {
        let answer = server.api().request("POST", BOOKS).body(PROTOBUF, bytes).send();
        assert_explained(&answer, 400, "INVALID_BODY", "Book", "nested messages");
    }
    server.api().get(BOOKS).expect(200);
}

#[test]
fn messages_that_are_none_are_refused() {
    let server = Server::start();
    let cases: &[(&str, &[u8])] = &[
        ("cut off within a length", &[0x32]),
        ("longer than the body", &[0x32, 0x7f, b'T']),
        ("a length of 2^63", &[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ("a number without an end", &[0xff; 11]),
        ("a text that is not UTF-8", &[0x32, 0x01, 0xff]),
        ("a text sent as a number", &[0x30, 0x07]),
        ("field number 0", &[0x00, 0x00]),
        ("wire type 7", &[0x37, 0x01]),
        ("the end of a group that never began", &[0x34]),
    ];
    for (case, bytes) in cases {
        let answer = server.api().request("POST", BOOKS).body(PROTOBUF, *bytes).send();
        assert_explained(&answer, 400, "INVALID_BODY", "Book", case);
    }
    let unknown =
        server.api().request("POST", BOOKS).body(PROTOBUF, [0x32, 0x01, b'T', 0xf8, 0x3f, 0x01]).send();
    assert_explained(&unknown, 400, "UNKNOWN_FIELD", "1023", "field 1023");
    let with_nul = server.api().request("POST", BOOKS).body(PROTOBUF, [0x32, 0x02, b'T', 0x00]).send();
    assert_explained(&with_nul, 400, "INVALID_FIELD", "title", "NUL");
    assert_eq!(server.api().get(BOOKS).expect(200).json()["books"], json!([]));
}

#[test]
fn what_is_no_json_document_in_utf_8_is_refused() {
    let server = Server::start();
    let cases: &[(&str, &[u8])] = &[
        ("UTF-16", b"\xff\xfe{\0}\0"),
        ("a byte order mark", b"\xef\xbb\xbf{\"title\":\"T\"}"),
        ("not UTF-8", b"{\"title\":\"\xff\"}"),
        ("a raw control character", b"{\"title\":\"a\x01\"}"),
        ("a comment", b"{/* */\"title\":\"T\"}"),
        ("a trailing comma", b"{\"title\":\"T\",}"),
        ("single quotes", b"{'title':'T'}"),
        ("two documents", b"{\"title\":\"T\"}{\"title\":\"T\"}"),
        ("NaN", b"{\"title\":\"T\",\"weight\":NaN}"),
        ("a leading zero", b"{\"title\":\"T\",\"pages\":007}"),
        ("nothing but blanks", b"  \n"),
    ];
    for (case, bytes) in cases {
        let answer = server.api().request("POST", BOOKS).body(JSON, *bytes).send();
        assert_explained(&answer, 400, "INVALID_BODY", "", case);
    }
    assert_eq!(server.api().get(BOOKS).expect(200).json()["books"], json!([]));
}

#[test]
fn bodies_of_ten_megabytes_and_other_wrappings_are_refused() {
    let server = Server::start();
    let large = json!({ "title": "x".repeat(10 << 20) }).to_string();
    let answer = server.api().request("POST", BOOKS).body(JSON, large).send();
    assert_explained(&answer, 413, "BODY_TOO_LARGE", "1048576", "ten megabytes");
    let body = || json!({ "title": "T" }).to_string();
    for media in [
        "application/xml",
        "text/json",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "a",
        "*/*",
    ] {
        let answer = server.api().request("POST", BOOKS).body(media, body()).send();
        assert_explained(&answer, 415, "MEDIA_TYPE", "application/json", media);
    }
    for encoding in ["gzip", "br", "deflate", "zstd", "gzip, identity", "x-unknown"] {
        let sent = server.api().request("POST", BOOKS).header("Content-Encoding", encoding);
        let answer = sent.body(JSON, body()).send();
        assert_explained(&answer, 415, "CONTENT_ENCODING", "", encoding);
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    assert_eq!(server.api().get(BOOKS).expect(200).json()["books"], Value::Array(vec![]));
}
