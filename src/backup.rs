//! `flight-risk backup`: a copy of a store while the server runs.

use std::process::ExitCode;

use anyhow::Context;
use flight_risk_server::audit::AuditKeyError;
use flight_risk_server::operator::back_up;
use flight_risk_server::store::BackupError;
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::Backup;
use crate::failure::{Kind, failed};
use crate::holder;

pub(crate) fn run(options: &Backup, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    let name = holder::own_name();
    let copied = back_up(&options.store, options.key_file.as_deref(), &name, &options.out);
    let bytes = runtime.block_on(copied).map_err(|error| failed(kind(&error))(error))?;
    if output.json {
        println!("{}", serde_json::json!({"file": options.out, "bytes": bytes}));
    } else {
        println!("{}: {bytes} bytes, checked and on the disk", options.out.display());
        if !output.quiet {
            let beside = || format!("{}.key", options.store);
            let key = options.key_file.as_ref().map_or_else(beside, |file| file.display().to_string());
            eprintln!("Keep the audit key with it ({key}).");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn kind(error: &BackupError) -> Kind {
    match error {
        BackupError::Postgres => Kind::Usage,
        BackupError::Exists { .. } | BackupError::NoFolder { .. } => Kind::Output,
        BackupError::AuditKey(AuditKeyError::Store(_)) => Kind::Store,
        BackupError::AuditKey(_) => Kind::Data,
        BackupError::Damaged(_) | BackupError::File { .. } | BackupError::Store(_) => Kind::Store,
    }
}
