//! An invented company: most people are ordinary, and every awkward case that real ones have is among them.

use std::collections::{BTreeMap, HashSet};

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::names::{self, FIRST, LAST, PECULIAR};

/// A department, an office, a team, a legal entity or a cost centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: u64,
    pub name: String,
}

/// One invented employee, as the source knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub id: u64,
    pub first_name: String,
    pub last_name: String,
    /// Preferred name; may be blank.
    pub preferred_name: String,
    /// Lower case; blank when there is none.
    pub email: String,
    /// `male`, `female`, `diverse` or blank.
    pub gender: String,
    /// `active`, `inactive`, `onboarding` or `leave`.
    pub status: String,
    /// `internal` or `external`.
    pub employment_type: String,
    /// A text, as the source sends it.
    pub weekly_working_hours: String,
    /// First day; none for a hire that was called off.
    pub hire_date: Option<NaiveDate>,
    /// Day a fixed contract ends.
    pub contract_end_date: Option<NaiveDate>,
    /// Day the employment ends or ended.
    pub termination_date: Option<NaiveDate>,
    pub last_working_day: Option<NaiveDate>,
    /// Last day of the probation.
    pub probation_period_end: Option<NaiveDate>,
    /// Kind of termination; blank when there is none.
    pub termination_type: String,
    pub position: String,
    pub subcompany: Option<Named>,
    pub office: Option<Named>,
    pub department: Option<Named>,
    pub team: Option<Named>,
    /// Id of the supervisor, who may be missing among the delivered people.
    pub supervisor: Option<u64>,
    /// Cost centres with their shares in per cent.
    pub cost_centers: Vec<(Named, u8)>,
    /// Pay per month in whole euros.
    pub fix_salary: u32,
    /// Day of the last change.
    pub last_modified: NaiveDate,
    /// Values that were set as they are: custom attributes, and unusual forms of ordinary ones.
    pub overrides: BTreeMap<String, Value>,
}

/// The departments of the company.
pub const DEPARTMENTS: &[&str] =
    &["Engineering", "Product", "Sales", "Marketing", "Finance", "People", "IT", "Customer Support", "Logistics"];

/// The offices with their countries and legal entities.
pub const OFFICES: &[(&str, &str, &str)] = &[
    ("Berlin", "Germany", "Example GmbH"),
    ("München", "Germany", "Example GmbH"),
    ("Wien", "Austria", "Example Austria GmbH"),
    ("London", "United Kingdom", "Example Ltd"),
    ("Porto", "Portugal", "Example Portugal Lda"),
    ("Kraków", "Poland", "Example Polska Sp. z o.o."),
];

const TITLES: &[&[&str]] = &[
    &["Software Engineer", "Senior Software Engineer", "Site Reliability Engineer", "QA Engineer"],
    &["Product Manager", "Product Designer", "UX Researcher"],
    &["Account Executive", "Sales Development Representative", "Key Account Manager"],
    &["Content Manager", "Brand Designer", "Performance Marketing Manager"],
    &["Accountant", "Financial Controller", "Payroll Specialist"],
    &["People Partner", "Recruiter", "People Operations Specialist"],
    &["Systems Administrator", "IT Support Specialist", "Security Engineer"],
    &["Support Agent", "Customer Success Manager", "Support Engineer"],
    &["Warehouse Associate", "Supply Chain Planner", "Fleet Coordinator"],
];

/// The id of the first employee; the others follow one by one.
pub const FIRST_ID: u64 = 1001;

/// An invented company on a given day.
#[derive(Clone, Debug)]
pub struct Company {
    /// The day that hire dates and last days are relative to.
    pub today: NaiveDate,
    /// Same seed, same people.
    pub seed: u64,
    /// Whether everybody lives in the United Kingdom, as a payroll there expects.
    pub is_british: bool,
    /// Everyone who is delivered, by rising id.
    people: Vec<Person>,
    /// People that others refer to, but who are not delivered themselves.
    pub outside: Vec<Person>,
}

