//! TravelPerk ("Perk"): users through SCIM on one host, cost centres and invoice profiles through REST on the
//! other.

mod fields;
mod log;
mod requests;
mod rules;
mod settings;
pub mod simulated;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeSet;
use std::time::Duration;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldSpec, FieldValue, Schema};
use crate::http::{Client, ClientSettings, Limit, Request};
use crate::plan::{Account, FieldChange, Notice, Policy, ReferenceNames, Snapshot};
use crate::section::Table;
use crate::targets::scim::{Directory, Field, Operation, no_answer, not_done, refusal, unexpected};

use super::{
    Connection, ErrorKind, FieldLookup, ListFields, Offers, ReadAccounts, ReadOffers, SandboxAddresses, Target,
    TargetError, TargetType, WriteAccounts,
};
use crate::progress::Progress;
use fields::short;
use rules::TravelPerkRules;
use settings::Settings;
use wire::{CostCenter, CostCenters, Profiles};

pub const KIND: super::Kind = super::Kind {
    name: "travelperk",
    parse,
    starter: include_str!("starter.toml"),
    keys: settings::schema,
    simulate: Some(|company| Box::new(simulated::TravelPerk::new(company))),
};

/// A TravelPerk account as the file describes it.
#[derive(Debug)]
struct TravelPerkType {
    settings: Settings,
}

/// Reads what a `travelperk` section has beside the keys every target has.
///
/// `None` when something needed is missing or wrong, which is then among the problems.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    Some(Box::new(TravelPerkType { settings: settings::read(table)? }))
}

impl TargetType for TravelPerkType {
    fn kind(&self) -> &'static str {
        "travelperk"
    }

    fn field(&self, name: &str) -> FieldLookup {
        fields::lookup(name)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        fields::known()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["externalId", "userName"]
    }

    fn policy(&self) -> Policy {
        Policy {
            calls_per_minute: self.settings.people.deviations.requests_per_minute,
            create_note: Some("TravelPerk may send a welcome e-mail to everybody who gets an account"),
            unknown_manager_note: Some(
                "approval requests go to an administrator unless TravelPerk knows another manager",
            ),
            expected_attributes: &[
                ("first_name", "no traveller can be made"),
                ("last_name", "no traveller can be made"),
                ("email", "no traveller can be made or found"),
                ("hire_date", "future hires, and those that were called off, cannot be told from current ones"),
                ("termination_date", "leavers are seen only once Personio turns them inactive"),
                ("office", "travellers cannot be filtered by office"),
                ("status", "leavers cannot be told from others"),
                ("last_modified_at", "nothing in this tool; TravelPerk's own integration asks for it"),
                ("gender", "travellers are asked for it when they book"),
                ("team", "travellers cannot be filtered by team"),
                ("supervisor", "approval requests go to an administrator instead of the line manager"),
                ("cost_centers", "nobody is assigned to a cost centre"),
                ("subcompany", "travellers cannot be matched to a company (optional)"),
                ("date_of_birth", "travellers are asked for it when they book (optional; often a custom attribute)"),
            ],
            ..Policy::default()
        }
    }

    fn identity(&self) -> String {
        let url = &self.settings.people.base_url;
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host).to_lowercase();
        match &self.settings.account {
            Some(account) => format!("travelperk:{host}#{account}"),
            None => format!("travelperk:{host}"),
        }
    }

    fn describe(&self) -> Vec<String> {
        vec!["`company` is a word for `invoiceProfiles`: the company that a person's trips are billed to".into()]
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let mapped =
            |wanted: &str| connection.fields[..connection.mapped].iter().any(|field| short(&field.name) == wanted);
        if mapped("manager") && mapped("lineManagerEmail") {
            anyhow::bail!("`manager` and `lineManagerEmail` say the same in two ways; map one of them");
        }
        let fields = connection.fields.iter().map(|spec| {
            let path = fields::path(&spec.name);
            let path = path.ok_or_else(|| anyhow::anyhow!("`{}` is no attribute path", spec.name))?;
            Ok(Field::new(spec.clone(), path))
        });
        let fields = fields.collect::<anyhow::Result<Vec<Field>>>()?;
        let mut rest = ClientSettings::new(&self.settings.api_url);
        rest.retry.busy_wait = self.settings.people.deviations.busy_wait;
        if let Some(requests) = self.settings.people.deviations.requests_per_minute {
            let per = Duration::from_secs(60);
            rest.limits.extend(["read", "write"].map(|class| Limit { class, requests, per }));
        }
        Ok(Box::new(TravelPerk {
            people: Directory::open(
                &connection.name,
                &self.settings.people,
                fields,
                connection.mapped,
                &connection.match_fields,
            )?,
            rest: Client::new(rest, self.settings.api_sign_in.auth(&[])?)?,
            owner_named: self.settings.people.key_owner.is_some(),
            fields: connection.fields,
            centers: Mutex::default(),
        }))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        self.settings.redirect(sandbox);
    }

    fn offers(&self) -> Offers<'_> {
        Offers { sync_log: Some(log::line), rules: Some(&TravelPerkRules), ..Offers::default() }
    }
}

