//! From histories to an artifact: employee-periods, design, fit, calibration, evaluation.

mod assemble;
pub mod bulk;
mod cholesky;
pub mod config;
mod covariance;
pub mod design;
pub mod directory;
pub mod evaluate;
pub mod fit;
pub mod folds;
mod lead;
pub mod metrics;
pub mod pipeline;
pub mod report;
pub mod snapshots;
pub mod solver;
pub mod table;
mod tail;

pub use config::{TrainingConfig, TrainingPlan};
pub use pipeline::{TrainError, train_flat, train_native};
