//! `flight-risk audit`: whether the audit log is as it was written, and what it tells.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use flight_risk_scoring::Day;
use flight_risk_server::audit::{AuditError, Expected, Listed, Wanted, list, verify};
use flight_risk_server::store::Store;
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::{Audit, AuditCommand, AuditList, AuditVerify};
use crate::failure::{Kind, failed};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

pub(crate) fn run(options: &Audit, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    let (AuditCommand::Verify(AuditVerify { store, .. }) | AuditCommand::List(AuditList { store, .. })) =
        &options.command;
    runtime.block_on(async {
        let opened = Store::open_existing(&store.store).await.map_err(failed(Kind::Store))?;
        let done = match &options.command {
            AuditCommand::Verify(wanted) => verified(&opened, wanted, output).await,
            AuditCommand::List(wanted) => listed(&opened, wanted, output).await,
        };
        opened.close().await;
        done
    })
}

fn kind(error: &AuditError) -> Kind {
    match error {
        AuditError::Key(_) => Kind::Data,
        AuditError::NoHash(_) => Kind::Usage,
        AuditError::Store(_) => Kind::Store,
    }
}

async fn verified(store: &Store, options: &AuditVerify, output: Output) -> anyhow::Result<ExitCode> {
    let expected = Expected { count: options.expect_count, last: options.expect_last.clone() };
    let found = verify(store, options.store.key_file.as_deref(), &expected)
        .await
        .map_err(|error| failed(kind(&error))(error))?
        .map_err(|finding| failed(Kind::AuditLog)(format!("the audit log was altered: {finding}")))?;
    let mut out = std::io::stdout().lock();
    if output.json {
        writeln!(out, "{}", serde_json::json!({"records": found.count, "last_hash": found.last}))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "ok: {} records, each as it was written and in its place", found.count)?;
    if found.count > 0 {
        writeln!(out, "Note for your next visit: --expect-count {} --expect-last {}", found.count, found.last)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn listed(store: &Store, options: &AuditList, output: Output) -> anyhow::Result<ExitCode> {
    let wanted = Wanted { employee: options.employee.clone(), since: options.since.map(midnight) };
    let mut out = std::io::stdout().lock();
    let show = |listed: Listed| {
        if output.json {
            writeln!(out, "{}", as_json(&listed))
        } else {
            let Listed { seq, actor, role, method, employees, purpose, decision, .. } = &listed;
            let method = method.strip_prefix("flightrisk.v1.").unwrap_or(method);
            let time = time(listed.at);
            writeln!(out, "{seq}  {time}  {decision}  {actor} ({role})  {method}  {employees} employees  {purpose:?}")
        }
    };
    list(store, options.store.key_file.as_deref(), &wanted, show)
        .await
        .map_err(|error| failed(kind(&error))(error))??;
    Ok(ExitCode::SUCCESS)
}

fn as_json(listed: &Listed) -> serde_json::Value {
    serde_json::json!({
        "seq": listed.seq, "time": time(listed.at), "actor": listed.actor, "role": listed.role, "method": listed.method,
        "employees": listed.employees, "purpose": listed.purpose, "model_version": listed.model_version,
        "decision": listed.decision, "hash": listed.hash,
    })
}

/// The first moment of a day (UTC), in microseconds since 1970.
fn midnight(day: Day) -> i64 {
    i64::from(day.epoch_days()) * SECONDS_PER_DAY * MICROS_PER_SECOND
}

/// A time as RFC 3339 writes it, in seconds (UTC).
fn time(micros: i64) -> String {
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let (days, within) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
    let day = i32::try_from(days).ok().and_then(Day::from_epoch_days);
    let day = day.map_or("-".to_owned(), |day| day.to_string());
    format!("{day}T{:02}:{:02}:{:02}Z", within / 3600, within / 60 % 60, within % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_and_days_begin_at_midnight() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_700_000_000_999_999), "2023-11-14T22:13:20Z");
        assert_eq!(time(-1), "1969-12-31T23:59:59Z");
        let day: Option<Day> = "2023-11-14".parse().ok();
        assert_eq!(day.map(|day| time(midnight(day))).as_deref(), Some("2023-11-14T00:00:00Z"));
    }
}
