//! A tree in the style of public APIs, whose services say where their methods are, on both databases.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::Api;
use crate::support::postgres;
use crate::support::trine::Launch;

const BOOKS: &str = "/v1/publishers/acme/books";
const MAGAZINES: &str = "/library/v2/publishers/acme/magazines";

#[test]
fn a_library_is_served_on_sqlite() {
    let directory = TempDir::new().expect("a directory");
    serve_library(&format!("sqlite:{}", directory.path().join("library.db").display()));
}

#[test]
fn a_library_is_served_on_postgresql() {
    serve_library(&postgres::shared().create_database("library"));
}

fn serve_library(database: &str) {
    let tree = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/library");
    let server = Launch::role("monolith").argument("--proto", tree).argument("--database", database).ready();
    let api = server.api();
    books_live_where_their_service_says(&api);
    masks_change_what_they_name(&api);
    magazines_are_listed_filtered_ordered_and_paged(&api);
    methods_that_no_service_declares_have_default_routes(&api);
    members_keep_to_what_the_schema_says(&api);
}

/// One of every kind of field.
fn book() -> Value {
    json!({
        "title": "Il nome della rosa",
        "isbn": "978-88-452-0705-1",
        "author": { "givenName": "Umberto", "born": 0, "address": { "city": "Milano", "lines": ["a", "b"] } },
        "translators": [{ "givenName": "William" }, { "givenName": "Burkhart", "born": 1926 }],
        "tags": ["crime", "abbey"],
        "sales": { "it": "50000000", "de": "-1" },
        "chapters": { "1": { "givenName": "Adso" } },
        "format": "HARDCOVER",
        "secondFormat": "FORMAT_UNSPECIFIED",
        "allFormats": ["HARDCOVER", "PAPERBACK"],
        "publishTime": "1980-09-01T10:00:00.120Z",
        "readingTime": "3600.500s",
        "onRequest": "ask",
        "pages": 503,
        "copies": "9007199254740993",
        "barcode": "18446744073709551615",
        "rating": 4.5,
        "weight": "Infinity",
        "inPrint": true,
        "cover": "AAEC",
        "subtitle": "",
        "extra": { "any": [1, null, { "deep": true }] },
        "note": "",
        "stock": "0",
        "reviewed": "author.givenName,title",
        "attachment": { "@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s" },
        "sequel": { "title": "None" }
    })
}

fn books_live_where_their_service_says(api: &Api) {
    let created = api.post(&format!("{BOOKS}?book_id=rose"), &book()).expect(201);
    assert_eq!(created.header("location"), Some(format!("{BOOKS}/rose").as_str()));
    let read = api.get(&format!("{BOOKS}/rose")).expect(200);
    assert_eq!(read.json(), created.json());
    let mut told = read.json();
    let server_made = ["name", "uid", "createTime", "updateTime", "etag"];
    let members = told.as_object_mut().expect("an object");
    for field in server_made {
        assert!(members.remove(field).is_some_and(|value| value.is_string()), "{field}");
    }
    assert_eq!(told, book());
    api.get("/example/library/v1/publishers/acme/books/rose").refused(404, "NOT_FOUND");
    api.post(&format!("{BOOKS}?bookId=rose"), &book()).refused(409, "ALREADY_EXISTS");
    api.post(BOOKS, &json!({ "title": "T", "pages": "many" })).refused(400, "INVALID_FIELD");
    api.post(BOOKS, &json!({ "subtitle": "without a title" })).refused(400, "REQUIRED");
    let batch = api.get(&format!("{BOOKS}:batchGet?names=publishers/acme/books/rose")).expect(200).json();
    assert_eq!(batch["books"][0], created.json());
}