/// A TravelPerk account that is open.
#[derive(Debug)]
struct TravelPerk {
    people: Directory,
    rest: Client,
    owner_named: bool,
    fields: Vec<FieldSpec>,
    /// The cost centres, once something needed them. Held while one is made, so that two threads never make the same one.
    centers: Mutex<Option<Vec<CostCenter>>>,
}

impl TravelPerk {
    /// The field of a short name, if it is in the run.
    fn field(&self, wanted: &str) -> Option<FieldIndex> {
        let at = self.fields.iter().position(|field| short(&field.name) == wanted)?;
        u16::try_from(at).ok().map(FieldIndex)
    }

    fn send(&self, operation: Operation, request: &Request) -> Result<crate::http::Response, TargetError> {
        let sent = match operation {
            Operation::Read => self.rest.reader().send(request),
            Operation::Create | Operation::Change => self.rest.send(request),
        };
        let response = sent.map_err(|error| no_answer(self.people.name(), operation, &error))?;
        if !response.is_success() {
            return Err(refusal(self.people.name(), operation, &response, &[]));
        }
        match not_done(self.people.name(), &response).filter(|_| operation != Operation::Read) {
            Some(error) => Err(error),
            None => Ok(response),
        }
    }

    /// Reads page after page until one brings nothing new: lists of cost centres do not say how many there are.
    fn pages<P: DeserializeOwned, T>(
        &self,
        request: impl Fn(usize) -> Request,
        items: impl Fn(P) -> Vec<T>,
        id: impl Fn(&T) -> &str,
    ) -> Result<Vec<T>, TargetError> {
        let (mut found, mut seen, mut offset) = (Vec::new(), BTreeSet::new(), 0);
        loop {
            let response = self.send(Operation::Read, &request(offset))?;
            let page: P =
                response.json().map_err(|error| unexpected(self.people.name(), error).with_status(response.status))?;
            let page = items(page);
            offset += page.len();
            let before = found.len();
            for item in page {
                if seen.insert(id(&item).to_owned()) {
                    found.push(item);
                }
            }
            if found.len() == before {
                return Ok(found);
            }
        }
    }

    fn cost_centers(&self) -> Result<Vec<CostCenter>, TargetError> {
        self.pages(requests::cost_centers, |page: CostCenters| page.cost_centers, |center| &center.id)
    }

    fn profiles(&self) -> Result<Vec<String>, TargetError> {
        let profiles = self.pages(requests::profiles, |page: Profiles| page.profiles, |profile| &profile.id)?;
        Ok(profiles.into_iter().map(|profile| profile.name).collect())
    }

    /// With what is to be said of every read.
    fn with_notices(&self, mut snapshot: Snapshot) -> Snapshot {
        if !self.owner_named {
            let message = "`key_owner` is not set: the account of the administrator who made the key is protected \
                           only once the file names it";
            snapshot.notices.push(Notice::new(Code::KeyOwnerNotNamed, message));
        }
        snapshot
    }

