//! The target against a simulated TravelPerk that remembers.

use std::sync::Arc;

use parking_lot::Mutex;

use super::*;
use crate::http::testing::Script;
use crate::plan::Protection;
use crate::progress::NoProgress;
use crate::simulation::people::Company;
use crate::targets::scim::tests::{addresses, changes, connection, section, serve};
use crate::targets::travelperk::simulated::{KEY_OWNER, TravelPerkOptions};

const NAMES: &[&str] = &[
    "externalId",
    "userName",
    "name.givenName",
    "name.familyName",
    "costCenter",
    "manager",
    "gender",
    "dateOfBirth",
    "invoiceProfiles",
    r#"phoneNumbers[type eq "work"].value"#,
];
const COST_CENTER: FieldIndex = FieldIndex(4);
const MANAGER: FieldIndex = FieldIndex(5);
const PROFILES: FieldIndex = FieldIndex(8);

struct Stage {
    service: Arc<Mutex<crate::targets::travelperk::simulated::TravelPerk>>,
    script: Script,
    target: Box<dyn Target>,
}

fn stage(options: TravelPerkOptions, settings: &str, names: &[&str]) -> Stage {
    let company = Company::new(20, 7, "2026-11-22".parse().unwrap());
    let mut service = crate::targets::travelperk::simulated::TravelPerk::new(&company);
    service.options = options;
    let service = Arc::new(Mutex::new(service));
    let script = serve("travelperk", Arc::clone(&service));
    let (kind, problems) = section(&format!("api_key = {{ env = 'KEY' }}\n{settings}"), parse);
    assert_eq!(problems, []);
    let mut kind = kind.unwrap();
    kind.redirect(&addresses(&script));
    let target = kind.open(connection(&*kind, names)).unwrap();
    Stage { service, script, target }
}

fn text(value: &str) -> FieldValue {
    FieldValue::text(value)
}

fn person(external: &str, center: &str, manager: Option<&AccountId>) -> Vec<FieldValue> {
    vec![
        text(external),
        text(&format!("p{external}@example.com")),
        text("Nour"),
        text("Vidal"),
        text(center),
        manager.map_or(FieldValue::Empty, |id| FieldValue::Account(id.clone())),
        text("F"),
        FieldValue::Date("1991-04-30".parse().unwrap()),
        FieldValue::list(["Acme GmbH"]),
        text("+34600000000"),
    ]
}

fn the_account(target: &dyn Target, external: &str) -> Account {
    let snapshot = target.accounts(&NoProgress).unwrap();
    snapshot.accounts.into_iter().find(|account| *account.field(FieldIndex(0)) == text(external)).unwrap()
}

#[test]
fn cost_centres_come_first_then_people_then_managers_and_nothing_is_left() {
    for settings in ["", "update = 'put'"] {
        let stage = stage(TravelPerkOptions::default(), settings, NAMES);
        stage.service.lock().account("wiki").add_profile("Acme GmbH");
        let target = &*stage.target;
        let names = |field| target.references(field).unwrap().unwrap();
        assert_eq!(names(COST_CENTER).get("R&D"), None);
        assert_eq!(names(PROFILES).get("Acme GmbH"), Some(Some("Acme GmbH")));
        assert_eq!(names(PROFILES).get("acme gmbh"), None);
        target.create_reference(COST_CENTER, "R&D").unwrap();
        target.create_reference(COST_CENTER, "R&D").unwrap();
        let lead = target.create(EmployeeId(1), &changes(target, None, &person("1", "R&D", None))).unwrap();
        let id = target.create(EmployeeId(2), &changes(target, None, &person("2", "R&D", None))).unwrap();
        let account = the_account(target, "2");
        assert_eq!(account.fields(), &*person("2", "R&D", None));

        let wanted = person("2", "R&D", Some(&lead));
        target.update(&id, &changes(target, Some(&account), &wanted)).unwrap();
        assert_eq!(the_account(target, "2").fields(), &*wanted);
        let mut emptied = wanted.clone();
        for index in [4, 5, 6, 7, 8, 9] {
            emptied[index] = FieldValue::Empty;
        }
        target.update(&id, &changes(target, Some(&the_account(target, "2")), &emptied)).unwrap();
        assert_eq!(the_account(target, "2").fields(), &*emptied, "{settings}");

        target.deactivate(&id).unwrap();
        assert!(!the_account(target, "2").active);
        target.reactivate(&id).unwrap();
        assert!(the_account(target, "2").active);
        let lines = stage.script.lines();
        assert!(!lines.iter().any(|line| line.starts_with("DELETE")));
        assert!(!lines.iter().any(|line| line.ends_with("/users")), "memberships are never replaced as a whole");
        assert_eq!(lines.iter().filter(|line| line.starts_with("POST") && line.ends_with("/cost_centers")).count(), 1);
    }
}

