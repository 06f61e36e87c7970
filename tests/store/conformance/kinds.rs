//! A monolith's database and a microservice's events database are not taken for one another.

use trine::model::Reason;
use trine::store::{RequestStore, WriteStore};

use super::fixture::{Factory, catalogue, options};

/// Given a database of one kind, when it is opened as the other, then it is refused by what it is, and
/// still serves as what it was.
pub async fn a_database_of_the_other_kind_is_refused(fresh: Factory) {
    let (primary, events) = (fresh(), fresh());
    drop(WriteStore::open(&primary.url, options(), catalogue()).unwrap());
    drop(RequestStore::open(&events.url, options()).unwrap());

    let error = RequestStore::open(&primary.url, options()).err().expect("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("is a monolith's database"), "{error}");
    let error = WriteStore::open(&events.url, options(), catalogue()).err().expect("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("is a microservice's events database"), "{error}");

    WriteStore::open(&primary.url, options(), catalogue()).unwrap();
    RequestStore::open(&events.url, options()).unwrap();
}
