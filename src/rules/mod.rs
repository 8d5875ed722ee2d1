//! What the file says of employees: expressions, scope and mapping.
