//! The [`Database`] of one SQLite file: which connection is opened how.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use diesel::sqlite::SqliteConnection;
use diesel_migrations::MigrationHarness;
use parking_lot::Mutex;

use super::connection::{Mode, connect, unavailable};
use super::history;
use super::kind::Kind;
use super::ownership::{Ownership, refuse_hard_links};
use super::position::{SqlitePositions, identity};
use super::presence::Presence;
use super::prune;
use super::reader::SqliteReader;
use super::request_log::SqliteRequestLog;
use super::room::Room;
use super::schema;
use super::writer::SqliteWriter;
use crate::model::Result;
use crate::schema::Catalogue;
use crate::store::admission::{Admission, Findings};
use crate::store::backend::{Database, PositionSource, Reader, Reading, Writer};
use crate::store::handles::OpenOptions;
use crate::store::request_log::RequestLog;

pub(super) struct SqliteDatabase {
    path: PathBuf,
    options: OpenOptions,
    ownership: Mutex<Option<Ownership>>,
    room: Room,
    presence: Presence,
    /// Never closed: the last connection to close would delete `-wal` and `-shm`, and without
    /// them a reader that may not write to the directory cannot open the file. (Persist-WAL would
    /// say this directly, but diesel gives no access to it.)
    keeper: Mutex<Option<ManuallyDrop<SqliteConnection>>>,
}

impl SqliteDatabase {
    pub(super) fn new(path: &Path, options: OpenOptions) -> Self {
        Self {
            path: path.to_owned(),
            options,
            ownership: Mutex::new(None),
            room: Room::beside(path),
            presence: Presence::of(path),
            keeper: Mutex::new(None),
        }
    }

    fn connect(&self, mode: Mode) -> Result<SqliteConnection> {
        connect(&self.path, mode, self.options.lock_timeout_ms)
    }

    fn migrate(&self, kind: &Kind) -> Result<SqliteConnection> {
        refuse_hard_links(&self.path)?;
        self.room.clean();
        let mut connection = self.connect(Mode::Create)?;
        kind.refuse_the_other(&mut connection, &self.path)?;
        connection
            .run_pending_migrations(kind.migrations())
            .map_err(|error| unavailable(format!("migration of {}: {error}", self.path.display())))?;
        Ok(connection)
    }
}

impl Database for SqliteDatabase {
    fn prepare_primary(&self, catalogue: &Catalogue, admission: Admission) -> Result<Catalogue> {
        let mut ownership = self.ownership.lock();
        if ownership.is_none() {
            *ownership = Some(Ownership::take(&self.path)?);
        }
        let mut connection = self.migrate(&Kind::Primary)?;
        let admitted = schema::prepare(&mut connection, catalogue, admission)?;
        self.keeper.lock().get_or_insert_with(|| ManuallyDrop::new(connection));
        self.presence.note();
        Ok(admitted)
    }

    fn check_schema(&self, catalogue: &Catalogue) -> Result<Findings> {
        if !self.path.exists() {
            return Ok(Findings::default());
        }
        schema::check(&mut self.connect(Mode::Query)?, catalogue)
    }

    fn prune(&self, catalogue: &Catalogue, really: bool) -> Result<Vec<String>> {
        let _ownership = Ownership::take(&self.path)?;
        let mut connection = self.migrate(&Kind::Primary)?;
        schema::atomically(&mut connection, |connection| prune::prune(connection, catalogue, really))
    }

    fn prepare_events(&self) -> Result<()> {
        let connection = self.migrate(&Kind::Events)?;
        *self.keeper.lock() = Some(ManuallyDrop::new(connection));
        self.presence.note();
        Ok(())
    }

    fn storage_catalogue(&self) -> Result<Catalogue> {
        history::storage_catalogue(&mut self.connect(Mode::Query)?, None)
    }

    fn reader(&self, _: Reading, read_only: bool) -> Result<Box<dyn Reader>> {
        let mut connection = self.connect(if read_only { Mode::ReadOnly } else { Mode::Query })?;
        let cluster = identity(&mut connection)?.cluster;
        Ok(Box::new(SqliteReader::new(connection, cluster, self.options.read_timeout_ms)?))
    }

    fn writer(&self) -> Result<Box<dyn Writer>> {
        self.room.check()?;
        self.presence.check()?;
        let mut connection = self.connect(Mode::Write)?;
        let cluster = identity(&mut connection)?.cluster;
        Ok(Box::new(SqliteWriter::new(
            connection,
            cluster,
            self.options.lock_timeout_ms,
            (self.room.clone(), self.presence.clone()),
        )))
    }

    fn request_log(&self) -> Result<Box<dyn RequestLog>> {
        self.room.check()?;
        self.presence.check()?;
        Ok(Box::new(SqliteRequestLog::new(
            self.connect(Mode::Write)?,
            self.room.clone(),
            self.presence.clone(),
        )))
    }

    fn position_source(&self, primary: bool) -> Result<Box<dyn PositionSource>> {
        let mode = if primary { Mode::Query } else { Mode::ReadOnly };
        Ok(Box::new(SqlitePositions { connection: self.connect(mode)? }))
    }
}
