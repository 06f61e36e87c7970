//! What is told: each hot path once, on stock that is the same in every run.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use trine::model::{
    Change, IdempotencyKey, Key, OperationId, OperationResult, Precondition, Sight, Timestamp, WriteSet,
};
use trine::query::{After, ListQuery, OrderBy, Scalar, filter};
use trine::schema::{Catalogue, ResourceType, load};
use trine::store::backend::{Asked, Database, Patience, Reader, Reading, Verdict, Writer};
use trine::store::request_log::{AcceptedRequest, LogJob, RequestLog, Work};

use crate::conformance::fixture::{deadline, entries, users};
use crate::conformance::lists::{column, query};
use crate::conformance::write_sets::{
    create, create_user, delete, entry, idempotency, mutation, operation, set, update, user, with_key,
    write_set,
};

const USERS: u32 = 50;
const ENTRIES: u32 = 4000;
const REQUESTS: u32 = 500;

/// One connection of each kind.
pub struct Doors {
    reader: Box<dyn Reader>,
    lists: Box<dyn Reader>,
    writer: Box<dyn Writer>,
    log: Box<dyn RequestLog>,
}

pub type Story = fn(&mut Doors);

pub const STORIES: &[(&str, Story)] = &[
    ("get", get),
    ("list", list),
    ("list_next_page", list_next_page),
    ("list_everywhere", list_everywhere),
    ("list_filtered", list_filtered),
    ("list_filtered_range", list_filtered_range),
    ("list_filtered_document", list_filtered_document),
    ("list_ordered", list_ordered),
    ("answers", answers),
    ("operations", operations),
    ("create", creates),
    ("create_with_key", create_with_key),
    ("replay", create_with_key),
    ("create_taken", create_taken),
    ("update", updates),
    ("update_unique", update_unique),
    ("list_filtered_unique", list_filtered_unique),
    ("delete", deletes),
    ("read_modify_write", read_modify_write),
    ("record_operation", record_operation),
    ("request_append", request_append),
    ("request_claim", request_claim),
    ("request_decide", request_decide),
    ("request_settle", request_settle),
    ("request_get", request_get),
];

/// The blog, the archive and the notes in one database.
fn served() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fixtures = ["proto", "tests/fixtures/archive", "tests/fixtures/notes"];
        load(&fixtures.map(|tree| root.join(tree)), &["*".to_owned()]).unwrap()
    })
}

impl Doors {
    pub fn open(primary: &Arc<dyn Database>, events: &Arc<dyn Database>) -> Self {
        primary.prepare_primary(served(), trine::store::Admission::Permanent).unwrap();
        events.prepare_events().unwrap();
        Self {
            reader: primary.reader(Reading::ByKey, false).unwrap(),
            lists: primary.reader(Reading::Lists, false).unwrap(),
            writer: primary.writer().unwrap(),
            log: events.request_log().unwrap(),
        }
    }

    /// Enough rows that a plan without an index would be a worse one.
    pub fn fill(&mut self) {
        let stock = |number| create(user(&format!("u{number:03}")), json!({ "displayName": "somebody" }));
        self.commit(&[write_set((0..USERS).map(stock).collect())]);
        for part in 0..ENTRIES / 500 {
            let numbers = part * 500..(part + 1) * 500;
            let stock = |number| create(entry(&format!("u{:03}", number % USERS), &id(number)), text(number));
            self.commit(&[write_set(numbers.map(stock).collect())]);
        }
        for number in 0..REQUESTS {
            let write_set = with_key(create_user(&format!("k{number:03}")), &format!("stock{number}"), 1);
            self.commit(&[WriteSet { operation: Some(operation(&uuid(number))), ..write_set }]);
        }
        let requests: Vec<LogJob> = (0..REQUESTS).map(|number| LogJob::append(request(number))).collect();
        super::lifecycle::fill(self);
        super::owners::fill(self);
        self.log(&requests);
        self.log(&[LogJob::Claim { limit: REQUESTS - 20, lease_ms: 60_000 }]);
    }

    pub fn commit(&mut self, batch: &[WriteSet]) {
        for verdict in self.try_commit(batch) {
            assert!(matches!(verdict, Verdict::Committed(_)), "{verdict:?}");
        }
    }

