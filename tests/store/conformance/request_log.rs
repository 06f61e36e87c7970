//! The microservice's request log.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use trine::model::{Answer, Deadline, OperationId, OperationResult, OperationState, Timestamp};
use trine::store::RequestStore;
use trine::store::request_log::{AcceptedRequest, COUNT_MAX, Claimed, FIRST_ATTEMPT, LogJob, LogReply, Work};

use super::fixture::{Factory, TestDatabase, options};
use super::write_sets::{create_user, idempotency};

struct Log {
    store: RequestStore,
    _database: TestDatabase,
}

impl Log {
    fn open(fresh: Factory) -> Self {
        let database = fresh();
        Self { store: RequestStore::open(&database.url, options()).unwrap(), _database: database }
    }

    async fn run(&self, job: LogJob) -> LogReply {
        self.store.run(job, Deadline::after(Duration::from_secs(30))).await.unwrap()
    }

    async fn append(&self, id: &str, key: &str) -> LogReply {
        self.run(LogJob::append(request(id, key))).await
    }

    async fn claim(&self, lease_ms: u64) -> Vec<Claimed> {
        match self.run(LogJob::Claim { limit: 10, lease_ms }).await {
            LogReply::Claimed(claimed) => claimed,
            other => panic!("{other:?}"),
        }
    }

    async fn state(&self, id: &str) -> OperationState {
        match self.run(LogJob::Get { id: OperationId(id.to_owned()) }).await {
            LogReply::Operation(Some(operation)) => operation.state,
            other => panic!("{other:?}"),
        }
    }

    async fn stepped(&self, job: LogJob) -> bool {
        match self.run(job).await {
            LogReply::Stepped(stepped) | LogReply::Settled { stepped, .. } => stepped,
            other => panic!("{other:?}"),
        }
    }
}

pub fn request(id: &str, key: &str) -> AcceptedRequest {
    AcceptedRequest {
        id: OperationId(id.to_owned()),
        method: "blog.v1.User.Create".to_owned(),
        work: Work::WriteSet(Box::new(create_user(id))),
        idempotency: idempotency(key, 1),
        position: None,
        scopes: Default::default(),
        request_id: "request-1".to_owned(),
        traceparent: None,
        accept_time: Timestamp::now(),
    }
}

pub const FIRST: &str = "01920000-0000-7000-8000-000000000001";
pub const SECOND: &str = "01920000-0000-7000-8000-000000000002";

fn settle(id: &str, attempt: u32, result: OperationResult) -> LogJob {
    LogJob::Settle {
        id: OperationId(id.to_owned()),
        attempt,
        recorded: true,
        result,
        apply_time: Timestamp::now(),
        consistency_token: Some("token".to_owned()),
    }
}

fn retry(id: &str, attempt: u32, forget_decision: bool) -> LogJob {
    let id = OperationId(id.to_owned());
    LogJob::Retry { id, attempt, delay_ms: 0, forget_decision, fault: false, not_before: None }
}

fn decide(id: &str, attempt: u32) -> LogJob {
    LogJob::Decide { id: OperationId(id.to_owned()), attempt, write_set: Box::new(create_user("alice")) }
}

/// Given an accepted request, when its key comes again, then the first operation is answered.
pub async fn a_request_is_appended_once_for_its_key(fresh: Factory) {
    let log = Log::open(fresh);
    let LogReply::Appended { operation, existed, .. } = log.append(FIRST, "k1").await else { panic!() };
    assert_eq!((operation.state, existed), (OperationState::Accepted, false));
    let LogReply::Appended { operation, existed, fingerprint, .. } = log.append(SECOND, "k1").await else {
        panic!()
    };
    assert_eq!((operation.id.0.as_str(), existed), (FIRST, true));
    assert_eq!(fingerprint, idempotency("k1", 1).fingerprint);
    assert_eq!(log.claim(60_000).await.len(), 1);
}

/// Given a lease that ran out, when a second runner claims, then the first can no longer step.
pub async fn a_claim_is_fenced_by_its_attempt(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    let first = log.claim(0).await.remove(0);
    assert_eq!(
        *first.request,
        AcceptedRequest { accept_time: first.request.accept_time.clone(), ..request(FIRST, "k1") }
    );
    let second = log.claim(60_000).await.remove(0);
    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert!(log.claim(60_000).await.is_empty(), "the second lease holds");
    let done = OperationResult::Response(Answer::Empty);
    assert!(!log.stepped(decide(FIRST, first.attempt)).await);
    assert!(!log.stepped(retry(FIRST, first.attempt, true)).await);
    assert!(!log.stepped(settle(FIRST, first.attempt, done.clone())).await);
    assert!(log.stepped(decide(FIRST, second.attempt)).await);
    assert_eq!(log.state(FIRST).await, OperationState::Applying);
    assert!(log.stepped(settle(FIRST, second.attempt, done)).await);
    assert_eq!(log.state(FIRST).await, OperationState::Done);
    assert!(log.claim(0).await.is_empty());
}

