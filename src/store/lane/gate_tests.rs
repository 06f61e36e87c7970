//! The gate alone: who may go, who stays behind whom.

use std::time::Duration;

use super::*;
use crate::model::{
    AnswerPlan, Change, Deadline, Fingerprint, Idempotency, Key, Mutation, Precondition, ResourceRef,
    TypeName,
};

fn work(gate: &Arc<Gate>, ids: &[&str]) -> WriteWork {
    let mutations = ids.iter().map(|id| Mutation {
        resource: ResourceRef { kind: TypeName::new("shop.v1.Item"), key: Key::new(id) },
        precondition: Precondition::None,
        change: Change::Delete,
    });
    let write_set = WriteSet {
        mutations: mutations.collect(),
        answer: AnswerPlan::Empty,
        idempotency: None,
        operation: None,
        principal: Default::default(),
        request_id: ids.concat(),
        traceparent: None,
        validate_only: false,
    };
    let pass = gate.enter(&write_set).unwrap();
    let (reply, _) = tokio::sync::oneshot::channel();
    WriteWork { write_set, deadline: Deadline::after(Duration::from_secs(60)), pass, reply }
}

fn admitted(gate: &Gate, waiting: &mut VecDeque<WriteWork>, limit: usize) -> (Vec<String>, Vec<WriteWork>) {
    let batch = gate.admit(waiting, limit);
    (batch.iter().map(|work| work.write_set.request_id.clone()).collect(), batch)
}

#[test]
fn one_write_set_per_resource_and_later_ones_stay_behind() {
    let gate = Arc::new(Gate::default());
    let mut waiting: VecDeque<_> =
        [&["a"][..], &["a", "b"], &["b"], &["c"], &["a"]].map(|ids| work(&gate, ids)).into();
    let (names, first) = admitted(&gate, &mut waiting, 10);
    assert_eq!(names, ["a", "c"], "b waits behind ab, which waits for a");
    assert!(admitted(&gate, &mut waiting, 10).0.is_empty(), "another thread is committing a");
    drop(first);
    let (names, second) = admitted(&gate, &mut waiting, 10);
    assert_eq!(names, ["ab"]);
    drop(second);
    assert_eq!(admitted(&gate, &mut waiting, 10).0, ["b", "a"]);
    assert!(waiting.is_empty());
}

#[test]
fn the_cap_leaves_the_rest_in_order() {
    let gate = Arc::new(Gate::default());
    let mut waiting: VecDeque<_> =
        [&["a"][..], &["a"], &["b"], &["c"], &["d"]].map(|ids| work(&gate, ids)).into();
    let (names, _held) = admitted(&gate, &mut waiting, 2);
    assert_eq!(names, ["a", "b"]);
    let left: Vec<_> = waiting.iter().map(|work| work.write_set.request_id.as_str()).collect();
    assert_eq!(left, ["a", "c", "d"]);
}

#[test]
fn a_key_is_in_progress_until_its_pass_is_dropped() {
    let gate = Arc::new(Gate::default());
    let mut write_set = work(&gate, &["a"]).write_set;
    let key = IdempotencyKey { principal: "p".into(), scope: "s".into(), key: "k".into() };
    write_set.idempotency = Some(Idempotency { key, fingerprint: Fingerprint([0; 32]) });
    let pass = gate.enter(&write_set).unwrap();
    assert_eq!(gate.enter(&write_set).err().map(|error| error.reason), Some(Reason::InProgress));
    drop(pass);
    assert!(gate.enter(&write_set).is_ok());
}

#[test]
fn two_mutations_of_one_resource_are_refused_and_leave_the_key_free() {
    let gate = Arc::new(Gate::default());
    let mut write_set = work(&gate, &["a", "b"]).write_set;
    let key = IdempotencyKey { principal: "p".into(), scope: "s".into(), key: "k".into() };
    write_set.idempotency = Some(Idempotency { key, fingerprint: Fingerprint([0; 32]) });
    let mut twice = write_set.clone();
    twice.mutations.push(twice.mutations[0].clone());
    let error = gate.enter(&twice).err().expect("refused");
    assert_eq!(error.reason, Reason::InvalidParameter);
    assert!(error.message.starts_with("mutations[0] and mutations[2]"), "{error}");
    assert!(gate.enter(&write_set).is_ok());
}
