//! One PostgreSQL database: opens each kind of connection.

use std::sync::Arc;

use super::commit::PostgresWriter;
use super::grants;
use super::history;
use super::migrate;
use super::ownership::Ownership;
use super::reader::PostgresReader;
use super::requests::PostgresRequestLog;
use super::schema;
use super::session::{Purpose, Session};
use super::watch::PostgresPositions;
use crate::model::Result;
use crate::schema::Catalogue;
use crate::store::backend::{Database, PositionSource, Reader, Reading, Writer};
use crate::store::handles::OpenOptions;
use crate::store::request_log::RequestLog;

pub(super) struct PostgresDatabase {
    url: String,
    options: OpenOptions,
    ownership: Arc<Ownership>,
}

impl PostgresDatabase {
    pub(super) fn new(url: &str, options: OpenOptions) -> Self {
        Self { url: url.to_owned(), options, ownership: Arc::new(Ownership::new(url, options)) }
    }

    fn session(&self, purpose: Purpose) -> Result<Session> {
        Session::open(&self.url, &self.options, purpose)
    }
}

impl Database for PostgresDatabase {
    fn prepare_primary(&self, catalogue: &Catalogue) -> Result<Catalogue> {
        self.ownership.hold()?;
        schema::prepare(&mut self.session(Purpose::Schema)?, catalogue)
    }

    fn prepare_events(&self) -> Result<()> {
        migrate::events(&mut self.session(Purpose::Schema)?)
    }

    fn storage_catalogue(&self) -> Result<Catalogue> {
        history::storage_catalogue(&mut self.session(Purpose::Read)?)
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
        Ok(Box::new(PostgresRequestLog { session: self.session(Purpose::Write)? }))
    }

    fn position_source(&self, primary: bool) -> Result<Box<dyn PositionSource>> {
        let ownership = primary.then(|| Arc::clone(&self.ownership));
        Ok(Box::new(PostgresPositions::new(self.session(Purpose::Watch)?, ownership)))
    }
}