fn masks_change_what_they_name(api: &Api) {
    let path = format!("{BOOKS}/rose?updateMask=author.address.city,gift_of,tags");
    let patch =
        json!({ "author": { "address": { "city": "Torino" } }, "giftOf": { "givenName": "E" }, "tags": [] });
    let changed = api.patch(&path, &patch).expect(200).json();
    assert_eq!(changed["author"]["address"], json!({ "city": "Torino", "lines": ["a", "b"] }));
    assert_eq!(changed["author"]["givenName"], "Umberto");
    assert_eq!((changed.get("onRequest"), changed.get("tags")), (None, None));
    assert_eq!(api.get(&format!("{BOOKS}/rose")).json(), changed);
    api.patch(&format!("{BOOKS}/rose?updateMask=isbn"), &json!({ "isbn": "1" })).refused(400, "IMMUTABLE");
    let unlike = api.request("PATCH", &format!("{BOOKS}/rose")).header("If-Match", "\"1000000\"");
    unlike.json(&json!({ "pages": 1 })).send().refused(412, "IF_MATCH");
    assert_eq!(api.delete(&format!("{BOOKS}/rose")).expect(200).json(), json!({}));
    api.get(&format!("{BOOKS}/rose")).refused(404, "NOT_FOUND");
    assert_eq!(api.get(BOOKS).expect(200).json(), json!({ "books": [] }));
}

fn magazines_are_listed_filtered_ordered_and_paged(api: &Api) {
    for number in 0..7 {
        let frequency = if number % 2 == 0 { "WEEKLY" } else { "MONTHLY" };
        let magazine = json!({ "title": format!("M{number}"), "frequency": frequency,
            "circulation": (100 - number).to_string(), "issn": number.to_string(),
            "issues": [{ "number": number }], "binding": { "color": "red" }, "specials": { "x": { "headlines": ["h"] } } });
        api.post(&format!("{MAGAZINES}?magazineId=m{number}"), &magazine).expect(201);
    }
    let base = format!(
        "{MAGAZINES}?filter=frequency%3DWEEKLY%20circulation%20%3C%20100&orderBy=circulation&pageSize=2"
    );
    let first = api.get(&base).expect(200).json();
    assert_eq!(titles(&first), ["M6", "M4"]);
    let token = first["nextPageToken"].as_str().expect("a token");
    let second = api.get(&format!("{base}&pageToken={token}")).expect(200).json();
    assert_eq!((titles(&second), second.get("nextPageToken")), (vec!["M2".to_owned()], None));
    let first = api.get(&format!("{MAGAZINES}/m0")).expect(200).json();
    // What is absent stays absent: readers of proto2 know its default.
    assert_eq!((&first["binding"], first.get("priceCents")), (&json!({ "color": "red" }), None));
    let taken = json!({ "title": "N", "issn": "3" });
    api.post(MAGAZINES, &taken).refused(409, "UNIQUE_VIOLATION");
    api.post(MAGAZINES, &json!({ "frequency": "WEEKLY" })).refused(400, "REQUIRED");
    api.post(MAGAZINES, &json!({ "title": "N", "frequency": 9 })).refused(400, "INVALID_FIELD");
}

/// `ListMagazinesResponse` says what the answer looks like.
fn titles(page: &Value) -> Vec<String> {
    let magazines = page["magazine"].as_array().expect("magazines");
    magazines.iter().map(|magazine| magazine["title"].as_str().expect("a title").to_owned()).collect()
}

fn methods_that_no_service_declares_have_default_routes(api: &Api) {
    api.delete(&format!("{MAGAZINES}/m0")).refused(405, "METHOD_NOT_ALLOWED");
    api.delete("/example/library/v1/publishers/acme/magazines/m0").expect(200);
    let publisher = json!({ "displayName": "Acme" });
    api.post("/example/library/v1/publishers?publisherId=acme", &publisher).expect(201);
    let name = &api.get("/example/library/v1/publishers/acme").expect(200).json()["name"];
    assert_eq!(name, "publishers/acme");
}

fn member() -> Value {
    json!({
        "displayName": "Ada", "grade": "GRADE_BASIC", "contacts": [{ "value": "ada@example.com" }],
        "limits": { "books": 5 }, "bornTime": "1815-12-10T00:00:00Z", "loanLength": "86400s",
        "barcode": "12345678", "tags": ["a", "b"]
    })
}

/// The member with one value changed.
fn member_with(field: &str, value: Value) -> Value {
    let mut member = member();
    member[field] = value;
    member
}

