//! Documents: what is accepted, what is stored, what is rendered.

use serde_json::{Value, json};

use super::*;
use crate::model::{Document, Reason};

fn canonical(body: &str) -> Value {
    match book().input_from_json(body.as_bytes()) {
        Ok(input) => Value::Object(input.document.0),
        Err(error) => panic!("{body}: {error}"),
    }
}

fn refusal(body: &str) -> crate::model::Error {
    book().input_from_json(body.as_bytes()).err().unwrap_or_else(|| panic!("{body} was taken"))
}

fn document(value: Value) -> Document {
    Document(value.as_object().expect("an object").clone())
}

/// Whatever a client wrote, one form is stored, and survives as a message and back.
fn has_one_form(body: &str, expected: &Value) {
    assert_eq!(canonical(body), *expected, "{body}");
    let again = canonical(&expected.to_string());
    assert_eq!(again, *expected, "canonical stays canonical");
    let kind = book();
    let message = kind.to_message(&stored(&kind, "acme/one", &expected.to_string())).expect("a message");
    let back = Value::Object(kind.document_of(&message).expect("a document").0);
    assert_eq!(back, *expected, "to a message and back");
}

#[test]
fn scalars_that_are_accepted_have_one_form() {
    for (body, expected) in [
        (r#"{"title":""}"#, json!({})),
        (r#"{"subtitle":""}"#, json!({"subtitle": ""})),
        (r#"{"title":null,"tags":null}"#, json!({})),
        (r#"{"reading_time":"1.5s"}"#, json!({"readingTime": "1.500s"})),
        (r#"{"readingTime":"-0s"}"#, json!({"readingTime": "0s"})),
        (
            r#"{"publishTime":"2026-01-02T01:00:00.10+02:00"}"#,
            json!({"publishTime": "2026-01-01T23:00:00.100Z"}),
        ),
        (
            r#"{"publishTime":"9999-12-31T23:59:59.999999999Z"}"#,
            json!({"publishTime": "9999-12-31T23:59:59.999999999Z"}),
        ),
        (
            r#"{"pages":"1e3","copies":5,"barcode":"18446744073709551615"}"#,
            json!({"pages": 1000, "copies": "5", "barcode": "18446744073709551615"}),
        ),
        (
            r#"{"copies":"-9223372036854775808","barcode":"1234567890123456789e1","pages":"120e-1","shelf":"0e99"}"#,
            json!({"copies": "-9223372036854775808", "barcode": "12345678901234567890", "pages": 12}),
        ),
        (r#"{"copies":-9223372036854775808,"barcode":"-0.0"}"#, json!({"copies": "-9223372036854775808"})),
        (
            r#"{"pages":1.0,"copies":9007199254740993,"shelf":-0}"#,
            json!({"pages": 1, "copies": "9007199254740993"}),
        ),
        (r#"{"weight":-0.0,"rating":0.1}"#, json!({"rating": 0.1})),
        (r#"{"weight":"NaN","amount":0}"#, json!({"weight": "NaN", "amount": 0})),
        (r#"{"cover":"-_8"}"#, json!({"cover": "+/8="})),
        (
            r#"{"format":1,"secondFormat":0,"allFormats":["PAPERBACK",0,7]}"#,
            json!({"format": "HARDCOVER", "secondFormat": "FORMAT_UNSPECIFIED", "allFormats": ["PAPERBACK", "FORMAT_UNSPECIFIED", 7]}),
        ),
        (r#"{"format":"FORMAT_UNSPECIFIED","inPrint":false}"#, json!({})),
    ] {
        has_one_form(body, &expected);
    }
}

#[test]
fn messages_and_maps_that_are_accepted_have_one_form() {
    for (body, expected) in [
        (
            r#"{"sales":{"a":1,"b":"0"},"chapters":{"1":{}}}"#,
            json!({"sales": {"a": "1", "b": "0"}, "chapters": {"1": {}}}),
        ),
        (
            r#"{"anything":null,"extra":{"a":[null,1.0,-0.0]}}"#,
            json!({"anything": null, "extra": {"a": [null, 1, 0]}}),
        ),
        (r#"{"note":"","stock":"0"}"#, json!({"note": "", "stock": "0"})),
        (r#"{"author":{}}"#, json!({"author": {}})),
        (
            r#"{"attachment":{"@type":"type.googleapis.com/example.library.v1.Publisher","display_name":"x"}}"#,
            json!({"attachment": {"@type": "type.googleapis.com/example.library.v1.Publisher", "displayName": "x"}}),
        ),
        (
            r#"{"attachment":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.0s"}}"#,
            json!({"attachment": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}}),
        ),
        (
            r#"{"attachment":{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}},"discount":0.5}"#,
            json!({"attachment": {"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}}, "discount": 0.5}),
        ),
        (r#"{"name":"publishers/a/books/b","createTime":"nonsense","loans":5,"importBatch":"x"}"#, json!({})),
    ] {
        has_one_form(body, &expected);
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_path() {
    for (body, reason, path) in [
        (r#"{"titel":"x"}"#, Reason::UnknownField, "titel"),
        (r#"{"author":{"address":{"town":"x"}}}"#, Reason::UnknownField, "author.address.town"),
        (r#"{"translators":[{},{"x":1}]}"#, Reason::UnknownField, "translators[1].x"),
        (r#"{"title":5}"#, Reason::InvalidField, "title"),
        (r#"{"title":"a\u0000b"}"#, Reason::InvalidField, "title"),
        (r#"{"extra":{"a":"\u0000"}}"#, Reason::InvalidField, "extra[\"a\"]"),
        (r#"{"sales":{"\u0000":1}}"#, Reason::InvalidField, "sales[\"\\0\"]"),
        (r#"{"pages":1.5}"#, Reason::InvalidField, "pages"),
        (r#"{"pages":2147483648}"#, Reason::InvalidField, "pages"),
        (r#"{"pages":" 1"}"#, Reason::InvalidField, "pages"),
        (r#"{"shelf":-1}"#, Reason::InvalidField, "shelf"),
        (r#"{"copies":9223372036854775808}"#, Reason::InvalidField, "copies"),
        (r#"{"copies":-9223372036854775809}"#, Reason::InvalidField, "copies"),
        (r#"{"copies":"-9223372036854775809"}"#, Reason::InvalidField, "copies"),
        (r#"{"barcode":"18446744073709551616"}"#, Reason::InvalidField, "barcode"),
        (r#"{"copies":"12e-1"}"#, Reason::InvalidField, "copies"),
        (r#"{"copies":"1e-400"}"#, Reason::InvalidField, "copies"),
        (r#"{"copies":"1e9223372036854775807"}"#, Reason::InvalidField, "copies"),
        (r#"{"rating":1e39}"#, Reason::InvalidField, "rating"),
        (r#"{"inPrint":1}"#, Reason::InvalidField, "inPrint"),
        (r#"{"cover":"*"}"#, Reason::InvalidField, "cover"),
        (r#"{"format":"SCROLL"}"#, Reason::InvalidField, "format"),
        (r#"{"publishTime":"2026-13-01T00:00:00Z"}"#, Reason::InvalidField, "publishTime"),
        (r#"{"publishTime":"2026-01-01T00:00:00"}"#, Reason::InvalidField, "publishTime"),
        (r#"{"publishTime":"0001-01-01T00:00:00+01:00"}"#, Reason::InvalidField, "publishTime"),
        (r#"{"publishTime":"2026-01-01t00:00:00z"}"#, Reason::InvalidField, "publishTime"),
        (r#"{"publishTime":"2026-06-30T23:59:60Z"}"#, Reason::InvalidField, "publishTime"),
        (r#"{"readingTime":"315576000001s"}"#, Reason::InvalidField, "readingTime"),
        (r#"{"readingTime":"1"}"#, Reason::InvalidField, "readingTime"),
        (r#"{"tags":"x"}"#, Reason::InvalidField, "tags"),
        (r#"{"tags":["a",null]}"#, Reason::InvalidField, "tags[1]"),
        (r#"{"chapters":{"x":{}}}"#, Reason::InvalidField, "chapters[\"x\"]"),
        (r#"{"amount":1,"onRequest":"y"}"#, Reason::InvalidField, "onRequest"),
        (r#"{"readingTime":"1s","reading_time":"1s"}"#, Reason::InvalidField, "readingTime"),
        (r#"{"discount":"NaN"}"#, Reason::InvalidField, "discount"),
        (r#"{"attachment":{"value":1}}"#, Reason::InvalidField, "attachment"),
        (r#"{"etag":5}"#, Reason::InvalidField, "etag"),
    ] {
        let error = refusal(body);
        assert_eq!(error.reason, reason, "{body}: {error}");
        assert_eq!(error.violations[0].field, path, "{body}");
    }
}

#[test]
fn broken_json_is_refused_with_line_and_column() {
    let deep = format!("{{\"anything\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for body in [
        r#"{"title":"a","title":"b"}"#,
        "{",
        "[]",
        "{}x",
        r#"{"title":"\ud800"}"#,
        r#"{"weight":1e400}"#,
        &deep,
    ] {
        assert_eq!(refusal(body).reason, Reason::InvalidBody, "{body}");
    }
    assert!(refusal("{\n\"title\" 1}").message.contains("line 2 column"));
}

#[test]
fn input_tells_name_etag_and_what_is_populated() {
    let input = book()
        .input_from_json(br#"{"name":"publishers/a/books/b","etag":"\"7\"","title":"x","tags":[]}"#)
        .expect("taken");
    assert_eq!(input.name.as_deref(), Some("publishers/a/books/b"));
    assert_eq!(input.etag.as_deref(), Some("\"7\""));
    assert_eq!(input.populated, [["title"]]);
}

#[test]
fn all_missing_required_fields_are_named() {
    let error = book()
        .check_required(&document(json!({"author": {}, "translators": [{"givenName": "x"}, {}]})))
        .expect_err("refused");
    let fields: Vec<&str> = error.violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["title", "author.givenName", "translators[1].givenName"]);
}

fn update(before: Value, body: &str, mask: Option<&[&str]>) -> Result<Value, Reason> {
    let kind = book();
    let input = kind.input_from_json(body.as_bytes()).expect("taken");
    let mask: Option<Vec<String>> = mask.map(|mask| mask.iter().map(|path| (*path).to_owned()).collect());
    let edits = kind.edits(&input, mask.as_deref()).map_err(|error| error.reason)?;
    let mut document = document(before);
    kind.apply(&mut document, &edits).map_err(|error| error.reason)?;
    Ok(Value::Object(document.0))
}

#[test]
fn updates_touch_what_the_mask_says_and_nothing_else() {
    let before = json!({"title": "a", "isbn": "1", "uid": "u", "loans": 3, "new": {"er": 1}, "amount": 2,
        "author": {"givenName": "x", "address": {"city": "c", "newer": 1}, "newer": 2}});
    for (body, mask, expected) in [
        (r#"{"title":"b"}"#, None, json!({"title": "b"})),
        (
            r#"{"author":{"givenName":"y"}}"#,
            Some(&["author.given_name"][..]),
            json!({"author": {"givenName": "y", "address": {"city": "c", "newer": 1}, "newer": 2}}),
        ),
        (
            r#"{"author":{"givenName":"y","address":{}}}"#,
            Some(&["author"][..]),
            json!({"author": {"givenName": "y", "address": {"newer": 1}, "newer": 2}}),
        ),
        (r#"{}"#, Some(&["author"][..]), json!({"author": null})),
        (r#"{"onRequest":"r"}"#, Some(&["onRequest", "name"][..]), json!({"onRequest": "r", "amount": null})),
        (
            r#"{"giftOf":{"givenName":"g"}}"#,
            Some(&["gift_of.given_name"][..]),
            json!({"giftOf": {"givenName": "g"}, "amount": null}),
        ),
        (r#"{"title":"z"}"#, Some(&["*"][..]), json!({"title": "z", "author": null, "amount": null})),
        (r#"{"isbn":"1"}"#, Some(&["isbn"][..]), json!({})),
    ] {
        let mut wanted = before.clone();
        for (key, value) in expected.as_object().expect("an object") {
            match value {
                Value::Null => drop(wanted.as_object_mut().expect("an object").remove(key)),
                value => wanted[key] = value.clone(),
            }
        }
        assert_eq!(update(before.clone(), body, mask), Ok(wanted), "{body} {mask:?}");
    }
}

#[test]
fn updates_that_may_not_be_are_refused() {
    let before = json!({"title": "a", "isbn": "1", "author": {"givenName": "x"}});
    for (body, mask, reason) in [
        (r#"{}"#, &["title"][..], Reason::Required),
        (r#"{}"#, &["*"][..], Reason::Required),
        (r#"{"author":{}}"#, &["author"][..], Reason::Required),
        (r#"{"translators":[{}]}"#, &["translators"][..], Reason::Required),
        (r#"{"isbn":"2"}"#, &["isbn"][..], Reason::Immutable),
        (r#"{}"#, &["isbn"][..], Reason::Immutable),
        (r#"{}"#, &["loans"][..], Reason::InvalidMask),
        (r#"{}"#, &["create_time"][..], Reason::InvalidMask),
        (r#"{}"#, &["nothing"][..], Reason::InvalidMask),
        (r#"{}"#, &["translators.born"][..], Reason::InvalidMask),
        (r#"{}"#, &["extra.a"][..], Reason::InvalidMask),
        (r#"{}"#, &["title.x"][..], Reason::InvalidMask),
    ] {
        assert_eq!(update(before.clone(), body, Some(mask)), Err(reason), "{body} {mask:?}");
    }
}

#[test]
fn a_row_is_rendered_with_the_chassis_fields_in_front() {
    let kind = book();
    let row = stored(&kind, "acme/one", r#"{"title": "a"}"#);
    assert_eq!(
        kind.render_json(&row),
        r#"{"name":"publishers/acme/books/one","createTime":"2026-11-21T09:14:00Z","updateTime":"2026-11-21T09:14:00.120Z","etag":"\"7\"","title": "a"}"#
    );
    let newer = stored(&kind, "acme/one", r#"{"title": "a", "future": [1]}"#);
    assert!(kind.render_json(&newer).ends_with(r#","title":"a"}"#), "a client could not send it back");
    let bare = stored(&kind, "acme/one", "{}");
    let value: Value = serde_json::from_str(&kind.render_json(&bare)).expect("JSON");
    assert_eq!(value["etag"], "\"7\"");
}

#[test]
fn a_mask_picks_from_the_text() {
    let kind = book();
    let row = stored(
        &kind,
        "acme/one",
        r#"{"title": "a", "author": {"givenName":"x","address":{"city":"y"}}, "future": [1], "tags":["a"],
            "translators":[{"givenName":"t"},{"familyName":"u"}],"sales":{"a":"1","b":"2"},
            "chapters":{"1":{"givenName":"c","born":1}}}"#,
    );
    for (mask, expected) in [
        (r#"title,create_time"#, json!({"title": "a", "createTime": "2026-11-21T09:14:00Z"})),
        ("name", json!({"name": "publishers/acme/books/one"})),
        ("author.given_name", json!({"author": {"givenName": "x"}})),
        ("author.born", json!({"author": {}})),
        ("author.address.*,author.familyName", json!({"author": {"address": {"city": "y"}}})),
        ("author.address,author", json!({"author": {"givenName": "x", "address": {"city": "y"}}})),
        ("tags", json!({"tags": ["a"]})),
        ("tags.*", json!({"tags": ["a"]})),
        ("translators.*.givenName", json!({"translators": [{"givenName": "t"}, {}]})),
        ("sales.a,sales.`z`", json!({"sales": {"a": "1"}})),
        ("sales.*", json!({"sales": {"a": "1", "b": "2"}})),
        ("chapters.1.born", json!({"chapters": {"1": {"born": 1}}})),
        ("chapters.*.givenName", json!({"chapters": {"1": {"givenName": "c"}}})),
        ("pages", json!({})),
    ] {
        let mask = crate::query::mask::read(&kind, mask).expect(mask).expect("not everything");
        let mut text = String::new();
        kind.push_masked(&row, &mask, &mut text).expect("rendered");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), expected, "{text}");
    }
}

#[test]
fn a_row_becomes_a_message_without_what_is_unknown() {
    let kind = book();
    let text = r#"{"title":"a","future":1,"author":{"givenName":"x","future":2},"format":"SCROLL","rating":0.1,
        "sales":{"a":"5"},"publishTime":"2026-01-01T00:00:00Z","anything":null,"weight":"NaN"}"#;
    let message = kind.to_message(&stored(&kind, "acme/one", text)).expect("a message");
    assert_eq!(message.get_field_by_name("format").and_then(|value| value.as_enum_number()), Some(0));
    let back = kind.document_of(&message).expect("a document");
    assert_eq!(
        Value::Object(back.0),
        json!({"title": "a", "author": {"givenName": "x"}, "rating": 0.1, "sales": {"a": "5"},
            "publishTime": "2026-01-01T00:00:00Z", "anything": null, "weight": "NaN"})
    );
}

/// What an index entry cannot hold is refused with its field; what is stored already stays readable.
#[test]
fn an_indexed_text_has_a_longest_length() {
    let shop = load_text(&[(
        "shop.proto",
        r#"syntax = "proto3"; package shop.v1;
        import "google/api/resource.proto"; import "trine/v1/options.proto";
        message Item {
          option (google.api.resource) = { type: "shop.example.com/Item" pattern: "items/{item}" };
          option (trine.v1.indexes) = { fields: ["a", "b", "c"] };
          string name = 1;
          string code = 2 [(trine.v1.unique) = true];
          string a = 3; string b = 4; string c = 5; string note = 6;
        }"#,
    )])
    .unwrap_or_else(|problems| panic!("{problems:#?}"));
    let item = shop.resource(&TypeName::new("shop.v1.Item")).expect("there is an item");
    let input = |field: &str, length: usize| {
        item.input_from_json(format!("{{\"{field}\":\"{}\"}}", "x".repeat(length)).as_bytes())
    };
    for (field, bytes_max) in [("code", 1024), ("a", 823)] {
        assert!(input(field, bytes_max).is_ok());
        let error = input(field, bytes_max + 1).expect_err("refused");
        assert_eq!(error.reason, Reason::InvalidField);
        assert!(error.message.contains(&format!("`{field}` must be at most {bytes_max} bytes")), "{error}");
    }
    assert!(input("note", 100_000).is_ok());
    let long = json!({ "code": "x".repeat(5000) }).to_string();
    assert!(item.to_message(&stored(item, "i", &long)).is_ok());
}
