//! Binary messages: what they can hold and JSON cannot is refused, with its field.

use prost::Message;
use prost_reflect::{DynamicMessage, Value as Reflected};

use super::*;
use crate::model::Reason;
use crate::schema::document::fitness;

/// A book with one message in a field.
fn book_with(field: &str, kind: &str, bytes: &[u8]) -> DynamicMessage {
    let book = book();
    let descriptor = book.descriptor.parent_pool().get_message_by_name(kind).expect("a known message");
    let inner = DynamicMessage::decode(descriptor, bytes).expect("decodes");
    let mut message = DynamicMessage::new(book.descriptor.clone());
    message.set_field_by_name(field, Reflected::Message(inner));
    message
}

fn published(seconds: i64, nanos: i32) -> DynamicMessage {
    let time = prost_types::Timestamp { seconds, nanos };
    book_with("publish_time", "google.protobuf.Timestamp", &time.encode_to_vec())
}

fn read_in(seconds: i64, nanos: i32) -> DynamicMessage {
    let time = prost_types::Duration { seconds, nanos };
    book_with("reading_time", "google.protobuf.Duration", &time.encode_to_vec())
}

#[test]
fn a_binary_time_out_of_range_is_refused_and_not_shifted() {
    for (message, field) in [
        (published(1, -1), "publishTime"),
        (published(1, 1_000_000_000), "publishTime"),
        (published(1, i32::MIN), "publishTime"),
        (published(-62_135_596_801, 0), "publishTime"),
        (published(253_402_300_800, 0), "publishTime"),
        (published(i64::MAX, 999_999_999), "publishTime"),
        (read_in(1, 1_000_000_000), "readingTime"),
        (read_in(1, -1), "readingTime"),
        (read_in(-1, 1), "readingTime"),
        (read_in(315_576_000_001, 0), "readingTime"),
        (read_in(i64::MIN, 0), "readingTime"),
    ] {
        let error = book().input_from_message(&message).expect_err("refused");
        assert_eq!(error.reason, Reason::InvalidField, "{message:?}");
        assert_eq!(error.violations[0].field, field, "{error}");
        // A rule is to blame for its own messages, and a client learns nothing of them.
        assert_eq!(book().document_of(&message).expect_err("refused").reason, Reason::Internal);
    }
}

#[test]
fn a_binary_time_within_range_is_kept_to_the_nanosecond() {
    for (message, field, text) in [
        (published(-1, 999_999_999), "publishTime", "1969-12-31T23:59:59.999999999Z"),
        (published(-62_135_596_800, 0), "publishTime", "0001-01-01T00:00:00Z"),
        (published(253_402_300_799, 999_999_999), "publishTime", "9999-12-31T23:59:59.999999999Z"),
        (read_in(0, -1), "readingTime", "-0.000000001s"),
        (read_in(-315_576_000_000, 0), "readingTime", "-315576000000s"),
    ] {
        let input = book().input_from_message(&message).expect("taken");
        assert_eq!(input.document.0[field], text);
    }
}

#[test]
fn binary_fields_without_a_name_are_refused() {
    let kind = book();
    // Field 1000, varint 1.
    let message = DynamicMessage::decode(kind.descriptor.clone(), &b"\xc0\x3e\x01"[..]).expect("decodes");
    let error = kind.input_from_message(&message).expect_err("refused");
    assert_eq!(error.reason, Reason::UnknownField);
    let packed = prost_types::Any {
        type_url: "type.googleapis.com/example.library.v1.Publisher".to_owned(),
        value: b"\xc0\x3e\x01".to_vec(),
    };
    let mut message = DynamicMessage::new(kind.descriptor.clone());
    let any = kind.descriptor.parent_pool().get_message_by_name("google.protobuf.Any").expect("imported");
    let packed = DynamicMessage::decode(any, packed.encode_to_vec().as_slice());
    message.set_field_by_name("attachment", Reflected::Message(packed.expect("decodes")));
    assert_eq!(kind.input_from_message(&message).expect_err("refused").reason, Reason::UnknownField);
}

/// Each `Any` is decoded anew, so nothing else bounds how deep they nest.
#[test]
fn an_any_within_an_any_has_a_bottom() {
    let mut any = prost_types::Any::default();
    for _ in 0..20_000 {
        let value = any.encode_to_vec();
        any = prost_types::Any { type_url: "t/google.protobuf.Any".to_owned(), value };
    }
    let message = book_with("attachment", "google.protobuf.Any", &any.encode_to_vec());
    let error = fitness::of_client(&message).expect_err("refused");
    assert_eq!((error.reason, error.violations[0].field.as_str()), (Reason::InvalidField, "attachment"));
}
