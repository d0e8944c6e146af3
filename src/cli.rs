//! What can be typed: options as they come; deciding is left to the subcommands.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use flight_risk_scoring::Day;
use flight_risk_server::access::caller::Role;

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a fault of this program: please report it
  2    the command line is wrong
  3    the data, a schema or a configuration is refused or cannot be read
  4    the model is refused or cannot be read
  5    nothing can be learned from the data
  6    the server cannot listen on the address
  7    the output cannot be written
  8    the model is not publishable: no better than the base rate, or too few exits; nothing is written
  9    the store cannot be opened, read or written
  10   the audit log was altered
  130  stopped with Ctrl-C; nothing is half-written";

/// Predicts voluntary turnover from a company's own HR records, with exact reasons and honest doubt.
#[derive(Debug, Parser)]
#[command(name = "flight-risk", bin_name = "flight-risk", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Show no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sample company > check > train > at-risk list > gRPC server on loopback
    Demo(Demo),
    /// Write the HR tables of an invented company
    Generate(Generate),
    /// Report every problem of HR tables or of a flat table
    Check(Check),
    /// Export the training rows, for anyone's own model
    Features(Features),
    /// Learn a model and write its directory
    Train(Train),
    /// Judge a model on labelled data
    Evaluate(Evaluate),
    /// Score everyone still employed, or every row of a flat table
    Score(Score),
    /// Tell what moves one person's risk
    Explain(Explain),
    /// Answer gRPC requests
    Serve(Serve),
    /// Verify or list the audit log
    Audit(Audit),
    /// Copy a store while the server runs
    Backup(Backup),
    /// Make, list and revoke the keys that callers of the server need
    Keys(Keys),
    /// Make, list, change and delete the accounts of people who sign in to the console
    Users(Users),
}

/// An address as it can be listened on; names are not looked up.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("an IP address and a port are needed, such as {}", flight_risk_server::DEFAULT_ADDRESS))
}

/// An invented company.
#[derive(Clone, Debug, Args)]
pub(crate) struct Company {
    /// People employed at a time
    #[arg(long, default_value_t = 2000)]
    pub(crate) employees: u32,
    /// Years of records
    #[arg(long, default_value_t = 4)]
    pub(crate) years: u32,
    /// Seed: the same seed gives the same company
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) company: Company,
    /// Folder for the sample company, the model and the scores
    #[arg(long, default_value = "flight-risk-demo")]
    pub(crate) out: PathBuf,
    /// Where to serve; loopback only
    #[arg(long, default_value_t = flight_risk_server::DEFAULT_ADDRESS, value_parser = socket_address)]
    pub(crate) address: SocketAddr,
    /// Where the console listens; loopback only
    #[arg(long, default_value_t = flight_risk_server::DEFAULT_CONSOLE_ADDRESS, value_parser = socket_address)]
    pub(crate) console: SocketAddr,
    /// End after the at-risk list
    #[arg(long)]
    pub(crate) no_serve: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(crate) company: Company,
    /// Folder to write; replaced only if it is empty or was generated
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// Where the records are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Data {
    /// Folder of HR tables, or a flat table (CSV or Parquet)
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// TOML that names the columns of a flat table
    #[arg(long)]
    pub(crate) schema: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) data: Data,
    /// TOML configuration
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Features {
    /// Folder of HR tables
    #[arg(long, required_unless_present = "dictionary")]
    pub(crate) data: Option<PathBuf>,
    /// File to write: .csv or .parquet
    #[arg(long, required_unless_present = "dictionary")]
    pub(crate) out: Option<PathBuf>,
    /// TOML configuration
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Print the data dictionary (Markdown) instead
    #[arg(long, conflicts_with_all = ["data", "out"])]
    pub(crate) dictionary: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) data: Data,
    /// TOML configuration
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Model directory to write; replaced only if it is empty or holds a model
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Write a model that is not publishable too; the model records it
    #[arg(long)]
    pub(crate) allow_weak: bool,
    /// Walk forward over time too: judge each period by a model of what was known before
    #[arg(long)]
    pub(crate) backtest: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Model directory
    #[arg(long)]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) data: Data,
}

#[derive(Debug, Args)]
pub(crate) struct Score {
    /// Model directory
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Folder of HR tables, or a flat table (CSV or Parquet)
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// File to write: .csv or .parquet
    #[arg(long, required_unless_present = "store")]
    pub(crate) out: Option<PathBuf>,
    /// Store to keep the scores in, as `serve` reads it: a SQLite file, or postgres://...
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// The key of the store's audit log, where it is noted that scores were kept; the same as `audit.key_file` of the server
    /// [default: the SQLite file's name with .key after it]
    #[arg(long, requires = "store")]
    pub(crate) key_file: Option<PathBuf>,
    /// Day on which the facts are known (HR tables); left out: the end of the data
    #[arg(long)]
    pub(crate) as_of: Option<Day>,
    /// Add the strongest factors of every employee
    #[arg(long, requires = "out")]
    pub(crate) explain: bool,
    /// How many factors to add
    #[arg(long, default_value_t = 5, requires = "explain", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) factors: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Model directory
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Folder of HR tables, or a flat table (CSV or Parquet)
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Identifier of the person
    #[arg(long)]
    pub(crate) employee: String,
    /// Day on which the facts are known (HR tables); left out: the end of the data
    #[arg(long)]
    pub(crate) as_of: Option<Day>,
}

/// A role by its name.
fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("one of {} is needed", Role::ALL.map(Role::name).join(", ")))
}

