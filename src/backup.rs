//! `flight-risk backup`: a copy of a store while the server runs.

use std::process::ExitCode;

use anyhow::Context;
use flight_risk_server::store::{BackupError, backup};
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::Backup;
use crate::failure::{Kind, failed};

pub(crate) fn run(options: &Backup, output: Output) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the threads of the store")?;
    let bytes = runtime.block_on(backup(&options.store, &options.out)).map_err(|error| failed(kind(&error))(error))?;
    if output.json {
        println!("{}", serde_json::json!({"file": options.out, "bytes": bytes}));
    } else {
        println!("{}: {bytes} bytes, checked and on the disk", options.out.display());
        if !output.quiet {
            eprintln!("Keep the audit key with it ({}.key, unless the configuration says otherwise).", options.store);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn kind(error: &BackupError) -> Kind {
    match error {
        BackupError::Postgres => Kind::Usage,
        BackupError::Exists { .. } => Kind::Output,
        BackupError::Damaged(_) | BackupError::File { .. } | BackupError::Store(_) => Kind::Store,
    }
}
