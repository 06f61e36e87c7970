//! A schema with a field of every kind, for what SQL sees of it.

use std::path::Path;

use trine::model::{Key, ResourceRef, TypeName};
use trine::schema::{Catalogue, load};

/// The kinds of fields, some of them twice: promoted and not.
pub const FIELDS: &str = r#"
    string title = 2;
    string code = 3 [(trine.v1.index) = true];
    bool tame = 4;
    bool loud = 5 [(trine.v1.index) = true];
    int32 legs = 6;
    int64 weight = 7;
    int64 height = 8 [(trine.v1.index) = true];
    uint32 cages = 9;
    uint64 number = 10;
    uint64 rank = 11 [(trine.v1.index) = true];
    double speed = 12;
    float bite = 13;
    double worth = 14 [(trine.v1.index) = true];
    Diet diet = 15;
    Diet favourite = 16 [(trine.v1.index) = true];
    bytes picture = 17;
    google.protobuf.Timestamp born = 18;
    google.protobuf.Timestamp seen = 19 [(trine.v1.index) = true];
    google.protobuf.Duration sleep = 20;
    google.protobuf.Int64Value owner_count = 21;
    optional int32 age = 22;
    optional string nick = 23 [(trine.v1.index) = true];
    repeated string tags = 24;
    map<string, int32> meals = 25;
    Home home = 26;
    string secret = 27 [(google.api.field_behavior) = INPUT_ONLY];
    oneof origin { string bred = 28; string caught = 29 [(trine.v1.index) = true]; }
    string version = 30;
    google.protobuf.Timestamp create_time = 31 [(google.api.field_behavior) = OUTPUT_ONLY];
    google.protobuf.Timestamp update_time = 32 [(google.api.field_behavior) = OUTPUT_ONLY];
    string etag = 33;
"#;

/// `options` are those of the message.
pub fn zoo(options: &str, fields: &str) -> Catalogue {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        r#"syntax = "proto3";
        package zoo.v1;
        import "google/api/field_behavior.proto";
        import "google/api/resource.proto";
        import "google/protobuf/duration.proto";
        import "google/protobuf/timestamp.proto";
        import "google/protobuf/wrappers.proto";
        import "trine/v1/options.proto";
        message Keeper {{
          option (google.api.resource) = {{ type: "zoo.example.com/Keeper" pattern: "keepers/{{keeper}}" }};
          {options}
          string name = 1;
          string display_name = 2;
        }}
        enum Diet {{ option allow_alias = true; DIET_UNSPECIFIED = 0; PLANTS = 1; MEAT = 2; FLESH = 2; }}
        message Home {{ string city = 1; int64 area = 2; }}
        message Beast {{
          option (google.api.resource) = {{ type: "zoo.example.com/Beast" pattern: "keepers/{{keeper}}/beasts/{{beast}}" }};
          {options}
          string name = 1;
          {fields}
        }}"#
    );
    std::fs::create_dir_all(directory.path().join("zoo/v1")).unwrap();
    std::fs::write(directory.path().join("zoo/v1/zoo.proto"), text).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    load(&[directory.path().to_owned(), own], &["zoo.v1".to_owned()]).unwrap()
}

pub fn beast(id: &str) -> ResourceRef {
    ResourceRef { kind: TypeName::new("zoo.v1.Beast"), key: Key::child("ann", id) }
}