    /// Makes a cost centre, or brings back an archived one of that name.
    fn make_cost_center(&self, name: &str) -> Result<(), TargetError> {
        let fold = |name: &str| name.trim().to_lowercase();
        let wanted = |center: &CostCenter| fold(&center.name) == fold(name);
        let is_there = |known: &[CostCenter]| known.iter().any(|center| wanted(center) && !center.archived);
        let mut known = self.centers.lock();
        let centers = match known.take() {
            Some(centers) => known.insert(centers),
            None => known.insert(self.cost_centers()?),
        };
        if is_there(centers) {
            return Ok(());
        }
        if let Some(archived) = centers.iter_mut().find(|center| wanted(center)) {
            self.send(Operation::Change, &requests::unarchive(&archived.id))?;
            archived.archived = false;
            return Ok(());
        }
        match self.send(Operation::Create, &requests::create_cost_center(name)) {
            Ok(_) => {
                // Its id is in a fresh list only, and nothing needs it.
                centers.push(CostCenter { id: String::new(), name: name.trim().to_owned(), archived: false });
                Ok(())
            }
            // The status of a name that is taken is not documented, and an answer may be lost: a look settles it.
            Err(error) if !matches!(error.kind, ErrorKind::SignIn | ErrorKind::Rights) => {
                *centers = self.cost_centers()?;
                if is_there(centers) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }
}

/// Adds what to do about a refused sign-in, which here often has a cause that nobody thinks of.
fn advised<T>(result: Result<T, TargetError>) -> Result<T, TargetError> {
    result.map_err(|mut error| {
        match error.kind {
            ErrorKind::SignIn => {
                error.message += "; the administrator who made the key may have left or lost the role, which ends \
                                  the key: have another administrator make a new one in TravelPerk's settings for \
                                  developers, and put it in `api_key` (or `scim_token`)";
            }
            ErrorKind::Rights => {
                error.message += "; an administrator must switch SCIM on in TravelPerk's settings for integrations, \
                                  which needs the Premium or Pro plan";
            }
            _ => {}
        }
        error
    })
}

impl ListFields for TravelPerk {
    fn all_fields(&self, known: Vec<FieldSpec>) -> Result<Vec<FieldSpec>, TargetError> {
        Ok(fields::all(known, &advised(self.people.described_fields())?))
    }
}

impl ReadAccounts for TravelPerk {
    fn read_offers(&self) -> ReadOffers<'_> {
        ReadOffers { fields: Some(self), ..ReadOffers::default() }
    }

    fn schema(&self) -> Result<Schema, TargetError> {
        advised(self.people.schema())
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        Ok(self.with_notices(advised(self.people.accounts(progress))?))
    }

    fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Option<Snapshot>, TargetError> {
        let found = advised(self.people.accounts_by_id(ids))?;
        Ok(Some(self.with_notices(found)))
    }

    fn references(&self, field: FieldIndex) -> Result<Option<ReferenceNames>, TargetError> {
        if self.field("costCenter") == Some(field) {
            let mut known = self.centers.lock();
            let centers = match known.take() {
                Some(centers) => known.insert(centers),
                None => known.insert(advised(self.cost_centers())?),
            };
            let in_use = centers.iter().filter(|center| !center.archived);
            return Ok(Some(in_use.map(|center| &center.name).collect()));
        }
        if self.field("invoiceProfiles") == Some(field) {
            // A company is matched by every letter: a near name is another company.
            return Ok(Some(ReferenceNames::exact(advised(self.profiles())?)));
        }
        Ok(None)
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        advised(self.people.account(id))
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        advised(self.people.find(field, value))
    }

    fn reads_by_id(&self) -> bool {
        true
    }

    fn look_up(&self, field: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        advised(self.people.look_up(field, value))
    }
}

impl WriteAccounts for TravelPerk {
    fn create_reference(&self, field: FieldIndex, name: &str) -> Result<(), TargetError> {
        if self.field("costCenter") != Some(field) {
            return Err(self.people.no_references(field));
        }
        advised(self.make_cost_center(name))
    }

    fn create(&self, _employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        advised(self.people.create(fields))
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        advised(self.people.update(account, changes))
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        advised(self.people.reactivate(account))
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        advised(self.people.deactivate(account))
    }
}
