//! The gRPC services, each with the conversions that it needs.

mod convert_features;
mod convert_history;
mod convert_score;
mod model;
mod request_id;
pub(crate) mod scoring;
pub(crate) mod status;
mod stream;
mod violations;

pub(crate) use model::ModelApi;
pub(crate) use scoring::ScoringApi;
