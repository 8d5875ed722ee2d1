//! Changes that several threads want at once, sent together.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::TargetError;

/// Gathers what threads want while one of them is sending, so that the next one sends it all.
///
/// A service that takes a group's whole membership at once, or twenty changes in one request, is asked once
/// for everybody who waits. Each still hears what came of its own change.
#[derive(Debug)]
pub(super) struct Coalescer<K, V> {
    waiting: Mutex<BTreeMap<K, V>>,
    outcomes: Mutex<BTreeMap<K, Result<(), TargetError>>>,
    turn: Mutex<()>,
}

impl<K, V> Default for Coalescer<K, V> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), outcomes: Mutex::default(), turn: Mutex::default() }
    }
}

impl<K: Ord + Clone, V> Coalescer<K, V> {
    /// Has one change carried out, together with those that others asked for meanwhile. A key is asked for by
    /// one thread at a time.
    ///
    /// `send` gives an outcome for each key; one without is taken as carried out.
    pub(super) fn submit(
        &self,
        key: K,
        value: V,
        send: impl FnOnce(&BTreeMap<K, V>) -> BTreeMap<K, Result<(), TargetError>>,
    ) -> Result<(), TargetError> {
        self.waiting.lock().insert(key.clone(), value);
        let _turn = self.turn.lock();
        let batch = std::mem::take(&mut *self.waiting.lock());
        if !batch.is_empty() {
            let mut found = send(&batch);
            self.outcomes.lock().extend(batch.into_keys().map(|key| {
                let outcome = found.remove(&key).unwrap_or(Ok(()));
                (key, outcome)
            }));
        }
        self.outcomes.lock().remove(&key).unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::targets::ErrorKind;

    #[test]
    fn those_who_wait_are_sent_together_and_each_hears_its_own_outcome() {
        let coalescer = Coalescer::default();
        let (first_is_sending, all_wait) = (Barrier::new(2), Barrier::new(2));
        let sent = AtomicUsize::new(0);
        let outcomes: Vec<bool> = std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                coalescer.submit(0, (), |batch| {
                    assert_eq!(batch.len(), 1);
                    first_is_sending.wait();
                    all_wait.wait();
                    BTreeMap::new()
                })
            });
            first_is_sending.wait();
            let others: Vec<_> = (1..4)
                .map(|key| {
                    let (coalescer, sent) = (&coalescer, &sent);
                    scope.spawn(move || {
                        coalescer.submit(key, (), |batch| {
                            sent.fetch_add(1, Ordering::SeqCst);
                            let refused = || Err(TargetError::new(ErrorKind::Refused, "no"));
                            batch.keys().map(|key| (*key, if *key == 2 { refused() } else { Ok(()) })).collect()
                        })
                    })
                })
                .collect();
            while coalescer.waiting.lock().len() < 3 {
                std::thread::yield_now();
            }
            all_wait.wait();
            std::iter::once(first).chain(others).map(|thread| thread.join().unwrap().is_ok()).collect()
        });
        assert_eq!(outcomes, [true, true, false, true]);
        assert_eq!(sent.into_inner(), 1);
        assert!(coalescer.outcomes.lock().is_empty());
    }
}
