//! Filters as clients write them: what they mean, and what is said of those that mean nothing.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::*;
use crate::model::{Reason, TypeName};
use crate::query::Scalar;
use crate::schema::{Catalogue, load};

fn kind(name: &str) -> Arc<ResourceType> {
    static LIBRARY: OnceLock<Catalogue> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let paths = [root.join("tests/fixtures/library"), root.join("proto")];
        load(&paths, &["example.*".to_owned(), "blog.*".to_owned()]).expect("the schemas load")
    });
    Arc::clone(library.resource(&TypeName::new(name)).expect("a resource"))
}

/// A tree in a form that can be written down.
fn shown(filter: &Filter) -> String {
    let all = |items: &[Filter], word: &str| items.iter().map(shown).collect::<Vec<_>>().join(word);
    match filter {
        Filter::All(items) => format!("({})", all(items, " & ")),
        Filter::Any(items) => format!("({})", all(items, " | ")),
        Filter::Not(inner) => format!("!{}", shown(inner)),
        Filter::Test(test) => shown_test(test),
    }
}

fn shown_test(test: &Test) -> String {
    let target = match &test.target {
        Target::Column(at) => format!("#{at}"),
        Target::Key => "key".to_owned(),
        Target::CreateTime => "created".to_owned(),
        Target::UpdateTime => "updated".to_owned(),
        Target::DeleteTime => "deleted".to_owned(),
        Target::PurgeTime => "purged".to_owned(),
        Target::Document(steps) => {
            let step = |step: &Step| match step {
                Step::Field(name) => format!(".{name}"),
                Step::Key(key) => format!("[{key}]"),
                Step::Each => "[]".to_owned(),
            };
            steps.iter().map(step).collect()
        }
    };
    let absent = |holds: &bool| if *holds { " or absent" } else { "" };
    match &test.check {
        Check::Present(Container::Value) => format!("{target}?"),
        Check::Present(container) => format!("{target}? {container:?}"),
        Check::Duration { operator, seconds, nanos } => {
            format!("{target} {} {seconds}s {nanos}ns", sign(*operator))
        }
        Check::Compare { operator, value, absent_holds, .. } => {
            let value = match value {
                Scalar::Text(text) => format!("{text:?}"),
                Scalar::Integer(number) => number.to_string(),
                Scalar::Unsigned(number) => format!("{number}u"),
                Scalar::Real(number) => format!("{number:?}"),
                Scalar::Boolean(flag) => flag.to_string(),
                Scalar::Null => "null".to_owned(),
            };
            format!("{target} {} {value}{}", sign(*operator), absent(absent_holds))
        }
        Check::Matches { pattern, negated, absent_holds } => {
            let end = |open| if open { "*" } else { "" };
            let sign = if *negated { "!~" } else { "~" };
            let (start, finish) = (end(pattern.open_start), end(pattern.open_end));
            format!("{target} {sign} {start}{}{finish}{}", pattern.text, absent(absent_holds))
        }
    }
}

#[test]
fn filters_mean_what_the_grammar_says() {
    for (text, meaning) in [
        ("  ", "()"),
        ("pages=1", ".pages = 1"),
        ("pages=1 AND pages = 2 OR pages =3", "(.pages = 1 & (.pages = 2 | .pages = 3))"),
        ("pages=1 pages=2 OR pages=3 pages=4", "(.pages = 1 & (.pages = 2 | .pages = 3) & .pages = 4)"),
        ("(pages=1 AND pages=2) OR NOT pages=3", "((.pages = 1 & .pages = 2) | !.pages = 3)"),
        ("-pages=1 -(pages=2)", "(!.pages = 1 & !.pages = 2)"),
        ("NOT (NOT (pages=1))", "!!.pages = 1"),
        ("NOT(pages=1)AND(pages=2)", "(!.pages = 1 & .pages = 2)"),
        ("((((pages=1))))", ".pages = 1"),
    ] {
        let filter =
            parse(&kind("example.library.v1.Book"), text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shown(&filter), meaning, "{text}");
    }
}

