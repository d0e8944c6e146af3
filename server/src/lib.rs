//! The gRPC server.
//!
//! `load_model` reads and verifies a model, `bind` takes a port, and [`App`] serves on it until it is told to stop:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let scorer = flight_risk_server::load_model(std::path::Path::new("models"))?;
//! let listener = flight_risk_server::bind(flight_risk_server::DEFAULT_ADDRESS).await?;
//! flight_risk_server::App::new(scorer).serve(listener, std::future::pending()).await?;
//! # Ok(()) }
//! ```

mod app;
mod connection;
mod grpc;
pub mod limits;
mod listen;
mod model;
#[cfg(test)]
mod tests;

pub use app::{App, ServeError};
pub use listen::{BindError, DEFAULT_ADDRESS, bind};
pub use model::{ModelLoadError, load_model};
