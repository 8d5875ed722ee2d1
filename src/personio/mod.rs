//! The source: employees as Personio delivers them.
