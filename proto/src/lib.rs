//! The protobuf API and the code generated from it.
