//! What simulated systems stand on: the exchange of a request for an answer, the company that is invented, and what
//! a user's file expects.
//!
//! Each system is a plain state machine ([`System`]), tested without sockets, in the folder of what it simulates. It
//! sees nothing of how the real one is read, so that the two can contradict each other.

mod exchange;
pub mod limit;
mod names;
pub mod people;
mod preparation;
mod system;

pub use exchange::{SandboxRequest, SandboxResponse};
pub use preparation::{Preparation, PreparedAttribute, PreparedField, PreparedTarget};
pub use system::System;

/// The only secret that the simulated systems accept: the client secret of Personio (with any client id), the
/// key of Freshservice.
pub const SECRET: &str = "sandbox-secret";

/// The client id to which the simulated Personio shows what the credential of Conversations may read, and no more.
pub const CONVERSATIONS_CLIENT: &str = "conversations";
