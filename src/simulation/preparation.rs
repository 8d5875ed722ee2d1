//! What a user's file expects of the simulated systems, so that they can offer it.

use serde::{Deserialize, Serialize};

/// What the simulated systems should offer beside what they have anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// Attributes the file names; values are invented for those that the source does not have.
    #[serde(default)]
    pub attributes: Vec<PreparedAttribute>,
    #[serde(default)]
    pub targets: Vec<PreparedTarget>,
}

/// An attribute that the file names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PreparedAttribute {
    Key(String),
    /// Its key with the readable name that the file gives it, which says what kind of value to invent.
    Named {
        /// `dynamic_4711`.
        key: String,
        /// `ni_number`.
        name: String,
    },
}

impl PreparedAttribute {
    pub fn key(&self) -> &str {
        match self {
            Self::Key(key) | Self::Named { key, .. } => key,
        }
    }

    /// What says most about its meaning: the readable name, else the key.
    pub fn hint(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Named { name, .. } => name,
        }
    }
}

/// A target of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedTarget {
    /// As the file names it; each name has accounts of its own.
    pub name: String,
    /// The word after `type =`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The fields the file fills.
    #[serde(default)]
    pub fields: Vec<PreparedField>,
    /// The interface that the file declares for it, as `Declaration::sandbox_text` gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
}

/// A field that the file fills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedField {
    /// As the file names it (`custom_fields.cost_center`).
    pub name: String,
    /// `text`, `number`, `date`, `bool` or `choice`; anything else counts as text.
    pub kind: String,
    /// The values of a choice; none means that every value is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}
