//! What the file says of employees: expressions, scope and mapping. Pure.

mod evaluate;
mod expression;
mod filters;
mod limits;
mod mapping;
mod ordering;
mod remarks;
mod results;
mod scope;
mod syntax;
mod vocabulary;

pub use evaluate::Facts;
pub use expression::{Evaluation, Expression, ExpressionError, Truth};
pub use filters::PHONE_DATA;
pub use mapping::{Desired, Mapping, MappingSource, OnEmpty, OnInvalid, Remark, When, convert};
pub use results::{Deferred, StepResult};
pub use scope::{Scope, scope, scope_as_written};
pub use vocabulary::{Tables, UnknownName, Variable, Vocabulary};
