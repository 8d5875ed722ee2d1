//! The fields of a Slack member: those every profile has, the workspace's own, and memberships.

use crate::field::{Access, FieldKind, FieldSpec};
use crate::words::known;

use super::super::membership::group;
use super::super::{ErrorKind, FieldLookup, TargetError};
use super::wire::ProfileField;

/// What begins the name of a field of the workspace's own; its label follows.
pub(super) const CUSTOM: &str = "fields.";
/// The section and the fields of user groups.
pub(super) const GROUPS: &str = "groups";
/// The section and the fields of channels.
pub(super) const CHANNELS: &str = "channels";

/// The handle of a new user group: Slack takes lower case without spaces.
pub(super) fn handle(name: &str) -> String {
    let kept = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    name.trim().trim_start_matches('@').to_lowercase().chars().map(kept).collect()
}

/// The fields that every profile has.
pub(super) fn known_fields() -> Vec<FieldSpec> {
    let text = |name: &str| FieldSpec::new(name, FieldKind::Text);
    vec![
        FieldSpec::new("email", FieldKind::Email),
        text("first_name"),
        text("last_name"),
        text("real_name"),
        text("display_name").max_length(80),
        text("title"),
        FieldSpec::new("phone", FieldKind::Phone),
        text("pronouns"),
    ]
}

/// What is known of a field by its name alone.
pub(super) fn lookup(name: &str) -> FieldLookup {
    if let Some(spec) = known_fields().into_iter().find(|spec| &*spec.name == name) {
        return FieldLookup::Known(spec);
    }
    match name.strip_prefix(CUSTOM) {
        Some(label) if !label.trim().is_empty() => FieldLookup::Open(FieldSpec::new(name, FieldKind::Text)),
        _ => FieldLookup::Unknown,
    }
}

/// Where a field of the run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// A key of every profile.
    Profile(Box<str>),
    /// A field of the workspace's own, by its id.
    Custom(Box<str>),
    /// Membership of the user group of this handle or name.
    Group(Box<str>),
    /// Membership of the channel of this name.
    Channel(Box<str>),
}

/// The fields of the run with their types and places, once the workspace's own fields are known.
pub(super) fn describe(named: &[FieldSpec], own: &[ProfileField]) -> Result<Vec<(FieldSpec, Home)>, TargetError> {
    let described = named.iter().map(|spec| {
        if let Some(label) = spec.name.strip_prefix(CUSTOM) {
            let field = by_label(label, own)?;
            return Ok((custom(spec, field), Home::Custom(field.id.clone())));
        }
        let home = match group(&spec.name) {
            Some((GROUPS, name)) => Home::Group(name.into()),
            Some((CHANNELS, name)) => Home::Channel(name.trim_start_matches('#').into()),
            _ => Home::Profile((&*spec.name).into()),
        };
        Ok((spec.clone(), home))
    });
    described.collect()
}

/// All fields of a member: those of every profile, and the workspace's own.
pub(super) fn all(known: Vec<FieldSpec>, own: &[ProfileField]) -> Vec<FieldSpec> {
    let own = own.iter().map(|field| {
        let named = FieldSpec::new(format!("{CUSTOM}{}", field.label.trim()), FieldKind::Text);
        custom(&named, field)
    });
    known.into_iter().chain(own).collect()
}

fn by_label<'f>(label: &str, own: &'f [ProfileField]) -> Result<&'f ProfileField, TargetError> {
    let folded = |text: &str| text.trim().to_lowercase();
    let mut alike = own.iter().filter(|field| folded(&field.label) == folded(label));
    match (alike.next(), alike.next()) {
        (Some(field), None) => Ok(field),
        (Some(_), Some(_)) => Err(TargetError::new(
            ErrorKind::Unexpected,
            format!("the workspace has several profile fields called `{label}`; rename all but one of them"),
        )),
        (None, _) => Err(TargetError::new(
            ErrorKind::Unexpected,
            format!(
                "the workspace has no profile field called `{label}`; {}",
                known(label, own.iter().map(|field| &*field.label))
            ),
        )),
    }
}

