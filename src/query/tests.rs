//! List requests as clients write them, and what they become.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::*;
use crate::model::{Reason, Sight, Stored, Timestamp, TypeName, Version};
use crate::schema::{Catalogue, load};

fn kind(name: &str) -> Arc<ResourceType> {
    static BLOG: OnceLock<Catalogue> = OnceLock::new();
    let blog = BLOG.get_or_init(|| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proto");
        load(&[path], &["*".to_owned()]).expect("the bundled schema loads")
    });
    Arc::clone(blog.resource(&TypeName::new(name)).expect("bundled"))
}

#[test]
fn orders_are_read() {
    let entry = kind("blog.v1.Entry");
    let order = order::parse(&entry, "createTime desc, title").expect("read").columns;
    assert_eq!(order, [OrderBy { column: 3, descending: true }, OrderBy { column: 0, descending: false }]);
    assert_eq!(order::parse(&entry, "title asc,name").expect("read").columns.len(), 1);
    assert_eq!(order::parse(&entry, "").expect("read"), order::Order::default());
    assert!(order::parse(&entry, "name desc").expect("read").key_descending);
    for text in ["body", "name,title", "title,title desc", "title down", "title,", "tags", "a.b"] {
        assert_eq!(order::parse(&entry, text).expect_err(text).reason, Reason::InvalidOrder, "{text}");
    }
}

fn row(document: &str) -> Stored {
    Stored {
        kind: TypeName::new("blog.v1.Entry"),
        key: Key::new("alice/one"),
        version: Version(7),
        create_time: Timestamp::from_stored("2026-11-21T09:14:00.000000000Z"),
        update_time: Timestamp::from_stored("2026-11-21T09:14:00.000000000Z"),
        delete_time: None,
        purge_time: None,
        schema_id: 0,
        document: document.to_owned(),
    }
}

#[test]
fn a_page_token_brings_the_place_back_and_nothing_else_does() {
    let entry = kind("blog.v1.Entry");
    let first = ListRequest {
        parent: Some("alice".into()),
        sight: Sight::All,
        filter: "state = DRAFT".into(),
        order_by: "publish_time desc,title".into(),
        show_deleted: false,
        page_token: String::new(),
    };
    let query = first.query(&entry, b"secret", 51).expect("a query");
    let last = row(r#"{"title":"t"}"#);
    let token = first.next_page_token(&entry, b"secret", &query, &last).expect("a token");
    let second = ListRequest { page_token: token.clone(), ..first.clone() };
    let after = second.query(&entry, b"secret", 51).expect("a query").after.expect("a place");
    assert_eq!(
        after,
        After { values: vec![Scalar::Null, Scalar::Text("t".into())], key: Key::new("alice/one") }
    );

    let reason =
        |request: &ListRequest, secret: &[u8]| request.query(&entry, secret, 51).expect_err("refused").reason;
    assert_eq!(reason(&second, b"other"), Reason::PageTokenInvalid);
    for changed in [
        ListRequest { parent: None, ..second.clone() },
        ListRequest { filter: String::new(), ..second.clone() },
        ListRequest { order_by: "title".into(), ..second.clone() },
        ListRequest { show_deleted: true, ..second.clone() },
        ListRequest { page_token: format!("{}A", &token[..token.len() - 1]), ..second.clone() },
        ListRequest { page_token: "nonsense!".into(), ..second.clone() },
        ListRequest { page_token: "AAAA".into(), ..second.clone() },
    ] {
        let found = reason(&changed, b"secret");
        assert!(matches!(found, Reason::PageTokenInvalid | Reason::InvalidFilter), "{changed:?} {found:?}");
    }
}

#[test]
fn a_token_whose_order_is_gone_is_stale() {
    let entry = kind("blog.v1.Entry");
    let scope = page_token::Scope::new(&entry, Some("alice"), "", "body", false);
    let order = [OrderBy { column: 0, descending: false }];
    let after = After { values: vec![Scalar::Text("x".into())], key: Key::new("alice/one") };
    // Made while `body` was indexed; the schema served now no longer orders by it.
    let token = page_token::encode(&entry, b"secret", scope, &order, &after).expect("a token");
    let request = ListRequest {
        parent: Some("alice".into()),
        sight: Sight::All,
        order_by: "body".into(),
        page_token: token,
        ..ListRequest::default()
    };
    assert_eq!(request.query(&entry, b"secret", 51).expect_err("refused").reason, Reason::PageTokenStale);
}

#[test]
fn every_kind_of_value_survives_a_token() {
    let user = kind("blog.v1.User");
    let scope = page_token::Scope::new(&user, Some(""), "", "entry_count", false);
    let order = order::parse(&user, "entry_count").expect("read").columns;
    let after = After { values: vec![Scalar::Integer(i64::MIN)], key: Key::new("alice") };
    let token = page_token::encode(&user, b"s", scope, &order, &after).expect("a token");
    assert_eq!(page_token::decode(&user, b"s", scope, Some(&order), &token).expect("read"), after);
}
