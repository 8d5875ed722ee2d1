//! What the file uses an attribute for, and what stops when Personio no longer lets the credential read it.

use serde::Serialize;

use crate::config::{Settings, TargetSettings};
use crate::field::FieldIndex;
use crate::plan::{StepSource, Trigger, WorkflowSettings};
use crate::rules::{Expression, MappingSource};
use crate::sync::uploads::UploadKeys;

/// One use of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) by: String,
    /// What it is used for.
    pub(super) purpose: Purpose,
}

/// What an attribute is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Lifecycle,
    Filter,
    Match,
    Required,
    Field,
    Group,
    Protect,
    Widget,
    When,
    Step,
    Day,
    Changed,
    Uploads,
    Id,
}

impl Purpose {
    /// What is used so, and what stops without it.
    pub(super) fn stops(self) -> (&'static str, &'static str) {
        match self {
            Self::Lifecycle => {
                ("who works here and who has left", "nobody is judged by it any more, and removals wait")
            }
            Self::Filter => ("a filter", "everybody for whom it decides is skipped"),
            Self::Match => ("a match field", "accounts are no longer found by it, and none is made without a key"),
            Self::Required => ("a required field", "it stays as it is, and nobody is made without it"),
            Self::Field => ("a field", "it stays as it is"),
            Self::Group => ("a group", "nobody joins or leaves it"),
            Self::Protect => ("`protect`", "accounts are judged by the value that they had last"),
            Self::Widget => ("the widget", "agents see the value of the last day"),
            Self::When => ("a workflow's condition", "the workflow starts for nobody for whom it decides"),
            Self::Step => ("a workflow's step", "the step is not carried out, nor those after it"),
            Self::Day => ("the day of a workflow", "the workflow starts for nobody"),
            Self::Changed => ("a change that a workflow waits for", "the change is not seen"),
            Self::Uploads => {
                ("`documents upload`", "files that are told apart by it belong to nobody, and none is uploaded")
            }
            Self::Id => ("every run", "nothing, because Personio always delivers it"),
        }
    }

    /// Whether people are left out without it, and not only a part of what is done for them.
    fn is_vital(self) -> bool {
        matches!(self, Self::Lifecycle | Self::Filter | Self::Match | Self::Required | Self::Uploads)
    }
}

/// How much depends on an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Need {
    /// Without it people are left out, or removals wait.
    Required,
    Used,
    Unused,
}

impl Need {
    pub(super) fn of(uses: &[Use]) -> Self {
        match uses {
            [] => Self::Unused,
            uses if uses.iter().any(|one| one.purpose.is_vital()) => Self::Required,
            _ => Self::Used,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Used => "used",
            Self::Unused => "unused",
        }
    }
}

/// All uses of an attribute, in the order of the file.
pub(super) fn uses(settings: &Settings, uploads: &UploadKeys, key: &str) -> Vec<Use> {
    let mut found: Vec<Use> = settings.targets.iter().flat_map(|target| of_target(target, key)).collect();
    let upload = |category| Use { by: format!("documents upload ({category})"), purpose: Purpose::Uploads };
    found.extend(uploads.categories(key).map(upload));
    // Personio delivers the id whatever is ticked.
    if key == "id" {
        found.push(Use { by: "every run".into(), purpose: Purpose::Id });
    }
    if matches!(key, "status" | "hire_date" | "termination_date" | "last_working_day") {
        found.push(Use { by: "lifecycle".into(), purpose: Purpose::Lifecycle });
    }
    found
}

fn is_of(expression: &Expression, key: &str) -> bool {
    expression.variables().iter().any(|variable| variable.attribute() == Some(key))
}

fn of_target(target: &TargetSettings, key: &str) -> Vec<Use> {
    let name = &target.plan.name;
    let mut found = Vec::new();
    if target.plan.include.iter().chain(&target.plan.exclude).any(|filter| is_of(filter, key)) {
        found.push(Use { by: format!("{name} (filter)"), purpose: Purpose::Filter });
    }
    let mapped = |index: FieldIndex| {
        let mut mappings = target.plan.mapping.iter().filter(move |mapping| mapping.index == index);
        mappings.any(|mapping| mapping.source.expression().is_some_and(|source| is_of(source, key)))
    };
    for mapping in target.plan.mapping.iter().filter(|mapping| mapped(mapping.index)) {
        let spec = &target.plan.fields[mapping.index.get()];
        let field = &*spec.name;
        let purpose = match mapping.source {
            MappingSource::Member { .. } => Purpose::Group,
            _ if target.plan.match_fields.contains(&mapping.index) => Purpose::Match,
            _ if spec.required => Purpose::Required,
            _ => Purpose::Field,
        };
        found.push(Use { by: format!("{name}.{field}"), purpose });
        if target.plan.safety.protect.iter().any(|rule| rule.names().any(|used| used == field)) {
            found.push(Use { by: format!("{name}.safety.protect (by {field})"), purpose: Purpose::Protect });
        }
        if target.target.offers().widget.is_some_and(|widget| widget.fields.iter().any(|shown| **shown == *field)) {
            found.push(Use { by: format!("{name}.widget ({field})"), purpose: Purpose::Widget });
        }
    }
    found.extend(target.plan.workflows.iter().flat_map(|workflow| of_workflow(name, workflow, key)));
    found
}

