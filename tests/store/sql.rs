//! SQL as somebody else's program would say it: a connection of its own, texts in and out.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::SqliteConnection;
use trine::store::DatabaseUrl;

pub enum Sql {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

impl Sql {
    pub fn open(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Postgres(url) => Self::Postgres(PgConnection::establish(url).unwrap()),
            DatabaseUrl::Sqlite(path) => {
                Self::Sqlite(SqliteConnection::establish(path.to_str().unwrap()).unwrap())
            }
        }
    }

    /// Whatever the database says of it.
    pub fn run(&mut self, sql: &str) -> Result<(), String> {
        let done = match self {
            Self::Postgres(connection) => connection.batch_execute(sql),
            Self::Sqlite(connection) => connection.batch_execute(sql),
        };
        done.map_err(|error| error.to_string())
    }

    /// One expression of each row, as text.
    pub fn column(&mut self, expression: &str, rest: &str) -> Result<Vec<Option<String>>, String> {
        let sql = format!("SELECT CAST({expression} AS TEXT) AS line {rest}");
        let lines: QueryResult<Vec<Line>> = match self {
            Self::Postgres(connection) => diesel::sql_query(sql).load(connection),
            Self::Sqlite(connection) => diesel::sql_query(sql).load(connection),
        };
        lines
            .map(|lines| lines.into_iter().map(|line| line.line).collect())
            .map_err(|error| error.to_string())
    }

    pub fn cell(&mut self, expression: &str, rest: &str) -> Option<String> {
        let mut cells = self.column(expression, rest).unwrap();
        assert_eq!(cells.len(), 1, "{expression} {rest}");
        cells.remove(0)
    }

    /// `zoo_v1.beast`, `zoo_v1_beast`
    pub fn view(&self, schema: &str, name: &str) -> String {
        match self {
            Self::Postgres(_) => format!("{schema}.{name}"),
            Self::Sqlite(_) => format!("{schema}_{name}"),
        }
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// The plan of a query, as one text.
    pub fn plan(&mut self, query: &str) -> String {
        match self {
            Self::Postgres(connection) => {
                let sql = format!("EXPLAIN {query}");
                #[derive(QueryableByName)]
                struct Plan {
                    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
                    line: String,
                }
                let lines: Vec<Plan> = diesel::sql_query(sql).load(connection).unwrap();
                lines.into_iter().map(|line| line.line + "\n").collect()
            }
            Self::Sqlite(connection) => {
                #[derive(QueryableByName)]
                struct Plan {
                    #[diesel(sql_type = Text)]
                    detail: String,
                }
                let sql = format!("EXPLAIN QUERY PLAN {query}");
                let lines: Vec<Plan> = diesel::sql_query(sql).load(connection).unwrap();
                lines.into_iter().map(|line| line.detail + "\n").collect()
            }
        }
    }
}