/// What somebody is who is let in, and whom they may see.
#[derive(Debug, Args)]
pub(crate) struct Holder {
    /// hris, hr_partner, manager, analyst, auditor or admin
    #[arg(long, value_parser = role)]
    pub(crate) role: Role,
    /// Only employees of this department; can be given several times
    #[arg(long)]
    pub(crate) department: Vec<String>,
    /// Only employees at this location; can be given several times
    #[arg(long)]
    pub(crate) location: Vec<String>,
    /// The manager's employee id, whose reports are shown (role manager)
    #[arg(long, conflicts_with_all = ["department", "location"])]
    pub(crate) manager_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
    #[command(flatten)]
    pub(crate) store: HolderStore,
}

/// Where those who are let in are kept.
#[derive(Debug, Args)]
pub(crate) struct HolderStore {
    /// The store of the server: a SQLite file, or postgres://...
    #[arg(long, global = true, default_value = "flight-risk.db")]
    pub(crate) store: String,
    /// The key of the audit log, where every change is noted; the same as `audit.key_file` of the server [default: the SQLite
    /// file's name with .key after it]
    #[arg(long, global = true)]
    pub(crate) key_file: Option<PathBuf>,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key; it is printed this once
    Create(CreateKey),
    /// List all keys, without their secrets
    List,
    /// Make a key worthless for good
    Revoke {
        /// Identifier of the key: what stands between `frk_` and the next `_`
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// What the key is for; the audit log names its callers by it
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) holder: Holder,
    /// Purpose of calls that state none, for the audit log
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// Days after which the key expires; left out: never
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) expires_in_days: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Users {
    #[command(subcommand)]
    pub(crate) command: UsersCommand,
    #[command(flatten)]
    pub(crate) store: HolderStore,
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Make an account; a generated password is printed this once
    Create(CreateUser),
    /// List all accounts
    List,
    /// Give somebody another role and other people to see, and sign them out everywhere
    Change {
        /// Name of the account
        name: String,
        #[command(flatten)]
        holder: Holder,
    },
    /// Delete an account, and sign its holder out everywhere; its name can be given anew
    Delete {
        /// Name of the account
        name: String,
    },
    /// Keep somebody out, and sign them out everywhere
    Disable {
        /// Name of the account
        name: String,
    },
    /// Let somebody in again
    Enable {
        /// Name of the account
        name: String,
    },
    /// Give somebody another password, and sign them out everywhere
    Password {
        /// Name of the account
        name: String,
        #[command(flatten)]
        password: GivenPassword,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateUser {
    /// What its holder types to sign in, in small or capital letters; the audit log names them by it
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) holder: Holder,
    #[command(flatten)]
    pub(crate) password: GivenPassword,
}

/// Where a password comes from. Not from the command line, which other users of the machine can see.
#[derive(Debug, Args)]
pub(crate) struct GivenPassword {
    /// Read the password from standard input instead of generating one
    #[arg(long = "password-stdin")]
    pub(crate) from_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Model directory, or a folder that holds several: the one that was active last scores, at first the one of the latest data
    #[arg(long, required_unless_present_any = ["check_config", "print_config"])]
    pub(crate) models: Option<PathBuf>,
    /// Where scores, actions and the audit log are kept: a SQLite file, or postgres://... [default: flight-risk.db]
    #[arg(long)]
    pub(crate) store: Option<String>,
    /// TOML configuration
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:50051]
    #[arg(long, value_parser = socket_address)]
    pub(crate) address: Option<SocketAddr>,
    /// Where the console listens [default: 127.0.0.1:8080]
    #[arg(long, value_parser = socket_address)]
    pub(crate) console: Option<SocketAddr>,
    /// Serve no console
    #[arg(long, conflicts_with = "console")]
    pub(crate) no_console: bool,
    /// Tell everything that is wrong with the configuration, and end
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Print the default configuration with every key explained, and end
    #[arg(long, conflicts_with = "check_config")]
    pub(crate) print_config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Name the first record that was altered, taken out or moved; exit code 10 if there is one
    Verify(AuditVerify),
    /// Show who asked what, when and why
    List(AuditList),
}

#[derive(Debug, Args)]
pub(crate) struct AuditStore {
    /// The store of the server: a SQLite file, or postgres://...
    #[arg(long, default_value = "flight-risk.db")]
    pub(crate) store: String,
    /// The key of the audit log [default: the SQLite file's name with .key after it]
    #[arg(long)]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    #[command(flatten)]
    pub(crate) store: AuditStore,
    /// Records at your last visit: a log that was cut off since is found
    #[arg(long)]
    pub(crate) expect_count: Option<u64>,
    /// Last hash at your last visit; with --expect-count, of the record of that number
    #[arg(long)]
    pub(crate) expect_last: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditList {
    #[command(flatten)]
    pub(crate) store: AuditStore,
    /// Only records about this employee
    #[arg(long)]
    pub(crate) employee: Option<String>,
    /// Only records of this day (UTC) and later
    #[arg(long)]
    pub(crate) since: Option<Day>,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The store of the server: a SQLite file
    #[arg(long, default_value = "flight-risk.db")]
    pub(crate) store: String,
    /// The key of the audit log, where the copy is noted; the same as `audit.key_file` of the server [default: the SQLite file's
    /// name with .key after it]
    #[arg(long)]
    pub(crate) key_file: Option<PathBuf>,
    /// File of the copy; there must be none yet
    #[arg(long)]
    pub(crate) out: PathBuf,
}
