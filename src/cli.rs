//! The command line: arguments → configuration overrides → one call into `app`.
//!
//! Exit codes: 0 done, 1 a check found something, 2 bad usage, configuration or schema. Errors go to
//! standard error, one sentence each, all of them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::{self, Against, Following, Shown};
use crate::config::{ConfigProblem, Overrides, Settings};
use crate::role::{Given, Role};
use crate::store::postgres::grants::{Rights, grants_sql};

const FOUND_SOMETHING: u8 = 1;
const BAD_USAGE: u8 = 2;
/// What `--proto` alone stands for: `schema show` means something else by it.
const NO_PATH: &str = "-";

/// Describe your tables in Protocol Buffers, run one binary.
#[derive(Parser)]
#[command(name = "trine", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (without arguments: proto/ on sqlite:trine.db, 127.0.0.1:8080).
    Serve {
        #[command(flatten)]
        arguments: ConfigArguments,
        /// Serve a changed .proto within a second; a broken one keeps the schema before it.
        #[arg(long)]
        watch: bool,
    },
    /// Show or check the effective configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check the schema, or apply it to the primary.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Print the OpenAPI document of this configuration.
    Openapi(ConfigArguments),
    /// Print the SQL that makes a PostgreSQL login fit for a role.
    Grants {
        /// monolith, nanoservice, microservice; analyst reads the views, sql-writer writes through them.
        #[arg(long, value_parser = rights)]
        role: Rights,
        #[arg(long)]
        user: String,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Effective values, secrets masked, and where each came from.
    Print(ConfigArguments),
    /// Exit 0 when the configuration and the schema could be served.
    Check(ConfigArguments),
}

#[derive(Subcommand)]
enum SchemaCommand {
    /// Exit 1 and one line for each mistake in the .proto files, or for each change that would break something.
    Check {
        #[command(flatten)]
        configuration: ConfigArguments,
        /// An older schema (a directory, a .binpb descriptor set), or `database`: all that the configured
        /// database has admitted, and its rows.
        #[arg(long, value_name = "PATH|database", value_parser = against)]
        against: Option<Against>,
    },
    /// Bring the primary up to the schema.
    Apply(ConfigArguments),
    /// Print what the schema amounts to; touches no database. `--proto` without a path: the service that
    /// default routes amount to, for binary clients.
    Show {
        #[command(flatten)]
        arguments: ConfigArguments,
        /// The DDL of tables, indexes and views on the configured kind of database.
        #[arg(long)]
        sql: bool,
    },
    /// List what only older schemas need: dropped pbtables, columns, indexes, values of hidden fields.
    Prune {
        #[command(flatten)]
        configuration: ConfigArguments,
        /// Remove it. Binaries of older schemas can then not be started again.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
struct ConfigArguments {
    /// TOML file over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// monolith, nanoservice or microservice.
    #[arg(long)]
    role: Option<Role>,
    /// Directory of .proto files or a .binpb descriptor set; may be repeated.
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = NO_PATH)]
    proto: Vec<PathBuf>,
    /// The primary: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// A replica to read from.
    #[arg(long, value_name = "URL")]
    replica: Option<String>,
    /// A microservice's own database.
    #[arg(long, value_name = "URL")]
    events_database: Option<String>,
    /// Address of the API; port 0 picks a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address of health, metrics and version.
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
    /// Any key of config/default.toml; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

impl ConfigArguments {
    fn take_bare_proto(&mut self) -> bool {
        let before = self.proto.len();
        self.proto.retain(|path| path.as_os_str() != NO_PATH);
        self.proto.len() != before
    }

    fn overrides(self) -> Overrides {
        let mut values = Vec::new();
        let mut add = |key: &str, text: Option<String>| {
            if let Some(text) = text {
                values.push((key.to_owned(), text));
            }
        };
        add("role", self.role.map(|role| role.to_string()));
        add("database.primary", self.database);
        add("database.replica", self.replica);
        add("database.events", self.events_database);
        add("http.listen", self.listen);
        add("admin.listen", self.admin_listen);
        if !self.proto.is_empty() {
            let paths = self.proto.iter().map(|path| toml::Value::String(path.display().to_string()));
            add("schema.paths", Some(toml::Value::Array(paths.collect()).to_string()));
        }
        values.extend(self.set);
        Overrides { file: self.config, values }
    }
}

/// Of a deployment by its role, or of somebody who comes with SQL.
fn rights(text: &str) -> Result<Rights, String> {
    match text {
        "analyst" => Ok(Rights::Analyst),
        "sql-writer" => Ok(Rights::SqlWriter),
        role => match role.parse::<Role>()?.plan().primary {
            Given::Required => Ok(Rights::Owner),
            Given::Refused => Ok(Rights::Reader),
        },
    }
}

fn against(text: &str) -> Result<Against, String> {
    match std::path::Path::new(text) {
        _ if text == "database" => Ok(Against::Database),
        path if path.exists() => Ok(Against::Path(path.to_owned())),
        _ => Err("is no directory and no .binpb file; write a path, or `database`".to_owned()),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err("write section.key=value".to_owned()),
    }
}

/// Parses the process' arguments and does what they say.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve { arguments, watch } => {
            let following = if watch { Following::Changes } else { Following::No };
            configured(arguments, |settings| app::serve(settings, following))
        }
        Command::Config(ConfigCommand::Print(arguments)) => print_configuration(arguments),
        Command::Config(ConfigCommand::Check(arguments)) => configured(arguments, check_configuration),
        Command::Schema(SchemaCommand::Check { configuration, against }) => {
            configured(configuration, |settings| app::check_schema(&settings, against.as_ref()))
        }
        Command::Schema(SchemaCommand::Prune { configuration, yes }) => {
            configured(configuration, |settings| app::prune(&settings, yes))
        }
        Command::Schema(SchemaCommand::Apply(arguments)) => configured(arguments, app::apply_schema),
        Command::Openapi(arguments) => configured(arguments, app::print_openapi),
        Command::Schema(SchemaCommand::Show { mut arguments, sql }) => {
            let form = match (sql, arguments.take_bare_proto()) {
                (true, _) => Shown::Sql,
                (false, true) => Shown::Proto,
                (false, false) => Shown::Summary,
            };
            configured(arguments, |settings| app::show_schema(&settings, form))
        }
        Command::Grants { role, user } => {
            print!("{}", grants_sql(role, &user));
            ExitCode::SUCCESS
        }
    }
}

fn configured(arguments: ConfigArguments, act: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    match Settings::load(&arguments.overrides()) {
        Ok((settings, _)) => act(settings),
        Err(problems) => refuse(&problems),
    }
}

fn print_configuration(arguments: ConfigArguments) -> ExitCode {
    match Settings::load(&arguments.overrides()) {
        Ok((_, layers)) => {
            print!("{}", layers.print());
            ExitCode::SUCCESS
        }
        Err(problems) => refuse(&problems),
    }
}

fn check_configuration(settings: Settings) -> ExitCode {
    match app::check(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentences) => {
            sentences.iter().for_each(|sentence| eprintln!("{sentence}"));
            ExitCode::from(FOUND_SOMETHING)
        }
    }
}

fn refuse(problems: &[ConfigProblem]) -> ExitCode {
    for problem in problems {
        eprintln!("configuration: {} {}", problem.key, problem.message);
    }
    ExitCode::from(BAD_USAGE)
}
