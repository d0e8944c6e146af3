//! HR tables in, validated histories out; the generator of sample companies.
