//! `flight-risk keys`: who may call the server.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use flight_risk_server::access::keys::{CreatedKey, KeyError, NewKey, StoredKey};
use flight_risk_server::operator::Operator;
use flight_risk_server::store::{Store, now_micros};
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::{CreateKey, Keys, KeysCommand};
use crate::failure::{Kind, failed};
use crate::holder::{self, MICROS_PER_DAY, date, scope_json};

pub(crate) fn run(options: &Keys, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    runtime.block_on(async {
        // The first key may come before the store; a list of none is more likely a mistyped name.
        let store = match &options.command {
            KeysCommand::Create(_) => Store::open(&options.store.store).await,
            KeysCommand::List | KeysCommand::Revoke { .. } => Store::open_existing(&options.store.store).await,
        }
        .map_err(failed(Kind::Store))?;
        let done = work(&store, options, output).await;
        store.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn work(store: &Store, options: &Keys, output: Output) -> anyhow::Result<()> {
    match &options.command {
        KeysCommand::Create(wanted) => make(&holder::operator(store, &options.store).await?, wanted, output).await,
        KeysCommand::List => list(store, output).await,
        KeysCommand::Revoke { id } => revoke(&holder::operator(store, &options.store).await?, id, output).await,
    }
}

async fn make(operator: &Operator<'_>, wanted: &CreateKey, output: Output) -> anyhow::Result<()> {
    let key = new_key(wanted)?;
    let created = create(operator, &key).await?;
    let mut out = std::io::stdout().lock();
    if output.json {
        let made = serde_json::json!({
            "id": created.id, "name": key.name, "role": key.role.name(), "scope": scope_json(&key.scope),
            "purpose": key.purpose, "expires_at": key.expires_at.map(date), "key": created.token,
        });
        writeln!(out, "{made}")?;
        return Ok(());
    }
    // The key alone on standard output, so that `> nightly.key` keeps it and nothing else.
    eprintln!("Key {} ({}), {}:", created.id, key.role.name(), key.scope);
    writeln!(out, "{}", created.token)?;
    out.flush()?;
    eprintln!("It is shown this once. Callers send it as `authorization: Bearer ...`; whoever has it is let in.");
    Ok(())
}

/// Makes a key.
pub(crate) async fn create(operator: &Operator<'_>, key: &NewKey) -> anyhow::Result<CreatedKey> {
    operator.create_key(key).await.map_err(|error| {
        let kind = match &error {
            KeyError::Store(_) | KeyError::Random(_) => Kind::Store,
            KeyError::Text { .. } | KeyError::ScopeOfManager | KeyError::NameInUse(_) | KeyError::Expired => {
                Kind::Usage
            }
        };
        failed(kind)(error)
    })
}

fn new_key(wanted: &CreateKey) -> anyhow::Result<NewKey> {
    let scope = holder::scope(&wanted.holder)?;
    let expires_at = wanted.expires_in_days.map(|days| now_micros().saturating_add(i64::from(days) * MICROS_PER_DAY));
    Ok(NewKey {
        name: wanted.name.clone(),
        role: wanted.holder.role,
        scope,
        purpose: wanted.purpose.clone(),
        expires_at,
    })
}

async fn list(store: &Store, output: Output) -> anyhow::Result<()> {
    let keys = store.keys().await.map_err(failed(Kind::Store))?;
    let mut out = std::io::stdout().lock();
    if output.json {
        let keys: Vec<_> = keys.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::Value::from(keys))?;
        return Ok(());
    }
    if keys.is_empty() {
        writeln!(out, "No keys; make one with `flight-risk keys create`")?;
        return Ok(());
    }
    let width = keys.iter().map(|key| key.name.chars().count()).max().unwrap_or(0).max("name".len());
    writeln!(
        out,
        "{:<12}  {:<width$}  {:<10}  {:<10}  {:<10}  {:<8}  scope",
        "id", "name", "role", "made", "expires", "state"
    )?;
    for key in &keys {
        writeln!(
            out,
            "{:<12}  {:<width$}  {:<10}  {:<10}  {:<10}  {:<8}  {}",
            key.id,
            key.name,
            key.role.name(),
            date(key.created_at),
            key.expires_at.map_or_else(|| "never".to_owned(), date),
            state(key),
            key.scope
        )?;
    }
    Ok(())
}

fn as_json(key: &StoredKey) -> serde_json::Value {
    serde_json::json!({
        "id": key.id, "name": key.name, "role": key.role.name(), "scope": scope_json(&key.scope), "purpose": key.purpose,
        "created_at": date(key.created_at), "expires_at": key.expires_at.map(date), "revoked_at": key.revoked_at.map(date),
        "state": state(key),
    })
}

async fn revoke(operator: &Operator<'_>, id: &str, output: Output) -> anyhow::Result<()> {
    if !operator.revoke_key(id).await.map_err(failed(Kind::Store))? {
        return Err(failed(Kind::Usage)(format!(
            "there is no key {id}; `flight-risk keys list` shows the identifiers"
        )));
    }
    let mut out = std::io::stdout().lock();
    if output.json {
        writeln!(out, "{}", serde_json::json!({"id": id, "state": "revoked"}))?;
    } else {
        writeln!(
            out,
            "Key {id} is revoked; a running server refuses it within {} seconds",
            flight_risk_server::limits::KEYS_FRESH.as_secs()
        )?;
    }
    Ok(())
}

fn state(key: &StoredKey) -> &'static str {
    match key.revoked_at {
        Some(_) => "revoked",
        None if key.in_force(now_micros()) => "in force",
        None => "expired",
    }
}