/// Given a request that was appended as claimed, then nobody else claims it while that lease lasts, its first
/// attempt may step, and after the lease it is claimed as any other.
pub async fn a_request_can_be_claimed_as_it_is_appended(fresh: Factory) {
    let log = Log::open(fresh);
    let claimed = |id: &str, lease_ms| {
        let request = Arc::new(request(id, id));
        log.run(LogJob::Append { request, lease_ms: Some(lease_ms) })
    };
    let LogReply::Appended { operation, existed, .. } = claimed(FIRST, 60_000).await else { panic!() };
    assert_eq!((operation.state, existed), (OperationState::Accepted, false));
    assert!(log.claim(60_000).await.is_empty());
    assert!(log.stepped(decide(FIRST, FIRST_ATTEMPT)).await);
    assert!(log.stepped(settle(FIRST, FIRST_ATTEMPT, OperationResult::Response(Answer::Empty))).await);
    claimed(SECOND, 0).await;
    let late = log.claim(60_000).await.remove(0);
    assert_eq!((late.request.id.0.as_str(), late.attempt), (SECOND, FIRST_ATTEMPT + 1));
    assert!(!log.stepped(decide(SECOND, FIRST_ATTEMPT)).await, "fenced off");
}

/// A write to `user`, to be carried out by whoever appends it.
fn write(id: &str, user: &str) -> LogJob {
    let work = Work::WriteSet(Box::new(create_user(user)));
    LogJob::Append { request: Arc::new(AcceptedRequest { work, ..request(id, id) }), lease_ms: Some(60_000) }
}

fn claimed(reply: LogReply) -> bool {
    match reply {
        LogReply::Appended { existed: false, claimed, .. } => claimed,
        other => panic!("{other:?}"),
    }
}

/// Given an older write to one resource that is not done, then a later one is not claimed, neither as it is
/// appended nor afterwards, and the older one's end says that it is its turn.
pub async fn writes_to_one_resource_are_claimed_in_order(fresh: Factory) {
    let log = Log::open(fresh);
    let ids = |jobs: Vec<Claimed>| jobs.into_iter().map(|job| job.request.id.0.clone()).collect::<Vec<_>>();
    assert!(claimed(log.run(write(FIRST, "alice")).await));
    assert!(!claimed(log.run(write(SECOND, "alice")).await));
    assert!(claimed(log.run(write("01920000-0000-7000-8000-000000000003", "bob")).await));
    assert!(ids(log.claim(60_000).await).is_empty(), "the first is under way");
    let LogJob::Retry { id, attempt, forget_decision, fault, not_before, .. } = retry(FIRST, 1, false) else {
        unreachable!("a retry")
    };
    let later = LogJob::Retry { id, attempt, delay_ms: 60_000, forget_decision, fault, not_before };
    assert!(log.stepped(later).await);
    assert!(ids(log.claim(60_000).await).is_empty(), "the first is due later");
    assert!(log.stepped(give_up(None)).await);
    assert_eq!(ids(log.claim(60_000).await), [FIRST], "both are due");
    let done = OperationResult::Response(Answer::Empty);
    let ended = log.run(settle(FIRST, 2, done.clone())).await;
    assert!(matches!(ended, LogReply::Settled { stepped: true, next_is_due: true }), "{ended:?}");
    assert_eq!(ids(log.claim(60_000).await), [SECOND]);
    let ended = log.run(settle(SECOND, 1, done)).await;
    assert!(matches!(ended, LogReply::Settled { stepped: true, next_is_due: false }), "{ended:?}");
}

/// Given writes to one resource that are appended at once, then one of them is claimed.
pub async fn one_write_of_a_batch_to_one_resource_is_claimed(fresh: Factory) {
    let log = Log::open(fresh);
    let jobs = vec![write(FIRST, "alice"), write(SECOND, "alice")];
    let replies = log.store.run_all(jobs, Deadline::after(Duration::from_secs(30))).await;
    let claims = replies.into_iter().filter(|reply| claimed(reply.clone().unwrap())).count();
    assert_eq!(claims, 1);
    assert!(log.claim(60_000).await.is_empty());
}

