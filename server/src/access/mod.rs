//! Who may ask what, and what of the answer they may see. Deny by default.

pub mod caller;
pub(crate) mod door;
pub(crate) mod fields;
pub mod keys;
pub(crate) mod policy;
pub(crate) mod refusal;
pub(crate) mod scope;
