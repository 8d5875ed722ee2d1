//! The simulated systems that a run with `--sandbox` is pointed at.

use anyhow::Context as _;
use chrono::NaiveDate;

use crate::config::{Settings, StateLocation, TargetSettings};
use crate::field::{FieldIndex, FieldKind, FieldSpec};
use crate::plan::{Action, StepSettings};
use crate::sandbox::{Sandbox, SandboxInfo, SandboxOptions, find, prepare};
use crate::section::Secret;
use crate::simulation::{Preparation, PreparedAttribute, PreparedField, PreparedTarget};
use crate::targets::Channel;

use super::{Failure, Reason};

/// The simulated systems of a run with `--sandbox`.
pub struct RunningSandbox {
    info: SandboxInfo,
    /// Whether it lives on after this run.
    pub lasting: bool,
    /// Stops when the run ends.
    _own: Option<Sandbox>,
}

impl RunningSandbox {
    /// Starts one, or finds the one at an address. Only loopback addresses are reached.
    pub(super) fn new(address: &str, today: NaiveDate, settings: &Settings) -> anyhow::Result<Self> {
        let running = if address.is_empty() {
            let own = Sandbox::start(SandboxOptions::new(today))?;
            Self { info: own.info().clone(), lasting: false, _own: Some(own) }
        } else {
            let info = find(address).with_context(|| {
                format!("is `personio-sync sandbox` running at {address}? start it with --port first")
            })?;
            Self { info, lasting: true, _own: None }
        };
        prepare(&running.info.base_url, &preparation(settings))?;
        Ok(running)
    }

    /// Has it offer what another file expects, too.
    pub(super) fn offer(&self, settings: &Settings) -> Result<(), Failure> {
        prepare(&self.info.base_url, &preparation(settings))
            .map_err(|error| Failure::new(Reason::Usage, format!("the sandbox cannot be used: {error:#}")))
    }

    /// Points everything in the file at the sandbox; nothing else is reached, whatever the file says.
    pub(super) fn redirect(&self, settings: &mut Settings) {
        settings.personio.base_url = format!("{}/personio", self.info.base_url);
        settings.personio.client_id = Secret::new("sandbox");
        settings.personio.client_secret = Secret::new(self.info.secret.clone());
        settings.state.location = StateLocation::File(self.info.folder.join("state.sqlite"));
        for target in &mut settings.targets {
            target.target.redirect(&self.info.addresses(&target.plan.name));
        }
    }
}

/// What the steps of workflows refer to: fields of forms and of requesters, service items, groups.
fn referred(target: &TargetSettings) -> Vec<PreparedField> {
    let kind = |name: &str| if name.contains("date") || name.ends_with("_day") { "date" } else { "text" };
    let prepared = |name: String, kind: &str| PreparedField { name, kind: kind.to_owned(), choices: Vec::new() };
    let form = |step: &StepSettings, form: &str| -> Vec<PreparedField> {
        let names = step.fields.iter().map(|(name, _)| &**name).filter(|name| *name != "initiator_id");
        names.map(|name| prepared(format!("{form}.{name}"), kind(name))).collect()
    };
    let constant = |step: &StepSettings, name: &str| {
        let known = step.known_fields().into_iter().find(|(known, _)| **known == *name);
        known.and_then(|(_, value)| value).map(|value| value.to_string())
    };
    let custom = |step: &StepSettings, before: &str| -> Vec<PreparedField> {
        let names = step.fields.iter().filter_map(|(name, _)| name.strip_prefix("custom_fields."));
        names.map(|name| prepared(format!("{before}.{name}"), kind(name))).collect()
    };
    let of_step = |step: &StepSettings| match step.action {
        Action::CreateOnboardingRequest => form(step, "onboarding_requests"),
        Action::CreateOffboardingRequest => form(step, "offboarding_requests"),
        Action::UpdateRequester => custom(step, "custom_fields"),
        Action::CreateServiceRequest => match constant(step, "item") {
            Some(item) => {
                let path = format!("service_items.{item}");
                let fields = custom(step, &path);
                std::iter::once(prepared(path, "item")).chain(fields).collect()
            }
            None => Vec::new(),
        },
        Action::AddToRequesterGroup | Action::RemoveFromRequesterGroup => constant(step, "group")
            .map(|name| prepared(format!("requester_groups.{name}"), "group"))
            .into_iter()
            .collect(),
        Action::CreateTicket | Action::DeactivateRequester => Vec::new(),
    };
    target.plan.workflows.iter().flat_map(|workflow| &workflow.steps).flat_map(of_step).collect()
}

/// The channels that teams of another target name.
fn channels(settings: &Settings, target: &TargetSettings) -> Vec<PreparedField> {
    let imports = |other: &&TargetSettings| {
        other.target.offers().directory.is_some_and(|directory| *directory.value == *target.plan.name)
    };
    let by_hand = settings.targets.iter().filter(imports).filter_map(|other| other.target.offers().by_hand);
    let channel = |channel: &Channel| PreparedField {
        name: format!("channels.{}", channel.name.value),
        kind: "bool".to_owned(),
        choices: Vec::new(),
    };
    by_hand.flat_map(|by_hand| by_hand.channels().iter().map(channel)).collect()
}

/// What the file expects of the simulated systems: attributes to invent, custom fields to have.
fn preparation(settings: &Settings) -> Preparation {
    let field = |spec: &FieldSpec| PreparedField {
        name: spec.name.to_string(),
        kind: format!("{:?}", spec.kind).to_lowercase(),
        choices: spec.choices.iter().map(ToString::to_string).collect(),
    };
    Preparation {
        attributes: settings
            .attributes
            .keys()
            .map(|key| {
                settings.vocabulary.alias_of(key).map_or_else(
                    || PreparedAttribute::Key(key.into()),
                    |name| PreparedAttribute::Named { key: key.into(), name: name.into() },
                )
            })
            .collect(),
        targets: settings
            .targets
            .iter()
            .map(|target| PreparedTarget {
                name: target.plan.name.to_string(),
                kind: target.target.kind().to_owned(),
                // A group that the file has made is not there yet.
                fields: (0u16..)
                    .map(FieldIndex)
                    .zip(&target.plan.fields)
                    .filter(|(index, spec)| spec.kind != FieldKind::Bool || !target.plan.create_missing.contains(index))
                    .map(|(_, spec)| field(spec))
                    .chain(referred(target))
                    .chain(channels(settings, target))
                    .collect(),
                declaration: target
                    .target
                    .offers()
                    .declaration
                    .map(|found| found.sandbox_text(crate::simulation::SECRET)),
            })
            .collect(),
    }
}
