//! From histories to an artifact: employee-periods, design, fit, calibration, evaluation.

mod additive;
mod assemble;
pub mod boost;
pub mod bulk;
mod calibration;
mod cholesky;
pub mod config;
mod covariance;
mod curves;
pub mod design;
pub mod directory;
mod duplicates;
pub mod evaluate;
pub mod fit;
pub mod folds;
pub mod guards;
mod job;
mod lead;
pub mod metrics;
mod monotone;
mod people;
mod periods;
pub mod pipeline;
pub mod report;
mod rules;
pub mod selection;
mod signal;
pub mod snapshots;
pub mod solver;
pub mod structure;
mod suspects;
pub mod table;
mod tail;
pub mod verdict;

pub use config::{TrainingConfig, TrainingPlan};
pub use pipeline::{TrainError, TrainOptions, train_flat, train_native};
