//! Carries out the steps of workflows: each once, in order, and after looking where something is made.

use std::collections::{BTreeMap, BTreeSet};

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::http::{Exchange, record};
use crate::plan::{Op, Outcome, TargetPlan, WorkflowStep};
use crate::targets::{ErrorKind, RunWorkflows, TargetError};

use super::writing::{Begun, Intent, JobOutcome, Run};

/// An employee's event in one workflow: its steps follow each other.
type Chain = (Box<str>, EmployeeId, Box<str>);

impl Run<'_> {
    /// One after the other: few are due at a time, and what one makes may be looked for by the next.
    pub(super) fn requests(&self, plan: &mut TargetPlan) {
        let mut broken: BTreeSet<Chain> = BTreeSet::new();
        let mut results: BTreeMap<Chain, BTreeMap<usize, Option<Box<str>>>> = BTreeMap::new();
        for position in 0..plan.changes.len() {
            let change = &plan.changes[position];
            let Some(request) = change.request.clone().filter(|_| change.op == Op::Request) else { continue };
            let chain = (request.workflow.clone(), request.employee, request.event.clone());
            if change.outcome.is_some() {
                broken.insert(chain);
                continue;
            }
            if broken.contains(&chain) {
                let error = "an earlier step of the workflow was not carried out".to_owned();
                plan.changes[position].outcome = Some(Outcome::NotAttempted { error });
                continue;
            }
            let mut request = *request;
            for (step, id) in results.entry(chain.clone()).or_default() {
                if let Some(known) = request.results.get_mut(*step) {
                    known.clone_from(id);
                }
            }
            let account = change.account.clone().or_else(|| self.made_for(request.employee));
            let intent = Intent {
                from: None,
                op: Op::Request,
                employee: Some(request.employee),
                account: account.clone(),
                fields: change.fields.clone(),
            };
            let (outcome, id) = self.request(&request, &intent, account.as_ref());
            if outcome.outcome == Outcome::Succeeded {
                results.entry(chain).or_default().insert(request.step, id);
            } else {
                broken.insert(chain);
            }
            self.keep_exchanges(position, outcome.exchanges);
            let change = &mut plan.changes[position];
            change.account = account;
            change.outcome = Some(outcome.outcome);
            self.options.progress.advance(1);
        }
    }

    fn request(
        &self,
        request: &WorkflowStep,
        intent: &Intent,
        account: Option<&AccountId>,
    ) -> (JobOutcome, Option<Box<str>>) {
        let without = |outcome| JobOutcome { account: None, outcome, exchanges: Vec::new(), open: false, found: false };
        if let Some(error) = self.halted() {
            return (without(Outcome::NotAttempted { error }), None);
        }
        let begun = self
            .options
            .journal
            .begin(std::slice::from_ref(intent))
            .and_then(|numbers| Ok((numbers, self.options.journal.open_once(request)?)));
        let (numbers, begun) = match begun {
            Ok(recorded) => recorded,
            Err(error) => return (without(Outcome::NotAttempted { error: self.journal_failed(&error) }), None),
        };
        let (result, exchanges) = record(|| self.once(request, account, begun));
        self.count_tasks(exchanges.len());
        let (outcome, id) = match result {
            Ok(id) => {
                self.note_success();
                let kept = self.options.journal.close_once(request, id.as_deref());
                if let Err(error) = kept {
                    self.journal_failed(&error);
                }
                let done =
                    JobOutcome { account: None, outcome: Outcome::Succeeded, exchanges, open: false, found: false };
                (done, id)
            }
            Err(error) => {
                let interrupted = error.kind == ErrorKind::Interrupted;
                if !interrupted {
                    self.note_failure(&error);
                }
                let open = error.kind == ErrorKind::Unsettled
                    || (interrupted && exchanges.iter().any(Exchange::may_have_written));
                // What nobody can tell stays open, and the next run looks before it sends.
                if !open && let Err(error) = self.options.journal.release_once(request) {
                    self.journal_failed(&error);
                }
                let outcome = if interrupted && !open {
                    Outcome::NotAttempted { error: error.message }
                } else {
                    Outcome::Failed { code: error.kind.code(), error: error.message }
                };
                (JobOutcome { account: None, outcome, exchanges, open, found: false }, None)
            }
        };
        for number in numbers {
            self.options.journal.finish(number, intent, &outcome);
        }
        (outcome, id)
    }

    /// Looks first where a second one could not be taken back, and again when an answer was lost.
    fn once(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
        begun: Begun,
    ) -> Result<Option<Box<str>>, TargetError> {
        let Some(target): Option<&dyn RunWorkflows> = self.target.writer().workflows() else {
            return Err(TargetError::new(ErrorKind::Refused, "this target has no workflows"));
        };
        let look = || {
            target.find_made(request, account, begun.at).map_err(|error| match error.kind {
                // A search that fails must not set the request free: it may have been made before.
                _ if !begun.fresh => TargetError { kind: ErrorKind::Unsettled, ..error },
                _ => error,
            })
        };
        if request.action.makes()
            && (!begun.fresh || request.action.is_irrevocable())
            && let Some(id) = look()?
        {
            return Ok(Some(id));
        }
        match target.perform(request, account) {
            Err(lost) if lost.kind == ErrorKind::Unsettled && request.action.makes() => {
                match target.find_made(request, account, begun.at) {
                    Ok(Some(id)) => Ok(Some(id)),
                    Ok(None) | Err(_) => Err(lost),
                }
            }
            other => other,
        }
    }
}
