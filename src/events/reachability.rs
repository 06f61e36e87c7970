//! What is told of a peer that does not answer: the change and a reminder, not every attempt.
//!
//! Not here: when to try again. Invariant: every failure is counted in the metric; the log gets one
//! line when a peer goes, one a minute while it is away, one when it is back.

use std::time::{Duration, Instant};

/// While a peer is away somebody must see that it still is.
const REMINDER_INTERVAL: Duration = Duration::from_secs(60);
/// A peer that answers every other call must not fill the log either.
const CHANGE_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Reachability {
    away_since: Option<Instant>,
    /// Failures since then.
    failures: u64,
    told: Option<Instant>,
    /// Whether somebody was told that it is away.
    told_away: bool,
}

/// How long a peer has been away and how many calls that cost.
#[derive(Debug, PartialEq, Eq)]
pub struct Absence {
    pub lasted: Duration,
    pub failures: u64,
}

impl Reachability {
    /// A call failed; what is to be told of it.
    pub fn failed(&mut self, now: Instant) -> Option<Absence> {
        let since = *self.away_since.get_or_insert(now);
        self.failures += 1;
        let interval = if self.told_away { REMINDER_INTERVAL } else { CHANGE_INTERVAL };
        let is_due = self.told.is_none_or(|told| now.duration_since(told) >= interval);
        is_due.then(|| {
            (self.told, self.told_away) = (Some(now), true);
            Absence { lasted: now.duration_since(since), failures: self.failures }
        })
    }

    /// A call was answered; what is to be told, if somebody was told that nothing answers.
    pub fn answered(&mut self, now: Instant) -> Option<Absence> {
        let since = self.away_since.take()?;
        let failures = std::mem::take(&mut self.failures);
        let was_told = std::mem::take(&mut self.told_away);
        was_told.then(|| Absence { lasted: now.duration_since(since), failures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_its_length_is_remembered() {
        let (begin, mut peer) = (Instant::now(), Reachability::default());
        let at = |ms| begin + Duration::from_millis(ms);
        let absence = |ms, failures| Some(Absence { lasted: Duration::from_millis(ms), failures });
        assert_eq!(peer.answered(at(0)), None);
        assert_eq!(peer.failed(at(0)), absence(0, 1));
        let silent = (1..100).filter_map(|number| peer.failed(at(number * 500)));
        assert_eq!(silent.count(), 0);
        assert_eq!(peer.failed(at(60_000)), absence(60_000, 101));
        assert_eq!(peer.failed(at(60_001)), None);
        assert_eq!(peer.answered(at(61_000)), absence(61_000, 102));
        assert_eq!(peer.answered(at(61_001)), None);
        assert_eq!(peer.failed(at(62_000)), absence(0, 1));
    }

    #[test]
    fn a_peer_that_answers_every_other_call_is_told_of_once_a_second() {
        let (begin, mut peer) = (Instant::now(), Reachability::default());
        let mut lines = 0;
        for number in 0..1000 {
            let now = begin + Duration::from_millis(number * 2);
            lines += usize::from(peer.failed(now).is_some()) + usize::from(peer.answered(now).is_some());
        }
        assert_eq!(lines, 4, "two seconds of it");
    }
}
