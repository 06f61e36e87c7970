//! Rights as `trine grants` gives them, run by somebody who owns nothing of it.

use trine::store::DatabaseUrl;
use trine::store::backend::Reading;
use trine::store::postgres::grants::{Rights, grants_sql};

use super::evolution::shop;
use super::fresh_url;
use crate::conformance::fixture::{Fixture, TestDatabase, catalogue, options};
use crate::support;

/// Given a monolith and a reader that are no superusers, when a superuser grants, then the monolith makes
/// its tables, and the reader reads also those that come later, and writes none.
#[tokio::test]
async fn a_reader_may_read_what_the_monolith_makes_later() {
    let cluster = support::shared();
    let url = fresh_url();
    let name = url.rsplit_once('/').unwrap().1;
    let (owner, reader) = (format!("owner of {name}"), format!("it's a reader of {name}"));
    for login in [&owner, &reader] {
        cluster.sql(&format!("CREATE ROLE \"{login}\" LOGIN"));
    }
    let grants = |rights, login: &str| {
        cluster.sql_in(&url, &grants_sql(rights, login));
    };
    grants(Rights::Owner, &owner);
    let as_login = |login: &str| {
        let login = login.replace(' ', "%20").replace('\'', "%27");
        cluster.url_of(&login, name)
    };
    let owned = TestDatabase { url: DatabaseUrl::parse(&as_login(&owner)).unwrap(), keep: Box::new(()) };
    let mut fixture = Fixture::open(owned);
    fixture.commit(crate::conformance::write_sets::create_user("alice")).await.unwrap();

    grants(Rights::Reader, &reader);
    cluster.sql_in(&as_login(&owner), "CREATE TABLE trine.later (x int)");
    assert_eq!(cluster.sql_in(&as_login(&reader), "SELECT count(*) FROM trine.later"), "0");
    assert_eq!(cluster.sql_in(&as_login(&reader), "SELECT key FROM trine.\"blog.v1.User\""), "alice");
    assert_eq!(cluster.sql_in(&as_login(&reader), "SHOW lc_messages"), "C");
    let reading = trine::store::postgres::open(&as_login(&reader), options()).unwrap();
    reading.reader(Reading::ByKey, true).unwrap();
    assert_eq!(reading.storage_catalogue().unwrap().digest, catalogue().digest);
}

/// Given a login that was granted nothing, when it starts, then it is told what an administrator runs.
#[test]
fn a_login_without_rights_is_told_what_grants_them() {
    let cluster = support::shared();
    let url = fresh_url();
    let name = url.rsplit_once('/').unwrap().1;
    cluster.sql(&format!("CREATE ROLE \"bare {name}\" LOGIN"));
    let bare = cluster.url_of(&format!("bare%20{name}"), name);
    let refused = trine::store::postgres::open(&bare, options())
        .unwrap()
        .prepare_primary(catalogue(), trine::store::Admission::Permanent);
    let message = refused.expect_err("no rights").message;
    assert!(message.contains("trine grants --role"), "{message}");
}

/// Given logins whose names end every kind of quote, then what is printed does for each what it should
/// and nothing else.
#[test]
fn any_login_may_be_granted_to() {
    let cluster = support::shared();
    let url = fresh_url();
    let _database = trine::store::postgres::open(&url, options())
        .unwrap()
        .prepare_primary(catalogue(), trine::store::Admission::Permanent)
        .unwrap();
    let names = [
        "a'b",
        "a\"b",
        "a\\b",
        "a\\'; DROP SCHEMA trine CASCADE; --",
        "$$",
        "$grants$",
        "a\nb",
        "%s %I",
        ":a",
    ];
    for name in names {
        let identifier = format!("\"{}\"", name.replace('"', "\"\""));
        cluster.sql(&format!("CREATE ROLE {identifier} LOGIN"));
        for strings in ["on", "off"] {
            let sql = grants_sql(Rights::Reader, name);
            cluster.sql_in(&url, &format!("SET standard_conforming_strings = {strings}; {sql}"));
        }
        cluster.sql_in(&url, "DROP TABLE IF EXISTS trine.later; CREATE TABLE trine.later (x int)");
        let counted = format!("SET SESSION AUTHORIZATION {identifier}; SELECT count(*) FROM trine.later");
        assert_eq!(cluster.sql_in(&url, &counted), "0", "{name}");
        cluster.sql_in(&url, &grants_sql(Rights::Owner, name));
    }
}

/// Given an analyst's login, when it was granted, then it reads views, those of later schemas too, and no
/// table; what was granted on a view by hand survives its being made anew.
#[test]
fn an_analyst_reads_views_and_nothing_else() {
    let cluster = support::shared();
    let url = fresh_url();
    let name = url.rsplit_once('/').unwrap().1;
    let (analyst, owner) = (format!("analyst_{name}"), format!("owner_{name}"));
    for login in [&analyst, &owner] {
        cluster.sql(&format!("CREATE ROLE {login} LOGIN"));
    }
    cluster.sql_in(&url, &grants_sql(Rights::Owner, &owner));
    let database = trine::store::postgres::open(&cluster.url_of(&owner, name), options()).unwrap();
    database
        .prepare_primary(&shop("string code = 2; string size = 4;"), trine::store::Admission::Permanent)
        .unwrap();
    cluster.sql_in(&url, &grants_sql(Rights::Analyst, &analyst));
    let analysts = cluster.url_of(&analyst, name);
    let count = "SELECT count(*) FROM shop_v1.item";
    assert_eq!(cluster.sql_in(&analysts, count), "0");
    let may = format!(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'trine'::regnamespace AND relkind IN ('r', 'p') \
         AND has_table_privilege('{analyst}', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
    );
    assert_eq!(cluster.sql_in(&url, &may), "0");

    // A number in between: no column is appended, the view is made anew.
    let between = shop("string code = 2; int64 price = 3; string size = 4;");
    database.prepare_primary(&between, trine::store::Admission::Permanent).unwrap();
    assert_eq!(cluster.sql_in(&analysts, "SELECT count(price) FROM shop_v1.item"), "0");
}
