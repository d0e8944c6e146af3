//! The whole system from outside: the command as a process, the server over a socket, and what must hold of the repository.
//!
//! One binary, so that it is linked once. The fixtures in [`support`] are made once per run and shared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, and its message is the report"
)]

mod access;
mod backtest;
mod bad_input;
mod buf;
mod example_clients;
mod grpc;
mod node_client;
mod operating;
mod parity;
mod properties;
mod python_client;
mod real_data;
mod support;
mod tidy;
#[cfg(feature = "otlp")]
mod traces;
mod users;
