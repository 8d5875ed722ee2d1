//! Holds the steps of workflows against the forms of the account they are for, before anything is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::code::Code;
use crate::config::TargetSettings;
use crate::employee::EmployeeId;
use crate::field::FieldValue;
use crate::plan::{Change, Notice, Op, StepSource, StepValue, WorkflowInput, WorkflowSettings, WorkflowStep, trial};
use crate::rules::Tables;
use crate::targets::ReadAccounts;

use super::prepared::Prepared;

/// How many employees a workflow is tried with.
const TRIED: usize = 3;

/// How many due steps of a workflow are checked with their values; the run itself checks every one.
const CHECKED: usize = 50;

/// What is wrong with a step, once for all employees and then with the values of each.
struct Checks<'a> {
    reader: &'a dyn ReadAccounts,
    /// What is made by the same plan, and so is not there yet: addresses and names, in lower case.
    coming: BTreeSet<String>,
    found: Vec<Notice>,
}

impl<'a> Checks<'a> {
    fn new(reader: &'a dyn ReadAccounts, changes: &[Change]) -> Self {
        let texts = |change: &Change| -> Vec<String> {
            let of_field = |value: &FieldValue| match value {
                FieldValue::List(items) => items.iter().map(|item| item.to_lowercase()).collect(),
                other => vec![other.to_string().to_lowercase()],
            };
            let texts = change.fields.iter().flat_map(|field| of_field(&field.after));
            match change.op {
                Op::Reference => texts.collect(),
                Op::Create => texts.filter(|text| text.contains('@')).collect(),
                _ => Vec::new(),
            }
        };
        Self { reader, coming: changes.iter().flat_map(texts).collect(), found: Vec::new() }
    }

    fn note(
        &mut self,
        workflow: &WorkflowSettings,
        step: usize,
        employee: Option<EmployeeId>,
        fields: &[(Box<str>, Option<FieldValue>)],
    ) {
        let action = workflow.steps[step].action;
        let Some(forms) = self.reader.read_offers().forms else { return };
        let problems = forms.check_step(action, fields).unwrap_or_else(|error| vec![error.message]);
        for problem in problems {
            let message = format!("workflow {}, step {step} ({action}): {problem}", workflow.name);
            // What is wrong for everybody is told once.
            let is_known =
                |known: &Notice| known.message == message && (known.employee.is_none() || known.employee == employee);
            if !self.found.iter().any(is_known) {
                self.found.push(Notice { employee, ..Notice::new(Code::WorkflowForm, message) });
            }
        }
    }

    /// The names of a step's fields, and the values that are the same for everyone.
    fn step(&mut self, workflow: &WorkflowSettings, step: usize) {
        self.note(workflow, step, None, &workflow.steps[step].known_fields());
    }

    fn request(&mut self, workflow: &WorkflowSettings, request: &WorkflowStep) {
        // What is the same for everyone has been looked at.
        let step = &workflow.steps[request.step];
        if step.fields.iter().all(|(_, source)| matches!(source, StepSource::Constant(_))) {
            return;
        }
        let fields: Vec<(Box<str>, Option<FieldValue>)> = request
            .fields
            .iter()
            .map(|(name, value)| {
                let known = match value {
                    StepValue::Value(value) if !self.comes(value) => Some(value.clone()),
                    StepValue::Value(_) | StepValue::Deferred(_) => None,
                };
                (name.clone(), known)
            })
            .collect();
        self.note(workflow, request.step, Some(request.employee), &fields);
    }

    fn comes(&self, value: &FieldValue) -> bool {
        match value {
            FieldValue::List(items) => items.iter().any(|item| self.coming.contains(&item.to_lowercase())),
            other => self.coming.contains(&other.to_string().to_lowercase()),
        }
    }
}

/// What is wrong with the steps that are due.
pub(super) fn check_due(
    reader: &dyn ReadAccounts,
    target: &TargetSettings,
    changes: &[Change],
    due: &[Change],
) -> Vec<Notice> {
    let mut checks = Checks::new(reader, changes);
    for workflow in target.plan.workflows.iter().filter(|workflow| workflow.active) {
        let requests =
            || due.iter().filter_map(|change| change.request.as_deref()).filter(|one| one.workflow == workflow.name);
        let steps: BTreeSet<usize> = requests().map(|request| request.step).collect();
        for step in steps {
            checks.step(workflow, step);
        }
        for request in requests().take(CHECKED) {
            checks.request(workflow, request);
        }
    }
    checks.found
}

/// What is wrong with every step of every active workflow of the targets that could be read, due or not; tried with
/// the values of a few employees. By target.
pub fn check_workflows(
    prepared: &Prepared<'_>,
    tables: &Arc<Tables>,
    today: NaiveDate,
) -> Vec<(Box<str>, Vec<Notice>)> {
    let mut found = Vec::new();
    for (target, plan) in prepared.targets.iter().zip(&prepared.plan.targets) {
        let Some(open) = &target.open else { continue };
        let mut checks = Checks::new(open.target.reader(), &plan.changes);
        let input = WorkflowInput {
            settings: &target.settings.plan,
            employees: &prepared.employees,
            standings: &prepared.standings,
            today,
            tables,
            memory: &Default::default(),
            fingerprint: None,
            owned: &open.overview.owned,
            protected: &Default::default(),
            claimed: &Default::default(),
            only: None,
            known: &Default::default(),
            started: None,
        };
        for workflow in target.settings.plan.workflows.iter().filter(|workflow| workflow.active) {
            for step in 0..workflow.steps.len() {
                checks.step(workflow, step);
            }
            for request in trial(&input, workflow, TRIED) {
                checks.request(workflow, &request);
            }
        }
        if !checks.found.is_empty() {
            found.push((target.settings.plan.name.clone(), checks.found));
        }
    }
    found
}
