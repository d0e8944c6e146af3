//! Actions as a list, one of them, and what came of them.
