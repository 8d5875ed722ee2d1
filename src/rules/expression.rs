use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, ObjectRepr, Value as Jinja, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use crate::employee::{EmployeeId, clean, has_marks};
use crate::field::FieldValue;
use crate::words::nearest;

use super::evaluate::{Fact, Facts};
use super::filters::{self, FilterError, KNOWN_PHONES, TABLES};
use super::syntax;
use super::{Tables, Variable, Vocabulary};
use super::{limits, ordering, remarks, results};

/// Why nothing came of an expression that is not about an empty attribute.
const NOTHING: &str = "it has no value: it asks for something beyond the end, or has an `if` without `else` whose condition does not hold";

/// One environment for every expression: it holds filters only. What differs between files, the lookup
/// tables, comes in with each evaluation.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    filters::add(&mut environment);
    ordering::add(&mut environment);
    limits::add(&mut environment);
    environment
});

/// A compiled expression of the file, with the names it uses.
pub struct Expression {
    source: Box<str>,
    names: Arc<[Box<str>]>,
    variables: Box<[Variable]>,
    /// The entries of the lookup tables that it uses, as one text.
    lookups: Box<str>,
    program: Program,
    /// Whether `phones = "known"` stands in the file.
    known_phones: bool,
}

enum Program {
    /// Nothing but a name: the common case, answered without running anything.
    Name,
    Compiled(Box<minijinja::Expression<'static, 'static>>),
}

/// Why an expression of the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

/// What an expression gives for one employee.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluation {
    /// A value; dates that went through a filter are text in ISO form.
    Value(FieldValue),
    /// It uses an attribute that was not delivered, so it says nothing.
    Frozen {
        /// Personio's key of that attribute.
        attribute: Box<str>,
    },
    /// It cannot be evaluated for this employee.
    Invalid {
        /// Why, without any value.
        why: String,
    },
}

/// Whether a condition holds for one employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    Yes,
    /// It does not.
    No,
    /// It uses an attribute that was not delivered.
    Unknown {
        /// Personio's key of that attribute.
        attribute: Box<str>,
    },
    /// It cannot be evaluated for this employee.
    Invalid {
        /// Why, without any value.
        why: String,
    },
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.variables == other.variables
    }
}

impl Expression {
    /// Compiles an expression over attributes and checks every name in it.
    ///
    /// # Errors
    ///
    /// When it is not an expression, or uses an attribute, filter or table that does not exist.
    pub fn compile(source: &str, vocabulary: &Vocabulary) -> Result<Self, ExpressionError> {
        let alone = |_| Err("only a step of a workflow can use what an earlier step made (`steps.0.id`)".into());
        Self::compile_after(source, vocabulary, &alone)
    }

    /// The same for a step of a workflow, which may use the ids of what earlier steps made: `steps.0.id`.
    ///
    /// # Errors
    ///
    /// As [`Expression::compile`], and when `usable` says why the id of a step cannot be had.
    pub fn compile_after(
        source: &str,
        vocabulary: &Vocabulary,
        usable: &dyn Fn(usize) -> Result<(), String>,
    ) -> Result<Self, ExpressionError> {
        let (text, steps) = results::rewritten(source, usable)?;
        let (names, compiled) = parse(&text)?;
        let resolve = |name: &str| match steps.iter().find(|step| results::name_of(**step) == *name) {
            Some(step) => Ok(Variable::ResultOf(*step)),
            None => vocabulary.resolve(name).map_err(|unknown| match filters::NAMES.contains(&name) {
                true => ExpressionError(format!("`{name}` is a filter, which stands behind a value: `value | {name}`")),
                false => ExpressionError(unknown.to_string()),
            }),
        };
        let variables = names.iter().map(|name| resolve(name)).collect::<Result<_, _>>()?;
        let used = syntax::used(&text);
        if let Some(format) = used.date_formats.iter().find(|format| !filters::is_date_format(format)) {
            return Err(ExpressionError(format!(
                "`{format}` is no format of a date; for example `%d.%m.%Y`, with day, month and year"
            )));
        }
        for table in &used.tables {
            let known: Vec<&str> = vocabulary.tables().keys().map(AsRef::as_ref).collect();
            if !known.contains(&table.as_str()) {
                let hint = nearest(table, &known).map_or_else(
                    || format!("write it as `[tables.{table}]`"),
                    |nearest| format!("did you mean `{nearest}`?"),
                );
                return Err(ExpressionError(format!("there is no lookup table `{table}`; {hint}")));
            }
        }
        let lookups = vocabulary.entries(|table| used.any_table || used.tables.contains(table)).into();
        let known_phones = vocabulary.known_phones();
        let expression = Self { lookups, known_phones, ..Self::new(source, names, variables, compiled) };
        expression.holds_for_somebody(vocabulary.tables())?;
        Ok(expression)
    }