/// Given an append that is run again because nobody knows what became of it, then it is no twin of itself; a
/// twin is answered as the first was.
pub async fn an_append_that_is_run_again_keeps_its_claim(fresh: Factory) {
    let log = Log::open(fresh);
    let LogReply::Appended { operation: first, .. } = log.run(write(FIRST, "alice")).await else { panic!() };
    assert!(claimed(log.run(write(FIRST, "alice")).await));
    let LogReply::Appended { operation, existed, claimed, .. } = log.append(SECOND, FIRST).await else {
        panic!()
    };
    assert_eq!((existed, claimed), (true, false));
    assert_eq!((operation.id, operation.state, operation.attempts), (first.id, first.state, first.attempts));
}

/// Given many steps at once, of which some are of claims that are over, then each is told for itself.
pub async fn steps_of_one_batch_are_answered_one_by_one(fresh: Factory) {
    let log = Log::open(fresh);
    let id = |number: usize| format!("{}{number}", &FIRST[..FIRST.len() - 1]);
    let ids: Vec<String> = (0..6).map(id).collect();
    let run_all = |jobs| log.store.run_all(jobs, Deadline::after(Duration::from_secs(30)));
    // The last two have one key: either may be the first.
    let twin = LogJob::append(request(&id(9), &ids[5]));
    let jobs = ids.iter().map(|id| LogJob::append(request(id, id))).chain([twin]).collect();
    let appended = |reply| match reply {
        Ok(LogReply::Appended { existed, operation, .. }) => (existed, operation.id.0),
        other => panic!("{other:?}"),
    };
    let replies: Vec<_> = run_all(jobs).await.into_iter().map(appended).collect();
    assert!(replies[..5].iter().zip(&ids).all(|(reply, id)| *reply == (false, id.clone())), "{replies:?}");
    assert_ne!(replies[5].0, replies[6].0, "{replies:?}");
    assert_eq!(replies[5].1, replies[6].1, "{replies:?}");
    assert_eq!(log.claim(60_000).await.len(), 6);
    let attempt = |number: usize| if number.is_multiple_of(2) { 1 } else { 7 };
    let current =
        |reply| matches!(reply, Ok(LogReply::Stepped(true) | LogReply::Settled { stepped: true, .. }));
    let expected = [true, false, true, false];
    let decisions = ids[..4].iter().enumerate().map(|(number, id)| decide(id, attempt(number)));
    let decided: Vec<bool> = run_all(decisions.collect()).await.into_iter().map(current).collect();
    assert_eq!(decided, expected);
    let done =
        |number: usize| settle(&ids[number], attempt(number), OperationResult::Response(Answer::Empty));
    let settled: Vec<bool> = run_all((0..4).map(done).collect()).await.into_iter().map(current).collect();
    assert_eq!(settled, expected);
    for (id, state) in ids.iter().zip([OperationState::Done, OperationState::Running]) {
        assert_eq!(log.state(id).await, state);
    }
}

/// Given a claim that takes longer than its lease, when it is renewed, then nobody else claims it; a renewal by an
/// earlier attempt changes nothing.
pub async fn a_lease_is_renewed_by_its_holder_only(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    let first = log.claim(0).await.remove(0);
    let renew =
        |attempt, lease_ms| LogJob::Renew { claims: vec![(first.request.id.clone(), attempt)], lease_ms };
    log.run(renew(first.attempt, 60_000)).await;
    assert!(log.claim(0).await.is_empty(), "the renewed lease holds");
    log.run(renew(first.attempt, 0)).await;
    let second = log.claim(60_000).await.remove(0);
    log.run(renew(first.attempt, 0)).await;
    assert!(log.claim(0).await.is_empty(), "attempt {} holds", second.attempt);
}

/// Given a decision whose push was not acknowledged, then the next claim has it; a failed guard forgets it.
pub async fn a_decided_write_set_is_pushed_again_not_decided_again(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    let first = log.claim(60_000).await.remove(0);
    assert_eq!(first.decided, None);
    assert!(log.stepped(decide(FIRST, first.attempt)).await);
    assert!(log.stepped(retry(FIRST, first.attempt, false)).await);
    let second = log.claim(60_000).await.remove(0);
    assert_eq!(second.decided, Some(create_user("alice")));
    assert!(log.stepped(retry(FIRST, second.attempt, true)).await);
    assert_eq!(log.claim(60_000).await.remove(0).decided, None);
}

/// Given a request that failed, when its key comes again, then it is a new request.
pub async fn a_failed_request_frees_its_key(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    let claimed = log.claim(60_000).await.remove(0);
    let status = json!({ "code": 9, "message": "no", "details": [] });
    assert!(log.stepped(settle(FIRST, claimed.attempt, OperationResult::Error(status))).await);
    let LogReply::Appended { operation, existed, .. } = log.append(SECOND, "k1").await else { panic!() };
    assert_eq!((operation.id.0.as_str(), existed), (SECOND, false));
    let listed = log.run(LogJob::List { before: None, limit: 10 }).await;
    let LogReply::Operations(operations) = listed else { panic!("{listed:?}") };
    assert_eq!(operations.iter().map(|found| found.id.0.as_str()).collect::<Vec<_>>(), [SECOND, FIRST]);
}

