//! The lanes that read: point reads of one pbtable become one statement. Lists, which may take long,
//! have a lane of their own, so that they hold up no read by key.

use std::collections::HashMap;
use std::sync::Arc;

use super::Service;
use super::work::{Job, Work};
use crate::model::{
    Answer, Deadline, Error, Fingerprint, IdempotencyKey, Operation, OperationId, Result, Stored,
};
use crate::query::ListQuery;
use crate::schema::ResourceType;
use crate::store::answer_size::read_several;
use crate::store::backend::{Asked, Database, Read, Reader, Reading};

type GetJob = Job<(Arc<ResourceType>, Asked), Read<Option<Stored>>>;
type GetSeveralJob = Job<(Arc<ResourceType>, Vec<Asked>), Read<Vec<Option<Stored>>>>;
type ListJob = Job<(Arc<ResourceType>, ListQuery), Read<Vec<Stored>>>;
type CountJob = Job<(Arc<ResourceType>, ListQuery), Read<i64>>;
type AnswerJob = Job<IdempotencyKey, Option<(Fingerprint, Answer)>>;
type OperationJob = Job<OperationId, Option<Operation>>;
type OperationsJob = Job<(Option<OperationId>, u32), Vec<Operation>>;

pub(in crate::store) enum ReadWork {
    Get(GetJob),
    GetSeveral(GetSeveralJob),
    List(ListJob),
    Count(CountJob),
    Answer(AnswerJob),
    Operation(OperationJob),
    Operations(OperationsJob),
}

impl Work for ReadWork {
    fn deadline(&self) -> Deadline {
        match self {
            Self::Get(job) => job.deadline,
            Self::GetSeveral(job) => job.deadline,
            Self::List(job) => job.deadline,
            Self::Count(job) => job.deadline,
            Self::Answer(job) => job.deadline,
            Self::Operation(job) => job.deadline,
            Self::Operations(job) => job.deadline,
        }
    }

    fn fail(self, error: Error) {
        match self {
            Self::Get(job) => job.fail(error),
            Self::GetSeveral(job) => job.fail(error),
            Self::List(job) => job.fail(error),
            Self::Count(job) => job.fail(error),
            Self::Answer(job) => job.fail(error),
            Self::Operation(job) => job.fail(error),
            Self::Operations(job) => job.fail(error),
        }
    }
}

impl ReadWork {
    /// Which lane it belongs into.
    pub(in crate::store) fn reading(&self) -> Reading {
        match self {
            Self::Get(_) | Self::GetSeveral(_) | Self::Answer(_) | Self::Operation(_) => Reading::ByKey,
            Self::List(_) | Self::Count(_) | Self::Operations(_) => Reading::Lists,
        }
    }
}

pub(in crate::store) struct ReadService {
    pub database: Arc<dyn Database>,
    pub reading: Reading,
    pub read_only: bool,
}

/// A batch sorted by kind.
#[derive(Default)]
struct Sorted {
    /// By the very type: of one name there are two while a schema gives way to the next.
    gets: HashMap<*const ResourceType, Vec<GetJob>>,
    several: Vec<GetSeveralJob>,
    lists: Vec<ListJob>,
    counts: Vec<CountJob>,
    answers: Vec<AnswerJob>,
    operations: Vec<OperationJob>,
    operation_lists: Vec<OperationsJob>,
}

impl Sorted {
    fn new(batch: Vec<ReadWork>) -> Self {
        let mut sorted = Self::default();
        for work in batch {
            match work {
                ReadWork::Get(job) => sorted.gets.entry(Arc::as_ptr(&job.input.0)).or_default().push(job),
                ReadWork::GetSeveral(job) => sorted.several.push(job),
                ReadWork::List(job) => sorted.lists.push(job),
                ReadWork::Count(job) => sorted.counts.push(job),
                ReadWork::Answer(job) => sorted.answers.push(job),
                ReadWork::Operation(job) => sorted.operations.push(job),
                ReadWork::Operations(job) => sorted.operation_lists.push(job),
            }
        }
        sorted
    }
}