    /// Compiles a condition over an account's own fields (`protect`). Dots in field names are kept:
    /// `custom_fields.vip` is the field of that name.
    pub fn compile_over_fields(source: &str) -> Result<Self, ExpressionError> {
        let expression = compile(source)?;
        let mut names: Vec<Box<str>> = expression.undeclared_variables(true).into_iter().map(Into::into).collect();
        names.sort_unstable();
        Ok(Self::new(source, names, Box::default(), expression))
    }

    fn new(
        source: &str,
        names: Vec<Box<str>>,
        variables: Box<[Variable]>,
        compiled: minijinja::Expression<'static, 'static>,
    ) -> Self {
        let bare = names.len() == 1 && variables.len() == 1 && source.trim() == &*names[0];
        let program = if bare { Program::Name } else { Program::Compiled(Box::new(compiled)) };
        Self {
            source: source.trim().into(),
            names: names.into(),
            variables,
            lookups: Box::default(),
            program,
            known_phones: false,
        }
    }

    /// What uses nothing of an employee gives the same for everybody, so that it fails is a mistake of the file.
    fn holds_for_somebody(&self, tables: &Tables) -> Result<(), ExpressionError> {
        let Program::Compiled(program) = &self.program else { return Ok(()) };
        if !self.names.is_empty() {
            return Ok(());
        }
        let why = match program.eval(self.scope_of(Vec::new(), &Arc::new(tables.clone()))) {
            Ok(value) if value.is_undefined() => NOTHING.to_owned(),
            Ok(value) => match from_jinja(value) {
                Ok(_) => return Ok(()),
                Err(why) => why,
            },
            Err(error) => explain(&error),
        };
        Err(ExpressionError(format!("it fails for everybody: {why}")))
    }

    /// Whether it gives nothing where a condition of its own does not hold.
    pub fn has_if_without_else(&self) -> bool {
        ordering::ifs_without_else(&self.source)
    }

    /// Whether a comparison with an empty value decided what it gives for one employee.
    pub fn decided_by_empty(&self, facts: &Facts<'_>) -> bool {
        remarks::take();
        self.holds(facts);
        remarks::take().empty_compared
    }

    /// As the file has it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it uses, sorted: attributes and aliases, or an account's fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// The entries of the lookup tables that it uses, as one text; empty where it uses none.
    pub fn lookups(&self) -> &str {
        &self.lookups
    }

    /// What its names stand for.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The steps whose results it uses, sorted.
    pub fn steps(&self) -> impl Iterator<Item = usize> {
        let mut steps: Vec<usize> = self
            .variables
            .iter()
            .filter_map(|variable| match variable {
                Variable::ResultOf(step) => Some(*step),
                _ => None,
            })
            .collect();
        steps.sort_unstable();
        steps.into_iter()
    }

    /// What its variables are for one employee, in their order; undefined where the result of a step is to go.
    pub(super) fn known(&self, facts: &Facts<'_>) -> Result<Box<[Jinja]>, Evaluation> {
        if let Some(attribute) = self.hidden(facts) {
            return Err(Evaluation::Frozen { attribute: attribute.into() });
        }
        let value = |variable| match variable {
            &Variable::ResultOf(_) => Jinja::UNDEFINED,
            variable => facts.get(variable).into_jinja(),
        };
        Ok(self.variables.iter().map(value).collect())
    }

