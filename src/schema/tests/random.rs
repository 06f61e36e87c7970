//! Documents at random: what holds for all of them.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::model::Document;

fn author() -> impl Strategy<Value = Value> {
    let address = (proptest::option::of("[a-c]{0,2}"), proptest::collection::vec("[a-b]", 0..3))
        .prop_map(|(city, lines)| json!({"city": city, "lines": lines}));
    ("[a-z]{1,3}", proptest::option::of(any::<i32>()), proptest::option::of(address))
        .prop_map(|(given, born, address)| json!({"givenName": given, "born": born, "address": address}))
}

fn price() -> impl Strategy<Value = Option<(&'static str, Value)>> {
    prop_oneof![
        Just(None),
        any::<f64>()
            .prop_filter("JSON", |number| number.is_finite())
            .prop_map(|number| Some(("amount", json!(number)))),
        ".{0,4}".prop_map(|text| Some(("onRequest", json!(text.replace('\0', ""))))),
        author().prop_map(|author| Some(("giftOf", author))),
    ]
}

/// A body as a client may send it, canonical or not.
fn body() -> impl Strategy<Value = Value> {
    let scalars = (any::<i64>(), any::<u64>(), any::<f32>(), any::<bool>(), 0..4_i32, any::<Vec<u8>>());
    let nested = (
        proptest::option::of(author()),
        proptest::collection::vec(author(), 0..3),
        proptest::collection::btree_map("[a-c]", any::<i64>(), 0..3),
        proptest::collection::btree_map(any::<i32>(), author(), 0..3),
        price(),
        proptest::option::of((0..253_402_300_800_i64, 0..1_000_000_000_i32)),
    );
    (scalars, nested).prop_map(|((copies, barcode, rating, in_print, format, cover), nested)| {
        let (author, translators, sales, chapters, price, time) = nested;
        let chapters: Map<String, Value> =
            chapters.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        let time = time.and_then(|(seconds, nanos)| {
            jiff::Timestamp::new(seconds, nanos).ok().map(|time| format!("{time:.9}"))
        });
        let cover = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, cover);
        let rating = if rating.is_finite() { json!(rating) } else { json!("NaN") };
        let mut body = json!({"copies": copies, "barcode": barcode, "rating": rating, "inPrint": in_print,
            "format": format, "cover": cover, "author": author, "translators": translators, "sales": sales,
            "chapters": chapters, "publishTime": time});
        if let Some((member, value)) = price {
            body[member] = value;
        }
        body
    })
}

fn canonical(kind: &ResourceType, body: &Value) -> Document {
    kind.input_from_json(body.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{body}: {error}"))
        .document
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn canonical_documents_stay_as_they_are(body in body()) {
        let kind = book();
        let once = canonical(&kind, &body);
        prop_assert_eq!(canonical(&kind, &Value::Object(once.0.clone())), once);
    }

    #[test]
    fn a_difference_applied_gives_the_other_document(before in body(), after in body()) {
        let kind = book();
        let (before, after) = (canonical(&kind, &before), canonical(&kind, &after));
        let mut patched = before.clone();
        kind.apply(&mut patched, &kind.difference(&before, &after)).expect("applies");
        prop_assert_eq!(patched, after);
    }

    #[test]
    fn a_message_and_back_is_the_same_document(body in body()) {
        let kind = book();
        let document = canonical(&kind, &body);
        let row = stored(&kind, "acme/one", &Value::Object(document.0.clone()).to_string());
        let message = kind.to_message(&row).expect("a message");
        prop_assert_eq!(kind.document_of(&message).expect("a document"), document);
    }

    #[test]
    fn what_a_newer_schema_stored_survives(before in body(), after in body()) {
        let kind = book();
        let (before, after) = (canonical(&kind, &before), canonical(&kind, &after));
        let edits = kind.difference(&before, &after);
        let mut patched = before.clone();
        patched.0.insert("newer".to_owned(), json!({"a": 1}));
        let both = before.0.contains_key("author") && after.0.contains_key("author");
        if both {
            patched.0["author"]["newer"] = json!([2]);
        }
        kind.apply(&mut patched, &edits).expect("applies");
        prop_assert_eq!(&patched.0["newer"], &json!({"a": 1}));
        if both {
            prop_assert_eq!(&patched.0["author"]["newer"], &json!([2]));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
        let _ = book().input_from_json(&bytes);
        let _ = crate::schema::from_descriptor_set(&bytes);
    }
}