fn give_up(attempt: Option<u32>) -> LogJob {
    let status = json!({ "code": 1, "message": "cancelled", "details": [] });
    LogJob::GiveUp { id: OperationId(FIRST.to_owned()), attempt, status }
}

/// Given a request whose decision may be under way, when it is given up, then the next claim pushes the
/// failure and whoever held it can no longer step; what has ended stays as it is.
pub async fn what_is_given_up_is_decided_as_failed(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    let first = log.claim(60_000).await.remove(0);
    assert!(log.stepped(decide(FIRST, first.attempt)).await);
    assert!(log.stepped(give_up(None)).await);
    let done = OperationResult::Response(Answer::Empty);
    assert!(!log.stepped(settle(FIRST, first.attempt, done.clone())).await);
    let second = log.claim(60_000).await.remove(0);
    let decided = second.decided.expect("the failure is decided");
    let result = decided.operation.expect("its operation").result;
    assert!(matches!(result, Some(OperationResult::Error(_))) && decided.mutations.is_empty());
    assert!(!log.stepped(give_up(Some(first.attempt))).await, "of an older claim");
    assert!(log.stepped(settle(FIRST, second.attempt, done)).await);
    assert!(!log.stepped(give_up(None)).await);
}

/// Given attempts that failed, then faults are counted and trouble of the moment is not.
pub async fn faults_are_counted(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    for (fault, before) in [(true, 0), (false, 1), (true, 1), (true, 2)] {
        let claimed = log.claim(60_000).await.remove(0);
        assert_eq!(claimed.faults, before);
        let LogJob::Retry { id, attempt, delay_ms, forget_decision, not_before, .. } =
            retry(FIRST, claimed.attempt, false)
        else {
            unreachable!("a retry")
        };
        assert!(
            log.stepped(LogJob::Retry { id, attempt, delay_ms, forget_decision, fault, not_before }).await
        );
    }
    assert!(log.stepped(give_up(None)).await);
    assert_eq!(log.claim(60_000).await.remove(0).faults, 0, "the failure has attempts of its own");
}

/// Given more pending requests than are counted, then the count ends at its limit, and the age is there.
pub async fn a_backlog_is_counted_to_a_limit(fresh: Factory) {
    let log = Log::open(fresh);
    let append = |number: i64| {
        LogJob::append(request(&format!("01920000-0000-7000-8000-{number:012}"), &format!("k{number}")))
    };
    for part in 0..=COUNT_MAX / 1000 {
        let jobs = (part * 1000..(part + 1) * 1000).map(append).collect();
        let appended = log.store.run_all(jobs, Deadline::after(Duration::from_secs(60))).await;
        assert!(appended.iter().all(Result::is_ok));
    }
    let LogReply::Backlog { accepted, oldest_pending_ms, .. } = log.run(LogJob::Backlog).await else {
        panic!()
    };
    assert_eq!(i64::try_from(accepted).unwrap(), COUNT_MAX);
    assert!(oldest_pending_ms > 0);
}

/// Given requests in three states, then they are counted, and finished ones can be dropped.
pub async fn the_backlog_counts_states(fresh: Factory) {
    let log = Log::open(fresh);
    log.append(FIRST, "k1").await;
    let claimed = log.claim(60_000).await.remove(0);
    log.append(SECOND, "k2").await;
    let LogReply::Backlog { accepted, running, applying, done, .. } = log.run(LogJob::Backlog).await else {
        panic!()
    };
    assert_eq!((accepted, running, applying, done), (1, 1, 0, 0));
    assert!(log.stepped(settle(FIRST, claimed.attempt, OperationResult::Response(Answer::Empty))).await);
    let LogReply::Backlog { done, .. } = log.run(LogJob::Backlog).await else { panic!() };
    assert_eq!(done, 1);
    assert!(
        !log.stepped(LogJob::Purge { done_before: Timestamp::from_stored("2020-01-01T00:00:00.000000000Z") })
            .await
    );
    assert!(
        log.stepped(LogJob::Purge { done_before: Timestamp::from_stored("2200-01-01T00:00:00.000000000Z") })
            .await
    );
    let gone = log.run(LogJob::Get { id: OperationId(FIRST.to_owned()) }).await;
    assert!(matches!(gone, LogReply::Operation(None)), "{gone:?}");
}
