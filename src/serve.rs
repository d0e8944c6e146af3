//! `flight-risk serve`: gRPC until Ctrl-C or SIGTERM.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use flight_risk_server::config::{self, ServerConfig};
use flight_risk_server::store::Store;
use flight_risk_server::{App, ModelFolder, ServeError, bind, bind_console, logging};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::Output;
use crate::cli::Serve;
use crate::failure::{Kind, failed};

pub(crate) fn run(options: &Serve, output: Output) -> anyhow::Result<ExitCode> {
    if options.print_config {
        print!("{}", config::DEFAULT_FILE);
        return Ok(ExitCode::SUCCESS);
    }
    let config = config(options)?;
    if options.check_config {
        if !output.quiet {
            println!("ok");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(folder) = &options.models else { return Err(failed(Kind::Usage)("--models is needed")) };
    let models = models(folder)?;
    let encrypted = if config.tls.is_some() { "TLS" } else { "no TLS: this machine only" };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    Port::take(&config)?.serve(models, config, |served| {
        if output.json {
            println!("{}", served.as_json());
            return;
        }
        let Served { address, console, version } = served;
        println!("Serving model {version} on {address} (gRPC, {encrypted}) until Ctrl-C");
        if let Some(console) = console {
            println!("Console: {scheme}://{console}");
        }
    })
}

/// The models of a folder.
pub(crate) fn models(path: &Path) -> anyhow::Result<ModelFolder> {
    ModelFolder::open(path).map_err(failed(Kind::Model))
}

/// The configuration of the file, with what the command line says instead.
fn config(options: &Serve) -> anyhow::Result<ServerConfig> {
    ServerConfig::load(options.config.as_deref(), |config| {
        if let Some(address) = options.address {
            config.listen.address = address;
        }
        if let Some(console) = options.console {
            config.console.address = console;
        }
        if options.no_console {
            config.console.enabled = false;
        }
        if let Some(url) = &options.store {
            config.store.url.clone_from(url);
        }
    })
    .map_err(failed(Kind::Data))
}

/// What is served, and where.
pub(crate) struct Served<'a> {
    /// Where gRPC is.
    pub(crate) address: SocketAddr,
    /// Where the console is, if there is one.
    pub(crate) console: Option<SocketAddr>,
    /// The model that scores.
    pub(crate) version: &'a str,
}

impl Served<'_> {
    /// For programs.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let console = self.console.map(|console| console.to_string());
        serde_json::json!({"address": self.address.to_string(), "console": console, "model_version": self.version})
    }
}

/// Ports that nobody else can take any more, and the threads that will serve on them.
pub(crate) struct Port {
    runtime: Runtime,
    listener: TcpListener,
    console: Option<TcpListener>,
}

impl Port {
    /// Takes the ports of gRPC and of the console.
    pub(crate) fn take(config: &ServerConfig) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("cannot start the threads of the server")?;
        let listener = runtime.block_on(bind(config)).map_err(failed(Kind::Address))?;
        let console = runtime.block_on(bind_console(config)).map_err(failed(Kind::Address))?;
        Ok(Self { runtime, listener, console })
    }

    /// Runs something on the threads of the server, before it serves.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Serves until told to stop; `started` is called once with what is served and where.
    pub(crate) fn serve(
        self,
        models: ModelFolder,
        config: ServerConfig,
        started: impl FnOnce(&Served<'_>),
    ) -> anyhow::Result<ExitCode> {
        self.runtime.block_on(async move {
            let _log = logging::start(&config.log, &config.traces).map_err(failed(Kind::Data))?;
            let taken_away = "the port was taken away";
            let address = self.listener.local_addr().context(taken_away)?;
            let console = self.console.as_ref().map(TcpListener::local_addr).transpose().context(taken_away)?;
            // Before anybody is told the address: who knows it may stop the server at once, and that must end it well.
            let stopped = stopped()?;
            let store = Store::open(&config.store.url).await.map_err(failed(Kind::Store))?;
            let app = App::open(models, store, config).await.map_err(|error| match error {
                ServeError::Models(_) | ServeError::Model(_) => failed(Kind::Model)(error),
                ServeError::Store(_) => failed(Kind::Store)(error),
                _ => failed(Kind::Data)(error),
            })?;
            started(&Served { address, console, version: &app.model_version() });
            app.with_console(self.console).serve(self.listener, stopped).await.map_err(failed(Kind::Address))?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// Ends on Ctrl-C and on SIGTERM; heeds them from the call on, not only once awaited.
#[cfg(unix)]
fn stopped() -> anyhow::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot heed Ctrl-C")?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot heed SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Ends on Ctrl-C.
#[cfg(not(unix))]
fn stopped() -> anyhow::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
