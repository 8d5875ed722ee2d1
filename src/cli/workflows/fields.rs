//! Which fields a step can fill, as the account has them today.

use clap::Args;
use serde::Serialize;

use crate::config::TargetSettings;
use crate::field::FieldValue;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::plan::Action;
use crate::sync::{step_form, target_reason};
use crate::targets::{StepField, Workflows};
use crate::words::known;

use super::super::session::Session;
use super::super::{Failure, Process, Reason, Reasons, SandboxChoice};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What the step does, such as create_onboarding_request
    #[arg(value_parser = action)]
    action: Action,
    /// The target, where several have workflows
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// For create_service_request: the display id of the item, whose own fields are listed, too
    #[arg(long, value_name = "ID")]
    item: Option<u32>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

fn action(text: &str) -> Result<Action, String> {
    let found = Action::ALL.into_iter().find(|action| action.as_str() == text);
    found.ok_or_else(|| known(text, Action::ALL.map(Action::as_str)))
}

#[derive(Serialize)]
struct StepFieldsDocument {
    target: String,
    action: &'static str,
    fields: Vec<FieldOut>,
    /// Whether the step takes `custom_fields.NAME` beside those that are listed.
    custom_fields: bool,
}

#[derive(Serialize)]
struct FieldOut {
    field: Box<str>,
    required: bool,
    takes: &'static str,
    choices: Vec<Box<str>>,
}

pub(super) fn list(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let Arguments { action, item, .. } = arguments;
    if item.is_some() && *action != Action::CreateServiceRequest {
        return Err(Failure::new(Reason::Usage, "--item is for create_service_request alone"));
    }
    let name = chosen(&process.open_offline()?, *action, arguments.target.as_deref())?;
    let (sandbox, _) = arguments.sandbox.split(&[]);
    let session = process.open(&sandbox, std::slice::from_ref(&name))?;
    let target = session.settings.targets.iter().find(|target| *target.plan.name == *name);
    let target = target.expect("it was found in the same file");
    let known = item.map(|item| ("item".into(), Some(FieldValue::Integer(item.into()))));
    let known: Vec<_> = known.into_iter().collect();
    let fields = step_form(target, *action, &known, session.today)
        .map_err(|error| Failure::new(target_reason(&error), format!("{name}: {error}")))?;
    let offer = offer(target).map(|offer| (offer.fields)(*action)).unwrap_or_default();
    let document = StepFieldsDocument {
        target: name,
        action: action.as_str(),
        fields: fields.into_iter().map(field_out).collect(),
        custom_fields: offer.custom && item.is_none(),
    };
    let shown = shown(&document);
    process.answer(&Answer::new("workflow_fields", document, shown));
    Ok(Reasons::default())
}

fn offer(target: &TargetSettings) -> Option<Workflows> {
    target.target.offers().workflows
}

/// The name of the target that is meant.
fn chosen(session: &Session, action: Action, name: Option<&str>) -> Result<String, Failure> {
    let can = |target: &&TargetSettings| offer(target).is_some_and(|offer| offer.actions.contains(&action));
    let targets: Vec<&str> = session.settings.targets.iter().filter(can).map(|target| &*target.plan.name).collect();
    let failure = |why: String| Err(Failure::new(Reason::Usage, why));
    match (&targets[..], name) {
        ([], _) => failure(format!("the file has no target whose workflows can do `{action}`")),
        (targets, Some(name)) if targets.contains(&name) => Ok(name.to_owned()),
        (targets, Some(name)) => {
            let known = known(name, targets.iter().copied());
            failure(format!("there is no target `{name}` whose workflows can do `{action}`; {known}"))
        }
        ([one], None) => Ok((*one).to_owned()),
        (several, None) => failure(format!("several targets can do `{action}`; say --target {}", several.join(" or "))),
    }
}

fn field_out(StepField { name, required, takes, choices }: StepField) -> FieldOut {
    FieldOut { field: name, required, takes, choices }
}

fn shown(document: &StepFieldsDocument) -> Shown {
    let mut shown = Shown::default();
    if document.fields.is_empty() && !document.custom_fields {
        return shown.words(format!("`{}` takes no fields.\n", document.action));
    }
    let mut table = Listing::new(["Field", "Required", "Takes", "Choices"]);
    for field in &document.fields {
        let required = if field.required { "yes" } else { "" };
        table.row([&*field.field, required, field.takes, &*field.choices.join(", ")]);
    }
    shown = shown.rows(table);
    match document.custom_fields {
        true => shown.remark("fields of the account's own come beside these, as custom_fields.NAME"),
        false => shown,
    }
}
