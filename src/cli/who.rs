//! Who runs this process.

use std::sync::LazyLock;

use crate::state::Who;

/// The user as the operating system knows them, whatever the environment says, and the machine.
pub(super) fn this_process() -> Who {
    static WHO: LazyLock<Who> = LazyLock::new(|| Who {
        user: whoami::username().unwrap_or_else(|_| "an unknown user".into()).into(),
        host: whoami::hostname().unwrap_or_else(|_| "this machine".into()).into(),
    });
    WHO.clone()
}
