//! Freshservice requesters (API v2).