#[test]
fn a_change_of_manager_is_sent_as_tried_in_practice() {
    let stage = stage(TravelPerkOptions::default(), "", NAMES);
    stage.service.lock().account("wiki").add_profile("Acme GmbH");
    let target = &*stage.target;
    target.create_reference(COST_CENTER, "R&D").unwrap();
    let lead = target.create(EmployeeId(1), &changes(target, None, &person("1", "R&D", None))).unwrap();
    let id = target.create(EmployeeId(2), &changes(target, None, &person("2", "R&D", None))).unwrap();
    let manager = FieldChange {
        index: MANAGER,
        field: "manager".into(),
        before: FieldValue::Empty,
        after: FieldValue::Account(lead.clone()),
    };
    target.update(&id, &[manager]).unwrap();
    let asked = stage.script.asked();
    let last = asked.last().unwrap();
    assert_eq!(last.line(), format!("PATCH /travelperk/wiki/scim/Users/{id}"));
    let body: serde_json::Value = serde_json::from_slice(&last.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{
                "op": "replace",
                "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
                "value": {"value": &*lead.0}
            }]
        })
    );
    assert_eq!(last.header("authorization"), Some(&*format!("ApiKey {}", crate::simulation::SECRET)));
}

#[test]
fn many_cost_centres_are_read_to_the_end_and_archived_ones_are_brought_back() {
    for list_archived in [false, true] {
        let stage = stage(TravelPerkOptions { list_archived, ..TravelPerkOptions::default() }, "", NAMES);
        {
            let mut service = stage.service.lock();
            let account = service.account("wiki");
            for number in 0..120 {
                account.add_cost_center(&format!("CC {number}"));
            }
            account.archive_cost_center("CC 7", true);
        }
        let target = &*stage.target;
        let names = target.references(COST_CENTER).unwrap().unwrap();
        assert_eq!(names.get("cc 119"), Some(Some("CC 119")));
        assert_eq!(names.get("CC 7"), None);
        target.create_reference(COST_CENTER, "CC 7").unwrap();
        let names = target.references(COST_CENTER).unwrap().unwrap();
        assert_eq!(names.get("CC 7"), Some(Some("CC 7")), "one of that name, list_archived: {list_archived}");
        assert_eq!(target.create_reference(PROFILES, "Acme").unwrap_err().kind, ErrorKind::Refused);
    }
}

#[test]
fn the_owner_of_the_key_is_protected_once_the_file_names_it() {
    let stage_ = stage(TravelPerkOptions::default(), &format!("key_owner = '{}'", KEY_OWNER.to_uppercase()), NAMES);
    let snapshot = stage_.target.accounts(&NoProgress).unwrap();
    let owners = snapshot.accounts.iter().filter(|account| account.protection == Some(Protection::KeyOwner));
    assert_eq!((owners.count(), snapshot.notices.len()), (1, 0));
    let stage_ = stage(TravelPerkOptions::default(), "", NAMES);
    assert_eq!(stage_.target.accounts(&NoProgress).unwrap().notices[0].code, "key_owner_not_named");
    let stage_ = stage(TravelPerkOptions::default(), "key_owner = 'nobody@example.com'", NAMES);
    assert_eq!(stage_.target.accounts(&NoProgress).unwrap().notices[0].code, "key_owner_not_found");
}

