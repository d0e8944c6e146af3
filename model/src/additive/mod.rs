//! The additive model: straight lines, curves, levels, unknown values and pairs in log-odds, each block of coefficients with a
//! penalty of its own that the data choose.
//!
//! Covariates are discretised (Wood, Li, Shaddick & Augustin 2017; Li & Wood 2020): every feature has a few dozen bins, and X'WX
//! is put together from tables of summed weights, one per pair of features, so that a pass costs one addition per row and pair of
//! features however many columns a curve has. With few rows beside bins and columns one matrix product is faster, and is taken
//! instead. Penalties maximise the approximate marginal likelihood by the generalised Fellner-Schall update (Wood & Fasiolo
//! 2017): a block without signal is shrunken away by itself.

pub(crate) mod basis;
pub(crate) mod evidence;
pub(crate) mod gram;
pub(crate) mod inverse;
pub(crate) mod newton;

pub(crate) use basis::{Variable, VariableKind};
pub(crate) use newton::{Penalised, Start, fit};
