//! Simulated systems on loopback: they remember, and they misbehave on demand.