fn of_workflow(target: &str, workflow: &WorkflowSettings, key: &str) -> Vec<Use> {
    let by = format!("{target}.workflows.{}", workflow.name);
    let mut found = Vec::new();
    let mut add = |part: String, purpose| found.push(Use { by: format!("{by} ({part})"), purpose });
    if workflow.when.iter().any(|condition| is_of(condition, key)) {
        add("when".into(), Purpose::When);
    }
    if workflow.changed.iter().any(|watched| **watched == *key) {
        add("changed".into(), Purpose::Changed);
    }
    let sets_off = match workflow.on {
        Trigger::Joiner => key == "hire_date",
        Trigger::Leaver => matches!(key, "termination_date" | "last_working_day"),
        Trigger::Mover | Trigger::Updated => false,
    };
    if sets_off {
        add("day".into(), Purpose::Day);
    }
    for (index, step) in workflow.steps.iter().enumerate() {
        let conditions = step.only_if.iter().chain(&step.unless);
        let sent = step.fields.iter().filter_map(|(_, source)| match source {
            StepSource::Expression(expression) => Some(&**expression),
            StepSource::Constant(_) => None,
        });
        if conditions.chain(sent).any(|expression| is_of(expression, key)) {
            add(format!("step {}", index + 1), Purpose::Step);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::DateTime;

    use super::*;
    use crate::config::{LoadOptions, load};
    use crate::state::State;

    const FILE: &str = r#"
[personio]
client_id = "tests"
client_secret = "tests"

[targets.desk]
type = "freshservice"
base_url = "https://acme.freshservice.com"
api_key = "tests"
match = ["primary_email"]
exclude = ["employment_type == 'external'"]
[targets.desk.mapping]
first_name = "first_name"
primary_email = "email"
job_title = "position"
department_ids = "department"
[targets.desk.safety]
protect = ["job_title == 'Founder'"]
[targets.desk.widget]
fields = ["job_title"]
[targets.desk.workflows.welcome]
on = "joiner"
when = ["dynamic_500 == 'yes'"]
active = true
[[targets.desk.workflows.welcome.steps]]
action = "create_ticket"
[targets.desk.workflows.welcome.steps.fields]
subject = "'Desk in ' ~ office"
description = "'for ' ~ employee_id"
[targets.desk.workflows.moved]
on = "mover"
changed = ["team"]
active = true
[[targets.desk.workflows.moved.steps]]
action = "create_ticket"
[targets.desk.workflows.moved.steps.fields]
subject = "'Moved'"
description = "'for ' ~ employee_id"

[targets.chat]
type = "slack"
token = "xoxp-tests"
match = ["email"]
[targets.chat.mapping]
email = "email"
display_name = "first_name"
[targets.chat.groups.people-ops]
members = "subcompany == 'People'"
"#;

    #[test]
    fn everything_that_the_file_says_is_a_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.toml");
        std::fs::write(&path, FILE).unwrap();
        let settings = load(&path, &LoadOptions::new(&|_| None)).unwrap_or_else(|error| panic!("{error}"));
        let state = State::temporary().unwrap();
        for (category, keys) in
            [("Payslips", &["gender"][..]), ("Contracts", &["email", "gender"]), ("Payslips", &["email"])]
        {
            let keys = keys.iter().map(ToString::to_string).collect();
            UploadKeys::remember(&state, category, keys, DateTime::UNIX_EPOCH).unwrap();
        }
        let uploads = UploadKeys::remembered(&state).unwrap();
        assert_eq!(uploads.attributes(), BTreeSet::from(["email", "gender"]));
        let users_of = |key: &str| {
            uses(&settings, &uploads, key).into_iter().map(|one| one.by).collect::<Vec<String>>().join(", ")
        };
        for (key, expected) in [
            ("employment_type", "desk (filter)"),
            ("department", "desk.department_ids"),
            ("email", "desk.primary_email, chat.email, documents upload (Contracts), documents upload (Payslips)"),
            ("position", "desk.job_title, desk.safety.protect (by job_title), desk.widget (job_title)"),
            ("dynamic_500", "desk.workflows.welcome (when)"),
            ("office", "desk.workflows.welcome (step 1)"),
            ("hire_date", "desk.workflows.welcome (day), lifecycle"),
            ("team", "desk.workflows.moved (changed)"),
            ("subcompany", "chat.groups.people-ops"),
            ("status", "lifecycle"),
            ("id", "every run"),
            ("gender", "documents upload (Contracts)"),
            ("preferred_name", ""),
        ] {
            assert_eq!(users_of(key), expected, "{key}");
        }
        assert_eq!(uses(&settings, &uploads, "email")[0].purpose, Purpose::Match);
        for (key, need) in [
            ("employment_type", Need::Required),
            ("email", Need::Required),
            ("first_name", Need::Required),
            ("status", Need::Required),
            ("gender", Need::Required),
            ("department", Need::Used),
            ("position", Need::Used),
            ("id", Need::Used),
            ("preferred_name", Need::Unused),
        ] {
            assert_eq!(Need::of(&uses(&settings, &uploads, key)), need, "{key}");
        }
    }
}
