//! Any service that speaks SCIM 2.0 (RFC 7643, 7644, 9865).
mod deviations;
mod discovery;
mod errors;
mod fields;
mod filter;
mod patch;
mod path;
mod requests;
mod wire;