impl Company {
    pub fn new(employees: usize, seed: u64, today: NaiveDate) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut addresses = HashSet::new();
        let mut people: Vec<Person> =
            (0..employees).map(|index| invent(index, today, &mut random, &mut addresses)).collect();
        let outsider = invent(employees, today, &mut random, &mut addresses);
        assign_supervisors(&mut people);
        let outside = Person { id: FIRST_ID - 501, ..outsider };
        make_awkward(&mut people, outside.id, today);
        Self { today, seed, is_british: false, people, outside: vec![outside] }
    }

    /// Everyone who is delivered, by rising id.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    pub fn person(&self, id: u64) -> Option<&Person> {
        self.position(id).map(|index| &self.people[index])
    }

    /// A delivered employee, to be changed.
    pub fn person_mut(&mut self, id: u64) -> Option<&mut Person> {
        self.position(id).map(|index| &mut self.people[index])
    }

    /// Someone that others refer to, delivered or not.
    pub fn anyone(&self, id: u64) -> Option<&Person> {
        self.person(id).or_else(|| self.outside.iter().find(|person| person.id == id))
    }

    /// Someone from one department who is employed, active and no manager; for accounts that exist beforehand.
    pub fn colleague(&self, department: &str) -> Option<&Person> {
        let managers: HashSet<u64> = self.people.iter().filter_map(|person| person.supervisor).collect();
        self.people.iter().find(|person| {
            person.department.as_ref().is_some_and(|known| known.name == department)
                && person.status == "active"
                && person.employment_type == "internal"
                && person.termination_date.is_none()
                && !person.email.is_empty()
                && !managers.contains(&person.id)
        })
    }

    /// Adds an ordinary employee at the end and returns their id.
    pub fn hire(&mut self) -> u64 {
        let id = self.people.last().map_or(FIRST_ID, |last| last.id + 1);
        self.add(id);
        id
    }

    /// Adds an ordinary employee in front of all others and returns their id.
    pub fn hire_in_front(&mut self) -> u64 {
        let id = self.people.first().map_or(FIRST_ID, |first| first.id) - 1;
        self.add(id);
        id
    }

    /// Takes an employee out of what is delivered. Returns whether there was one.
    pub fn remove(&mut self, id: u64) -> bool {
        self.position(id).map(|index| self.people.remove(index)).is_some()
    }

    fn add(&mut self, id: u64) {
        let mut addresses = self.people.iter().map(|person| person.email.clone()).collect();
        let mut random = fastrand::Rng::with_seed(self.seed ^ id);
        let mut person = invent(ORDINARY, self.today, &mut random, &mut addresses);
        person.id = id;
        person.supervisor = self.people.iter().find(|known| known.supervisor.is_none()).map(|top| top.id);
        let index = self.people.partition_point(|known| known.id < id);
        self.people.insert(index, person);
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.people.binary_search_by_key(&id, |person| person.id).ok()
    }
}

/// A place in the company that carries no special case.
const ORDINARY: usize = 20;

/// An id for a name: its place in a list, or one made from the name when it is new.
pub fn named<'a>(list: impl IntoIterator<Item = &'a str>, base: u64, name: &str) -> Named {
    let known = list.into_iter().position(|known| known == name);
    let id = match known {
        Some(index) => base + index as u64,
        None => base + 1000 + name.bytes().fold(0, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 100_000),
    };
    Named { id, name: name.to_owned() }
}

impl Named {
    pub fn department(name: &str) -> Self {
        named(DEPARTMENTS.iter().copied(), 71, name)
    }

    pub fn office(name: &str) -> Self {
        named(OFFICES.iter().map(|(office, _, _)| *office), 11, name)
    }

    /// A legal entity by name.
    pub fn subcompany(name: &str) -> Self {
        named(OFFICES.iter().map(|(_, _, entity)| *entity), 31, name)
    }

    pub fn team(name: &str) -> Self {
        named([], 2000, name)
    }

    /// A cost centre by name.
    pub fn cost_center(name: &str) -> Self {
        named([], 50_000, name)
    }
}

fn pick<'a, T: ?Sized>(random: &mut fastrand::Rng, list: &[&'a T]) -> &'a T {
    list[random.usize(..list.len())]
}

fn before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

