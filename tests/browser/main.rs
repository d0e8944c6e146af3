//! The console as people meet it: a real browser (Debian's chromium and chromium-driver) opens pages of a real server.
//!
//! A target of its own, because it needs a browser and crates that nothing else needs. Every test has a server, a store and a
//! browser to itself, so that none sees what another did; the company and its scores are made once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, and its message is the report"
)]

mod accessibility;
mod at_risk;
mod browser;
mod company;
mod driver;
mod hostile;
mod hot_spots;
mod keyboard;
mod oidc;
mod pages;
mod payloads;
mod person;
mod roles;
mod screenshots;
#[path = "../support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "these fixtures are shared with the other test target, which needs more of them"
)]
mod support;
