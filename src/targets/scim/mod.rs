//! Any SCIM 2.0 service.
