//! `sync` and `forward` on the monolith: plan, commit, and plan again while guards fail.
//!
//! The two differ in who runs the rule, and in nothing else. Plain CRUD is already decided and is
//! committed once: its preconditions are the client's own.

use super::ask::Ask;
use super::contention::Turns;
use super::engine::{Invocation, Reply};
use super::planner::Planner;
use super::replay;
use crate::events::guards::{current_position, first_resource, is_transient, may_pass, newest_position};
use crate::events::peer::Peer;
use crate::model::{Deadline, Error, Reason, Result, WriteSet};
use crate::schema::Catalogue;
use crate::store::request_log::Work;
use crate::store::{Committed, ReadStore, WriteStore};

/// Runs of one rule for one request; more means that writers outside this process win every race.
const RUNS_MAX: u32 = 10;

/// Who runs the rule.
#[derive(Clone, Copy)]
pub enum Planning<'a> {
    Here(&'a Planner),
    There(&'a Peer),
}

pub struct Committer {
    pub catalogue: std::sync::Arc<Catalogue>,
    pub reads: ReadStore,
    pub writes: WriteStore,
    pub turns: Turns,
}

impl Committer {
    pub async fn run(&self, invocation: Invocation, planning: Planning<'_>) -> Result<Reply> {
        if let Some(reply) = replay::stored_answer(&self.catalogue, &self.reads, &invocation).await? {
            return Ok(reply);
        }
        let (deadline, validate_only) = (invocation.deadline, invocation.validate_only);
        let ask = Ask::from(invocation);
        let committed = match ask.work {
            Work::WriteSet(_) => {
                let write_set = WriteSet { validate_only, ..ask.into_write_set()? };
                self.writes.commit(write_set, deadline).await?
            }
            Work::Rule(_) => self.run_rule(ask, planning, (validate_only, deadline)).await?,
        };
        let Committed { answer, position, replayed, .. } = committed;
        Ok(Reply::Done { answer, position, replayed })
    }

    async fn run_rule(
        &self,
        mut ask: Ask,
        planning: Planning<'_>,
        (validate_only, deadline): (bool, Deadline),
    ) -> Result<Committed> {
        let mut write_set = self.plan(&mut ask, planning, deadline).await?;
        let turn = tokio::time::timeout(deadline.remaining(), self.turns.take(&write_set));
        let turn = turn.await.map_err(|_| too_late())?;
        if turn.waited {
            write_set = self.plan_again(&mut ask, &write_set, planning, deadline).await?;
        }
        for run in 1.. {
            write_set.validate_only = validate_only;
            let decided = write_set.clone();
            match self.writes.commit(write_set, deadline).await {
                Err(error)
                    if run < RUNS_MAX
                        && may_pass(&self.catalogue, &self.reads, (&decided, &error), deadline).await? =>
                {
                    metrics::counter!("trine_rule_reruns_total", "method" => ask.method.clone()).increment(1);
                    write_set = self.plan_again(&mut ask, &decided, planning, deadline).await?;
                }
                outcome => return outcome,
            }
        }
        unreachable!("the loop ends with the last run's outcome")
    }

    /// The first plan. A replica that was not told what to wait for may refuse what it does not show
    /// yet: a refusal counts only when it has what is here.
    async fn plan(&self, ask: &mut Ask, planning: Planning<'_>, deadline: Deadline) -> Result<WriteSet> {
        let planned = planning.plan(ask, deadline).await;
        match (&planned, planning) {
            (Err(error), Planning::There(_)) if ask.position.is_none() && !is_transient(error) => {
                ask.position = current_position(&self.catalogue, &self.reads, deadline).await?;
                planning.plan(ask, deadline).await
            }
            _ => planned,
        }
    }

    /// Plans on newer state: a replica is told what it must have replayed first.
    async fn plan_again(
        &self,
        ask: &mut Ask,
        stale: &WriteSet,
        planning: Planning<'_>,
        deadline: Deadline,
    ) -> Result<WriteSet> {
        if let Planning::There(_) = planning {
            ask.position =
                newest_position(&self.catalogue, &self.reads, first_resource(&stale.mutations), deadline)
                    .await?;
        }
        planning.plan(ask, deadline).await
    }
}

impl Planning<'_> {
    async fn plan(self, ask: &Ask, deadline: Deadline) -> Result<WriteSet> {
        match self {
            Planning::Here(planner) => planner.plan(ask.clone(), deadline).await,
            // Whoever plans for us decides what is written, not as whom.
            Planning::There(peer) => super::peer::plan(peer, ask, deadline)
                .await
                .map(|write_set| WriteSet { principal: ask.principal(), ..write_set }),
        }
    }
}

fn too_late() -> Error {
    Error::new(Reason::Deadline, "others were writing the same resource until the deadline; try again")
}
