//! `flight-risk users`: who signs in to the console.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use flight_risk_server::access::password::{MAX_PASSWORD_BYTES, Password, PasswordError, PasswordHash};
use flight_risk_server::access::users::{NewUser, StoredUser, UserError};
use flight_risk_server::store::Store;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::{CreateUser, GivenPassword, Users, UsersCommand};
use crate::failure::{Kind, failed};
use crate::holder::{self, date, scope_json, scope_text};

pub(crate) fn run(options: &Users, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    runtime.block_on(async {
        // The first account may come before the store; a list of none is more likely a mistyped name.
        let store = match &options.command {
            UsersCommand::Create(_) => Store::open(&options.store).await,
            _ => Store::open_existing(&options.store).await,
        }
        .map_err(failed(Kind::Store))?;
        let done = match &options.command {
            UsersCommand::Create(wanted) => make(&store, wanted, output).await,
            UsersCommand::List => list(&store, output).await,
            UsersCommand::Disable { name } => set_enabled(&store, name, false, output).await,
            UsersCommand::Enable { name } => set_enabled(&store, name, true, output).await,
            UsersCommand::Password { name, password } => set_password(&store, name, password, output).await,
        };
        store.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn make(store: &Store, wanted: &CreateUser, output: Output) -> anyhow::Result<()> {
    let holder = &wanted.holder;
    let user = NewUser { name: wanted.name.clone(), role: holder.role, scope: holder::scope(holder)? };
    let chosen = Chosen::by(&wanted.password)?;
    create(store, &user, &chosen.hash).await?;
    if !output.json {
        eprintln!("Account {} ({}), {}", user.name, user.role.name(), scope_text(&user.scope));
    }
    let made = json!({"name": user.name, "role": user.role.name(), "scope": scope_json(&user.scope)});
    chosen.show(made, output)
}

/// Makes an account.
pub(crate) async fn create(store: &Store, user: &NewUser, password: &PasswordHash) -> anyhow::Result<()> {
    store.create_user(user, password).await.map_err(|error| {
        let kind = match &error {
            UserError::Store(_) => Kind::Store,
            UserError::Text { .. } | UserError::ScopeOfManager | UserError::NameInUse(_) => Kind::Usage,
        };
        failed(kind)(error)
    })
}

/// A password that somebody will have.
struct Chosen {
    hash: PasswordHash,
    /// To be shown, where it was generated.
    generated: Option<Password>,
}

impl Chosen {
    fn by(given: &GivenPassword) -> anyhow::Result<Self> {
        let password = if given.from_stdin { read()? } else { Password::generate().map_err(refused)? };
        let hash = password.hash().map_err(refused)?;
        Ok(Self { hash, generated: (!given.from_stdin).then_some(password) })
    }

    fn show(&self, mut json: serde_json::Value, output: Output) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if output.json {
            json["password"] = self.generated.as_ref().map(Password::reveal).into();
            writeln!(out, "{json}")?;
        } else if let Some(password) = &self.generated {
            // The password alone on standard output, so that it can be kept and nothing else.
            eprintln!("The password, shown this once:");
            writeln!(out, "{}", password.reveal())?;
        }
        Ok(())
    }
}

fn refused(error: PasswordError) -> anyhow::Error {
    let kind = match &error {
        PasswordError::Short | PasswordError::Long | PasswordError::Control => Kind::Usage,
        PasswordError::Random(_) | PasswordError::Hash(_) => Kind::Store,
    };
    failed(kind)(error)
}

/// The password on standard input, without the line break after it.
fn read() -> anyhow::Result<Password> {
    let mut bytes = Vec::new();
    // Two more for a line break, one more to see that it is too long.
    let most = MAX_PASSWORD_BYTES as u64 + 3;
    std::io::stdin().lock().take(most).read_to_end(&mut bytes).context("the password cannot be read")?;
    let text = String::from_utf8(bytes).map_err(|_| failed(Kind::Usage)("the password is no text in UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Password::new(line.strip_suffix('\r').unwrap_or(line).to_owned()).map_err(refused)
}

async fn list(store: &Store, output: Output) -> anyhow::Result<()> {
    let users = store.users().await.map_err(failed(Kind::Store))?;
    let mut out = std::io::stdout().lock();
    if output.json {
        let users: Vec<_> = users.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::Value::from(users))?;
        return Ok(());
    }
    if users.is_empty() {
        writeln!(out, "No accounts; make one with `flight-risk users create`")?;
        return Ok(());
    }
    let width = users.iter().map(|user| user.name.chars().count()).max().unwrap_or(0).max("name".len());
    writeln!(out, "{:<width$}  {:<10}  {:<10}  {:<10}  {:<8}  scope", "name", "role", "made", "password", "state")?;
    for user in &users {
        writeln!(
            out,
            "{:<width$}  {:<10}  {:<10}  {:<10}  {:<8}  {}",
            user.name,
            user.role.name(),
            date(user.created_at),
            date(user.password_changed_at),
            state(user),
            scope_text(&user.scope)
        )?;
    }
    Ok(())
}

fn as_json(user: &StoredUser) -> serde_json::Value {
    json!({
        "name": user.name, "role": user.role.name(), "scope": scope_json(&user.scope),
        "created_at": date(user.created_at), "password_changed_at": date(user.password_changed_at),
        "disabled_at": user.disabled_at.map(date), "state": state(user),
    })
}

fn state(user: &StoredUser) -> &'static str {
    if user.disabled_at.is_some() { "disabled" } else { "in force" }
}

async fn set_enabled(store: &Store, name: &str, enabled: bool, output: Output) -> anyhow::Result<()> {
    if !store.set_user_enabled(name, enabled).await.map_err(failed(Kind::Store))? {
        return Err(nobody(name));
    }
    let mut out = std::io::stdout().lock();
    match (output.json, enabled) {
        (true, _) => {
            let state = if enabled { "in force" } else { "disabled" };
            writeln!(out, "{}", json!({"name": name, "state": state}))?;
        }
        (false, true) => writeln!(out, "{name} can sign in again")?,
        (false, false) => writeln!(out, "{name} cannot sign in any more, and is signed out everywhere")?,
    }
    Ok(())
}

async fn set_password(store: &Store, name: &str, given: &GivenPassword, output: Output) -> anyhow::Result<()> {
    let chosen = Chosen::by(given)?;
    if !store.set_password(name, &chosen.hash).await.map_err(failed(Kind::Store))? {
        return Err(nobody(name));
    }
    if !output.json {
        eprintln!("{name} has another password, and is signed out everywhere");
    }
    chosen.show(json!({"name": name}), output)
}

fn nobody(name: &str) -> anyhow::Error {
    failed(Kind::Usage)(format!("there is no account {name}; `flight-risk users list` shows the names"))
}