    /// Its value, given those of its variables in their order; `None` when it uses one that is undefined.
    pub(super) fn run(&self, values: Vec<Jinja>, tables: &Arc<Tables>) -> Option<Evaluation> {
        let Program::Compiled(program) = &self.program else { return None };
        match program.eval(self.scope_of(values, tables)) {
            Ok(value) if value.is_undefined() => None,
            Ok(value) => Some(from_jinja(value).map_or_else(|why| Evaluation::Invalid { why }, Evaluation::Value)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => None,
            Err(error) => Some(Evaluation::Invalid { why: explain(&error) }),
        }
    }

    /// Its value for one employee.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Evaluation {
        if let Some(attribute) = self.hidden(facts) {
            return Evaluation::Frozen { attribute: attribute.into() };
        }
        match &self.program {
            Program::Name => Evaluation::Value(facts.get(&self.variables[0]).into_value()),
            Program::Compiled(program) => match program.eval(self.scope(facts)) {
                Ok(value) if value.is_undefined() => self.nothing(facts),
                Ok(value) => match from_jinja(value) {
                    Ok(value) => Evaluation::Value(value),
                    Err(why) => Evaluation::Invalid { why },
                },
                Err(error) => Evaluation::Invalid { why: explain(&error) },
            },
        }
    }

    /// What it means that there is no value: the part of something empty is empty, all else is a slip.
    fn nothing(&self, facts: &Facts<'_>) -> Evaluation {
        let of_empty = self.variables.iter().any(|variable| facts.get(variable) == Fact::Empty);
        match of_empty && !self.has_if_without_else() {
            true => Evaluation::Value(FieldValue::Empty),
            false => Evaluation::Invalid { why: NOTHING.into() },
        }
    }

    /// Whether it holds for one employee. Empty values do not hold.
    pub fn holds(&self, facts: &Facts<'_>) -> Truth {
        if let Some(attribute) = self.hidden(facts) {
            return Truth::Unknown { attribute: attribute.into() };
        }
        match &self.program {
            Program::Name => match facts.get(&self.variables[0]) {
                Fact::Empty | Fact::Hidden | Fact::HiddenPart | Fact::Integer(0) | Fact::Bool(false) => Truth::No,
                _ => Truth::Yes,
            },
            Program::Compiled(program) => truth(program.eval(self.scope(facts))),
        }
    }

    /// Whether it holds for an account, given the value of each of its names.
    pub fn holds_for_fields<'v>(&self, value_of: impl Fn(&str) -> Option<&'v FieldValue>) -> Truth {
        let Program::Compiled(program) = &self.program else {
            return Truth::No;
        };
        let mut root: BTreeMap<String, Jinja> = BTreeMap::new();
        let mut nested: BTreeMap<String, BTreeMap<String, Jinja>> = BTreeMap::new();
        for name in self.names.iter() {
            let value = value_of(name).map_or_else(|| Jinja::from(""), to_jinja);
            match name.split_once('.') {
                Some((object, key)) => {
                    nested.entry(object.into()).or_default().insert(key.into(), value);
                }
                None => {
                    root.insert(name.to_string(), value);
                }
            }
        }
        root.extend(nested.into_iter().map(|(object, entries)| (object, Jinja::from(entries))));
        truth(program.eval(Jinja::from(root)))
    }

    /// What it needs and cannot be read: an attribute, or its own name for what is only a part of one.
    fn hidden(&self, facts: &Facts<'_>) -> Option<&str> {
        self.variables.iter().zip(self.names.iter()).find_map(|(variable, name)| match facts.get(variable) {
            Fact::Hidden => Some(variable.attribute().unwrap_or(name)),
            Fact::HiddenPart => Some(&**name),
            _ => None,
        })
    }

    fn scope(&self, facts: &Facts<'_>) -> Jinja {
        let values = self.variables.iter().map(|variable| facts.get(variable).into_jinja()).collect();
        self.scope_of(values, facts.tables)
    }

    fn scope_of(&self, values: Vec<Jinja>, tables: &Arc<Tables>) -> Jinja {
        let (names, tables) = (Arc::clone(&self.names), Arc::clone(tables));
        Jinja::from_object(Scope { names, values, tables, known_phones: self.known_phones })
    }
}

