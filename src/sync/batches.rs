//! Sends several changes at once, where the target takes them so.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::http::{Exchange, record};
use crate::plan::Op;
use crate::targets::{Write, Written};

use super::apply::{JobOutcome, Run, Step};

/// What a batch brought for one change.
pub(super) struct Sent {
    pub(super) written: Written,
    /// The requests of the whole batch.
    pub(super) exchanges: Vec<Exchange>,
}

impl Step {
    /// The change in the form of batches, where there is one.
    fn write(&self) -> Option<Write<'_>> {
        match (self.intent.op, &self.intent.account) {
            (Op::Create, _) => Some(Write::Create { employee: self.intent.employee?, fields: &self.intent.fields }),
            (Op::Update, Some(account)) if !self.intent.fields.is_empty() => {
                Some(Write::Update { account, changes: &self.intent.fields })
            }
            (Op::Reactivate, Some(account)) => Some(Write::Reactivate { account }),
            (Op::Deactivate, Some(account)) => Some(Write::Deactivate { account }),
            _ => None,
        }
    }
}

impl Run<'_> {
    /// Sends what may go together, one batch after the other. Returns the places of the steps that go alone.
    ///
    /// A target that refuses a whole batch has refused so many changes in a row: there may be no second one.
    pub(super) fn together(&self, steps: &[Step], done: impl Fn(usize, JobOutcome) + Sync) -> Vec<usize> {
        let Some(batches) = self.target.writer().batches() else { return (0..steps.len()).collect() };
        let (mut open, mut alone): (Vec<usize>, Vec<usize>) =
            (0..steps.len()).partition(|place| steps[*place].write().is_some_and(|write| batches.takes(&write)));
        while open.len() > 1 && self.halted().is_none() && batches.most() > 1 {
            let size = batches.most().min(open.len());
            let writes: Vec<Write<'_>> = open[..size].iter().filter_map(|place| steps[*place].write()).collect();
            let (mut results, exchanges) = record(|| batches.write(&writes));
            self.count_tasks(exchanges.len());
            results.truncate(size);
            if results.is_empty() {
                alone.extend(open.drain(..size));
                continue;
            }
            let sent: Vec<(usize, Mutex<Option<Sent>>)> = open
                .drain(..results.len())
                .zip(results)
                .map(|(place, written)| (place, Mutex::new(Some(Sent { written, exchanges: exchanges.clone() }))))
                .collect();
            self.each(&sent, |(place, sent)| {
                let sent = sent.lock().expect("no panic while held").take();
                done(*place, self.step(&steps[*place], sent));
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
