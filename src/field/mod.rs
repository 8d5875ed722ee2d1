//! The fields of an account: their values, types and rules, and a target's own ids. Pure.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use compact_str::CompactString;
use serde::Serialize;

use crate::employee::{EmployeeId, clean};

/// The value of a field, in our words: the same on both sides of a comparison.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum FieldValue {
    /// No value; null, missing and blank are one.
    #[default]
    Empty,
    /// Text, trimmed; a choice; a phone number; the *name* of a referenced thing (a location).
    Text(CompactString),
    Bool(bool),
    Integer(i64),
    /// A number with a fraction.
    Decimal(f64),
    Date(NaiveDate),
    /// A set of texts, or of names of referenced things (departments). Never empty.
    List(Box<[Box<str>]>),
    /// An account of this target, by its id (a manager's account).
    Account(AccountId),
    /// The account of an employee. Desired values name employees; planning turns them into
    /// [`FieldValue::Account`], unless the account is to be made in the same run.
    Employee(EmployeeId),
}

impl FieldValue {
    /// Text in its one spelling (see [`clean`]), or [`FieldValue::Empty`] when blank.
    pub fn text(text: &str) -> Self {
        match &*clean(text) {
            "" => Self::Empty,
            cleaned => Self::Text(cleaned.into()),
        }
    }

    /// A list without blanks, or [`FieldValue::Empty`] when nothing is left.
    pub fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Self {
        let items: Vec<Box<str>> = items
            .into_iter()
            .map(|item| Box::<str>::from(clean(item.as_ref())))
            .filter(|item| !item.is_empty())
            .collect();
        if items.is_empty() { Self::Empty } else { Self::List(items.into()) }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The day, when the value is one.
    pub fn as_date(&self) -> Option<NaiveDate> {
        match self {
            Self::Date(day) => Some(*day),
            _ => None,
        }
    }

    /// The text, when the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// As people and files read it: a list is joined with commas, yes and no are `true` and `false`.
impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) => f.pad(text),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
            Self::Date(day) => day.fmt(f),
            Self::List(items) => f.pad(&items.join(", ")),
            Self::Account(id) => id.fmt(f),
            Self::Employee(id) => write!(f, "employee {id}"),
        }
    }
}

impl Serialize for FieldValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Decimal(value) => serializer.serialize_f64(*value),
            Self::Date(_) | Self::Account(_) | Self::Employee(_) => serializer.collect_str(self),
            Self::List(items) => items.serialize(serializer),
        }
    }
}

/// A target's own id of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub CompactString);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<T: Into<CompactString>> From<T> for AccountId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

/// The place of a field in a target's [`Schema`] and in the fields of each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIndex(pub u16);

impl FieldIndex {
    /// As an index into a slice.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// The type of a field, which decides what is a valid value and when two values are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    /// An e-mail address; letter case does not count.
    Email,
    /// A phone number; only digits and a leading plus count.
    Phone,
    Bool,
    Number,
    Date,
    /// One of [`FieldSpec::choices`].
    Choice,
    /// A set of texts; order does not count.
    List,
    /// Another account of the same target, such as the manager's.
    Account,
    /// A thing of the target that is named: one location, one cost centre. Values are names.
    Reference,
    /// Several named things: departments. Values are names; order does not count.
    References,
    /// Whatever the mapping gives, kept with its type: a column of a file. Two values are the same when
    /// [`FieldSpec::written`] is.
    Any,
}

impl FieldKind {
    /// The word for JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Date => "date",
            Self::Choice => "choice",
            Self::List => "list",
            Self::Account => "account",
            Self::Reference => "reference",
            Self::References => "references",
            Self::Any => "any",
        }
    }
}

/// How texts of a field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Compare {
    /// Every letter counts.
    #[default]
    Exact,
    /// Letter case does not count.
    IgnoreCase,
}

/// Whether a field may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// On create and on update.
    #[default]
    ReadWrite,
    CreateOnly,
    /// Never; mapping it is a mistake in the file.
    ReadOnly,
}

impl Access {
    /// The word for JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "read_write",
            Self::CreateOnly => "create_only",
            Self::ReadOnly => "read_only",
        }
    }
}

