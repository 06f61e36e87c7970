//! What a start asks of the database.

use std::path::Path;

use trine::schema::{Catalogue, load};
use trine::store::Admission;

use crate::conformance::fixture::options;
use crate::support::Cluster;

fn kinds(count: usize) -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let message = |number: usize| {
        format!(
            r#"message Kind{number} {{
              option (google.api.resource) = {{ type: "many.example.com/Kind{number}" pattern: "kind{number}s/{{kind}}" }};
              string name = 1;
              string title = 2 [(trine.v1.unique) = true];
            }}"#
        )
    };
    let head = "syntax = \"proto3\"; package many.v1; import \"google/api/resource.proto\"; \
                import \"trine/v1/options.proto\";";
    let text = format!("{head}\n{}", (0..count).map(message).collect::<String>());
    std::fs::write(directory.path().join("many.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["many.v1".to_owned()]).unwrap()
}

/// Statements of a start with a schema that the database has.
fn statements_of_a_second_start(cluster: &Cluster, tables: usize) -> usize {
    let url = cluster.create_database(&format!("many{tables}"));
    let start = || trine::store::postgres::open(&url, options()).unwrap();
    let catalogue = kinds(tables);
    start().prepare_primary(&catalogue, Admission::Permanent).unwrap();
    let count = || cluster.log().lines().filter(|line| line.contains("LOG:  ")).count();
    let before = count();
    start().prepare_primary(&catalogue, Admission::Permanent).unwrap();
    count() - before
}

/// Given an unchanged schema, then a start sends as many statements for thirty tables as for one.
#[test]
fn a_second_start_does_not_depend_on_the_number_of_tables() {
    let cluster = Cluster::start_with(&[("log_statement", "all")]);
    let of_one = statements_of_a_second_start(&cluster, 1);
    assert!(of_one > 5, "{}", cluster.log());
    assert_eq!(statements_of_a_second_start(&cluster, 30), of_one);
}