/// The variables of one evaluation.
#[derive(Debug)]
struct Scope {
    names: Arc<[Box<str>]>,
    values: Vec<Jinja>,
    tables: Arc<Tables>,
    known_phones: bool,
}

impl Object for Scope {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let key = key.as_str()?;
        if key == KNOWN_PHONES {
            return Some(Jinja::from(self.known_phones));
        }
        if key == TABLES {
            return Some(filters::tables_value(Arc::clone(&self.tables)));
        }
        let index = self.names.iter().position(|name| &**name == key)?;
        self.values.get(index).cloned()
    }
}

fn compile(source: &str) -> Result<minijinja::Expression<'static, 'static>, ExpressionError> {
    if source.trim().is_empty() {
        return Err(ExpressionError("an expression is empty; write `''` for an empty value".into()));
    }
    let source = &*clean(source);
    let compiled = ENVIRONMENT.compile_expression_owned(source.to_owned()).map_err(|error| {
        let hint = if syntax::assigns(source) { "; two values are compared with `==`" } else { "" };
        ExpressionError(format!("not an expression: {}{hint}", error.detail().unwrap_or("syntax error")))
    })?;
    for filter in &syntax::used(source).filters {
        if let Err(error) = ENVIRONMENT.render_str(&format!("{{{{ '' | {filter} }}}}"), ())
            && error.kind() == ErrorKind::UnknownFilter
        {
            let hint = nearest(filter, filters::NAMES).map_or_else(
                || format!("ours are {}", filters::NAMES.join(", ")),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            return Err(ExpressionError(format!("there is no filter `{filter}`; {hint}")));
        }
    }
    match ordering::as_tests(source) {
        Cow::Borrowed(_) => Ok(compiled),
        Cow::Owned(text) => ENVIRONMENT
            .compile_expression_owned(text)
            .map_err(|_| ExpressionError("its comparisons are too involved; put them into brackets".into())),
    }
}

type Parsed = (Vec<Box<str>>, minijinja::Expression<'static, 'static>);

fn parse(source: &str) -> Result<Parsed, ExpressionError> {
    let compiled = compile(source)?;
    let is_function = |name: &str| ENVIRONMENT.globals().any(|(global, _)| global == name);
    let mut names: Vec<Box<str>> =
        compiled.undeclared_variables(false).into_iter().filter(|name| !is_function(name)).map(Into::into).collect();
    // The engine overlooks what a part is taken of: `email[:4]`.
    names.extend(ordering::names(source).into_iter().filter(|name| !is_function(name)).map(Into::into));
    names.sort_unstable();
    names.dedup();
    Ok((names, compiled))
}

fn truth(result: Result<Jinja, minijinja::Error>) -> Truth {
    match result {
        Ok(value) if value.is_true() => Truth::Yes,
        Ok(_) => Truth::No,
        Err(error) => Truth::Invalid { why: explain(&error) },
    }
}

/// An evaluation error in words. The engine's own details may quote a value, so only our filters' are shown.
fn explain(error: &minijinja::Error) -> String {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(FilterError(message)) = inner.downcast_ref::<FilterError>() {
            return message.clone();
        }
        source = inner.source();
    }
    match error.kind() {
        ErrorKind::UndefinedError => "it uses something that has no value here".into(),
        ErrorKind::OutOfFuel => "it takes more steps than an expression may".into(),
        ErrorKind::InvalidOperation => "its operations do not fit the types of the values".into(),
        kind => kind.to_string(),
    }
}

pub(super) fn to_jinja(value: &FieldValue) -> Jinja {
    match value {
        FieldValue::Empty => Jinja::from(""),
        FieldValue::Bool(value) => Jinja::from(*value),
        FieldValue::Integer(value) => Jinja::from(*value),
        FieldValue::Decimal(value) => Jinja::from(*value),
        FieldValue::List(items) => items.iter().map(|item| Jinja::from(&**item)).collect(),
        other => Jinja::from(other.to_string()),
    }
}

