//! The gRPC services, each with the conversions that it needs.

mod actions;
mod convert_features;
pub(crate) mod convert_history;
mod convert_judgement;
mod convert_model;
mod convert_org;
pub(crate) mod convert_score;
pub(crate) mod encode_score;
pub(crate) mod filter;
mod filter_fields;
mod filter_text;
mod insight;
mod model;
pub(crate) mod once;
pub(crate) mod page_token;
mod privacy;
mod release;
mod request_id;
mod risk;
pub(crate) mod score_row;
pub(crate) mod scoring;
pub(crate) mod status;
mod stream;
pub(crate) mod violations;
mod what_if;

pub(crate) use actions::ActionApi;
pub(crate) use insight::{InsightApi, InsightShared};
pub(crate) use model::ModelApi;
pub(crate) use privacy::PrivacyApi;
pub(crate) use risk::{Left, RiskApi};
pub(crate) use scoring::ScoringApi;
