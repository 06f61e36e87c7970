//! Plain types that every other module speaks: names, write sets, answers, operations, errors.
//!
//! Not here: any I/O, any HTTP, any SQL, any protobuf reflection.
//! Invariant: depends on nothing of ours, so that every module may depend on it (`tests/tidy.rs`).

pub mod answer;
pub mod deadline;
pub mod error;
pub mod idempotency;
pub mod name;
pub mod operation;
pub mod position;
pub mod principal;
pub mod resource;
pub mod scalar;
pub mod timestamp;
pub mod write_set;

pub use answer::{Answer, AnswerPlan};
pub use deadline::Deadline;
pub use error::{Error, FieldViolation, Reason};
pub use idempotency::{Fingerprint, Idempotency, IdempotencyKey};
pub use name::{Key, TypeName};
pub use operation::{Operation, OperationId, OperationResult, OperationState};
pub use position::Position;
pub use principal::{Principal, Scope, Scopes, Sight};
pub use resource::{Document, Stored, Version};
pub use scalar::Scalar;
pub use timestamp::Timestamp;
pub use write_set::{Change, Deletion, Edit, Mutation, Precondition, ResourceRef, Upsert, WriteSet};

/// Every fallible function of this crate fails with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
