//! From histories to an artifact: snapshots, design, fit, evaluation.
