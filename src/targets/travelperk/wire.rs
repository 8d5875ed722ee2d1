//! The JSON of TravelPerk's REST interface: cost centres and invoice profiles.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A page of cost centres. There is no total.
#[derive(Debug, Deserialize)]
pub(super) struct CostCenters {
    pub(super) cost_centers: Vec<CostCenter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct CostCenter {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    pub(super) name: String,
    /// Not in every answer.
    #[serde(default)]
    pub(super) archived: bool,
}

/// A page of invoice profiles.
#[derive(Debug, Deserialize)]
pub(super) struct Profiles {
    pub(super) profiles: Vec<Profile>,
}

/// An invoice profile: the name under which a company pays.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    pub(super) name: String,
}

/// Ids come as numbers and as texts.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("an id is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;

    #[test]
    fn recorded_answers_are_read() {
        let Some(text) = spec_text("travelperk/client-test-stubs/cost_centers.json") else { return };
        let page: CostCenters = serde_json::from_str(&text).unwrap();
        assert_eq!(
            page.cost_centers,
            [CostCenter { id: "2".into(), name: "Test Cost Center 2".into(), archived: false }]
        );
        let one = spec_text("travelperk/client-test-stubs/cost_center.json").unwrap();
        let one: CostCenter = serde_json::from_str(&one).unwrap();
        assert_eq!(one, CostCenter { id: "1".into(), name: "iloveorange".into(), archived: true });
        let text = spec_text("travelperk/client-test-stubs/invoice_profiles.json").unwrap();
        let page: Profiles = serde_json::from_str(&text).unwrap();
        let names: Vec<&str> = page.profiles.iter().map(|profile| profile.name.as_str()).collect();
        assert_eq!(names, ["My Company Ltd", "My Spanish Company SL"]);
        assert!(serde_json::from_str::<CostCenter>(r#"{"id":null,"name":"x"}"#).is_err());
    }
}
