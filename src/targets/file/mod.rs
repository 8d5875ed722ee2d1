//! A file as a target: CSV, JSON or XLSX.
