//! Answers that carry no employees: of the sign-in, of the list of attributes, and refusals.

use serde::Deserialize;
use serde::de::Deserializer;

/// An answer that carries no employees.
#[derive(Debug, Deserialize)]
pub(in crate::personio) struct Envelope<T> {
    #[serde(default)]
    pub(in crate::personio) success: Option<bool>,
    #[serde(default)]
    pub(in crate::personio) error: Option<serde_json::Value>,
    #[serde(default = "none")]
    pub(in crate::personio) data: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

/// The answer to a sign-in. Lifetime and scope may be missing and are not needed.
#[derive(Deserialize)]
pub(in crate::personio) struct Token {
    pub(in crate::personio) token: String,
}

/// An attribute that the credential may read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CatalogueEntry {
    /// The key, as it is written in the file.
    pub key: String,
    /// The name people see, in the language of the account.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub label: String,
    /// `standard`, `multiline`, `date`, `integer`, `decimal`, `list`, `tags`, `link`, or something newer.
    #[serde(default, rename = "type", deserialize_with = "text_or_nothing")]
    pub kind: String,
    /// Known meaning of a custom attribute (`iban`, `date_of_birth`), where there is one.
    #[serde(default)]
    pub universal_id: Option<String>,
    /// The values that a `list` or `tags` attribute may take.
    #[serde(default, deserialize_with = "texts_of_any")]
    pub options: Vec<String>,
}

fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

fn texts_of_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Array(options) => options
            .into_iter()
            .filter_map(|option| match option {
                serde_json::Value::String(text) => Some(text),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    })
}
