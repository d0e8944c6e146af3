//! The console's pages as plain HTTP, without a socket: what a browser that runs no scripts would get.

pub(super) mod visitor;

mod actions;
mod at_risk;
mod audit;
mod exits;
mod hot_spots;
mod model;
mod person;
mod privacy;
mod signing_in;
mod speed;
