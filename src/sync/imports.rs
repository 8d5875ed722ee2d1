//! What a service that people keep in line will see: contacts and channels of its directory, attributes that its
//! credential may read, and who has its role. Reading only; all of it ends in notices.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::code::Code;
use crate::config::{Settings, TargetSettings};
use crate::employee::EmployeeId;
use crate::field::{FieldKind, FieldValue, Schema};
use crate::personio::Sources;
use crate::plan::{Notice, Plan, Snapshot, TargetPlan};
use crate::targets::conversations::attributes::{self, Allowance};
use crate::targets::conversations::contacts::{Comparison, Contact, Requester, compare};
use crate::targets::{ByHand, FieldLookup, ListedExpert, Requesters};
use crate::words::count;

use super::prepared::{OpenTarget, PreparedTarget};

/// The accounts of a target that others import, before planning takes them.
pub(super) fn contacts(settings: &Settings, target: &TargetSettings, schema: &Schema, all: &Snapshot) -> Vec<Contact> {
    let imports = |other: &TargetSettings| {
        other.target.offers().directory.is_some_and(|directory| *directory.value == *target.plan.name)
    };
    if !settings.targets.iter().any(imports) {
        return Vec::new();
    }
    let contact = |account: &crate::plan::Account| Contact {
        account: account.id.clone(),
        addresses: schema
            .iter()
            .filter(|(_, spec)| spec.kind == FieldKind::Email)
            .filter_map(|(index, _)| Some(account.field(index).as_text()?.trim().to_lowercase().into()))
            .collect(),
        active: account.active,
        protection: account.protection,
        owner: None,
    };
    all.accounts.iter().map(contact).collect()
}