#[test]
fn values_are_of_their_fields_kind() {
    for (text, meaning) in [
        (r#"title = "a \"b\" \\ \n""#, ".title = \"a \\\"b\\\" \\\\ \\n\""),
        ("title = 'it is'", ".title = \"it is\""),
        ("title = word", ".title = \"word\""),
        ("title = \"\"", ".title = \"\" or absent"),
        ("title != x", ".title != \"x\" or absent"),
        ("subtitle != x", ".subtitle != \"x\""),
        ("pages >= 0", ".pages >= 0 or absent"),
        ("pages < 0", ".pages < 0"),
        ("copies = 9223372036854775807", ".copies = 9223372036854775807"),
        ("copies = -9223372036854775808", ".copies = -9223372036854775808"),
        ("barcode > 18446744073709551614", ".barcode > 18446744073709551614u"),
        ("rating = 0.10000000149011612", ".rating = 0.1"),
        ("weight = 0.10000000149011612", ".weight = 0.10000000149011612"),
        ("weight < -0", ".weight < 0.0"),
        ("weight <= 1e-3", ".weight <= 0.001 or absent"),
        ("weight < Infinity", ".weight < inf or absent"),
        ("in_print = false", ".inPrint = false or absent"),
        ("format = HARDCOVER", ".format = \"HARDCOVER\""),
        ("format != HARDCOVER", ".format != \"HARDCOVER\" or absent"),
        ("secondFormat != HARDCOVER", ".secondFormat != \"HARDCOVER\""),
        ("cover = \"-_8\"", ".cover = \"+/8=\""),
        ("publish_time > 2026-01-02T01:00:00.5+01:00", ".publishTime > \"2026-01-02T00:00:00.500000000Z\""),
        ("reading_time <= \"-1.5s\"", ".readingTime <= -1s -500000000ns"),
        ("note = x", ".note = \"x\""),
        ("stock = 5", ".stock = 5"),
        ("discount > 0.5", ".discount > 0.5"),
        ("amount > 1", ".amount > 1.0"),
        ("on_request:x", ".onRequest = \"x\""),
        ("name = \"publishers/p/books/b\"", "key = \"p/b\""),
        ("create_time < \"2026-01-01T00:00:00Z\"", "created < \"2026-01-01T00:00:00.000000000Z\""),
    ] {
        let filter =
            parse(&kind("example.library.v1.Book"), text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shown(&filter), meaning, "{text}");
    }
}

#[test]
fn paths_go_through_messages_maps_and_lists() {
    for (text, meaning) in [
        ("author.given_name = x", ".author.givenName = \"x\""),
        ("author.address.city = \"\"", ".author.address.city = \"\" or absent"),
        ("author.born:*", ".author.born?"),
        ("author:*", ".author?"),
        ("author.family_name:*", ".author.familyName != \"\""),
        ("weight:*", ".weight?"),
        ("sales.north = 5", ".sales[north] = 5"),
        ("sales.\"a.b \\\"c\\\"\" = 5", ".sales[a.b \"c\"] = 5"),
        ("sales:north", ".sales[north]?"),
        ("sales.north:*", ".sales[north]?"),
        ("sales:*", ".sales? Map"),
        ("chapters.7.given_name = x", ".chapters[7].givenName = \"x\""),
        ("chapters.07.address.city:*", ".chapters[7].address.city != \"\""),
        ("tags:a", ".tags[] = \"a\""),
        ("tags:*", ".tags? List"),
        ("all_formats:HARDCOVER", ".allFormats[] = \"HARDCOVER\""),
        ("translators.given_name:x", ".translators[].givenName = \"x\""),
        ("translators.address.lines:\"x*\"", ".translators[].address.lines[] ~ x*"),
        ("translators.born:*", ".translators[].born?"),
        ("sequel.sequel.pages > 3", ".sequel.sequel.pages > 3"),
        ("title = \"a*\"", ".title ~ a*"),
        ("title != \"*a\"", ".title !~ *a or absent"),
        ("title = \"*a*b*\"", ".title ~ *a*b*"),
        ("title = *", ".title ~ ** or absent"),
        ("title = \"a\\*\"", ".title = \"a*\""),
        ("title = \"\\*a*\"", ".title ~ *a*"),
    ] {
        let filter =
            parse(&kind("example.library.v1.Book"), text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shown(&filter), meaning, "{text}");
    }
}

#[test]
fn promoted_fields_are_columns() {
    let magazine = kind("example.library.v1.Magazine");
    for (text, meaning) in [
        ("title = a frequency = MONTHLY", "(#0 = \"a\" & #1 = \"MONTHLY\")"),
        ("circulation > -5", "#2 > -5"),
        ("issn:*", "#4?"),
        ("issues.headlines:\"*moon*\"", ".issues[].headlines[] ~ *moon*"),
    ] {
        assert_eq!(shown(&parse(&magazine, text).expect(text)), meaning, "{text}");
    }
    let entry = kind("blog.v1.Entry");
    assert_eq!(shown(&parse(&entry, "state:*").expect("read")), "#1 != \"STATE_UNSPECIFIED\"");
}

/// The column and a word of the sentence.
const REFUSED: &[(&str, usize, &str)] = &[
    ("nobody = 1", 1, "no field `nobody`"),
    ("pages = 1 AND author.nobody = 1", 15 + 7, "`author` has no field `nobody`"),
    ("format = LOST", 10, "FORMAT_UNSPECIFIED, HARDCOVER, PAPERBACK"),
    ("format > HARDCOVER", 8, "has no order"),
    ("in_print > false", 10, "has no order"),
    ("cover < \"AA==\"", 7, "has no order"),
    ("in_print = 1", 12, "true or false"),
    ("in_print = \"true\"", 12, "true or false"),
    ("cover = \"?\"", 9, "base64"),
    ("publish_time > yesterday", 16, "RFC 3339"),
    ("reading_time = 5", 16, "seconds"),
    ("pages = 1.5", 9, "whole number"),
    ("pages = \"1\"", 9, "without quotes"),
    ("copies = 9223372036854775808", 10, "64-bit"),
    ("barcode = -1", 11, "2^64"),
    ("barcode = 18446744073709551616", 11, "2^64"),
    ("weight = NaN", 10, "number"),
    ("weight = 1e999", 10, "number"),
    ("rating = 1e39", 10, "number"),
    ("weight = inf", 10, "number"),
    ("title > \"a*\"", 9, "`*`"),
    ("title = \"a\0\"", 9, "NUL"),
    ("name = \"*\"", 8, "whole name"),
    ("name = users/x", 8, "publishers/id/books/id"),
    ("etag = \"1\"", 1, "kept by the server"),
    ("uid:*", 1, "kept by the server"),
    ("import_batch = \"x\"", 1, "INPUT_ONLY"),
    ("sequel.import_batch:*", 8, "INPUT_ONLY"),
    ("create_time.seconds > 1", 13, "no parts"),
    ("author = x", 8, "is a message"),
    ("sales = 1", 7, "is a map"),
    ("tags = a", 6, "use `:`"),
    ("translators.born > 5", 18, "use `:`"),
    ("translators:x", 12, "is a message"),
    ("title.x = 1", 7, "no parts"),
    ("tags.x:1", 6, "no parts"),
    ("publish_time.seconds = 1", 14, "do not look into"),
    ("extra.a = 1", 7, "do not look into"),
    ("extra = 1", 1, "google.protobuf.Struct"),
    ("anything:x", 1, "google.protobuf.Value"),
    ("attachment:*", 1, "google.protobuf.Any"),
    ("reviewed = x", 1, "google.protobuf.FieldMask"),
    ("chapters.one.given_name = x", 10, "whole number"),
    ("chapters:9999999999", 10, "whole number"),
    ("word", 1, "search in all fields"),
    ("\"two words\" AND pages = 1", 1, "search in all fields"),
    ("pages =", 8, "compared with nothing"),
    ("pages = )", 9, "compared with nothing"),
    ("pages ==1", 8, "`=` is no value"),
    ("pages ! 1", 7, "means nothing"),
    ("pages <> 1", 8, "`>` is no value"),
    ("= 1", 1, "begins with a field"),
    ("pages = 1, pages = 2", 10, "means nothing"),
    ("title = \"a", 9, "not closed"),
    ("title = 'a\\", 9, "not closed"),
    ("title = \"a\"b", 12, "means nothing"),
    ("near(title)", 1, "`near(…)`"),
    ("a.near(title) = 1", 1, "`a.near(…)`"),
    ("title = lower(\"a\")", 9, "`lower(…)`"),
    ("title = (a OR b)", 9, "group of values"),
    ("pages = 1 AND", 14, "follow AND"),
    ("pages = 1 OR ", 14, "follow OR"),
    ("NOT", 4, "follow NOT"),
    ("AND pages = 1", 1, "missing before"),
    ("pages = 1 OR OR pages = 2", 14, "missing before"),
    ("pages = AND", 9, "AND is no value"),
    ("(pages = 1", 1, "not closed"),
    ("pages = 1)", 10, "closes nothing"),
    ("()", 1, "empty"),
    ("author. = 1", 8, "behind `author.`"),
    ("é = 1 AND ü = 2", 1, "no field `é`"),
    ("title = é AND ü = 2", 15, "no field `ü`"),
];

#[test]
fn what_means_nothing_is_told_with_its_column() {
    let book = kind("example.library.v1.Book");
    for (text, column, word) in REFUSED {
        let error = parse(&book, text).expect_err(text);
        assert_eq!(error.reason, Reason::InvalidFilter, "{text}: {error}");
        assert!(error.message.contains(word), "{text}: {error}");
        assert!(error.message.starts_with(&format!("filter, column {column}: ")), "{text}: {error}");
        assert_eq!(error.metadata, [("column", column.to_string())]);
    }
}

#[test]
fn filters_are_bounded() {
    let book = kind("example.library.v1.Book");
    let nested = |depth: usize| format!("{}pages=1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&book, &nested(10)).is_ok() && parse(&book, &"pages=1 ".repeat(50)).is_ok());
    for (text, word) in [
        (nested(11), "10 deep"),
        ("NOT (".repeat(6) + "pages=1" + &")".repeat(6), "10 deep"),
        ("(".repeat(4000), "10 deep"),
        ("pages=1 ".repeat(51), "50 terms"),
        ("x".repeat(4097), "4096"),
    ] {
        let error = parse(&book, &text).expect_err(&text);
        assert!(error.reason == Reason::InvalidFilter && error.message.contains(word), "{error}");
    }
}

proptest::proptest! {
    /// Whatever is written, the answer is a tree or a sentence.
    #[test]
    fn nothing_panics(text in "(pages|title|tags|sales|author|NOT |AND|OR|\\(|\\)|[-=<>:!*.\"'\\\\ ,é]|[0-9]{1,3}){0,30}") {
        let _ = parse(&kind("example.library.v1.Book"), &text);
    }
}
