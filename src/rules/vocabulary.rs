use std::collections::{BTreeMap, BTreeSet};

use crate::employee::{PRESET_ATTRIBUTES, PresetKind, preset};
use crate::words::{known, nearest};

/// What a name in an expression stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variable {
    /// An attribute, by Personio's key.
    Attribute(Box<str>),
    /// The id of an object-valued attribute: `department_id`.
    IdOf(Box<str>),
    /// `supervisor_email`
    SupervisorEmail,
    /// `supervisor_name`
    SupervisorName,
    /// `cost_center`: the one with the largest share.
    CostCenter,
    /// `employee_id`
    EmployeeId,
    /// `lifecycle`
    Lifecycle,
    /// `today`
    Today,
    /// `steps.0.id`: what an earlier step of the same workflow made.
    ResultOf(usize),
}

impl Variable {
    /// The attribute that has to be read for it, if any.
    pub fn attribute(&self) -> Option<&str> {
        match self {
            Self::Attribute(key) | Self::IdOf(key) => Some(key),
            Self::SupervisorEmail | Self::SupervisorName => Some("supervisor"),
            Self::CostCenter => Some("cost_centers"),
            Self::EmployeeId | Self::Lifecycle | Self::Today | Self::ResultOf(_) => None,
        }
    }
}

/// The names that expressions of one file may use.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    allowed: Option<BTreeSet<Box<str>>>,
    aliases: BTreeMap<Box<str>, Box<str>>,
    /// Aliases that the file gets wrong: that is told once, where they are defined.
    refused: BTreeSet<Box<str>>,
    tables: Tables,
    known_phones: bool,
}

/// Lookup tables: table name, then key, then value.
pub type Tables = BTreeMap<Box<str>, BTreeMap<Box<str>, Box<str>>>;

/// A name that stands for nothing, in words that say what is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownName(pub String);

impl Vocabulary {
    /// With the allow-list of the file (`None` when it has none), its aliases and its lookup tables.
    pub fn new(
        allowed: Option<impl IntoIterator<Item = Box<str>>>,
        aliases: BTreeMap<Box<str>, Box<str>>,
        tables: Tables,
    ) -> Self {
        let allowed = allowed.map(|keys| keys.into_iter().collect());
        Self { allowed, aliases, refused: BTreeSet::new(), tables, known_phones: false }
    }

    /// The same, with aliases that are no good: what uses them is not wrong as well.
    pub fn with_refused(self, refused: BTreeSet<Box<str>>) -> Self {
        Self { refused, ..self }
    }

    /// The readable name that the file gives an attribute.
    pub fn alias_of(&self, key: &str) -> Option<&str> {
        self.aliases.iter().find(|(_, attribute)| &***attribute == key).map(|(name, _)| &**name)
    }

    /// The attribute that the file gives this readable name.
    pub fn attribute_called(&self, alias: &str) -> Option<&str> {
        self.aliases.get(alias).map(AsRef::as_ref)
    }

    /// The same for a file that takes no phone numbers but those of known ranges.
    pub fn with_known_phones(self, known_phones: bool) -> Self {
        Self { known_phones, ..self }
    }

    /// Whether phone numbers must be of a known range.
    pub fn known_phones(&self) -> bool {
        self.known_phones
    }

    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The entries of some lookup tables as one text, whatever the order in the file; empty when there is none of them.
    pub(super) fn entries(&self, wanted: impl Fn(&str) -> bool) -> String {
        let tables: BTreeMap<&str, _> =
            self.tables.iter().map(|(name, entries)| (&**name, entries)).filter(|(name, _)| wanted(name)).collect();
        if tables.is_empty() { String::new() } else { serde_json::to_string(&tables).expect("texts are JSON") }
    }

    /// What all expressions of the file share, as one text: its aliases and lookup tables.
    pub fn shared(&self) -> String {
        if self.aliases.is_empty() && self.tables.is_empty() {
            return String::new();
        }
        serde_json::to_string(&(&self.aliases, &self.tables)).expect("texts are JSON")
    }

