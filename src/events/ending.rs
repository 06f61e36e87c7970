//! What the inbox's answer to a push means for each request of it.
//!
//! Not here: what the relay does about it. Invariant: every event of a push finds the answer that was
//! given to it, also when two attempts of one operation travelled together.

use std::collections::{HashMap, VecDeque};

use super::cloud_event::{InboxResult, Outcome};
use super::peer_error::from_status;
use crate::model::{Error, OperationId, OperationResult, Position};

/// The results of one push, to be taken in the order of its events.
pub struct Results(HashMap<OperationId, VecDeque<InboxResult>>);

impl Results {
    pub fn new(results: Vec<InboxResult>) -> Self {
        let mut by_operation: HashMap<OperationId, VecDeque<InboxResult>> = HashMap::new();
        for result in results {
            by_operation.entry(result.id.clone()).or_default().push_back(result);
        }
        Self(by_operation)
    }

    pub fn take(&mut self, id: &OperationId) -> Option<InboxResult> {
        self.0.get_mut(id)?.pop_front()
    }
}

/// What an answer of the inbox means for the request.
pub enum Ending {
    Settled(Settlement),
    /// With the position that shows what has changed.
    Replan(Option<Position>),
    Trouble(Error),
}

pub struct Settlement {
    /// On the primary.
    pub recorded: bool,
    pub result: OperationResult,
    pub consistency_token: Option<String>,
    pub position: Option<Position>,
}

impl Ending {
    pub fn of(result: Option<InboxResult>) -> Self {
        let Some(InboxResult { outcome, answer, error, consistency_token, position, retry_after_s, .. }) =
            result
        else {
            return Self::Trouble(Error::internal("the inbox said nothing of it"));
        };
        let result = match (outcome, answer, error) {
            (Outcome::Applied, Some(answer), _) => OperationResult::Response(answer),
            (Outcome::Failed, _, Some(status)) => OperationResult::Error(status),
            (Outcome::Replan, ..) => return Self::Replan(position),
            (_, _, error) => {
                let empty = || Error::internal("an answer without content");
                let error = error.map_or_else(empty, |status| from_status(&status));
                return Self::Trouble(Error { retry_after_s, ..error });
            }
        };
        Self::Settled(Settlement { recorded: true, result, consistency_token, position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(id: &str, outcome: Outcome) -> InboxResult {
        InboxResult::new(OperationId(id.to_owned()), outcome)
    }

    #[test]
    fn two_attempts_of_one_operation_have_an_answer_each() {
        let told = [("a", Outcome::Retry), ("b", Outcome::Applied), ("a", Outcome::Replan)];
        let mut results = Results::new(told.map(|(id, outcome)| result(id, outcome)).to_vec());
        let mut take = |id: &str| results.take(&OperationId(id.to_owned())).map(|result| result.outcome);
        assert_eq!(take("a"), Some(Outcome::Retry));
        assert_eq!(take("a"), Some(Outcome::Replan));
        assert_eq!((take("b"), take("c")), (Some(Outcome::Applied), None));
    }
}
