//! One PostgreSQL database: opens each kind of connection.

use std::sync::Arc;

use super::ahead::Ahead;
use super::commit::PostgresWriter;
use super::failure::takes_no_writes;
use super::grants;
use super::history;
use super::migrate;
use super::ownership::Ownership;
use super::prune;
use super::reader::PostgresReader;
use super::requests::PostgresRequestLog;
use super::schema;
use super::session::{Purpose, Session};
use super::watch::PostgresPositions;
use crate::model::{Error, Reason, Result};
use crate::schema::Catalogue;
use crate::store::admission::{Admission, Findings};
use crate::store::backend::{Database, PositionSource, Reader, Reading, Writer};
use crate::store::handles::OpenOptions;
use crate::store::request_log::RequestLog;

pub(super) struct PostgresDatabase {
    url: String,
    options: OpenOptions,
    ownership: Arc<Ownership>,
    /// For the first schema change.
    ahead: Ahead,
}

impl PostgresDatabase {
    pub(super) fn new(url: &str, options: OpenOptions) -> Self {
        Self {
            url: url.to_owned(),
            options,
            ownership: Arc::new(Ownership::new(url, options)),
            ahead: Ahead::default(),
        }
    }

    fn session(&self, purpose: Purpose) -> Result<Session> {
        Session::open(&self.url, &self.options, purpose)
    }
}

/// A start ends here, as it does when the server is away: whoever supervises it starts it again, and
/// finds a server that was promoted meanwhile.
fn refuse_standby(session: &mut Session) -> Result<()> {
    if !session.is_replica()? {
        return Ok(());
    }
    Err(Error::new(
        Reason::DatabaseUnavailable,
        "this server is a standby (pg_is_in_recovery) and takes no writes; name the primary here, or give the \
         standby to `database.replica` with --role nanoservice or microservice",
    ))
}

impl Database for PostgresDatabase {
    fn approach(&self) {
        self.ahead.open(&self.url, self.options, Purpose::Schema);
        self.ownership.approach();
    }

    fn prepare_primary(&self, catalogue: &Catalogue, admission: Admission) -> Result<Catalogue> {
        let mut session = self.ahead.take_or_open(&self.url, &self.options, Purpose::Schema)?;
        refuse_standby(&mut session)?;
        self.ownership.hold()?;
        schema::prepare(&mut session, catalogue, admission)
    }

    fn check_schema(&self, catalogue: &Catalogue) -> Result<Findings> {
        schema::check(&mut self.session(Purpose::Schema)?, catalogue)
    }

    fn prune(&self, catalogue: &Catalogue, really: bool) -> Result<Vec<String>> {
        let mut session = self.session(Purpose::Schema)?;
        refuse_standby(&mut session)?;
        prune::prune(&mut session, catalogue, really)
    }

    fn prepare_events(&self) -> Result<()> {
        let mut session = self.session(Purpose::Schema)?;
        refuse_standby(&mut session)?;
        migrate::events(&mut session)
    }

    fn storage_catalogue(&self) -> Result<Catalogue> {
        history::storage_catalogue(&mut self.session(Purpose::Read)?, None)
    }

    fn reader(&self, reading: Reading, read_only: bool) -> Result<Box<dyn Reader>> {
        let mut session = self.session(match reading {
            Reading::ByKey => Purpose::Point,
            Reading::Lists => Purpose::Read,
        })?;
        if read_only {
            grants::refuse_writing_login(&mut session)?;
        }
        Ok(Box::new(PostgresReader::new(session)))
    }

    fn writer(&self) -> Result<Box<dyn Writer>> {
        self.ownership.hold()?;
        let (session, ownership) = (self.session(Purpose::Write)?, Arc::clone(&self.ownership));
        Ok(Box::new(PostgresWriter::new(session, &self.url, self.options, ownership)?))
    }

    fn request_log(&self) -> Result<Box<dyn RequestLog>> {
        let mut session = self.session(Purpose::Write)?;
        // Not ready until it may write: a microservice that cannot accept is to be passed over.
        if session.is_read_only()? {
            return Err(takes_no_writes("the session is read only"));
        }
        Ok(Box::new(PostgresRequestLog { session }))
    }

    fn position_source(&self, primary: bool) -> Result<Box<dyn PositionSource>> {
        let ownership = primary.then(|| Arc::clone(&self.ownership));
        Ok(Box::new(PostgresPositions::new(self.session(Purpose::Watch)?, ownership)))
    }
}
