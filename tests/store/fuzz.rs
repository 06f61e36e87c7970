//! What strangers send, mutated at random for a minute each (`make fuzz`): filters, masks, orders, page
//! tokens, consistency tokens, bodies. Whatever comes, the answer is a value or a refusal, and what is
//! accepted is accepted again. Seeds are printed; `TRINE_TEST_SEED` repeats a run.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use trine::model::{Key, Position, Reason};
use trine::query::{After, ListRequest, filter, mask, order};
use trine::store::TokenCodec;

use crate::conformance::fixture::{entries, users};

const FILTERS: &[&str] = &[
    "title = \"a*\" AND NOT (state = DRAFT OR tags:\"x\") -body:*",
    "publish_time >= 2026-01-01T00:00:00Z name = \"users/a/entries/b\"",
    "create_time < \"2026-01-01T00:00:00.5+01:00\" title != '\\*\\n'",
];
const MASKS: &[&str] = &["title,tags.*,create_time", "`a.b`,*", "name, body"];
const BODIES: &[&str] = &[
    r#"{"title":"a","tags":["x","y"],"state":"DRAFT","publishTime":"2026-01-01T00:00:00Z","body":"\u00e9\ud83d\ude00"}"#,
    r#"{"name":"users/a/entries/b","etag":"\"7\"","state":2,"tags":[null,1e400,-0.0],"title":{"a":[[[]]]}}"#,
];
/// What grammars are made of.
const WORDS: &[&str] = &[
    "AND",
    "OR",
    "NOT ",
    "(",
    ")",
    ":",
    "=",
    "!=",
    "<=",
    "*",
    "\"",
    "'",
    "\\",
    ".",
    ",",
    "-",
    "`",
    "{",
    "}",
    "[",
    "]",
    "\0",
    "é",
    "\u{10FFFF}",
    "9223372036854775808",
    "1e999",
    "NaN",
    "null",
    "\\ud800",
    "title",
    "tags",
    "state",
    " ",
];

/// Runs `judge` on mutations of `corpus` until the time is over; says how many there were.
fn fuzz(name: &str, corpus: &[Vec<u8>], mut judge: impl FnMut(&[u8])) {
    let seconds = std::env::var("TRINE_FUZZ_SECONDS").map_or(60, |text| text.parse().expect("a number"));
    let mut random = crate::seed::generator(name);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut executions = 0u64;
    while Instant::now() < end {
        let mut input = corpus[random.random_range(0..corpus.len())].clone();
        for _ in 0..random.random_range(0..8) {
            mutate(&mut random, &mut input);
        }
        judge(&input);
        executions += 1;
    }
    println!("{name}: {executions} executions");
    assert!(executions > 0);
}

fn mutate(random: &mut StdRng, input: &mut Vec<u8>) {
    let at = random.random_range(0..=input.len());
    let until = random.random_range(at..=input.len().min(at + 12));
    match random.random_range(0..5) {
        0 => drop(input.drain(at..until)),
        1 => input.insert(at, random.random()),
        2 => {
            let word = WORDS[random.random_range(0..WORDS.len())];
            input.splice(at..at, word.bytes());
        }
        3 => {
            let copy = input[at..until].to_vec();
            let to = random.random_range(0..=input.len());
            input.splice(to..to, copy);
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
    }
}

fn corpus(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
#[ignore = "a minute; make fuzz"]
fn fuzz_filters() {
    fuzz("filters", &corpus(FILTERS), |input| {
        let text = String::from_utf8_lossy(input);
        match filter::parse(entries(), &text) {
            Ok(tree) => assert_eq!(filter::parse(entries(), &text).expect("as before"), tree),
            Err(error) => assert_eq!(error.reason, Reason::InvalidFilter, "{text}: {error}"),
        }
    });
}

#[test]
#[ignore = "a minute; make fuzz"]
fn fuzz_masks_and_orders() {
    fuzz("masks and orders", &corpus(MASKS), |input| {
        let text = String::from_utf8_lossy(input);
        for refused in [mask::parse(&text).err(), mask::read(entries(), &text).err()].into_iter().flatten() {
            assert_eq!(refused.reason, Reason::InvalidMask, "{text}: {refused}");
        }
        if let Err(error) = order::parse(entries(), &text) {
            assert_eq!(error.reason, Reason::InvalidOrder, "{text}: {error}");
        }
    });
}

#[test]
#[ignore = "a minute; make fuzz"]
fn fuzz_page_tokens() {
    let asked = |page_token: String| ListRequest {
        parent: Some("alice".to_owned()),
        order_by: "title".to_owned(),
        page_token,
        ..ListRequest::default()
    };
    let query = asked(String::new()).query(entries(), b"secret", 10).expect("a query");
    let scope = trine::query::page_token::Scope::new(entries(), Some("alice"), "", "title", false);
    let values = vec![trine::query::Scalar::Text("t".to_owned())];
    let after = After { values, key: Key::new("alice/one") };
    let token =
        trine::query::page_token::encode(entries(), b"secret", scope, &query.order, &after).expect("a token");
    assert_eq!(
        asked(token.clone()).query(entries(), b"secret", 10).expect("served").after,
        Some(after.clone())
    );
    fuzz("page tokens", &[token.clone().into_bytes()], |input| {
        let text = String::from_utf8_lossy(input).into_owned();
        match asked(text.clone()).query(entries(), b"secret", 10) {
            // Without a token it is the first page; another one that passes is a forgery.
            Ok(query) => assert!(text.is_empty() || query.after == Some(after.clone()), "{text}"),
            Err(error) => assert_eq!(error.reason, Reason::PageTokenInvalid, "{text}: {error}"),
        }
    });
}

#[test]
#[ignore = "a minute; make fuzz"]
fn fuzz_consistency_tokens() {
    let codec = TokenCodec::new(b"secret", 3600);
    let position = Position { cluster: 7, timeline: 1, offset: 42 };
    let token = codec.encode(position);
    fuzz("consistency tokens", &[token.clone().into_bytes()], |input| {
        let text = String::from_utf8_lossy(input);
        match codec.decode(&text, 7) {
            Ok(found) => assert_eq!(found, Some(position), "{text}"),
            Err(error) => assert_eq!(error.reason, Reason::ConsistencyTokenInvalid, "{text}: {error}"),
        }
    });
}

#[test]
#[ignore = "a minute; make fuzz"]
fn fuzz_bodies() {
    fuzz("bodies", &corpus(BODIES), |input| {
        for kind in [entries(), users()] {
            let Ok(read) = kind.input_from_json(input) else { continue };
            let again = serde_json::to_vec(&read.document).expect("JSON");
            let again = kind.input_from_json(&again).expect("what is canonical is accepted");
            assert_eq!(again.document, read.document, "canonical once is canonical for ever");
        }
    });
}
