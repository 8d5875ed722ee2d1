use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::code::Code;
use crate::field::Access;
use crate::plan::Action;
use crate::rules::{Expression, Vocabulary};
use crate::targets::{Days, FieldLookup, Step, StepFields, TargetType, Workflow as Keys};

use super::fields::unknown_field;
use super::mapping::constant;
use super::{expressions, target::is_name};
use crate::plan::{StepSettings, StepSource, Trigger, WorkflowSettings};
use crate::section::{Located, Table};
use crate::words::known;

/// How long after the day a joiner or leaver still counts, when the file does not say.
const UNTIL: i64 = 7;

/// Reads `[targets.NAME.workflows.*]` of a target that has actions.
pub(super) fn read(section: &Table<'_>, target: &dyn TargetType, vocabulary: &Vocabulary) -> Vec<WorkflowSettings> {
    // A target without actions does not know the key.
    if target.offers().workflows.is_none() || !section.has("workflows") {
        return Vec::new();
    }
    let Some(all) = section.table("workflows") else {
        return Vec::new();
    };
    let mut workflows = Vec::new();
    for (name, _) in all.entries() {
        if !is_name(name.value) {
            let message =
                format!("`{}` cannot be the name of a workflow; use letters, digits, `-` and `_`", name.value);
            all.problems().error(name.span.clone(), Code::WrongValue, message);
        }
        if let Some(table) = all.table(name.value) {
            workflows.extend(workflow(&name, &table, target, vocabulary));
            table.finish();
        }
    }
    workflows
}

fn workflow(
    name: &Located<&str>,
    table: &Table<'_>,
    target: &dyn TargetType,
    vocabulary: &Vocabulary,
) -> Option<WorkflowSettings> {
    let keys: Keys = table.read().unwrap_or_default();
    if !table.has("on") {
        table.missing("on", "on = \"joiner\"");
    }
    let when = expressions::conditions(table, "when", keys.when.as_deref(), vocabulary);
    let changed = changed(table, keys.on, keys.changed.as_ref(), vocabulary);
    if matches!(keys.on, Some(Trigger::Mover | Trigger::Updated)) {
        for key in ["from", "until"].into_iter().filter(|key| table.has(key)) {
            let message = format!("{} is for `joiner` and `leaver`; take it out", table.name_of(key));
            table.problems().error(table.key_span(key), Code::WrongValue, message);
        }
    }
    if let (Some(Days(from)), Some(Days(until))) = (keys.from, keys.until)
        && from > until
    {
        let message = format!("{} is after `until`, so no day is between them", table.name_of("from"));
        table.problems().error(table.key_span("from"), Code::WrongValue, message);
    }
    let steps = steps(table, target, vocabulary);
    Some(WorkflowSettings {
        name: name.value.into(),
        on: keys.on?,
        when,
        changed,
        from: keys.from.map_or(0, |Days(days)| days),
        until: keys.until.map_or(UNTIL, |Days(days)| days),
        active: keys.active,
        paused: keys.paused,
        steps: steps?,
    })
}

