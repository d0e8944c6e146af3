//! What training and serving share: an employee's history, the features computed from it, the encoder, the logistic model,
//! its explanation and the artifact that carries all of it.
//!
//! The crate is small on purpose: a server links it without linking anything that trains.

pub mod artifact;
mod assessment;
pub mod company;
pub mod date;
pub mod effects;
pub mod encoding;
pub mod explain;
pub mod features;
pub mod history;
pub mod metrics;
pub mod pair;
pub mod probability;
pub mod rules;
pub mod schema;
pub mod scorer;
mod sparse;
pub mod survey;
pub mod what_if;
pub mod wording;

pub use artifact::{Artifact, ArtifactContent};
pub use company::{Company, TeamContext, TeamsOnDay};
pub use date::Day;
pub use history::{EmployeeHistory, EmployeeId};
pub use probability::{LogOdds, Probability};
pub use scorer::{Assessment, Scorer};
