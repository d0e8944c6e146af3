//! Sample companies whose true hazard is known.