/// The attributes that count, by Personio's keys.
fn changed(
    table: &Table<'_>,
    on: Option<Trigger>,
    named: Option<&Located<Vec<Located<String>>>>,
    vocabulary: &Vocabulary,
) -> Vec<Box<str>> {
    let follows = on.is_none_or(|on| matches!(on, Trigger::Mover | Trigger::Updated));
    if !table.has("changed") && on.is_some() && follows {
        table.missing("changed", "changed = [\"department\", \"position\"]");
    }
    if table.has("changed") && !follows {
        let message = format!("{} is for `mover` and `updated`; take it out", table.name_of("changed"));
        table.problems().error(table.key_span("changed"), Code::WrongValue, message);
    }
    let Some(Located { value: named, .. }) = named else { return Vec::new() };
    if named.is_empty() {
        let message = format!("{} is empty; name the attributes that count", table.name_of("changed"));
        table.problems().error(table.key_span("changed"), Code::WrongValue, message);
    }
    let mut keys: Vec<Box<str>> = Vec::new();
    for text in named {
        let complain = |message: String| {
            let message = format!("{}: {message}", table.name_of("changed"));
            table.problems().error(text.span.clone(), Code::WrongValue, message);
        };
        match vocabulary.resolve(&text.value) {
            Ok(variable) => match variable.attribute() {
                Some(key) => keys.push(key.into()),
                None => complain(format!("`{}` is no attribute of Personio's", text.value)),
            },
            Err(unknown) => complain(unknown.to_string()),
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn steps(table: &Table<'_>, target: &dyn TargetType, vocabulary: &Vocabulary) -> Option<Vec<StepSettings>> {
    if !table.has("steps") {
        table.problems().error(
            table.span(),
            Code::MissingKey,
            format!("{} is missing; add [[{}.steps]] with an action", table.name_of("steps"), table.path()),
        );
        return None;
    }
    let value = table.raw("steps")?;
    let items = value.get_ref().as_array().filter(|items| !items.is_empty());
    let Some(items) = items else {
        return table.wrong_type("steps", value, "a list of steps, each [[...steps]]");
    };
    let mut steps = Vec::new();
    let mut earlier = Earlier { all: items.len(), actions: Vec::new() };
    for (place, item) in items.iter().enumerate() {
        let Some(entries) = item.get_ref().as_table() else {
            return table.wrong_type("steps", item, "a list of tables, each [[...steps]]");
        };
        let step = Table::new(format!("{}.steps.{place}", table.path()), item.span(), entries, table.context());
        steps.push(read_step(&step, &mut earlier, target, vocabulary));
        step.finish();
    }
    steps.into_iter().collect()
}

/// The steps before the one that is read.
struct Earlier {
    /// How many steps there are in all.
    all: usize,
    /// What those read so far do; `None` where that is not clear.
    actions: Vec<Option<Action>>,
}

impl Earlier {
    /// Whether the step that is read can use what another one made.
    fn has_id(&self, step: usize) -> Result<(), String> {
        let here = self.actions.len();
        match self.actions.get(step) {
            Some(Some(action)) if !action.makes() => {
                Err(format!("step {step} ({action}) makes nothing that has an id, so there is no `steps.{step}.id`"))
            }
            Some(_) => Ok(()),
            None if step == here => Err(format!("step {here} cannot use its own result, `steps.{step}.id`")),
            None if step < self.all => {
                Err(format!("`steps.{step}.id` is not there yet: step {step} comes after step {here}"))
            }
            None => Err(format!("there is no step {step} for `steps.{step}.id`; the first is step 0")),
        }
    }
}

fn read_step(
    table: &Table<'_>,
    earlier: &mut Earlier,
    target: &dyn TargetType,
    vocabulary: &Vocabulary,
) -> Option<StepSettings> {
    if !table.has("action") {
        table.missing("action", "action = \"create_onboarding_request\"");
    }
    let keys: Step = table.read().unwrap_or_default();
    let offered = target.offers().workflows.map(|offer| offer.actions).unwrap_or_default();
    let action = keys.action.and_then(|action| match offered.contains(&action.value) {
        true => Some(action.value),
        false => {
            let words = known(action.value.as_str(), offered.iter().map(|action| action.as_str()));
            let message = format!("{} does not know `{}`; {words}", table.name_of("action"), action.value);
            table.problems().error(action.span, Code::UnknownValue, message);
            None
        }
    });
    let compiler = Compiler { earlier, vocabulary };
    let only_if = compiler.condition(table, "if", keys.r#if);
    let unless = compiler.condition(table, "unless", keys.unless);
    let mut fields = Vec::new();
    if let Some(fields_table) = table.table("fields") {
        compiler.collect(&fields_table, "", &mut fields);
    }
    earlier.actions.push(action);
    let action = action?;
    check_fields(table, action, &fields, target);
    Some(StepSettings { action, only_if, unless, fields })
}

/// Compiles the expressions of one step.
struct Compiler<'v> {
    earlier: &'v Earlier,
    vocabulary: &'v Vocabulary,
}

impl Compiler<'_> {
    fn condition(&self, table: &Table<'_>, key: &str, text: Option<Located<String>>) -> Option<Expression> {
        let text = text?;
        self.compile(&text.value, text.span, &table.name_of(key), table)
    }

    fn compile(&self, text: &str, span: std::ops::Range<usize>, name: &str, table: &Table<'_>) -> Option<Expression> {
        Expression::compile_after(text, self.vocabulary, &|step| self.earlier.has_id(step))
            .map_err(|error| table.problems().error(span, Code::Expression, format!("{name}: {error}")))
            .ok()
    }

    /// `custom_fields.size` without quotes is a table to TOML; `{ value = … }` is one, too.
    fn collect<'a>(&self, table: &Table<'a>, prefix: &str, found: &mut Vec<(Box<str>, StepSource)>) {
        for (key, value) in table.entries() {
            let name = format!("{prefix}{}", key.value);
            match value.get_ref() {
                DeValue::Table(inner) if !is_value(inner) => {
                    if let Some(inner) = table.table(key.value) {
                        self.collect(&inner, &format!("{name}."), found);
                    }
                }
                DeValue::Table(_) => {
                    let Some(entry) = table.table(key.value) else { continue };
                    let inner = entry.raw("value");
                    entry.finish();
                    found
                        .extend(inner.and_then(|inner| {
                            Some((name.into(), self.fixed(&entry_name(table, &key), inner, table)?))
                        }));
                }
                DeValue::String(text) => {
                    let compiled = self.compile(text, value.span(), &entry_name(table, &key), table);
                    found.extend(compiled.map(|one| (name.into(), StepSource::Expression(Arc::new(one)))));
                }
                _ => {
                    found
                        .extend(self.fixed(&entry_name(table, &key), value, table).map(|source| (name.into(), source)));
                }
            }
        }
    }

    fn fixed(&self, name: &str, value: &Spanned<DeValue<'_>>, table: &Table<'_>) -> Option<StepSource> {
        let found = constant(value.get_ref()).map(StepSource::Constant);
        if found.is_none() {
            let message =
                format!("{name} must be an expression, a text, a number, a date, true or false, or a list of texts");
            table.problems().error(value.span(), Code::WrongType, message);
        }
        found
    }
}

fn entry_name(table: &Table<'_>, key: &Located<&str>) -> String {
    table.name_of(key.value)
}

fn is_value(table: &DeTable<'_>) -> bool {
    table.len() == 1 && table.iter().all(|(key, _)| key.get_ref() == "value")
}

/// What each action cannot do without, and what it does not take.
fn check_fields(table: &Table<'_>, action: Action, fields: &[(Box<str>, StepSource)], target: &dyn TargetType) {
    let offered = target.offers().workflows;
    let StepFields { needed, taken, custom } = offered.map(|offer| (offer.fields)(action)).unwrap_or_default();
    let complain = |code, message: String| {
        table.problems().error(table.key_span("fields"), code, format!("[{}]: {message}", table.path()));
    };
    for name in needed {
        if !fields.iter().any(|(field, _)| &**field == *name) {
            complain(Code::MissingKey, format!("`{action}` needs the field `{name}`"));
        }
    }
    if needed.is_empty() && taken.is_none() && fields.is_empty() {
        complain(Code::MissingKey, format!("`{action}` needs `fields`"));
    }
    for (name, _) in fields {
        if let Some(taken) = taken
            && !taken.contains(&&**name)
            && !(custom && name.starts_with("custom_fields."))
        {
            let own = if custom { ", custom_fields.NAME" } else { "" };
            complain(
                Code::UnknownField,
                format!("`{action}` does not take `{name}`; {}{own}", known(name, taken.iter().copied())),
            );
        }
        if action == Action::UpdateRequester {
            match target.field(name) {
                FieldLookup::Unknown => complain(Code::UnknownField, unknown_field(target, name)),
                FieldLookup::Known(spec) if spec.access == Access::ReadOnly => {
                    complain(Code::ReadOnlyField, format!("`{name}` can be read and not written"));
                }
                FieldLookup::Known(_) | FieldLookup::Open(_) => {}
            }
        }
    }
}
