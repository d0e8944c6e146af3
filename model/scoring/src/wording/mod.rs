//! A model in words: how good it proved, how far it may be used, what it is for and what it cannot know.
//!
//! Pure functions of the artifact, so that the report beside a model, the API and the console say the same of it.

pub mod guards;
pub mod numbers;
pub mod periods;
pub mod statements;
pub mod summary;
pub mod verdict;