fn members_keep_to_what_the_schema_says(api: &Api) {
    let created = api.post("/v1/members?memberId=ada", &member_with("pin", json!("1234"))).expect(201).json();
    assert_eq!((&created["barcode"], created.get("pin")), (&json!("12345678"), None));
    for (field, value, blamed) in [
        ("displayName", json!("A"), "displayName"),
        ("grade", json!("GRADE_UNSPECIFIED"), "grade"),
        ("grade", json!(9), "grade"),
        ("contacts", json!([{ "value": "a@b.c" }, { "value": "nobody" }]), "contacts[1].value"),
        ("limits", json!({ "BOOKS": 5 }), "limits[\"BOOKS\"]"),
        ("limits", json!({ "books": 100 }), "limits[\"books\"]"),
        ("bornTime", json!("9000-01-01T00:00:00Z"), "bornTime"),
        ("loanLength", json!("1s"), "loanLength"),
        ("barcode", json!("1"), "barcode"),
        ("tags", json!(["a", "a"]), "tags"),
        ("homepage", json!("not a uri"), "homepage"),
        ("pin", json!("12"), "pin"),
    ] {
        let refused = api.post("/v1/members", &member_with(field, value)).refused(400, "INVALID_FIELD");
        let violations = &refused.json()["error"]["details"][1]["fieldViolations"];
        assert_eq!(violations[0]["field"], blamed, "{violations}");
        assert_eq!(violations.as_array().map(Vec::len), Some(1), "{violations}");
    }
    api.post("/v1/members", &member_with("barcode", Value::Null)).refused(400, "REQUIRED");
    let path = "/v1/members/ada?updateMask=tags,chip";
    let patched = api.patch(path, &json!({ "tags": ["c"], "chip": "AAECAw==" })).expect(200).json();
    assert_eq!((patched.get("barcode"), &patched["chip"]), (None, &json!("AAECAw==")));
    api.patch(path, &json!({ "tags": ["", "d"], "chip": "AAECAw==" })).refused(400, "INVALID_FIELD");
    let refused = api.post("/v1/members?memberId=Ada", &member()).refused(400, "INVALID_FIELD");
    assert_eq!(refused.json()["error"]["details"][1]["fieldViolations"][0]["field"], "memberId");
    let batch = json!({ "requests": [{ "memberId": "eve", "member": member() }, { "memberId": "Eve", "member": member() }] });
    let refused = api.post("/v1/members:batchCreate", &batch).refused(400, "INVALID_FIELD");
    let blamed = &refused.json()["error"]["details"][1]["fieldViolations"][0]["field"];
    assert_eq!(blamed, "requests[1].memberId");
    let batch = json!({ "requests": [{ "memberId": "eve", "member": member_with("barcode", json!("1")) }] });
    let refused = api.post("/v1/members:batchCreate", &batch).refused(400, "INVALID_FIELD");
    let blamed = &refused.json()["error"]["details"][1]["fieldViolations"][0]["field"];
    assert_eq!(blamed, "requests[0].member.barcode");
    let write_set = json!({ "mutations": [{ "create": { "type": "example.library.v1.Loan", "parent": "members/ada",
        "id": "two", "resource": { "book": "publishers/a/books/b", "days": 61 } } }] });
    api.post("/trine/v1/writeSets:commit", &write_set).refused(400, "INVALID_FIELD");
    api.get("/v1/members?page_size=101").refused(400, "INVALID_FIELD");
    assert_eq!(api.get("/v1/members?pageSize=100").expect(200).json()["members"][0]["grade"], "GRADE_BASIC");
    // A card must stay.
    api.patch("/v1/members/ada?updateMask=chip", &json!({})).refused(400, "REQUIRED");
    assert_eq!(api.get("/v1/members/ada").expect(200).json()["tags"], json!(["c"]));
    let loans = "/example/library/v1/members/ada/loans";
    let loan = json!({ "book": "publishers/acme/books/rose", "days": 14 });
    api.post(&format!("{loans}?loanId=one"), &loan).expect(201);
    api.post(loans, &json!({ "book": "rose", "days": 14 })).refused(400, "INVALID_FIELD");
    api.post(loans, &json!({ "book": "publishers/acme/books/rose" })).refused(400, "INVALID_FIELD");
    api.delete(&format!("{loans}/one")).expect(200);
}
