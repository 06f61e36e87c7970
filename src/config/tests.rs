//! What people write in configurations, and what they are told.

use super::*;
use crate::commands::{MethodMode, Mode};

fn load(values: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let values = values.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    let layers = Layers::read(&Overrides { file: None, values }, std::iter::empty());
    let checked = layers.and_then(|layers| layers.settings(check::check));
    checked.map_err(|problems| {
        problems.into_iter().map(|problem| format!("{} {}", problem.key, problem.message)).collect()
    })
}

#[test]
fn the_defaults_alone_are_a_working_monolith() {
    let settings = load(&[]).unwrap();
    assert_eq!(settings.role, Role::Monolith);
    assert_eq!(settings.database.primary.unwrap().0, "sqlite:trine.db");
}

#[test]
fn a_nanoservice_is_not_given_the_default_primary() {
    let settings = load(&[("role", "nanoservice"), ("database.replica", "sqlite:trine.db")]).unwrap();
    assert!(settings.database.primary.is_none());
}

#[test]
fn a_role_with_a_database_it_may_not_have_is_refused_by_key() {
    let problems = load(&[
        ("role", "nanoservice"),
        ("database.primary", "sqlite:trine.db"),
        ("database.replica", "sqlite:trine.db"),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("database.primary is set, but a nanoservice may not have it"),
        "{problems:?}"
    );
}

#[test]
fn all_unknown_keys_are_named_at_once() {
    let problems = load(&[("http.lisen", "x"), ("databse.primary", "y")]).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.split(' ').next().unwrap()).collect();
    assert!(keys.contains(&"http.lisen") && keys.contains(&"databse"), "{keys:?}");
}

#[test]
fn a_misspelt_key_does_not_hide_what_else_is_wrong() {
    let problems = load(&[("http.lisen", "x"), ("role", "nanoservice")]).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_value_of_the_wrong_type_names_its_key() {
    let problems = load(&[("http.max_body_bytes", "much")]).unwrap_err();
    assert!(problems[0].starts_with("http.max_body_bytes "), "{problems:?}");
}

#[test]
fn all_values_of_a_wrong_type_are_named_at_once_with_where_they_came_from() {
    let problems =
        load(&[("http.max_body_bytes", "much"), ("log.format", "xml"), ("database.connections", "0")])
            .unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.starts_with("log.format (from command line)")));
}

#[test]
fn a_misspelt_key_is_told_what_it_was_meant_to_be() {
    let problems = load(&[("http.lisen", "x")]).unwrap_err();
    assert!(problems[0].ends_with("did you mean `http.listen`?"), "{problems:?}");
}

#[test]
fn what_is_told_is_what_and_where_and_what_to_do() {
    for (key, text, told) in [
        ("log.level", "loud", "log.level names `loud`, which is no level; give one of error, warn, info"),
        ("http.max_body_bytes", "1MB", "is refused: it must be a whole number, 0 or more"),
        ("http.cors_origins", "[\"nowhere\"]", "http.cors_origins[0] (from command line) is refused"),
        (
            "auth.tokens.a",
            "{ token = \"long-enough-token-123\", subject = \"a\", scopes = [\"reed\"] }",
            "auth.tokens.a.scopes[0] (from command line) is refused",
        ),
        ("writes.methods.\"a.B\"", "asink", "expected one of `sync`, `forward`, `async`"),
        ("http.nope", "1", "is not a key of this version; see config/default.toml"),
    ] {
        let problems = load(&[(key, text)]).unwrap_err();
        assert!(problems[0].contains(told), "{key}: {problems:?}");
    }
    for level in ["debug", "WARN", "info,trine=trace", "off"] {
        load(&[("log.level", level)]).unwrap();
    }
}

#[test]
fn methods_may_be_written_with_and_without_quotes() {
    for key in
        ["writes.methods.\"blog.v1.BlogService.Publish\"", "writes.methods.blog.v1.BlogService.Publish"]
    {
        let settings = load(&[
            (key, "async"),
            ("peers.microservice", "http://127.0.0.1:1"),
            ("peers.secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"),
        ])
        .unwrap();
        let setting = &settings.writes.methods["blog.v1.BlogService.Publish"];
        assert_eq!(*setting, MethodMode { mode: Mode::Async, flag: None });
    }
}

