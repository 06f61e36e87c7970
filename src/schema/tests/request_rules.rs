//! Rules of requests: of the request itself, and of a member of a batch, which carries less.

use super::*;
use crate::schema::StandardMethod::{Delete, Update};

/// Given rules on what a request carries beside the resource, then a member is judged by those it has a place for.
#[test]
fn a_member_is_judged_by_what_it_can_carry() {
    let catalogue = load_text(&[(
        "shelf.proto",
        r#"syntax = "proto3"; package shelf.v1;
        import "buf/validate/validate.proto"; import "google/api/annotations.proto";
        import "google/api/resource.proto"; import "google/protobuf/empty.proto";
        import "google/protobuf/field_mask.proto";
        message Shelf {
          option (google.api.resource) = { type: "shelf.example.com/Shelf" pattern: "shelves/{shelf}" };
          string name = 1; string title = 2;
        }
        message UpdateShelfRequest {
          Shelf shelf = 1 [(buf.validate.field).required = true];
          google.protobuf.FieldMask update_mask = 2 [(buf.validate.field) = {
            required: true, field_mask: { in: ["title"] }
          }];
          string request_id = 3 [(buf.validate.field).string.uuid = true];
        }
        message DeleteShelfRequest {
          string name = 1 [(buf.validate.field).string.prefix = "shelves/a"];
          bool force = 2 [(buf.validate.field).bool.const = false];
        }
        service Shelves {
          rpc UpdateShelf(UpdateShelfRequest) returns (Shelf) {
            option (google.api.http) = { patch: "/v1/{shelf.name=shelves/*}" body: "shelf" };
          }
          rpc DeleteShelf(DeleteShelfRequest) returns (google.protobuf.Empty) {
            option (google.api.http) = { delete: "/v1/{name=shelves/*}" };
          }
        }"#,
    )])
    .unwrap_or_else(|problems| panic!("{problems:#?}"));
    let kind = catalogue.resource(&TypeName::new("shelf.v1.Shelf")).expect("a shelf");
    let broken = |method, id: &str, parameters: &[(&str, &str)]| {
        let parameters: Vec<_> =
            parameters.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        let judged = catalogue.check_member(kind, method, &[id.to_owned()], &parameters);
        judged.err().map(|error| error.violations[0].field.clone())
    };
    assert_eq!(broken(Update, "a1", &[("updateMask", "title")]), None);
    assert_eq!(broken(Update, "a1", &[("updateMask", "")]).as_deref(), Some("updateMask"));
    assert_eq!(broken(Update, "a1", &[("updateMask", "*")]).as_deref(), Some("updateMask"));
    assert_eq!(broken(Delete, "a1", &[("force", "false")]), None);
    assert_eq!(broken(Delete, "a1", &[("force", "true")]).as_deref(), Some("force"));
    assert_eq!(broken(Delete, "b1", &[]).as_deref(), Some("name"));
    let whole = [("updateMask".to_owned(), "title".to_owned())];
    let judged =
        catalogue.check_parameters(kind, Update, &["a1".to_owned()], &whole).expect_err("no request id");
    assert_eq!(judged.violations[0].field, "requestId");
}