    /// What a name stands for.
    ///
    /// # Errors
    ///
    /// When it stands for nothing, or for an attribute that is not on the allow-list.
    pub fn resolve(&self, name: &str) -> Result<Variable, UnknownName> {
        if self.refused.contains(name) {
            return Ok(Variable::Attribute(name.into()));
        }
        let key = self.aliases.get(name).map_or(name, AsRef::as_ref);
        let variable = match key {
            "employee_id" => Variable::EmployeeId,
            "lifecycle" => Variable::Lifecycle,
            "today" => Variable::Today,
            "supervisor_email" => Variable::SupervisorEmail,
            "supervisor_name" => Variable::SupervisorName,
            "cost_center" => Variable::CostCenter,
            _ => match key.strip_suffix("_id").filter(|object| preset(object) == Some(PresetKind::Named)) {
                Some(object) => Variable::IdOf(object.into()),
                None => Variable::Attribute(key.into()),
            },
        };
        let Some(attribute) = variable.attribute() else {
            return Ok(variable);
        };
        match &self.allowed {
            Some(allowed) if allowed.contains(attribute) => Ok(variable),
            Some(_) if preset(attribute).is_some() || is_custom(attribute) => {
                Err(UnknownName(format!("`{attribute}` is not in `personio.attributes`; add it there to use it")))
            }
            None if preset(attribute).is_some() || is_custom(attribute) => Ok(variable),
            _ => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> UnknownName {
        let mut names = self.names();
        names.retain(|known| *known != name);
        let hint = match nearest(name, &names) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None if self.allowed.is_some() => known(name, names.iter().copied()),
            None => {
                "custom attributes are named `dynamic_4711`; any other must be listed in `personio.attributes`".into()
            }
        };
        UnknownName(format!("there is no attribute `{name}`; {hint}"))
    }

    /// Every name that may be used, for suggestions.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = vec!["employee_id", "lifecycle", "today"];
        names.extend(self.aliases.keys().map(AsRef::as_ref));
        match &self.allowed {
            Some(allowed) => names.extend(allowed.iter().map(AsRef::as_ref)),
            None => names.extend(PRESET_ATTRIBUTES.iter().map(|(key, _)| *key)),
        }
        let readable = |attribute: &str| self.allowed.as_ref().is_none_or(|allowed| allowed.contains(attribute));
        if readable("supervisor") {
            names.extend(["supervisor_email", "supervisor_name"]);
        }
        if readable("cost_centers") {
            names.push("cost_center");
        }
        names.sort_unstable();
        names
    }
}

/// `dynamic_4711`, the key of a custom attribute.
fn is_custom(key: &str) -> bool {
    key.strip_prefix("dynamic_").is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(allowed: Option<&[&str]>) -> Vocabulary {
        let aliases = BTreeMap::from([("ni_number".into(), "dynamic_4711".into())]);
        Vocabulary::new(allowed.map(|keys| keys.iter().map(|key| Box::from(*key))), aliases, Tables::new())
    }

    #[test]
    fn names_and_what_they_stand_for() {
        let all = vocabulary(None);
        assert_eq!(all.resolve("email"), Ok(Variable::Attribute("email".into())));
        assert_eq!(all.resolve("department_id"), Ok(Variable::IdOf("department".into())));
        assert_eq!(all.resolve("employee_id"), Ok(Variable::EmployeeId));
        assert_eq!(all.resolve("ni_number"), Ok(Variable::Attribute("dynamic_4711".into())));
        assert_eq!(all.resolve("cost_center"), Ok(Variable::CostCenter));
        assert_eq!(
            all.resolve("depratment").unwrap_err().to_string(),
            "there is no attribute `depratment`; did you mean `department`?"
        );
    }

    #[test]
    fn no_name_is_suggested_for_itself() {
        let aliases = BTreeMap::from([("city".into(), "dynamc_104".into())]);
        let broken = Vocabulary::new(Some([Box::from("email")]), aliases, Tables::new());
        let message = broken.resolve("city").unwrap_err().to_string();
        assert!(!message.contains("did you mean `city`"), "{message}");
        assert!(
            broken.with_refused(BTreeSet::from(["city".into()])).resolve("city").is_ok(),
            "told where it is defined"
        );
    }

    #[test]
    fn the_allow_list_is_a_limit() {
        let few = vocabulary(Some(&["email", "birthday"]));
        assert_eq!(few.resolve("birthday"), Ok(Variable::Attribute("birthday".into())));
        assert_eq!(few.resolve("lifecycle"), Ok(Variable::Lifecycle));
        for name in ["supervisor_email", "office", "ni_number"] {
            let message = few.resolve(name).unwrap_err().to_string();
            assert!(message.contains("is not in `personio.attributes`"), "{message}");
        }
    }
}