/// A rule of a target for the texts of one field: gives the spelling that the target keeps, or says what is
/// wrong, without showing the value.
#[derive(Clone, Copy)]
pub struct Validator(fn(&str) -> Result<String, &'static str>);

impl Validator {
    /// The spelling that the target keeps.
    ///
    /// # Errors
    ///
    /// Says what is wrong, as a fragment such as `it is not a postcode`.
    pub fn canonical(&self, text: &str) -> Result<String, String> {
        (self.0)(text).map_err(str::to_owned)
    }
}

impl PartialEq for Validator {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validator")
    }
}

/// A rule of a target for a choice that it does not have: the one that means most nearly the same on a day, and in
/// words how near that is.
#[derive(Clone)]
pub struct Nearest(Arc<NearestRule>);

type NearestRule = dyn Fn(&str, NaiveDate) -> Option<(&'static str, &'static str)> + Send + Sync;

impl Nearest {
    /// The nearest choice, with words for a note.
    pub fn find(&self, text: &str, today: NaiveDate) -> Option<(&'static str, &'static str)> {
        (self.0)(text, today)
    }
}

impl PartialEq for Nearest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nearest")
    }
}

/// What a target says of one of its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldSpec {
    /// As the file and the target's API name it: `primary_email`, `custom_fields.cost_center`.
    pub name: Arc<str>,
    pub kind: FieldKind,
    /// Whether an account cannot exist without it.
    pub required: bool,
    /// Whether it may be written.
    pub access: Access,
    /// How its texts are compared.
    pub compare: Compare,
    /// The most characters it takes.
    pub max_length: Option<u32>,
    /// The values of a [`FieldKind::Choice`]; empty when not known.
    pub choices: Box<[Box<str>]>,
    /// Whether the field holds an id of ours, so that an unmapped match on it means the employee id.
    pub identity: bool,
    /// How a [`FieldKind::Any`] writes days (strftime); ISO when `None`.
    pub day_format: Option<Box<str>>,
    /// The target's own rule for its texts, if it has one.
    pub validator: Option<Validator>,
    /// Whether a missing thing that a [`FieldKind::Reference`] names can be made through the target's interface.
    pub can_be_made: bool,
    /// Whether an address must be in a domain that the service knows as its own, so that none can be invented.
    pub own_domain: bool,
    /// Whether a [`FieldKind::Bool`] keeps "no" apart from nothing, which means unknown: a file does.
    pub tells_no: bool,
    /// What stands in for a choice that the target does not have, if anything may.
    pub nearest: Option<Nearest>,
}

impl FieldSpec {
    /// An optional, writable field without limits.
    pub fn new(name: impl Into<Arc<str>>, kind: FieldKind) -> Self {
        Self {
            name: name.into(),
            kind,
            required: false,
            access: Access::ReadWrite,
            compare: Compare::Exact,
            max_length: None,
            choices: Box::default(),
            identity: false,
            day_format: None,
            validator: None,
            can_be_made: true,
            own_domain: false,
            tells_no: false,
            nearest: None,
        }
    }

    /// A value as the target writes it, for fields that hold nothing but text.
    ///
    /// Days take the form of [`FieldSpec::day_format`], whether they come as a [`FieldValue::Date`] or as ISO
    /// text (which is how an expression hands a day on). A text in that form already stays as it is, so that
    /// what is in the file and what should be there are told apart only where the file would change.
    pub fn written<'v>(&self, value: &'v FieldValue) -> Cow<'v, str> {
        let day = match (value, &self.day_format) {
            (FieldValue::Text(text), None) => return Cow::Borrowed(text),
            (FieldValue::Text(text), Some(_)) => match iso_day(text) {
                Some(day) => day,
                None => return Cow::Borrowed(text),
            },
            (FieldValue::Date(day), Some(_)) => *day,
            _ => return Cow::Owned(value.to_string()),
        };
        let format = self.day_format.as_deref().unwrap_or("%Y-%m-%d");
        Cow::Owned(day.format(format).to_string())
    }

    /// The same, required.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same, with another access.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The same, comparing without letter case.
    pub fn ignore_case(mut self) -> Self {
        self.compare = Compare::IgnoreCase;
        self
    }

    /// The same, with a length limit in characters.
    pub fn max_length(mut self, characters: u32) -> Self {
        self.max_length = Some(characters);
        self
    }

    /// The same, with the values that are allowed.
    pub fn choices<S: Into<Box<str>>>(mut self, choices: impl IntoIterator<Item = S>) -> Self {
        self.choices = choices.into_iter().map(Into::into).collect();
        self
    }

    /// The same, writing days in another form than ISO.
    pub fn day_format(mut self, format: impl Into<Box<str>>) -> Self {
        self.day_format = Some(format.into());
        self
    }

    /// The same, for addresses in domains of the service's own only.
    pub fn own_domain(mut self) -> Self {
        self.own_domain = true;
        self
    }

    /// The same, with a rule for choices that the target does not have.
    pub fn nearest(
        mut self,
        rule: impl Fn(&str, NaiveDate) -> Option<(&'static str, &'static str)> + Send + Sync + 'static,
    ) -> Self {
        self.nearest = Some(Nearest(Arc::new(rule)));
        self
    }

    /// The same, keeping "no" apart from nothing.
    pub fn tells_no(mut self) -> Self {
        self.tells_no = true;
        self
    }

    /// The same, with a rule of the target for its texts.
    pub fn validator(mut self, rule: fn(&str) -> Result<String, &'static str>) -> Self {
        self.validator = Some(Validator(rule));
        self
    }

    /// The same, naming things that only people can make in the target.
    pub fn made_by_hand(mut self) -> Self {
        self.can_be_made = false;
        self
    }

    /// The same, holding an id of ours.
    pub fn identity(mut self) -> Self {
        self.identity = true;
        self
    }
}

