//! How far reading has come, for whoever draws it.

/// Told of how far reading has come. Implementations draw a bar or stay silent.
pub trait Progress: Sync {
    /// The number of steps is known now (or known better).
    fn expect(&self, total: u64);
    /// So many more steps are done.
    fn advance(&self, steps: u64);
}

/// Draws nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn expect(&self, _total: u64) {}
    fn advance(&self, _steps: u64) {}
}

/// Draws what is being read.
pub trait ReadProgress: Sync {
    /// A bar for one system.
    fn reading(&self, what: &str) -> Box<dyn Progress + '_>;
}

/// Draws what is being read and written.
pub trait RunProgress: ReadProgress {
    /// A bar for so many changes to a target.
    fn writing(&self, target: &str, total: usize) -> Box<dyn Progress + '_>;
}
