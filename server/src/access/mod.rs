//! Who may ask what, and what of the answer they may see. Deny by default.

pub mod caller;
mod claims;
pub(crate) mod door;
pub(crate) mod fields;
pub mod jwks;
pub mod keys;
pub mod password;
pub(crate) mod policy;
pub(crate) mod refusal;
pub(crate) mod scope;
pub(crate) mod tokens;
pub mod users;
pub(crate) mod web;