/// The day that a text is, when it is one in the form `2026-03-31` and nothing else.
pub fn iso_day(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if shaped { text.parse().ok() } else { None }
}

/// The fields of a run in one target, in the order of the mapping, then those only matched or protected by.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Schema {
    /// One for each field that the file names, in the file's order.
    pub fields: Vec<FieldSpec>,
    /// What can be done to accounts.
    pub capabilities: Capabilities,
    /// Fields of which an account needs at least one; none when it is free of such a rule.
    pub one_of: Vec<FieldIndex>,
    /// The field by which the service knows new accounts, where it makes them in its own time.
    pub asynchronous: Option<FieldIndex>,
}

impl Schema {
    pub fn field(&self, index: FieldIndex) -> &FieldSpec {
        &self.fields[index.get()]
    }

    pub fn index(&self, name: &str) -> Option<FieldIndex> {
        let index = self.fields.iter().position(|field| &*field.name == name)?;
        u16::try_from(index).ok().map(FieldIndex)
    }

    /// All fields with their indexes.
    pub fn iter(&self) -> impl Iterator<Item = (FieldIndex, &FieldSpec)> {
        (0u16..).map(FieldIndex).zip(&self.fields)
    }
}

/// What a target can do to accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Make accounts.
    pub create: bool,
    /// Empty a field.
    pub clear: bool,
    /// Take an account out of use, reversibly.
    pub deactivate: bool,
    pub reactivate: bool,
    pub delete: bool,
    /// Whether reactivating loses fields, so that all of them are written again after it.
    pub reactivate_loses_fields: bool,
    /// Whether writes take effect together when a run finishes, all of them or none: a file.
    pub lasts_at_finish: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            create: true,
            clear: true,
            deactivate: true,
            reactivate: true,
            delete: false,
            reactivate_loses_fields: false,
            lasts_at_finish: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_in_the_form_of_the_field_and_all_else_as_it_is() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
        let iso = FieldSpec::new("Start", FieldKind::Any);
        let german = iso.clone().day_format("%d.%m.%Y");
        for (value, as_iso, as_german) in [
            (FieldValue::Date(day), "2026-02-01", "01.02.2026"),
            (FieldValue::text("2026-02-01"), "2026-02-01", "01.02.2026"),
            (FieldValue::text("01.02.2026"), "01.02.2026", "01.02.2026"),
            (FieldValue::text("2026-02-30"), "2026-02-30", "2026-02-30"),
            (FieldValue::text("2026-02-01 x"), "2026-02-01 x", "2026-02-01 x"),
            (FieldValue::Integer(7), "7", "7"),
            (FieldValue::Decimal(5.0), "5", "5"),
            (FieldValue::Bool(true), "true", "true"),
            (FieldValue::list(["a", "b"]), "a, b", "a, b"),
            (FieldValue::Empty, "", ""),
        ] {
            assert_eq!(iso.written(&value), as_iso);
            assert_eq!(german.written(&value), as_german);
        }
    }
}
