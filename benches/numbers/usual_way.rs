//! The same server as it is usually written: one query per request, r2d2, `web::block`, diesel.
//!
//! Runs as a process of its own (this program with [`ARGUMENT`]), so that it is measured as the others.

use actix_web::web::{Data, Json, Path, block};
use actix_web::{App, HttpResponse, HttpServer, get, post};
use diesel::{Connection, ConnectionError, Insertable, PgConnection, QueryDsl, Queryable, RunQueryDsl};
use r2d2::{ManageConnection, Pool};
use serde::{Deserialize, Serialize};

pub const ARGUMENT: &str = "usual-way";
/// As many connections as a careful operator of two cores would give it.
const CONNECTIONS: u32 = 16;

/// The columns that a hand-written table of entries has, with the indexes that the schema asks for.
pub const TABLE: &str = "
    CREATE TABLE usual_entry (
        id text COLLATE \"C\" PRIMARY KEY, user_id text NOT NULL, title text NOT NULL, body text NOT NULL,
        tags text NOT NULL, state text NOT NULL, publish_time text NOT NULL,
        create_time timestamptz NOT NULL DEFAULT now(), update_time timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON usual_entry (title);
    CREATE INDEX ON usual_entry (state);
    CREATE INDEX ON usual_entry (publish_time);
    CREATE INDEX ON usual_entry (create_time);";

diesel::table! {
    usual_entry (id) {
        id -> Text,
        user_id -> Text,
        title -> Text,
        body -> Text,
        state -> Text,
        publish_time -> Text,
        tags -> Text,
    }
}

#[derive(Serialize, Deserialize, Queryable, Insertable)]
#[diesel(table_name = usual_entry)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    #[serde(default)]
    user_id: String,
    title: String,
    body: String,
    state: String,
    publish_time: String,
    #[serde(default)]
    tags: String,
}

/// Opens the pool's connections to this address.
struct Manager(String);

impl ManageConnection for Manager {
    type Connection = PgConnection;
    type Error = ConnectionError;

    fn connect(&self) -> Result<PgConnection, ConnectionError> {
        PgConnection::establish(&self.0)
    }

    /// Never asked for: see the pool's builder.
    fn is_valid(&self, _: &mut PgConnection) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, _: &mut PgConnection) -> bool {
        std::thread::panicking()
    }
}

type Connections = Data<Pool<Manager>>;

#[get("/users/{user}/entries/{id}")]
async fn get_entry(pool: Connections, path: Path<(String, String)>) -> actix_web::Result<HttpResponse> {
    let (_, id) = path.into_inner();
    let found = block(move || {
        let mut connection = pool.get().map_err(|error| error.to_string())?;
        usual_entry::table.find(id).first::<Entry>(&mut *connection).map_err(|error| error.to_string())
    });
    answer(found.await?, 200)
}

#[post("/users/{user}/entries")]
async fn create_entry(
    pool: Connections,
    user: Path<String>,
    Json(mut entry): Json<Entry>,
) -> actix_web::Result<HttpResponse> {
    entry.user_id = user.into_inner();
    let created = block(move || {
        let mut connection = pool.get().map_err(|error| error.to_string())?;
        let statement = diesel::insert_into(usual_entry::table).values(entry);
        statement.get_result::<Entry>(&mut *connection).map_err(|error| error.to_string())
    });
    answer(created.await?, 201)
}

fn answer(result: Result<Entry, String>, status: u16) -> actix_web::Result<HttpResponse> {
    let entry = result.map_err(actix_web::error::ErrorInternalServerError)?;
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    Ok(HttpResponse::build(status).json(entry))
}

/// Serves until it is killed.
pub fn serve(database: &str, address: &str) {
    let pool = Pool::builder()
        .max_size(CONNECTIONS)
        // One query a request, as a careful operator has it: no `SELECT 1` before each.
        .test_on_check_out(false)
        .build(Manager(database.to_owned()))
        .expect("a pool");
    let pool = Data::new(pool);
    let app = move || App::new().app_data(pool.clone()).service(get_entry).service(create_entry);
    let server = HttpServer::new(app).workers(2).bind(address).expect("the address is free").run();
    actix_web::rt::System::new().block_on(server).expect("serves");
}