/// A field of the workspace's own with the type that Slack gives it.
fn custom(spec: &FieldSpec, field: &ProfileField) -> FieldSpec {
    let named = FieldSpec::new(spec.name.clone(), FieldKind::Text);
    match field.kind.as_deref() {
        Some("date") => FieldSpec { kind: FieldKind::Date, ..named },
        Some("options_list") => {
            let choices = field.possible_values.clone().unwrap_or_default();
            FieldSpec { kind: FieldKind::Choice, ..named }.choices(choices)
        }
        Some("user") => FieldSpec { kind: FieldKind::Account, ..named },
        Some("tags") => FieldSpec { kind: FieldKind::List, ..named },
        Some("long_text") => named.max_length(5_000),
        Some("text" | "link" | "mailto") => named.max_length(256),
        // A type that came later: what it takes is not known, so it is only read.
        _ => named.access(Access::ReadOnly),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(id: &str, label: &str, kind: &str) -> ProfileField {
        ProfileField { id: id.into(), label: label.into(), kind: Some(kind.into()), possible_values: None }
    }

    #[test]
    fn fields_of_the_workspace_are_found_by_label() {
        let fields = [own("Xf1", "Start date", "date"), own("Xf2", "Team", "text"), own("Xf3", "team ", "text")];
        let named = |name: &str| [FieldSpec::new(name, FieldKind::Text)];
        let described = describe(&named("fields.start DATE"), &fields).unwrap();
        assert_eq!((described[0].0.kind, &described[0].1), (FieldKind::Date, &Home::Custom("Xf1".into())));
        let ambiguous = describe(&named("fields.Team"), &fields).unwrap_err();
        assert!(ambiguous.message.contains("several"), "{ambiguous}");
        let unknown = describe(&named("fields.Start day"), &fields).unwrap_err();
        assert!(unknown.message.contains("did you mean `Start date`?"), "{unknown}");
    }

    #[test]
    fn places_follow_from_names() {
        let named = ["title", "groups.people-ops", "channels.#ask-people"];
        let named: Vec<FieldSpec> = named.iter().map(|name| FieldSpec::new(*name, FieldKind::Bool)).collect();
        let homes: Vec<Home> = describe(&named, &[]).unwrap().into_iter().map(|(_, home)| home).collect();
        assert_eq!(
            homes,
            [Home::Profile("title".into()), Home::Group("people-ops".into()), Home::Channel("ask-people".into())]
        );
        assert_eq!(lookup("fields."), FieldLookup::Unknown);
        assert_eq!(lookup("groups.people-ops"), FieldLookup::Unknown, "given by rule only");
    }

    #[test]
    fn handles_are_lower_case_and_without_spaces() {
        assert_eq!(handle("@people-ops"), "people-ops");
        assert_eq!(handle(" Büro Berlin 2"), "büro-berlin-2");
    }

    #[test]
    fn all_fields_are_those_of_every_profile_and_the_own_ones() {
        let fields = all(known_fields(), &[own("Xf1", "Start date ", "date"), own("Xf2", "Badge", "hologram")]);
        assert_eq!(fields.len(), known_fields().len() + 2);
        let [.., date, badge] = &fields[..] else { panic!() };
        assert_eq!((&*date.name, date.kind), ("fields.Start date", FieldKind::Date));
        assert_eq!((&*badge.name, badge.access), ("fields.Badge", Access::ReadOnly));
    }

    #[test]
    fn types_bring_their_limits() {
        let spec = FieldSpec::new("fields.x", FieldKind::Text);
        for (kind, expected, most) in [
            ("text", FieldKind::Text, Some(256)),
            ("long_text", FieldKind::Text, Some(5_000)),
            ("link", FieldKind::Text, Some(256)),
            ("tags", FieldKind::List, None),
            ("user", FieldKind::Account, None),
            ("options_list", FieldKind::Choice, None),
        ] {
            let found = custom(&spec, &own("Xf1", "x", kind));
            assert_eq!((found.kind, found.max_length), (expected, most), "{kind}");
        }
        assert_eq!(custom(&spec, &own("Xf1", "x", "hologram")).access, Access::ReadOnly);
    }
}