/// Adds to the plans of services that people keep in line what is worth knowing before anybody starts.
pub(super) fn review(settings: &Settings, plan: &mut Plan, targets: &[PreparedTarget<'_>]) {
    for (position, target) in targets.iter().enumerate() {
        let (Some(by_hand), Some(open)) = (target.settings.target.offers().by_hand, &target.open) else { continue };
        let mut notices = requesters(settings, by_hand.requesters());
        notices.extend(experts(by_hand, open, &plan.targets[position]));
        if let Some(directory) = target.settings.target.offers().directory {
            notices.extend(imported(&directory.value, by_hand, open, plan, targets));
        }
        plan.targets[position].notices.extend(notices);
    }
}

fn joined<T: Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What the service's own credential may read, where the file gives that credential.
fn requesters(settings: &Settings, requesters: &Requesters) -> Vec<Notice> {
    let Some(credential) = &requesters.credential else { return Vec::new() };
    let source = Sources(&settings.personio).with_credential(&credential.client_id, &credential.client_secret);
    let catalogue = match source.map(|source| source.catalogue()) {
        Ok(Ok(catalogue)) => catalogue,
        Ok(Err(error)) => {
            let why = format!("what `credential` may read could not be looked at: {error}");
            return vec![Notice::new(Code::RequesterCredential, why)];
        }
        Err(error) => {
            return vec![Notice::new(Code::RequesterCredential, format!("`credential` cannot be used: {error:#}"))];
        }
    };
    let names = catalogue.into_iter().map(|entry| {
        [Some(entry.key), Some(entry.label), entry.universal_id].into_iter().flatten().collect::<Vec<String>>()
    });
    let Allowance { too_much, missing, sensitive } =
        attributes::compare(&names.collect::<Vec<_>>(), &requesters.declared);
    let mut notices = Vec::new();
    let mut add = |code, items: &[String], what: &str| {
        if !items.is_empty() {
            notices.push(Notice::new(code, format!("{what}, under {}: {}", attributes::PLACE, joined(items))));
        }
    };
    add(Code::RequesterAttributesMissing, &missing, "declared and not readable for Conversations; tick them");
    add(Code::RequesterAttributesBeyond, &too_much, "readable for Conversations and not declared; untick them");
    let sensitive: Vec<String> = sensitive.into_iter().map(|(name, what)| format!("{name} ({what})")).collect();
    add(Code::RequesterAttributesSensitive, &sensitive, "sensitive and shown to every expert");
    notices
}

/// The rule for experts, held against an exported list of who has the role.
fn experts(by_hand: &dyn ByHand, open: &OpenTarget, plan: &TargetPlan) -> Vec<Notice> {
    let listed = match by_hand.listed_experts() {
        Ok(Some(listed)) => listed,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![Notice::new(Code::ExpertsFile, why)],
    };
    let mut wanted: BTreeSet<EmployeeId> = open.confirmed.with(by_hand.expert_field());
    for change in &plan.changes {
        let field = change.fields.iter().find(|field| &*field.field == by_hand.expert_field());
        match (change.employee, field) {
            (Some(employee), Some(field)) if field.after == FieldValue::Bool(true) => {
                wanted.insert(employee);
            }
            (Some(employee), Some(_)) => {
                wanted.remove(&employee);
            }
            _ => {}
        }
    }
    let (mut have, mut strangers) = (BTreeSet::new(), 0);
    for one in listed {
        let found = match one {
            ListedExpert::Employee(employee) => open.labels.contains_key(&employee).then_some(employee),
            ListedExpert::Address(address) => open
                .labels
                .iter()
                .find(|(_, label)| label.email.as_ref() == Some(&address))
                .map(|(employee, _)| *employee),
        };
        match found {
            Some(employee) => {
                have.insert(employee);
            }
            None => strangers += 1,
        }
    }
    let lacking: Vec<EmployeeId> = wanted.difference(&have).copied().collect();
    let beyond: Vec<EmployeeId> = have.difference(&wanted).copied().collect();
    let mut notices = Vec::new();
    if !lacking.is_empty() {
        let why = "by rule and not in `experts_file` (administrators need no role)";
        let number = count(lacking.len(), "expert", "experts");
        notices.push(Notice::new(Code::ExpertsWithoutRole, format!("{number} {why}: {}", joined(&lacking))));
    }
    if !beyond.is_empty() {
        let why = "in `experts_file` and not by rule";
        let number = count(beyond.len(), "expert", "experts");
        notices.push(Notice::new(Code::ExpertsBeyondRule, format!("{number} {why}: {}", joined(&beyond))));
    }
    if strangers > 0 {
        let lines = count(strangers, "line", "lines");
        let why = format!("{lines} of `experts_file` with nobody whom Personio delivers");
        notices.push(Notice::new(Code::ExpertsUnknown, why));
    }
    notices
}

/// What the service imports from its directory.
fn imported(
    name: &str,
    by_hand: &dyn ByHand,
    open: &OpenTarget,
    plan: &Plan,
    targets: &[PreparedTarget<'_>],
) -> Vec<Notice> {
    let Some(position) = plan.targets.iter().position(|other| *other.name == *name) else {
        let why = format!("`{name}` is not part of this run, so its contacts and channels were not looked at");
        return vec![Notice::new(Code::DirectoryNotRead, why)];
    };
    let Some(directory) = &targets[position].open else {
        let why = format!(
            "`{name}` is {}, so its contacts and channels were not looked at",
            plan.targets[position].status.as_str()
        );
        return vec![Notice::new(Code::DirectoryNotRead, why)];
    };
    let mut notices = Vec::new();
    let has_addresses = directory.schema.fields.iter().any(|spec| spec.kind == FieldKind::Email);
    let addresses_known = open.labels.values().any(|label| label.email.is_some());
    if has_addresses && addresses_known {
        let requesters: Vec<Requester> = open
            .labels
            .iter()
            .map(|(employee, label)| Requester { employee: *employee, address: label.email.clone(), left: label.left })
            .collect();
        let accepted = |address: &str| by_hand.accepts_outsider(address);
        notices.extend(compared(name, &compare(&requesters, &directory.contacts, &accepted), directory));
    } else {
        let what = if has_addresses { "this target's mapping has no `email`" } else { "no address of it is read" };
        let why = format!("contacts of `{name}` were not compared with the people of Personio: {what}");
        notices.push(Notice::new(Code::ContactsNotCompared, why));
    }
    notices.extend(channels(name, by_hand, directory));
    if open.labels.values().any(|label| label.language.is_some()) {
        notices.extend(language(name, targets[position].settings));
    }
    notices
}

fn compared(name: &str, found: &Comparison, directory: &OpenTarget) -> Vec<Notice> {
    let mut notices = Vec::new();
    if !found.outsiders.is_empty() {
        let ids: Vec<String> = found
            .outsiders
            .iter()
            .map(|(account, foreign)| {
                format!("{account}{}", if *foreign { " (guest, bot or managed elsewhere)" } else { "" })
            })
            .collect();
        let message = format!(
            "{} in use in `{name}` without an employee, imported as contacts all the same; whoever is meant to be there \
             goes into `outsiders`: {}",
            count(ids.len(), "account", "accounts"),
            ids.join(", ")
        );
        notices.push(Notice::new(Code::OutsidersInDirectory, message));
    }
    let mut add = |code, who: &[EmployeeId], what: &str| {
        if !who.is_empty() {
            notices
                .push(Notice::new(code, format!("{} {what}: {}", count(who.len(), "person", "people"), joined(who))));
        }
    };
    if directory.complete {
        add(Code::NotInDirectory, &found.not_there, &format!("employed and without an account in use in `{name}`"));
    }
    add(Code::LeftInDirectory, &found.left, &format!("left, and with an account in use in `{name}`"));
    add(
        Code::AddressMissing,
        &found.without_address,
        "employed and without an e-mail address, so no contact is theirs",
    );
    add(Code::AddressShared, &found.shared, "employed and sharing an e-mail address, so a contact may be either's");
    notices
}

/// Channels that teams name and the directory does not have.
fn channels(name: &str, by_hand: &dyn ByHand, directory: &OpenTarget) -> Vec<Notice> {
    if by_hand.channels().is_empty() {
        return Vec::new();
    }
    let Some(service) = directory.target.reader().read_offers().channels else { return Vec::new() };
    let known = match service.channel_names() {
        Ok(known) => known,
        Err(error) => {
            return vec![Notice::new(
                Code::ChannelsNotRead,
                format!("channels of `{name}` were not looked at: {error}"),
            )];
        }
    };
    let missing = by_hand.channels().iter().filter(|channel| !known.contains(&channel.name.value));
    missing
        .map(|channel| {
            let wanted = &channel.name.value;
            let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            let hint = crate::words::nearest(wanted, &names)
                .map_or_else(|| "make it first".to_owned(), |name| format!("did you mean `{name}`?"));
            let why = format!(
                "team {}: the token of `{name}` sees no channel `{wanted}` (a private one must invite it); {hint}",
                channel.team
            );
            Notice::new(Code::ChannelMissing, why)
        })
        .collect()
}

/// The language is the directory's to keep, where it can be kept at all.
fn language(name: &str, directory: &TargetSettings) -> Option<Notice> {
    const FIELD: &str = "preferredLanguage";
    let follows = "Conversations and its bot follow what each person chose in Personio";
    if directory.target.field(FIELD) == FieldLookup::Unknown {
        let why =
            format!("`language` cannot be written to `{name}`: everybody sets it there for themselves; {follows}");
        return Some(Notice::new(Code::LanguageByHand, why));
    }
    let mapped = directory.plan.fields[..directory.plan.written_fields].iter().any(|spec| &*spec.name == FIELD);
    (!mapped).then(|| {
        let why = format!(
            "`language` is written nowhere: add {FIELD} = \"… | locale\" to [targets.{name}.mapping]; {follows}"
        );
        Notice::new(Code::LanguageNotMapped, why)
    })
}
