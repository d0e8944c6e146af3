//! `flight-risk keys`: who may call the server.

use std::io::Write;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use flight_risk_scoring::Day;
use flight_risk_server::access::caller::{Role, Scope};
use flight_risk_server::access::keys::{CreatedKey, KeyError, NewKey, StoredKey};
use flight_risk_server::store::Store;
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::{CreateKey, Keys, KeysCommand};
use crate::failure::{Kind, failed};

const MICROS_PER_DAY: i64 = 86_400_000_000;

pub(crate) fn run(options: &Keys, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    runtime.block_on(async {
        // The first key may come before the store; a list of none is more likely a mistyped name.
        let store = match &options.command {
            KeysCommand::Create(_) => Store::open(&options.store).await,
            KeysCommand::List | KeysCommand::Revoke { .. } => Store::open_existing(&options.store).await,
        }
        .map_err(failed(Kind::Store))?;
        let done = match &options.command {
            KeysCommand::Create(wanted) => make(&store, wanted, output).await,
            KeysCommand::List => list(&store, output).await,
            KeysCommand::Revoke { id } => revoke(&store, id, output).await,
        };
        store.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn make(store: &Store, wanted: &CreateKey, output: Output) -> anyhow::Result<()> {
    let key = new_key(wanted)?;
    let created = create(store, &key).await?;
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
    eprintln!("Key {} ({}), {}:", created.id, key.role.name(), scope_text(&key.scope));
    writeln!(out, "{}", created.token)?;
    out.flush()?;
    eprintln!("It is shown this once. Callers send it as `authorization: Bearer ...`; whoever has it is let in.");
    Ok(())
}

/// Makes a key.
pub(crate) async fn create(store: &Store, key: &NewKey) -> anyhow::Result<CreatedKey> {
    store.create_key(key).await.map_err(|error| {
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
    let units = !wanted.department.is_empty() || !wanted.location.is_empty();
    let scope = match &wanted.manager_id {
        Some(manager_id) if wanted.role == Role::Manager => Scope::Reports { manager_id: manager_id.clone() },
        Some(_) => return Err(failed(Kind::Usage)("--manager-id is for --role manager only")),
        None if wanted.role == Role::Manager => {
            return Err(failed(Kind::Usage)(
                "--role manager needs --manager-id: a manager sees those who report to this employee",
            ));
        }
        None if units => Scope::Units { departments: wanted.department.clone(), locations: wanted.location.clone() },
        None => Scope::All,
    };
    let expires_at = wanted.expires_in_days.map(|days| now_micros().saturating_add(i64::from(days) * MICROS_PER_DAY));
    Ok(NewKey { name: wanted.name.clone(), role: wanted.role, scope, purpose: wanted.purpose.clone(), expires_at })
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
            scope_text(&key.scope)
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

async fn revoke(store: &Store, id: &str, output: Output) -> anyhow::Result<()> {
    if !store.revoke_key(id).await.map_err(failed(Kind::Store))? {
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

fn scope_text(scope: &Scope) -> String {
    match scope {
        Scope::All => "everybody".to_owned(),
        Scope::Units { departments, locations } => {
            let parts = [("departments", departments), ("locations", locations)];
            let parts = parts.iter().filter(|(_, list)| !list.is_empty());
            parts.map(|(what, list)| format!("{what} {}", list.join(", "))).collect::<Vec<_>>().join("; ")
        }
        Scope::Reports { manager_id } => format!("reports of {manager_id}"),
    }
}

fn scope_json(scope: &Scope) -> serde_json::Value {
    match scope {
        Scope::All => serde_json::json!("everybody"),
        Scope::Units { departments, locations } => {
            serde_json::json!({"departments": departments, "locations": locations})
        }
        Scope::Reports { manager_id } => serde_json::json!({"manager_id": manager_id}),
    }
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The day of a time (UTC).
fn date(micros: i64) -> String {
    let day = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok().and_then(Day::from_epoch_days);
    day.map_or_else(|| "-".to_owned(), |day| day.to_string())
}
