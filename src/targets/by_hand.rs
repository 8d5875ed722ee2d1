//! Services without an interface: people keep them in line, and `confirm` says that they did. Pure but for one list.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::employee::EmployeeId;
use crate::plan::{Change, StepGroup, TeamSettings};
use crate::section::{Located, Secret};

/// What a service of which people take care is to look like, and how they are told.
pub trait ByHand: fmt::Debug + Send + Sync {
    /// The settings of each team, by its name.
    fn teams(&self) -> BTreeMap<Box<str>, TeamSettings>;

    /// The field that says who is an expert.
    fn expert_field(&self) -> &'static str;

    /// The channels of the directory that teams name.
    fn channels(&self) -> &[Channel];

    /// What the service may read of people.
    fn requesters(&self) -> &Requesters;

    /// Whether a contact from outside the company is meant to be there, by an address in lower case.
    fn accepts_outsider(&self, address: &str) -> bool;

    /// Who has the role of an expert, from a list that somebody exported; `None` when the file names none.
    ///
    /// # Errors
    ///
    /// When the list cannot be read: what is wrong, and what to try.
    fn listed_experts(&self) -> Result<Option<Vec<ListedExpert>>, String>;

    /// Changes as steps, in the order in which they are best done.
    fn steps(&self, changes: &[&Change], who: &dyn Fn(EmployeeId) -> String) -> Vec<StepGroup>;
}

/// A channel that a team names.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    pub team: Box<str>,
    /// Its name without `#`, where it stands in the file.
    pub name: Located<Box<str>>,
}

/// What the service may read of people.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Requesters {
    /// The attributes that it should read, by key.
    pub declared: Vec<String>,
    /// The credential that it reads with, if the file gives it.
    pub credential: Option<Credential>,
}

/// A credential of Personio's API beside the tool's own.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Credential {
    /// Its client id
    pub client_id: Secret,
    /// Its secret
    pub client_secret: Secret,
}

/// A line of an exported list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedExpert {
    Employee(EmployeeId),
    /// By address, in lower case.
    Address(Box<str>),
}
