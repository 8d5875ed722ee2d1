//! Any service that speaks SCIM 2.0 (RFC 7643, 7644, 9865).
mod fields;
mod filter;
mod path;
mod wire;
