//! The checker's own tests: every way of breaking a good history must be found, and nothing else.

use super::checker::*;

const NOTHING: Demands = Demands { acknowledged: 0, accepted: 0 };

fn entry(number: u32) -> Entry {
    Entry { name: format!("e{number}"), user: "ada".to_owned(), title: format!("t{number}") }
}

fn write(number: u32, attempts: Vec<Outcome>) -> Write {
    Write { key: format!("k{number}"), user: "ada".to_owned(), title: format!("t{number}"), attempts }
}

fn acknowledged(number: u32) -> Outcome {
    Outcome::Acknowledged { entry: format!("e{number}") }
}

fn accepted(number: u32) -> Outcome {
    Outcome::Accepted { operation: format!("o{number}") }
}

fn refused() -> Outcome {
    Outcome::Refused { reason: "INVALID_FIELD".to_owned() }
}

/// One write of each kind, all in order.
fn good() -> (Vec<Write>, Final) {
    let history = vec![
        write(1, vec![acknowledged(1)]),
        write(2, vec![Outcome::Unknown, acknowledged(2), acknowledged(2)]),
        write(3, vec![accepted(3)]),
        write(4, vec![accepted(4)]),
        write(5, vec![refused()]),
        write(6, vec![Outcome::Unknown]),
        write(7, vec![Outcome::Unknown]),
    ];
    let operations = [
        ("o3".to_owned(), End::Applied { entry: "e3".to_owned() }),
        ("o4".to_owned(), End::Failed { reason: "daily limit".to_owned() }),
    ];
    let last = Final {
        entries: [1, 2, 3, 6].map(entry).to_vec(),
        counters: [("ada".to_owned(), 4)].into(),
        operations: operations.into(),
    };
    (history, last)
}

/// Breaks the good history and answers what the checker finds.
fn found(break_it: impl FnOnce(&mut Vec<Write>, &mut Final)) -> Vec<Violation> {
    let (mut history, mut last) = good();
    break_it(&mut history, &mut last);
    check(&history, &last, NOTHING).violations.into_iter().collect()
}

#[test]
fn good_history_has_no_violation() {
    let (history, last) = good();
    let report = check(&history, &last, Demands { acknowledged: 3, accepted: 2 });
    assert_eq!(report.violations.len(), 0, "{:?}", report.violations);
    assert_eq!((report.acknowledged, report.applied, report.failed, report.unknown), (3, 1, 1, 3));
}

#[test]
fn lost_acknowledged_write_is_found() {
    let violations = found(|_, last| {
        last.entries.remove(0);
        last.counters.insert("ada".to_owned(), 3);
    });
    assert_eq!(violations, [Violation::LostWrite { key: "k1".to_owned() }]);
}

#[test]
fn lost_applied_operation_is_found() {
    let violations = found(|_, last| {
        last.entries.retain(|entry| entry.name != "e3");
        last.counters.insert("ada".to_owned(), 3);
    });
    assert_eq!(violations, [Violation::LostWrite { key: "k3".to_owned() }]);
}

#[test]
fn double_effect_is_found() {
    let violations = found(|_, last| {
        last.entries.push(Entry { name: "e8".to_owned(), ..entry(2) });
        last.counters.insert("ada".to_owned(), 5);
    });
    assert_eq!(violations, [Violation::WrittenTwice { title: "t2".to_owned(), times: 2 }]);
}

#[test]
fn lost_update_of_the_counter_is_found() {
    let violations = found(|_, last| {
        last.counters.insert("ada".to_owned(), 3);
    });
    assert_eq!(violations, [Violation::WrongCounter { user: "ada".to_owned(), counter: 3, entries: 4 }]);
}

#[test]
fn inventions_are_found() {
    let violations = found(|_, last| {
        last.entries.extend([entry(5), entry(9)]);
        last.counters.insert("ada".to_owned(), 6);
    });
    let invented = |title: &str| Violation::Invented { title: title.to_owned() };
    assert_eq!(violations, [invented("t5"), invented("t9")]);
}

#[test]
fn operations_without_an_end_are_found() {
    for end in [Some(End::Pending), Some(End::Missing), None] {
        let violations = found(|_, last| {
            last.operations.remove("o4");
            last.operations.extend(end.map(|end| ("o4".to_owned(), end)));
        });
        assert_eq!(violations, [Violation::OperationWithoutEnd { operation: "o4".to_owned() }]);
    }
}

#[test]
fn failures_without_reason_or_with_effect_are_found() {
    let violations = found(|_, last| {
        last.operations.insert("o4".to_owned(), End::Failed { reason: String::new() });
    });
    assert_eq!(violations, [Violation::FailedWithoutReason { operation: "o4".to_owned() }]);
    let violations = found(|_, last| {
        last.entries.push(entry(4));
        last.counters.insert("ada".to_owned(), 5);
    });
    assert_eq!(violations, [Violation::FailedButApplied { operation: "o4".to_owned() }]);
}

#[test]
fn different_answers_under_one_key_are_found() {
    let violations = found(|history, last| {
        history[0].attempts.push(acknowledged(8));
        last.entries.push(Entry { name: "e8".to_owned(), ..entry(1) });
        last.counters.insert("ada".to_owned(), 5);
    });
    let differ = Violation::AnswersDiffer { key: "k1".to_owned() };
    assert_eq!(violations, [Violation::WrittenTwice { title: "t1".to_owned(), times: 2 }, differ]);
}

#[test]
fn run_in_which_nothing_happened_proves_nothing() {
    let report = check(&[], &Final::default(), Demands { acknowledged: 1, accepted: 0 });
    assert!(matches!(report.violations.first(), Some(Violation::TooLittleHappened { .. })));
}
