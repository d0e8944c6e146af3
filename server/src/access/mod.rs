//! Who may ask what, and what of the answer they may see. Deny by default.

pub mod caller;
pub(crate) mod fields;
pub(crate) mod policy;
pub(crate) mod scope;
