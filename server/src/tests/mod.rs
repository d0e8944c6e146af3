//! The server as a client meets it: over a real loopback socket, with the generated clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod access;
mod access_tls;
mod access_tokens;
mod accounts;
mod actions;
mod api;
pub(crate) mod databases;
mod descriptors;
mod encoding;
mod endings;
mod every_call;
mod fixture;
mod holders;
mod hostile;
mod insight;
mod insight_kept;
mod insight_months;
mod insight_scale;
mod leavers;
mod list_speed;
mod model_files;
mod models;
mod oidc;
mod operations;
mod operator;
mod outcomes;
mod pages;
mod privacy;
mod raw_calls;
mod recorded_calls;
mod recording;
mod reference;
mod risk;
mod risk_access;
mod risk_beside;
mod risk_paging;
mod risk_sums;
mod risk_watch;
mod scoring;
mod services;
mod signer;
mod store;
mod upkeep;
mod what_if;