    fn try_commit(&mut self, batch: &[WriteSet]) -> Vec<Verdict> {
        self.writer.commit(served(), batch, Patience::SkipLocked(deadline().instant()))
    }

    fn log(&mut self, jobs: &[LogJob]) {
        for reply in self.log.run(jobs) {
            reply.unwrap();
        }
    }

    fn list(&mut self, query: ListQuery) {
        self.list_of(entries(), query);
    }

    /// Which of them are there.
    pub fn get_of(&mut self, kind: &ResourceType, asked: &[Asked]) -> Vec<bool> {
        self.reader.get(kind, asked).unwrap().value.iter().map(Option::is_some).collect()
    }

    pub fn list_of(&mut self, kind: &ResourceType, query: ListQuery) {
        assert!(!self.lists.list(kind, &query).unwrap().value.is_empty());
    }
}

fn id(number: u32) -> String {
    format!("e{number:05}")
}

fn uuid(number: u32) -> String {
    format!("01920000-0000-7000-8000-{number:012}")
}

fn text(number: u32) -> Value {
    json!({
        "title": format!("title {number:05}"),
        "state": if number.is_multiple_of(100) { "DRAFT" } else { "PUBLISHED" },
        "publishTime": format!("2026-01-01T{:02}:{:02}:00Z", number / 60 % 24, number % 60),
    })
}

fn request(number: u32) -> AcceptedRequest {
    AcceptedRequest {
        id: OperationId(uuid(number)),
        method: "blog.v1.User.Create".to_owned(),
        work: Work::WriteSet(Box::new(create_user(&format!("r{number:04}")))),
        idempotency: idempotency(&format!("request{number}"), 1),
        position: None,
        scopes: Default::default(),
        request_id: "request-1".to_owned(),
        traceparent: None,
        accept_time: Timestamp::now(),
    }
}

fn get(doors: &mut Doors) {
    let key = |number| Key::child(&format!("u{:03}", number % USERS), &id(number));
    let keys: Vec<Asked> = (0..64).map(|number| Asked { key: key(number), sight: Sight::All }).collect();
    assert_eq!(doors.reader.get(entries(), &keys).unwrap().value.iter().flatten().count(), 64);
}

fn list(doors: &mut Doors) {
    doors.list(query(Some("u007"), 20));
}

fn list_next_page(doors: &mut Doors) {
    let after = After { values: vec![], key: Key::child("u007", &id(1007)) };
    doors.list(ListQuery { after: Some(after), ..query(Some("u007"), 20) });
}

fn list_everywhere(doors: &mut Doors) {
    doors.list(query(None, 20));
}

fn list_filtered(doors: &mut Doors) {
    // Of one parent: the indexes of a child resource begin with it.
    let filter = filter::parse(entries(), "title = \"title 00107\"").unwrap();
    doors.list(ListQuery { filter, ..query(Some("u007"), 20) });
}

/// What is joined by AND stays a condition of the index, whatever stands beside it.
fn list_filtered_range(doors: &mut Doors) {
    let text = "title = \"title 001*\" AND (state = DRAFT OR NOT body = \"x\")";
    doors.list(ListQuery { filter: filter::parse(entries(), text).unwrap(), ..query(Some("u007"), 20) });
    let text = "publish_time >= 2026-01-01T02:00:00Z publish_time < 2026-01-01T03:00:00Z";
    doors.list(ListQuery { filter: filter::parse(entries(), text).unwrap(), ..query(Some("u007"), 20) });
}

/// Without an index: the children of one parent are looked into one by one.
fn list_filtered_document(doors: &mut Doors) {
    let text = "body = \"\" AND NOT tags:\"a\"";
    doors.list(ListQuery { filter: filter::parse(entries(), text).unwrap(), ..query(Some("u007"), 20) });
}

fn list_ordered(doors: &mut Doors) {
    let order = vec![OrderBy { column: column(entries(), "create_time"), descending: true }];
    let first = ListQuery { order, ..query(Some("u007"), 20) };
    doors.list(first.clone());
    let rows = doors.reader.list(entries(), &first).unwrap().value;
    let last = rows.last().unwrap();
    let values = vec![Scalar::Text(last.create_time.as_str().to_owned())];
    doors.list(ListQuery { after: Some(After { values, key: last.key.clone() }), ..first });
}

