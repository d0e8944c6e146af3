//! Who is let in, by a key or with an account: whom they may see, and how that is told.

use std::path::Path;

use flight_risk_scoring::Day;
use flight_risk_server::access::caller::{Role, Scope};
use flight_risk_server::audit::AuditKeyError;
use flight_risk_server::operator::Operator;
use flight_risk_server::store::Store;

use crate::cli::{Holder, HolderStore};
use crate::failure::{Kind, failed};

/// Microseconds of a day.
pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What is done with a store of keys and accounts, noted in its audit log.
pub(crate) async fn operator<'a>(store: &'a Store, wanted: &HolderStore) -> anyhow::Result<Operator<'a>> {
    operator_called(&own_name(), store, wanted.key_file.as_deref()).await
}

/// What somebody of a name does with a store, noted in its audit log.
pub(crate) async fn operator_called<'a>(
    name: &str,
    store: &'a Store,
    key_file: Option<&Path>,
) -> anyhow::Result<Operator<'a>> {
    Operator::of(store, key_file, name).await.map_err(|error| {
        let kind = if matches!(error, AuditKeyError::Store(_)) { Kind::Store } else { Kind::Data };
        failed(kind)(error)
    })
}

/// Who types, as the system has named them: whoever changed that can write to the store anyway.
pub(crate) fn own_name() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    named.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_default()
}

/// Whom somebody may see, as the options say.
pub(crate) fn scope(holder: &Holder) -> anyhow::Result<Scope> {
    let units = !holder.department.is_empty() || !holder.location.is_empty();
    Ok(match &holder.manager_id {
        Some(manager_id) if holder.role == Role::Manager => Scope::Reports { manager_id: manager_id.clone() },
        Some(_) => return Err(failed(Kind::Usage)("--manager-id is for --role manager only")),
        None if holder.role == Role::Manager => {
            return Err(failed(Kind::Usage)(
                "--role manager needs --manager-id: a manager sees those who report to this employee",
            ));
        }
        None if units => Scope::Units { departments: holder.department.clone(), locations: holder.location.clone() },
        None => Scope::All,
    })
}

/// A scope, for programs.
pub(crate) fn scope_json(scope: &Scope) -> serde_json::Value {
    match scope {
        Scope::All => serde_json::json!("everybody"),
        Scope::Units { departments, locations } => {
            serde_json::json!({"departments": departments, "locations": locations})
        }
        Scope::Reports { manager_id } => serde_json::json!({"manager_id": manager_id}),
    }
}

/// The day of a time (UTC).
pub(crate) fn date(micros: i64) -> String {
    let day = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok().and_then(Day::from_epoch_days);
    day.map_or_else(|| "-".to_owned(), |day| day.to_string())
}