fn from_jinja(value: Jinja) -> Result<FieldValue, String> {
    limits::check(&value)?;
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(FieldValue::Empty),
        ValueKind::Bool => Ok(FieldValue::Bool(value.is_true())),
        ValueKind::Number => {
            if let Some(whole) = value.as_i64() {
                return Ok(FieldValue::Integer(whole));
            }
            f64::try_from(value).map(FieldValue::Decimal).map_err(|_| "the number is out of range".into())
        }
        ValueKind::String => Ok(FieldValue::text(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| "the list cannot be read".to_owned())?;
            Ok(FieldValue::list(items.map(|item| item.to_string())))
        }
        _ => Err("it gives something that is neither a text, a number, a date nor a list".into()),
    }
}

/// A text of Personio in its one spelling.
fn spelt(text: &str) -> Cow<'_, str> {
    if has_marks(text) {
        remarks::note(|seen| seen.marks_left_out = true);
    }
    clean(text)
}

impl Fact<'_> {
    fn into_jinja(self) -> Jinja {
        match self {
            Self::Hidden | Self::HiddenPart | Self::Empty => Jinja::from(""),
            Self::Text(text) => Jinja::from(&*spelt(text)),
            Self::Integer(number) => Jinja::from(number),
            Self::Decimal(number) => Jinja::from(number),
            Self::Bool(yes) => Jinja::from(yes),
            Self::Date(day) => Jinja::from(day.to_string()),
            Self::List(items) => items.iter().map(|item| Jinja::from(&*spelt(item))).collect(),
            Self::Names(names) => names.map(|name| Jinja::from(&*spelt(name))).collect(),
            Self::Employee(EmployeeId(id)) => Jinja::from(id),
        }
    }

    fn into_value(self) -> FieldValue {
        match self {
            Self::Hidden | Self::HiddenPart | Self::Empty => FieldValue::Empty,
            Self::Text(text) => match spelt(text) {
                spelt if spelt.is_empty() => FieldValue::Empty,
                spelt => FieldValue::Text(spelt.into()),
            },
            Self::Integer(number) => FieldValue::Integer(number),
            Self::Decimal(number) => FieldValue::Decimal(number),
            Self::Bool(yes) => FieldValue::Bool(yes),
            Self::Date(day) => FieldValue::Date(day),
            Self::List(items) => FieldValue::list(items),
            Self::Names(names) => FieldValue::list(names),
            Self::Employee(id) => FieldValue::Employee(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::{Attributes, CostCenterShare, Employee, Named, Part, Supervisor, Value, standing};

    fn evaluate(source: &str) -> Evaluation {
        let attributes = Attributes::new([
            "cost_centers",
            "department",
            "dynamic_1",
            "email",
            "gender",
            "hire_date",
            "office",
            "status",
            "supervisor",
            "team",
        ]);
        let value = |key: &str| match key {
            "cost_centers" => Value::CostCenters(Box::new([
                CostCenterShare { name: "North".into(), percentage: 30.0 },
                CostCenterShare { name: "South".into(), percentage: 70.0 },
            ])),
            "department" => Value::Named(Arc::new(Named { id: Part::Is(71), name: "IT".into() })),
            "dynamic_1" => Value::List(Box::new(["German".into(), "Dutch".into()])),
            "email" => Value::text("Ines@Example.com"),
            "gender" => Value::text("female"),
            "hire_date" => Value::Date("2024-01-31".parse().unwrap()),
            "office" => Value::Empty,
            "status" => Value::text("active"),
            "supervisor" => Value::Supervisor(Arc::new(Supervisor {
                id: EmployeeId(9002),
                email: Part::Is("lead@example.com".into()),
                name: Part::Is("Odile Brandt".into()),
            })),
            _ => Value::Hidden,
        };
        let employee = Employee::new(EmployeeId(9001), attributes.keys().map(value).collect::<Vec<_>>());
        let today = "2026-11-22".parse().unwrap();
        let tables = Arc::new(Tables::from([("gender".into(), BTreeMap::from([("female".into(), "F".into())]))]));
        let vocabulary = Vocabulary::new(None::<[Box<str>; 0]>, BTreeMap::new(), (*tables).clone());
        let expression = Expression::compile(source, &vocabulary).unwrap_or_else(|error| panic!("{source}: {error}"));
        let standing = standing(&employee, &attributes, today);
        expression.evaluate(&Facts::new(&employee, &attributes, &standing, today, &tables))
    }

    #[test]
    fn what_expressions_give() {
        let table: &[(&str, FieldValue)] = &[
            ("email", FieldValue::text("Ines@Example.com")),
            ("email | lower", FieldValue::text("ines@example.com")),
            ("email | domain", FieldValue::text("example.com")),
            ("office", FieldValue::Empty),
            ("office | lower", FieldValue::Empty),
            ("'A ' ~ office", FieldValue::text("A")),
            ("office | lookup('gender')", FieldValue::Empty),
            ("office | date('%d.%m.%Y')", FieldValue::Empty),
            ("department", FieldValue::text("IT")),
            ("department_id", FieldValue::Integer(71)),
            ("supervisor", FieldValue::Employee(EmployeeId(9002))),
            ("supervisor_email", FieldValue::text("lead@example.com")),
            ("supervisor_name", FieldValue::text("Odile Brandt")),
            ("cost_center", FieldValue::text("South")),
            ("cost_centers", FieldValue::list(["North", "South"])),
            ("dynamic_1 | join('/')", FieldValue::text("German/Dutch")),
            ("hire_date", FieldValue::Date("2024-01-31".parse().unwrap())),
            ("hire_date | date('%d.%m.%Y')", FieldValue::text("31.01.2024")),
            ("hire_date | add_days(30)", FieldValue::text("2024-03-01")),
            ("hire_date | add_days(1) | month_end", FieldValue::text("2024-02-29")),
            ("hire_date < today", FieldValue::Bool(true)),
            ("gender | lookup('gender')", FieldValue::text("F")),
            ("employee_id", FieldValue::Integer(9001)),
            ("'P' ~ employee_id", FieldValue::text("P9001")),
            ("lifecycle", FieldValue::text("active")),
            ("lifecycle in ['active', 'leaving'] and not office", FieldValue::Bool(true)),
            ("'JA' | truthy", FieldValue::Bool(true)),
            ("'nope' | truthy", FieldValue::Bool(false)),
            ("' JA' | yes_no", FieldValue::Bool(true)),
            ("'Nein' | yes_no", FieldValue::Bool(false)),
            ("office | yes_no", FieldValue::Bool(false)),
            ("'030 1234567' | e164('DE')", FieldValue::text("+49301234567")),
            ("'+49 (0)30 1234567 ext. 12' | e164('DE')", FieldValue::text("+49301234567")),
            ("'030 / 1234567 x12' | e164('DE')", FieldValue::text("+49301234567")),
            // Of a range that is newer than what this version knows.
            ("'273 234 5678' | e164('US')", FieldValue::text("+12732345678")),
            ("'Deutsch' | locale", FieldValue::text("de-DE")),
            ("'EN' | locale", FieldValue::text("en-US")),
            ("'pt_BR' | locale", FieldValue::text("pt-BR")),
            ("'' | locale", FieldValue::Empty),
            ("7 / 2", FieldValue::Decimal(3.5)),
            // An empty value makes a comparison by order false.
            ("office < 20", FieldValue::Bool(false)),
            ("office >= 15", FieldValue::Bool(false)),
            ("office < today", FieldValue::Bool(false)),
            ("not office < today", FieldValue::Bool(true)),
            ("'late' if hire_date > '2024-01-30' else 'early'", FieldValue::text("late")),
            ("[5, 20, ''] | select('gt', 6) | list | length", FieldValue::Integer(1)),
            // The part of something empty is empty.
            ("office[0]", FieldValue::Empty),
            ("office | first", FieldValue::Empty),
            ("'A' if gender == 'male' else ''", FieldValue::Empty),
            ("email[:4]", FieldValue::text("Ines")),
            ("'%05d' | format(employee_id)", FieldValue::text("09001")),
            ("'  '", FieldValue::Empty),
        ];
        for (source, expected) in table {
            assert_eq!(evaluate(source), Evaluation::Value(expected.clone()), "{source}");
        }
    }

    #[test]
    fn a_hidden_attribute_freezes_whatever_uses_it() {
        for source in ["team", "team | lower", "'x' ~ team_id", "office or team"] {
            assert_eq!(evaluate(source), Evaluation::Frozen { attribute: "team".into() }, "{source}");
        }
    }

    #[test]
    fn errors_say_why_and_never_the_value() {
        for (source, part) in [
            ("email | lookup('gender')", "has no entry"),
            ("email | date('%d')", "is not a date"),
            ("email | e164('DE')", "phone number"),
            ("employee_id | e164('US')", "could exist"),
            ("(office ~ '030 1234567 App. 12') | e164('DE')", "words in the phone number"),
            ("(office ~ '+49 30 1234567 DW 12') | e164('DE')", "words in the phone number"),
            ("(office ~ '+43 1 2345678 Kl. 12') | e164('AT')", "words in the phone number"),
            ("email | locale", "no language"),
            ("email | yes_no", "neither yes"),
            ("email + 1", "do not fit"),
            ("email[40]", "beyond the end"),
            ("'A' if gender == 'male'", "`if` without `else`"),
            ("'A' if office == 'x'", "`if` without `else`"),
            ("'%030000000d' | format(employee_id) | length", "100000 letters"),
            ("email | replace('', 'x' * 9000)", "100000 letters"),
            ("range(employee_id) | batch(3000000, 'x') | list | length", "10000 items"),
            ("range(employee_id) | join('ten letters')", "100000 letters"),
            ("email | indent(90000000, true)", "100000 letters"),
            ("email * 9000", "100000 letters"),
        ] {
            match evaluate(source) {
                Evaluation::Invalid { why } => {
                    assert!(why.contains(part), "{source}: {why}");
                    assert!(!why.to_lowercase().contains("ines"), "{source}: {why}");
                }
                other => panic!("{source}: {other:?}"),
            }
        }
    }

    #[test]
    fn mistakes_are_found_when_the_file_is_loaded() {
        let vocabulary = Vocabulary::new(None::<[Box<str>; 0]>, BTreeMap::new(), Tables::new());
        for (source, message) in [
            ("", "an expression is empty; write `''` for an empty value"),
            ("emial", "there is no attribute `emial`; did you mean `email`?"),
            ("email | lowre", "there is no filter `lowre`; did you mean `lower`?"),
            ("gender | lookup('gender')", "there is no lookup table `gender`; write it as `[tables.gender]`"),
            ("lookup('gender')", "`lookup` is a filter, which stands behind a value: `value | lookup`"),
            ("hire_date | date('%Q')", "`%Q` is no format of a date; for example `%d.%m.%Y`, with day, month and year"),
            (
                "office = 'Graz'",
                "not an expression: unexpected input after expression; two values are compared with `==`",
            ),
        ] {
            assert_eq!(Expression::compile(source, &vocabulary).unwrap_err().to_string(), message, "{source}");
        }
        for source in ["'AB'[5]", "'AB'[5] ~ 'x'", "'x' * 200000", "range(60) | batch(3000000, 'x') | list"] {
            let message = Expression::compile(source, &vocabulary).unwrap_err().to_string();
            assert!(message.starts_with("it fails for everybody: "), "{source}: {message}");
        }
        assert!(Expression::compile("email |", &vocabulary).unwrap_err().to_string().starts_with("not an expression"));
    }

    #[test]
    fn protection_looks_at_the_fields_of_the_account() {
        let expression =
            Expression::compile_over_fields("primary_email == 'admin@example.com' or custom_fields.vip").unwrap();
        assert_eq!(expression.names().collect::<Vec<_>>(), ["custom_fields.vip", "primary_email"]);
        let admin = FieldValue::text("admin@example.com");
        let (yes, other) = (FieldValue::Bool(true), FieldValue::text("ines@example.com"));
        assert_eq!(expression.holds_for_fields(|name| (name == "primary_email").then_some(&admin)), Truth::Yes);
        assert_eq!(
            expression.holds_for_fields(|name| Some(if name == "primary_email" { &other } else { &yes })),
            Truth::Yes
        );
        assert_eq!(expression.holds_for_fields(|name| (name == "primary_email").then_some(&other)), Truth::No);
    }
}