#[test]
fn a_method_may_follow_a_flag() {
    let settings = load(&[
        ("writes.methods.\"blog.v1.BlogService.Publish\"", "{ mode = \"async\", flag = \"publish-async\" }"),
        ("peers.microservice", "http://127.0.0.1:1"),
        ("peers.secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"),
    ])
    .unwrap();
    assert_eq!(
        settings.writes.methods["blog.v1.BlogService.Publish"],
        MethodMode { mode: Mode::Async, flag: Some("publish-async".to_owned()) }
    );
}

#[test]
fn an_open_listener_without_authentication_is_refused_unless_told() {
    let problems = load(&[("http.listen", "0.0.0.0:8080")]).unwrap_err();
    assert!(problems[0].starts_with("auth.mode is none"), "{problems:?}");
    load(&[("http.listen", "0.0.0.0:8080"), ("auth.allow_anonymous", "true")]).unwrap();
}

#[test]
fn variables_win_over_defaults_and_flags_over_variables() {
    let variables = [("TRINE__HTTP__WORKERS".to_owned(), "7".to_owned())];
    let overrides = Overrides { file: None, values: vec![("http.max_connections".into(), "9".into())] };
    let layers = Layers::read(&overrides, variables.into_iter()).unwrap();
    let settings = layers.settings(check::check).unwrap();
    assert_eq!((settings.http.workers, settings.http.max_connections), (7, 9));
    assert_eq!(layers.source("http.workers"), "TRINE__HTTP__WORKERS");
    assert_eq!(layers.source("http.max_connections"), "command line");
    assert_eq!(layers.source("http.listen"), "default");
}

#[test]
fn printing_masks_secrets() {
    let overrides = Overrides {
        file: None,
        values: vec![
            ("database.primary".into(), "postgres://u:hidden@h/d".into()),
            ("peers.secret".into(), "whsec_hidden".into()),
        ],
    };
    let printed = Layers::read(&overrides, std::iter::empty()).unwrap().print();
    assert!(printed.contains("postgres://u:***@h/d") && !printed.contains("hidden"), "{printed}");
}

/// Given passwords that are no part of a login, then they are not printed either.
#[test]
fn printing_masks_passwords_wherever_libpq_reads_them() {
    for (url, shown) in [
        ("postgres://h/d?password=hidden&sslpassword=hidden", "postgres://h/d?password=***&sslpassword=***"),
        ("host=x password='hidden hidden' dbname=d", "host=x password=*** dbname=d"),
        ("postgres://u:hidden@h:1,g:2/d", "postgres://u:***@h:1,g:2/d"),
    ] {
        let overrides = Overrides { file: None, values: vec![("database.primary".into(), url.into())] };
        let printed = Layers::read(&overrides, std::iter::empty()).unwrap().print();
        assert!(printed.contains(shown) && !printed.contains("hidden"), "{printed}");
    }
}

/// Given a token where its table should be, then neither what is printed nor the mistake shows it.
#[test]
fn a_misplaced_token_is_not_shown() {
    let values = vec![
        ("auth.tokens.a".into(), "hidden".into()),
        ("flags.url".into(), "http://f/?api_key=hidden".into()),
    ];
    let printed = Layers::read(&Overrides { file: None, values }, std::iter::empty()).unwrap().print();
    assert!(printed.contains("auth.tokens.a") && !printed.contains("hidden"), "{printed}");
    let problems = load(&[("auth.tokens.a", "hidden")]).unwrap_err();
    let told = format!("{problems:?}");
    assert!(told.contains("auth.tokens.a") && told.contains("a table") && !told.contains("hidden"), "{told}");
}

#[test]
fn slips_of_the_pen_are_told_at_once() {
    let problems = load(&[
        ("http.workers", "600"),
        ("database.connections", "0"),
        ("log.level", "zzz=="),
        ("peers.secret", "x"),
        ("peers.monolith", "ftp://x"),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:?}");
}
