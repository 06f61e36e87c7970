//! Requests that two servers in a row could cut differently: none gets a second one past the first.
//!
//! Each carries `DELETE /blog/v1/users/ada` where a careless reader would find it. Told to the server
//! alone and behind nginx.

use std::net::SocketAddr;

use crate::support::blog;
use crate::support::nginx::Nginx;
use crate::support::raw::{exchange, statuses};
use crate::support::trine::Launch;

const HIDDEN: &str = "DELETE /blog/v1/users/ada HTTP/1.1\r\nHost: x\r\n\r\n";

/// What a request is framed with, and its body; `@` stands for the hidden request, `#` for its length.
const FRAMINGS: &[(&str, &str, &str)] = &[
    ("CL.TE", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@"),
    ("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "#\r\n@\r\n0\r\n\r\n"),
    ("CL.CL", "Content-Length: 0\r\nContent-Length: 49\r\n", "@"),
    ("CL of two values", "Content-Length: 0, 49\r\n", "@"),
    ("CL with a sign", "Content-Length: +0\r\n", "@"),
    ("CL negative", "Content-Length: -1\r\n", "@"),
    ("CL in hexadecimal", "Content-Length: 0x0\r\n", "@"),
    ("CL with a blank before the colon", "Content-Length : 49\r\n", "@"),
    ("TE.TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n@"),
    ("TE twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@"),
    ("TE list", "Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n@"),
    ("TE not last", "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n@"),
    ("TE unknown", "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n", "@"),
    ("TE with a vertical tab", "Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n", "@"),
    ("TE with a blank before the colon", "Transfer-Encoding : chunked\r\nContent-Length: 0\r\n", "@"),
    ("TE folded", "Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n", "@"),
    ("header folded", "X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "@"),
    ("bare LF", "X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n", "@"),
    ("bare CR", "X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n", "@"),
    ("NUL in a header", "X-A: b\0\r\nContent-Length: 0\r\n", "@"),
    ("chunk size negative", "Transfer-Encoding: chunked\r\n", "-1\r\n@\r\n0\r\n\r\n"),
    ("chunk size with 0x", "Transfer-Encoding: chunked\r\n", "0x31\r\n@\r\n0\r\n\r\n"),
    ("chunk size too large", "Transfer-Encoding: chunked\r\n", "10000000000000000\r\n@\r\n0\r\n\r\n"),
    ("chunk size with blanks", "Transfer-Encoding: chunked\r\n", "0 0\r\n\r\n@"),
    ("chunk ended by LF alone", "Transfer-Encoding: chunked\r\n", "0\n\n@"),
    ("chunk extension with LF", "Transfer-Encoding: chunked\r\n", "1;a=\n\r\nx\r\n0\r\n\r\n@"),
    ("chunk without an end", "Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n0\r\n\r\n@"),
    ("second Host", "Host: y\r\nContent-Length: 0\r\n", "@"),
];

fn bytes(framing: &str, body: &str, version: &str) -> Vec<u8> {
    let length = format!("{:x}", HIDDEN.len());
    let body = body.replace('@', HIDDEN).replace('#', &length);
    format!(
        "POST /blog/v1/users HTTP/{version}\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n{body}"
    )
    .into_bytes()
}

/// What is after a request that says it has no body is the next request, openly: not smuggled.
fn is_pipelined(name: &str) -> bool {
    // Readers agree on these: one that knows both fields' values sees the same two requests.
    matches!(name, "TE with a vertical tab")
}

fn nothing_is_smuggled(address: SocketAddr, api: &crate::support::http::Api) {
    for (name, framing, body) in FRAMINGS {
        for version in ["1.1", "1.0"] {
            let text = exchange(address, &bytes(framing, body, version));
            let answered = statuses(&text);
            assert!(
                answered.iter().all(|status| (400..500).contains(status) || *status == 501),
                "{name}: {text}"
            );
            assert!(answered.len() <= 1 || is_pipelined(name), "{name} HTTP/{version}: two answers: {text}");
            let ada = api.get("/blog/v1/users/ada");
            assert_eq!(ada.status, 200, "{name} HTTP/{version}: the hidden request was carried out: {text}");
        }
    }
}

#[test]
fn no_framing_hides_a_second_request() {
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("blog.db").display());
    let trine = Launch::role("monolith").argument("--database", &url).ready();
    blog::create_user(&trine.api(), "ada").expect(201);
    nothing_is_smuggled(trine.public, &trine.api());
    let nginx = Nginx::start(trine.public, trine.public);
    nothing_is_smuggled(nginx.address, &trine.api());
    assert_eq!(
        trine.api().get("/blog/v1/users").expect(200).json()["users"].as_array().map(Vec::len),
        Some(1)
    );
}
