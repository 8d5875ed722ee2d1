//! The accounts of a workspace through SCIM: made, taken out of use, brought back. Profiles go through the Web API.

use crate::field::{AccountId, FieldIndex, FieldValue};
use crate::plan::FieldChange;
use crate::section::Secret;

use super::super::auth::SignIn;
use super::super::scim::{Directory, Field, Path, Preset, Settings};
use super::super::{ErrorKind, FieldLookup, TargetError};

/// What a new account is made of: our field, and the attribute that takes it.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("email", "emails[type eq \"work\"].value"),
    ("first_name", "name.givenName"),
    ("last_name", "name.familyName"),
    ("display_name", "displayName"),
    ("title", "title"),
];

/// The most characters of a user name.
const USER_NAME: usize = 21;

/// The SCIM side of a workspace.
#[derive(Debug)]
pub(super) struct Accounts(Directory);

impl Accounts {
    /// Signs in nowhere yet.
    pub(super) fn open(name: &str, base_url: &str, token: &Secret, paced: bool) -> anyhow::Result<Self> {
        let mut deviations = Preset::Slack.deviations();
        // What Slack's own description says of its attributes is of no use for six of them.
        deviations.discovery = false;
        if !paced {
            deviations.requests_per_minute = None;
        }
        let settings = Settings {
            base_url: base_url.to_owned(),
            sign_in: SignIn::Bearer(token.clone()),
            deviations,
            preserve: Vec::new(),
            headers: Vec::new(),
            key_owner: None,
        };
        let names = ["userName"].into_iter().chain(ATTRIBUTES.iter().map(|(_, attribute)| *attribute));
        let fields: Vec<Field> = names
            .map(|name| {
                let (FieldLookup::Known(spec) | FieldLookup::Open(spec)) = super::super::scim::lookup(name) else {
                    anyhow::bail!("SCIM has no attribute `{name}`");
                };
                let path = Path::parse(name).map_err(|why| anyhow::anyhow!("`{name}`: {why}"))?;
                Ok(Field::new(spec, path))
            })
            .collect::<anyhow::Result<_>>()?;
        let mapped = fields.len();
        // Nobody lists accounts through this, so that nobody would be told of one that is missing.
        let needed: Vec<FieldIndex> = (0u16..).map(FieldIndex).take(mapped).collect();
        Ok(Self(Directory::open(name, &settings, fields, mapped, &needed)?))
    }

    /// Makes an account, and returns with its id the fields that a profile has yet to get.
    ///
    /// One custom value that Slack does not take costs a new account all fields of its profile; so custom fields
    /// never go with it.
    ///
    /// # Errors
    ///
    /// When Slack refuses. [`ErrorKind::Exists`] also when a deactivated account has the address.
    pub(super) fn create(&self, fields: &[FieldChange]) -> Result<(AccountId, Vec<FieldChange>), TargetError> {
        let Some(email) = fields.iter().find(|field| &*field.field == "email").and_then(|field| field.after.as_text())
        else {
            return Err(TargetError::new(ErrorKind::Refused, "an account needs an `email`"));
        };
        let attribute = |index: usize, field: &str, after: FieldValue| FieldChange {
            index: FieldIndex(u16::try_from(index).expect("few attributes")),
            field: field.into(),
            before: FieldValue::Empty,
            after,
        };
        let mut attributes = vec![attribute(0, "userName", FieldValue::text(&user_name(email)))];
        let mut rest = Vec::new();
        for field in fields {
            match ATTRIBUTES.iter().position(|(name, _)| *name == &*field.field) {
                Some(index) => attributes.push(attribute(index + 1, &field.field, field.after.clone())),
                None => rest.push(field.clone()),
            }
        }
        Ok((self.0.create(&attributes)?, rest))
    }

    /// Brings an account back.
    pub(super) fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.0.reactivate(account)
    }

    /// Takes an account out of use; nothing is ever removed for good.
    pub(super) fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.0.deactivate(account)
    }
}

/// A user name that Slack takes: what stands before the `@`.
fn user_name(email: &str) -> String {
    let local = email.split('@').next().unwrap_or_default().to_lowercase();
    local.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter)).take(USER_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_come_from_addresses() {
        assert_eq!(user_name("Mira.Osei+it@example.com"), "mira.oseiit");
        assert_eq!(user_name("a.very.long.name.of.somebody@example.com"), "a.very.long.name.of.s");
    }
}