fn after(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

fn invent(index: usize, today: NaiveDate, random: &mut fastrand::Rng, addresses: &mut HashSet<String>) -> Person {
    let (first, last) = (pick(random, FIRST), pick(random, LAST));
    // The first people with peculiar names come early, so that a small company has them too.
    let peculiar = (index % 100 < 60 && index % 5 == 3).then(|| PECULIAR[(index % 100 / 5) % PECULIAR.len()]);
    let (first, last, local) = match peculiar {
        Some((first, last, local)) => (first, last, local.to_owned()),
        None => (first, last, format!("{}.{}", names::address_part(first), names::address_part(last))),
    };
    let external = matches!(index % 50, 12 | 24 | 37);
    let domain = if external { "example.org" } else { "example.com" };
    let mut email = format!("{local}@{domain}");
    let mut number = 2;
    while !addresses.insert(email.clone()) {
        email = format!("{local}{number}@{domain}");
        number += 1;
    }
    let department = index % DEPARTMENTS.len();
    let (office, _, entity) = OFFICES[random.usize(..OFFICES.len())];
    let hire_date = before(today, random.u64(60..4000));
    let cost_center = |offset: usize| {
        let department = (department + offset) % DEPARTMENTS.len();
        Named::cost_center(&format!("CC{}00 {}", department + 10, DEPARTMENTS[department]))
    };
    let cost_centers = match random.u8(..20) {
        0 => Vec::new(),
        1 | 2 => vec![(cost_center(0), 60), (cost_center(1), 40)],
        3 => vec![(cost_center(2), 20), (cost_center(0), 50), (cost_center(1), 30)],
        _ => vec![(cost_center(0), 100)],
    };
    let gender = match random.u8(..50) {
        0 => "",
        1 => "diverse",
        other if other % 2 == 0 => "female",
        _ => "male",
    };
    let hours = ["40", "40", "40", "37.5", "32", "20"];
    let mut person = Person {
        id: FIRST_ID + index as u64,
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        preferred_name: if random.u8(..20) == 0 { String::new() } else { format!("{first} {last}") },
        email,
        gender: gender.to_owned(),
        status: "active".to_owned(),
        employment_type: if external { "external" } else { "internal" }.to_owned(),
        weekly_working_hours: pick(random, &hours).to_owned(),
        hire_date: Some(hire_date),
        contract_end_date: external.then(|| after(today, random.u64(100..400))),
        termination_date: None,
        last_working_day: None,
        probation_period_end: Some(after(hire_date, 182)),
        termination_type: String::new(),
        position: pick(random, TITLES[department]).to_owned(),
        subcompany: Some(Named::subcompany(entity)),
        office: Some(Named::office(office)),
        department: Some(Named::department(DEPARTMENTS[department])),
        team: Some(Named::team(&format!("{} {}", DEPARTMENTS[department], office))),
        supervisor: None,
        cost_centers,
        fix_salary: random.u32(30..90) * 100,
        last_modified: before(today, random.u64(1..90)),
        overrides: BTreeMap::new(),
    };
    match index % 50 {
        14 | 34 => person.leave(before(today, random.u64(10..50))),
        19 => {
            person.termination_date = Some(after(today, random.u64(5..60)));
            person.last_working_day = person.termination_date;
            person.termination_type = "employee".to_owned();
        }
        27 => {
            person.status = "onboarding".to_owned();
            let first_day = after(today, random.u64(3..60));
            person.hire_date = Some(first_day);
            person.probation_period_end = Some(after(first_day, 182));
        }
        31 => person.status = "leave".to_owned(),
        _ => {}
    }
    person
}

impl Person {
    /// The employment has ended on a day.
    pub fn leave(&mut self, day: NaiveDate) {
        self.status = "inactive".to_owned();
        self.hire_date = self.hire_date.map(|hired| hired.min(before(day, 30)));
        self.termination_date = Some(day);
        self.last_working_day = Some(before(day, 2));
        self.termination_type = "employee".to_owned();
    }

    /// First and last name.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// One person at the top, a head per department, and leads with a handful of people each.
fn assign_supervisors(people: &mut [Person]) {
    const TEAM: usize = 8;
    let departments = DEPARTMENTS.len();
    let ids: Vec<u64> = people.iter().map(|person| person.id).collect();
    for (index, person) in people.iter_mut().enumerate().skip(1) {
        let position = index / departments;
        let head = if index % departments == 0 { 0 } else { index % departments };
        let lead = position / TEAM * TEAM * departments + index % departments;
        let supervisor = match position {
            0 => 0,
            _ if position.is_multiple_of(TEAM) => head,
            _ => lead,
        };
        person.supervisor = Some(ids[supervisor]);
        if position == 0 {
            person.position = format!("Head of {}", DEPARTMENTS[index % departments]);
        } else if position.is_multiple_of(TEAM) {
            person.position = format!("Team Lead {}", DEPARTMENTS[index % departments]);
        }
    }
    if let Some(top) = people.first_mut() {
        top.position = "Chief Executive Officer".to_owned();
    }
}

/// What real companies have and ordinary rules do not make.
fn make_awkward(people: &mut [Person], outsider: u64, today: NaiveDate) {
    let departments = DEPARTMENTS.len();
    // The heads and leads are the first people of each run of a department; keep the top in order.
    let lead = |number: usize| 8 * departments + number;
    let others = people.len();
    if lead(7) < others {
        people[lead(1)].leave(before(today, 21));
        people[lead(3)].employment_type = "external".to_owned();
        people[lead(3)].email = people[lead(3)].email.replace("example.com", "example.org");
        let (left, right) = (people[lead(5)].id, people[lead(6)].id);
        people[lead(5)].supervisor = Some(right);
        people[lead(6)].supervisor = Some(left);
    }
    for index in 0..others {
        match index % 500 {
            48 => people[index].email = people[index - 1].email.clone(),
            49 => people[index].supervisor = Some(outsider),
            _ => {}
        }
        match index % 100 {
            45 => people[index].email = String::new(),
            // An object that is not set comes as null, as "" or as []; each form was seen.
            46 => {
                people[index].team = None;
                people[index].overrides.insert("work_schedule".into(), json!([]));
            }
            56 => {
                people[index].overrides.insert("team".into(), json!(""));
                people[index].overrides.insert("work_schedule".into(), json!(""));
            }
            66 => {
                people[index].overrides.insert("team".into(), json!([]));
                people[index].office = None;
            }
            76 => people[index].department = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> Company {
        Company::new(250, 7, NaiveDate::from_ymd_opt(2026, 11, 22).unwrap())
    }

    #[test]
    fn the_same_seed_makes_the_same_people() {
        assert_eq!(company().people(), company().people());
        let other = Company::new(250, 8, company().today);
        assert_ne!(company().people()[5].name(), other.people()[5].name());
    }

    #[test]
    fn most_are_ordinary_and_every_case_is_there() {
        let company = company();
        let count = |holds: &dyn Fn(&Person) -> bool| company.people().iter().filter(|person| holds(person)).count();
        let today = company.today;
        for (what, least, most, found) in [
            ("in active use", 210, 240, count(&|person| person.status == "active")),
            (
                "inactive with a past last day",
                8,
                15,
                count(&|person| person.status == "inactive" && person.termination_date.is_some_and(|day| day < today)),
            ),
            ("leaving", 4, 8, count(&|person| person.termination_date.is_some_and(|day| day >= today))),
            ("future hires", 4, 8, count(&|person| person.status == "onboarding" && person.hire_date > Some(today))),
            ("on leave", 4, 8, count(&|person| person.status == "leave")),
            ("external", 10, 20, count(&|person| person.employment_type == "external")),
            ("without e-mail", 1, 4, count(&|person| person.email.is_empty())),
            ("without department", 1, 4, count(&|person| person.department.is_none())),
            ("without supervisor", 1, 1, count(&|person| person.supervisor.is_none())),
            ("with several cost centres", 15, 60, count(&|person| person.cost_centers.len() > 1)),
            ("with a very long name", 1, 5, count(&|person| person.name().len() > 80)),
            (
                "with a name without Latin letters",
                3,
                20,
                count(&|person| person.first_name.chars().all(|letter| letter > '\u{24f}')),
            ),
        ] {
            assert!((least..=most).contains(&found), "{what}: {found}");
        }
    }

    #[test]
    fn two_people_share_an_address_and_nobody_else_does() {
        let mut addresses: Vec<String> = company().people().iter().map(|person| person.email.clone()).collect();
        addresses.retain(|address| !address.is_empty());
        let all = addresses.len();
        addresses.sort();
        addresses.dedup();
        assert_eq!(all - addresses.len(), 1);
        assert!(addresses.iter().all(|address| address.is_ascii() && *address == address.to_lowercase()));
        assert!(addresses.iter().all(|address| address.ends_with("@example.com") || address.ends_with("@example.org")));
    }

    #[test]
    fn supervisors_form_a_tree_but_for_one_ring_and_one_outsider() {
        let company = company();
        let (mut rings, mut outside, mut gone) = (0, 0, 0);
        for person in company.people() {
            let Some(supervisor) = person.supervisor else { continue };
            let Some(known) = company.person(supervisor) else {
                outside += 1;
                assert!(company.anyone(supervisor).is_some());
                continue;
            };
            gone += usize::from(known.status == "inactive" || known.employment_type == "external");
            rings += usize::from(known.supervisor == Some(person.id));
            assert_ne!(supervisor, person.id);
        }
        assert_eq!((rings, outside), (2, 1));
        assert!(gone >= 2, "{gone}");
    }

    #[test]
    fn people_come_and_go() {
        let mut company = company();
        let (first, last) = (company.people()[0].id, company.people()[249].id);
        assert_eq!(company.hire(), last + 1);
        assert_eq!(company.hire_in_front(), first - 1);
        assert_eq!(company.people()[0].id, first - 1);
        assert!(company.remove(first));
        assert!(!company.remove(first));
        assert!(company.person(first).is_none());
        assert_eq!(company.people().len(), 251);
    }

    #[test]
    fn a_tiny_company_is_possible() {
        for employees in [0, 1, 2, 9, 49, 80] {
            assert_eq!(Company::new(employees, 7, company().today).people().len(), employees);
        }
    }
}
