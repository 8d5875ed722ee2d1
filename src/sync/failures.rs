//! What trouble with the source, a target or the state means for the exit status.

use crate::exit::{Failure, Reason};
use crate::personio::{SourceError, SourceErrorKind};
use crate::state::StateError;
use crate::targets::{ErrorKind, TargetError};

use super::prepared::PrepareError;

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let reason = match error.kind {
            SourceErrorKind::SignIn | SourceErrorKind::Rights => Reason::Refused,
            SourceErrorKind::Unavailable => Reason::Unavailable,
            SourceErrorKind::TooLong | SourceErrorKind::Unexpected => Reason::SourceUnproven,
        };
        Self::new(reason, format!("failed to read Personio: {error}"))
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        let message = error.to_string();
        match error {
            PrepareError::Source(error) => error.into(),
            PrepareError::EmptySource | PrepareError::NobodyHasAnId(_) => Self::new(Reason::SourceUnproven, message),
            PrepareError::UnknownEmployee(_) => Self::new(Reason::Usage, message),
            PrepareError::State(error) => {
                let reason = error.downcast_ref().map_or(Reason::Internal, state_reason);
                Self::new(reason, message)
            }
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::new(state_reason(&error), error.to_string())
    }
}

/// What trouble with a target means for the exit status.
pub fn target_reason(error: &TargetError) -> Reason {
    match error.kind {
        ErrorKind::SignIn | ErrorKind::Rights => Reason::Refused,
        _ => Reason::Unavailable,
    }
}

/// What trouble with the state means for the exit status.
pub fn state_reason(error: &StateError) -> Reason {
    match error {
        error if error.is_out_of_reach() => Reason::Unavailable,
        StateError::Newer { .. } | StateError::Foreign { .. } | StateError::Pooled { .. } => Reason::Usage,
        _ => Reason::Internal,
    }
}
