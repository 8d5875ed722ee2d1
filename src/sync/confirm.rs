//! Keeps that people did what a plan asks of them.

use crate::exit::Failure;
use crate::notify::{Observed, Topic};
use crate::plan::Outcome;
use crate::state::RunEnd;

use super::job_records::jobs;
use super::memory::{CONFIRMED, WholeRun};
use super::prepared::Prepared;
use super::run::Inputs;

impl Inputs<'_, '_> {
    /// Stores in one step that the changes of the only target are done, and keeps the run in the history. `whole`: nothing
    /// of it is left open.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn confirm(&self, prepared: &mut Prepared<'_>, exit_code: u8, whole: bool) -> Result<(), Failure> {
        let memory = self.memory;
        let run = memory.start(self.today, &[&*prepared.plan.targets[0].name])?;
        let target = &prepared.targets[0];
        let open = target.open.as_ref().expect("a target that is ready is open");
        let plan = &mut prepared.plan.targets[0];
        memory.take_approvals(plan, target, run)?;
        plan.changes.retain(|change| change.hold.is_none());
        let mut done = open.confirmed.clone();
        for change in &mut plan.changes {
            done.accept(change);
        }
        memory.state.bind(&target.settings.plan.name, &target.settings.target.identity())?;
        memory.state.confirm(CONFIRMED, &target.settings.plan.name, &done.text(), memory.now())?;
        for change in &mut plan.changes {
            change.outcome = Some(Outcome::Succeeded);
        }
        let plan = &prepared.plan.targets[0];
        let saw = WholeRun { whole, source_complete: prepared.plan.source.complete, filters_accepted: false };
        let mut target_end = memory.target_end(target.settings, plan, target.open.as_ref(), None, saw);
        target_end.requests = Some(target.tally.requests());
        let keep_names = self.settings.state.keep_names;
        let name_of = |employee| keep_names.then(|| prepared.full_name(employee)).flatten();
        let jobs = jobs(plan, None, &name_of);
        let day = self.today.to_string();
        let end = RunEnd {
            run,
            at: memory.now(),
            exit_code,
            period: &day,
            source_requests: prepared.source_requests,
            targets: &[target_end],
            jobs: &jobs,
        };
        memory.finish(end, self.settings.state.keep)?;
        if whole {
            let mut observed = Observed::default();
            observed.saw_alone(Topic::Todo, &prepared.plan.targets[0].name, "");
            memory.keep_todos(&observed, &name_of)?;
        }
        Ok(())
    }
}