impl Service for ReadService {
    type Work = ReadWork;
    type Connection = Box<dyn Reader>;

    fn connect(&self) -> Result<Self::Connection> {
        self.database.reader(self.reading, self.read_only)
    }

    fn serve(&self, reader: &mut Self::Connection, batch: Vec<ReadWork>) -> bool {
        let sorted = Sorted::new(batch);
        let reader = reader.as_mut();
        let mut fit = true;
        for jobs in sorted.gets.into_values() {
            fit &= serve_gets(reader, jobs);
        }
        for job in sorted.several {
            let found = read_several(reader, &job.input.0, &job.input.1);
            fit &= is_fit(reader, &found);
            job.answer(found);
        }
        if !sorted.answers.is_empty() {
            fit &= serve_each(reader, sorted.answers, |reader, keys: &[IdempotencyKey]| reader.answers(keys));
        }
        if !sorted.operations.is_empty() {
            fit &=
                serve_each(reader, sorted.operations, |reader, ids: &[OperationId]| reader.operations(ids));
        }
        for job in sorted.operation_lists {
            let found = reader.list_operations(job.input.0.as_ref(), job.input.1);
            fit &= is_fit(reader, &found);
            job.answer(found);
        }
        for job in sorted.lists {
            // Nobody waits for it: the client has gone.
            if job.reply.is_closed() {
                continue;
            }
            let found = reader.list(&job.input.0, &job.input.1);
            fit &= is_fit(reader, &found);
            job.answer(found);
        }
        for job in sorted.counts.into_iter().filter(|job| !job.reply.is_closed()) {
            let found = reader.count(&job.input.0, &job.input.1);
            fit &= is_fit(reader, &found);
            job.answer(found);
        }
        fit
    }
}

fn serve_gets(reader: &mut dyn Reader, jobs: Vec<GetJob>) -> bool {
    let Some(kind) = jobs.first().map(|job| job.input.0.clone()) else { return true };
    let mut asked: Vec<Asked> = Vec::with_capacity(jobs.len());
    let mut places: HashMap<Asked, usize> = HashMap::with_capacity(jobs.len());
    for job in &jobs {
        places.entry(job.input.1.clone()).or_insert_with(|| {
            asked.push(job.input.1.clone());
            asked.len() - 1
        });
    }
    let found = reader.get(&kind, &asked);
    let fit = is_fit(reader, &found);
    match found {
        Ok(Read { value, position }) => {
            for job in jobs {
                let row = places.get(&job.input.1).and_then(|place| value.get(*place));
                job.answer(Ok(Read { value: row.cloned().flatten(), position }));
            }
        }
        Err(error) => jobs.into_iter().for_each(|job| job.fail(error.clone())),
    }
    fit
}

/// One answer for each input, in order.
fn serve_each<I: Clone, O>(
    reader: &mut dyn Reader,
    jobs: Vec<Job<I, O>>,
    read: impl FnOnce(&mut dyn Reader, &[I]) -> Result<Vec<O>>,
) -> bool {
    let (inputs, replies): (Vec<I>, Vec<_>) = jobs.into_iter().map(|job| (job.input, job.reply)).unzip();
    let found = read(reader, &inputs);
    let fit = is_fit(reader, &found);
    match found {
        Ok(outputs) => {
            replies.into_iter().zip(outputs).for_each(|(reply, output)| drop(reply.send(Ok(output))))
        }
        Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
    }
    fit
}

/// The connection's own word, not the sort of the error: what a replica cancels or takes too long
/// says nothing about it.
fn is_fit<T>(reader: &dyn Reader, found: &Result<T>) -> bool {
    !found.as_ref().is_err_and(|error| reader.is_lost_by(error))
}
