//! `flight-risk users`: who signs in to the console.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use flight_risk_server::access::password::{MAX_PASSWORD_BYTES, Password, PasswordError, PasswordHash};
use flight_risk_server::access::users::{NewUser, StoredUser, UserError};
use flight_risk_server::operator::Operator;
use flight_risk_server::store::Store;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::{CreateUser, GivenPassword, Holder, Users, UsersCommand};
use crate::failure::{Kind, failed};
use crate::holder::{self, date, scope_json};

pub(crate) fn run(options: &Users, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    runtime.block_on(async {
        // The first account may come before the store; a list of none is more likely a mistyped name.
        let store = match &options.command {
            UsersCommand::Create(_) => Store::open(&options.store.store).await,
            _ => Store::open_existing(&options.store.store).await,
        }
        .map_err(failed(Kind::Store))?;
        let done = work(&store, options, output).await;
        store.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn work(store: &Store, options: &Users, output: Output) -> anyhow::Result<()> {
    if let UsersCommand::List = &options.command {
        return list(store, output).await;
    }
    let operator = holder::operator(store, &options.store).await?;
    match &options.command {
        UsersCommand::List => Ok(()),
        UsersCommand::Create(wanted) => make(&operator, wanted, output).await,
        UsersCommand::Change { name, holder } => change(&operator, name, holder, output).await,
        UsersCommand::Delete { name } => delete(&operator, name, output).await,
        UsersCommand::Disable { name } => set_enabled(&operator, name, false, output).await,
        UsersCommand::Enable { name } => set_enabled(&operator, name, true, output).await,
        UsersCommand::Password { name, password } => set_password(&operator, name, password, output).await,
    }
}

async fn make(operator: &Operator<'_>, wanted: &CreateUser, output: Output) -> anyhow::Result<()> {
    let holder = &wanted.holder;
    let user = NewUser { name: wanted.name.clone(), role: holder.role, scope: holder::scope(holder)? };
    let chosen = Chosen::by(&wanted.password)?;
    operator.create_user(&user, &chosen.hash).await.map_err(unmade)?;
    if !output.json {
        eprintln!("Account {} ({}), {}", user.name, user.role.name(), user.scope);
    }
    let made = json!({"name": user.name, "role": user.role.name(), "scope": scope_json(&user.scope)});
    chosen.show(made, output)
}

/// Why an account was not made or changed.
pub(crate) fn unmade(error: UserError) -> anyhow::Error {
    let kind = match &error {
        UserError::Store(_) => Kind::Store,
        UserError::Text { .. } | UserError::ScopeOfManager | UserError::NameInUse(_) => Kind::Usage,
    };
    failed(kind)(error)
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
            user.scope
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

async fn change(operator: &Operator<'_>, name: &str, holder: &Holder, output: Output) -> anyhow::Result<()> {
    let scope = holder::scope(holder)?;
    let before = operator.change_user(name, holder.role, &scope).await.map_err(unmade)?;
    let Some(before) = before else { return Err(nobody(name)) };
    let (name, role, was) = (&before.name, holder.role.name(), before.role.name());
    let mut out = std::io::stdout().lock();
    if output.json {
        let changed = json!({
            "name": name, "role": role, "scope": scope_json(&scope),
            "previous_role": was, "previous_scope": scope_json(&before.scope),
        });
        writeln!(out, "{changed}")?;
        return Ok(());
    }
    writeln!(out, "{name} is {role} now, {scope}; was {was}, {}; and is signed out everywhere", before.scope)?;
    Ok(())
}

async fn delete(operator: &Operator<'_>, name: &str, output: Output) -> anyhow::Result<()> {
    let deleted = operator.delete_user(name).await.map_err(failed(Kind::Store))?;
    let Some(StoredUser { name, .. }) = deleted else { return Err(nobody(name)) };
    let mut out = std::io::stdout().lock();
    if output.json {
        writeln!(out, "{}", json!({"name": name, "state": "deleted"}))?;
    } else {
        writeln!(out, "{name} is deleted and signed out everywhere; the name can be given anew")?;
    }
    Ok(())
}

async fn set_enabled(operator: &Operator<'_>, name: &str, enabled: bool, output: Output) -> anyhow::Result<()> {
    if !operator.set_user_enabled(name, enabled).await.map_err(failed(Kind::Store))? {
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

async fn set_password(
    operator: &Operator<'_>,
    name: &str,
    given: &GivenPassword,
    output: Output,
) -> anyhow::Result<()> {
    let chosen = Chosen::by(given)?;
    if !operator.set_password(name, &chosen.hash).await.map_err(failed(Kind::Store))? {
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
