//! What is wrong with the input is said in words, with a documented exit code, and nothing is half-written.
