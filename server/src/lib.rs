//! The gRPC server.
//!
//! A [`ModelFolder`] holds the models, `bind` takes a port, and [`App`] serves on it until it is told to stop:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let models = flight_risk_server::ModelFolder::open(std::path::Path::new("models"))?;
//! let config = flight_risk_server::config::ServerConfig::default();
//! let store = flight_risk_server::store::Store::open(&config.store.url).await?;
//! let listener = flight_risk_server::bind(&config).await?;
//! flight_risk_server::App::open(models, store, config).await?.serve(listener, std::future::pending()).await?;
//! # Ok(()) }
//! ```

pub mod access;
mod app;
pub mod audit;
mod clock;
pub mod config;
mod connection;
mod console;
mod core;
mod gate;
mod grpc;
mod health;
mod insight;
mod interval;
pub mod limits;
mod listen;
pub mod logging;
mod models;
pub mod operator;
mod outcomes;
pub mod playbook;
mod privacy;
mod random;
mod sealed;
pub mod store;
mod telemetry;
#[cfg(test)]
mod tests;
pub mod tls;
mod transport;
mod turn;
mod upkeep;

pub use app::{App, ServeError};
pub use listen::{BindError, DEFAULT_ADDRESS, DEFAULT_CONSOLE_ADDRESS, bind, bind_console};
pub use models::{ModelFolder, ModelLoadError, TrialError, load_model};