fn answers(doors: &mut Doors) {
    let keys: Vec<IdempotencyKey> =
        (0..2).map(|number| idempotency(&format!("stock{number}"), 1).key).collect();
    assert!(doors.reader.answers(&keys).unwrap().iter().all(Option::is_some));
}

fn operations(doors: &mut Doors) {
    assert!(doors.reader.operations(&[OperationId(uuid(3))]).unwrap()[0].is_some());
    assert_eq!(doors.reader.list_operations(Some(&OperationId(uuid(300))), 20).unwrap().len(), 20);
}

fn creates(doors: &mut Doors) {
    let one = |number: u32| write_set(vec![create(entry("u001", &format!("n{number}")), text(number))]);
    doors.commit(&(0..3).map(one).collect::<Vec<_>>());
}

/// Told twice: the second time the answer is kept already.
fn create_with_key(doors: &mut Doors) {
    doors.commit(&[with_key(create_user("keyed"), "story", 1)]);
}

fn create_taken(doors: &mut Doors) {
    let email =
        |id: &str| write_set(vec![create(user(id), json!({ "displayName": id, "email": "a@example.com" }))]);
    let verdicts = doors.try_commit(&[email("first"), email("second"), create_user("u001")]);
    assert!(matches!(verdicts[..], [Verdict::Committed(_), Verdict::Rejected(_), Verdict::Rejected(_)]));
}

fn updates(doors: &mut Doors) {
    let one = |number: u32| {
        let resource = entry(&format!("u{:03}", number % USERS), &id(number));
        write_set(vec![update(resource, vec![set("title", json!("changed"))])])
    };
    doors.commit(&(10..13).map(one).collect::<Vec<_>>());
}

fn update_unique(doors: &mut Doors) {
    let edits = vec![set("email", json!("b@example.com"))];
    doors.commit(&[write_set(vec![update(user("u002"), edits)])]);
}

/// Of the user whose address was changed a story ago.
fn list_filtered_unique(doors: &mut Doors) {
    let filter = filter::parse(users(), "email = \"b@example.com\"").unwrap();
    doors.list_of(users(), ListQuery { filter, ..query(Some(""), 20) });
}

fn deletes(doors: &mut Doors) {
    let one = |number| write_set(vec![delete(entry(&format!("u{:03}", number % USERS), &id(number)))]);
    doors.commit(&(20..23).map(one).collect::<Vec<_>>());
}

/// As a rule leaves it: the user it counted on, an entry that must not be there, the new entry.
fn read_modify_write(doors: &mut Doors) {
    let absent = mutation(entry("u003", "guarded"), Precondition::Absent, Change::Check);
    let user = update(user("u003"), vec![set("entryCount", json!("7"))]);
    doors.commit(&[write_set(vec![create(entry("u003", "new"), text(1)), user, absent])]);
}

fn record_operation(doors: &mut Doors) {
    let pushed = with_key(create_user("pushed"), "pushed", 1);
    doors.commit(&[WriteSet { operation: Some(operation(&uuid(9000))), ..pushed }]);
}

fn claimed(number: u32) -> LogJob {
    LogJob::Append { request: Arc::new(request(number)), lease_ms: Some(60_000) }
}

fn request_append(doors: &mut Doors) {
    doors.log(&[claimed(9000), claimed(3)]);
}

fn request_claim(doors: &mut Doors) {
    doors.log(&[LogJob::Claim { limit: 10, lease_ms: 60_000 }]);
}

fn request_decide(doors: &mut Doors) {
    doors.log(&[LogJob::Decide {
        id: OperationId(uuid(5)),
        attempt: 1,
        write_set: Box::new(create_user("alice")),
    }]);
}

fn request_settle(doors: &mut Doors) {
    doors.log(&[LogJob::Settle {
        id: OperationId(uuid(5)),
        attempt: 1,
        recorded: true,
        result: OperationResult::Error(json!({ "code": 5 })),
        apply_time: Timestamp::now(),
        consistency_token: None,
    }]);
}

fn request_get(doors: &mut Doors) {
    doors.log(&[LogJob::Get { id: OperationId(uuid(5)) }]);
    doors.log(&[LogJob::List { before: Some(OperationId(uuid(300))), limit: 20 }]);
}