#[test]
fn a_refused_sign_in_says_what_may_have_happened_and_what_to_do() {
    let stage_ = stage(TravelPerkOptions { key_ended: true, ..TravelPerkOptions::default() }, "", NAMES);
    let error = stage_.target.accounts(&NoProgress).unwrap_err();
    assert_eq!(error.kind, ErrorKind::SignIn);
    assert!(error.message.contains("the administrator who made the key may have left"), "{}", error.message);
    assert!(error.message.contains("have another administrator make a new one"), "{}", error.message);
    let stage_ = stage(TravelPerkOptions { scim_off: true, ..TravelPerkOptions::default() }, "", NAMES);
    let error = stage_.target.accounts(&NoProgress).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rights);
    assert!(error.message.contains("switch SCIM on"), "{}", error.message);
}

#[test]
fn what_travelperk_would_refuse_is_explained_without_the_value() {
    let stage = stage(TravelPerkOptions::default(), "", NAMES);
    let target = &*stage.target;
    let mut wrong = person("2", "No such centre", None);
    (wrong[8], wrong[9]) = (FieldValue::Empty, FieldValue::Empty);
    let error = target.create(EmployeeId(2), &changes(target, None, &wrong)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.message.contains("`costCenter`") && !error.message.contains("No such"), "{}", error.message);
    // An address that is taken is looked up by the caller.
    (wrong[4], wrong[9]) = (FieldValue::Empty, FieldValue::Empty);
    target.create(EmployeeId(2), &changes(target, None, &wrong)).unwrap();
    assert_eq!(target.create(EmployeeId(2), &changes(target, None, &wrong)).unwrap_err().kind, ErrorKind::Exists);
}

#[test]
fn a_section_has_defaults_and_says_what_is_wrong_with_it() {
    let (kind, problems) = section("api_key = { env = 'KEY' }", parse);
    assert_eq!(problems, []);
    assert_eq!(kind.unwrap().identity(), "travelperk:app.perk.com/api/v2/scim");
    let (kind, problems) = section(
        "api_key = { env = 'KEY' }\nscim_token = { env = 'TOKEN' }\nscim_auth = 'Bearer'\naccount = 'Spain'\n\
         scim_url = 'https://app.travelperk.com/api/v2/scim/'\napi_url = 'https://api.travelperk.com'\ndetails = 'all'",
        parse,
    );
    assert_eq!(problems, []);
    assert_eq!(kind.unwrap().identity(), "travelperk:app.travelperk.com/api/v2/scim#spain");
    for (text, message) in [
        ("", "`targets.wiki.api_key` is missing; for example `api_key = { env = \"API_KEY\" }`"),
        (
            "api_key = { env = 'K' }\nscim_auth = 'apikey'",
            "`targets.wiki.scim_auth` does not know `apikey`; did you mean `ApiKey`? known: `ApiKey`, `Bearer`",
        ),
        (
            "api_key = { env = 'K' }\ndetails = ['gendre']",
            "`targets.wiki.details` does not know `gendre`; did you mean `gender`? known: `dateOfBirth`, `gender`, `manager`",
        ),
        (
            "api_key = { env = 'K' }\ndetails = ['gender']\n[mapping]\ngender = 'x'\ndateOfBirth = 'y'",
            "`targets.wiki.mapping.dateOfBirth` is mapped, and `dateOfBirth` is not among `targets.wiki.details`; add it there, or take the line out",
        ),
        (
            "api_key = { env = 'K' }\ndetails = ['gender']\n[mapping]\nlineManagerEmail = 'x'",
            "`targets.wiki.mapping.lineManagerEmail` is mapped, and `manager` is not among `targets.wiki.details`; add it there, or take the line out",
        ),
    ] {
        let (_, problems) = section(text, parse);
        assert_eq!(problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(), [message]);
    }
}

#[test]
fn a_manager_is_said_in_one_way() {
    let (kind, problems) = section("api_key = { env = 'KEY' }", parse);
    assert_eq!(problems, []);
    let kind = kind.unwrap();
    let open = |names: &[&str]| kind.open(connection(&*kind, names)).map(drop).map_err(|error| error.to_string());
    assert_eq!(open(&["userName", "lineManagerEmail"]), Ok(()));
    assert!(open(&["userName", "manager", "lineManagerEmail"]).unwrap_err().contains("map one of them"));
}
