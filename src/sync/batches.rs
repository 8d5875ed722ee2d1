//! Sends several changes at once, where the target takes them so.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::http::record;
use crate::plan::Op;
use crate::targets::{ErrorKind, Write, Written};

use super::writing::{JobOutcome, Run, Sent, Step};

impl Step {
    /// The change in the form of batches, where there is one.
    fn write(&self) -> Option<Write<'_>> {
        match (self.intent.op, &self.intent.account) {
            (Op::Create, _) => Some(Write::Create { employee: self.intent.employee?, fields: &self.intent.fields }),
            (Op::Update | Op::Handover, Some(account)) if !self.brings_back && !self.intent.fields.is_empty() => {
                Some(Write::Update { account, changes: &self.intent.fields })
            }
            (Op::Reactivate | Op::Handover, Some(account)) if self.brings_back => Some(Write::Reactivate { account }),
            (Op::Deactivate, Some(account)) => Some(Write::Deactivate { account }),
            _ => None,
        }
    }
}

impl Run<'_> {
    /// Sends what may go together, one batch after the other. Returns the places of the steps that go alone.
    ///
    /// Changes that are refused count one by one. A request that fails as a whole, with all that it held, is one failure.
    pub(super) fn together(&self, steps: &[Step], done: impl Fn(usize, JobOutcome) + Sync) -> Vec<usize> {
        let Some(batches) = self.target.writer().batches() else { return (0..steps.len()).collect() };
        let (mut open, mut alone): (Vec<usize>, Vec<usize>) =
            (0..steps.len()).partition(|position| steps[*position].write().is_some_and(|write| batches.takes(&write)));
        while open.len() > 1 && batches.most() > 1 && self.may_not_send().is_none() {
            let size = batches.most().min(open.len());
            let writes: Vec<Write<'_>> = open[..size].iter().filter_map(|position| steps[*position].write()).collect();
            let (mut results, exchanges) = record(|| batches.write(&writes));
            self.count_tasks(exchanges.len());
            results.truncate(size);
            if results.is_empty() {
                alone.extend(open.drain(..size));
                continue;
            }
            let as_one = failed_as_one(&results);
            let sent: Vec<(usize, Mutex<Option<Sent>>)> = open
                .drain(..results.len())
                .zip(results)
                .enumerate()
                .map(|(number, (position, written))| {
                    let counts = number == 0 || !as_one;
                    // The answer to the batch says nothing of its parts.
                    let refused = was_refused(&written);
                    let mut exchanges = exchanges.clone();
                    exchanges.iter_mut().for_each(|exchange| exchange.refused |= refused);
                    (position, Mutex::new(Some(Sent { written, counts, exchanges })))
                })
                .collect();
            self.each(&sent, |(position, sent)| {
                let sent = sent.lock().take();
                done(*position, self.step(&steps[*position], sent));
            });
        }
        alone.append(&mut open);
        alone.sort_unstable();
        alone
    }

    /// Does something for each, several at once.
    pub(super) fn each<T: Sync>(&self, things: &[T], act: impl Fn(&T) + Sync) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.options.workers.min(things.len()) {
                scope.spawn(|| {
                    while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
                        act(thing);
                    }
                });
            }
        });
    }
}

/// Whether a part was refused as a whole, so that nothing of it was done.
fn was_refused(written: &Written) -> bool {
    let is_refusal = |status: u16| (400..500).contains(&status);
    matches!(written, Err(error) if error.fields.is_empty() && error.status.is_some_and(is_refusal))
}

/// Whether the same trouble befell all of a batch: no answer, or one that is no answer to any of the changes.
fn failed_as_one(results: &[Written]) -> bool {
    let trouble = |result: &Written| match result {
        Err(error) if matches!(error.kind, ErrorKind::Unsettled | ErrorKind::Unavailable | ErrorKind::Busy) => {
            Some(error.clone())
        }
        _ => None,
    };
    let first = results.first().and_then(trouble);
    first.is_some() && results.iter().all(|result| trouble(result) == first)
}
