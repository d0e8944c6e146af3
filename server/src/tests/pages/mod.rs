//! The console's pages as plain HTTP, without a socket: what a browser that runs no scripts would get.

pub(super) mod visitor;

mod at_risk;
mod model;
mod signing_in;
