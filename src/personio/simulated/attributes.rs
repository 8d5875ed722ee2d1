//! The attributes an employee has: the ordinary ones, and custom ones whose values are invented.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::simulation::people::{Company, OFFICES, Person};

/// An attribute as the catalogue lists it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    /// `first_name`, `dynamic_4711`.
    pub(super) key: Box<str>,
    pub(super) label: Box<str>,
    /// `standard`, `date`, `integer`, `decimal`, `list`, `tags`, `multiline`, `link`.
    pub(super) kind: &'static str,
    /// The known meaning, where there is one.
    pub(super) universal_id: Option<&'static str>,
    /// What a custom attribute holds; `None` for the ordinary ones.
    pub(super) meaning: Option<Meaning>,
    /// What is the same in the JSON of all employees: everything before the value, and everything after it.
    pub(super) before: Box<str>,
    pub(super) after: Box<str>,
}

/// What a custom attribute holds, so that its invented values make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    StaffNumber,
    Birthday,
    Date,
    WorkPhone,
    MobilePhone,
    Languages,
    Level,
    Amount,
    Count,
    Note,
    Link,
    Iban,
    InsuranceNumber,
    InsuranceCategory,
    TaxCode,
    SortCode,
    BankAccount,
    Nationality,
    Country,
    City,
    Postcode,
    Street,
    CostCode,
    YesNo,
}

/// The ordinary attributes with their labels and types, in the order they are sent.
const ORDINARY: &[(&str, &str, &str)] = &[
    ("id", "ID", "integer"),
    ("first_name", "First name", "standard"),
    ("last_name", "Last name", "standard"),
    ("preferred_name", "Name (preferred)", "standard"),
    ("email", "Email", "standard"),
    ("gender", "Gender", "standard"),
    ("status", "Status", "standard"),
    ("position", "Position", "standard"),
    ("supervisor", "Supervisor", "standard"),
    ("employment_type", "Employment type", "standard"),
    ("weekly_working_hours", "Weekly hours", "standard"),
    ("hire_date", "Hire date", "date"),
    ("contract_end_date", "Contract ends", "date"),
    ("termination_date", "Termination date", "date"),
    ("termination_type", "Termination type", "standard"),
    ("termination_reason", "Termination reason", "standard"),
    ("last_working_day", "Last day of work", "date"),
    ("probation_period_end", "Probation period end", "date"),
    ("created_at", "Created at", "date"),
    ("last_modified_at", "Last modified", "date"),
    ("subcompany", "Subcompany", "standard"),
    ("office", "Office", "standard"),
    ("department", "Department", "standard"),
    ("team", "Team", "standard"),
    ("cost_centers", "Cost center", "standard"),
    ("holiday_calendar", "Public holidays", "standard"),
    ("absence_entitlement", "Absence entitlement", "standard"),
    ("work_schedule", "Work schedule", "standard"),
    ("fix_salary", "Fix salary", "decimal"),
    ("fix_salary_interval", "Salary interval", "standard"),
    ("hourly_salary", "Hourly salary", "decimal"),
    ("profile_picture", "Profile Picture", "standard"),
];

/// The custom attributes that every sandbox has.
const CUSTOM: &[(&str, &str, Meaning)] = &[
    ("dynamic_4711", "Staff number", Meaning::StaffNumber),
    ("dynamic_4712", "Birthday", Meaning::Birthday),
    ("dynamic_4713", "Work phone", Meaning::WorkPhone),
    ("dynamic_4714", "Mobile phone", Meaning::MobilePhone),
    ("dynamic_4715", "Languages", Meaning::Languages),
    ("dynamic_4716", "Contract level", Meaning::Level),
    ("dynamic_4717", "Car allowance", Meaning::Amount),
    ("dynamic_4718", "Desk", Meaning::Count),
    ("dynamic_4719", "Note", Meaning::Note),
    ("dynamic_4720", "Profile page", Meaning::Link),
    ("dynamic_4721", "IBAN", Meaning::Iban),
    ("dynamic_4722", "Nationality", Meaning::Nationality),
    ("dynamic_4723", "Country", Meaning::Country),
];

const LANGUAGES: &[&str] = &["English", "German", "Portuguese", "Polish", "French"];
const LEVELS: &[&str] = &["L1", "L2", "L3", "L4"];
const COUNTRIES: &[&str] = &["Germany", "Austria", "UK", "Portugal", "Poland"];
const NATIONALITIES: &[&str] = &["German", "Austrian", "British", "Portuguese", "Polish"];
const STREETS: &[&str] = &["Invented Street", "Lindenweg", "Rua do Exemplo", "Sample Lane", "Musterstraße"];

/// What a sandbox has before anybody asks for more.
pub(super) fn catalogue() -> Vec<Attribute> {
    let ordinary = ORDINARY.iter().map(|&(key, label, kind)| Attribute::new(key, label, kind, Some(key), None));
    ordinary.chain(CUSTOM.iter().map(|&(key, label, meaning)| custom(key, label, meaning))).collect()
}

pub(super) fn custom(key: &str, label: &str, meaning: Meaning) -> Attribute {
    Attribute::new(key, label, meaning.kind(), meaning.universal_id(), Some(meaning))
}

impl Attribute {
    fn new(
        key: &str,
        label: &str,
        kind: &'static str,
        universal_id: Option<&'static str>,
        meaning: Option<Meaning>,
    ) -> Self {
        let currency = if meaning.is_none() && key.ends_with("_salary") { ",\"currency\":\"EUR\"" } else { "" };
        Self {
            key: key.into(),
            label: label.into(),
            kind,
            universal_id,
            meaning,
            before: format!("{}:{{\"label\":{},\"value\":", json!(key), json!(label)).into(),
            after: format!(",\"type\":{},\"universal_id\":{}{currency}}}", json!(kind), json!(universal_id)).into(),
        }
    }

    pub(super) fn is_british(&self) -> bool {
        self.meaning.is_some_and(Meaning::is_british)
    }

    /// The allowed values of lists and tags.
    pub(super) fn options(&self) -> &'static [&'static str] {
        match self.meaning {
            Some(Meaning::Languages) => LANGUAGES,
            Some(Meaning::Level) => LEVELS,
            Some(Meaning::Country) => COUNTRIES,
            Some(Meaning::Nationality) => NATIONALITIES,
            Some(Meaning::YesNo) => &["Yes", "No"],
            _ => &[],
        }
    }
}

impl Meaning {
    /// A guess by the readable name that a file gives a custom attribute. A text of its own for everybody
    /// is the guess when the name says nothing: it does as a match key, too.
    pub(super) fn guess(name: &str) -> Self {
        let name = name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["birth", "geburt"]) {
            Self::Birthday
        } else if has(&["mobile", "handy"]) {
            Self::MobilePhone
        } else if has(&["phone", "telefon"]) {
            Self::WorkPhone
        } else if has(&["ni_number", "insurance", "nino"]) {
            Self::InsuranceNumber
        } else if has(&["ni_category"]) {
            Self::InsuranceCategory
        } else if has(&["tax_code"]) {
            Self::TaxCode
        } else if has(&["sort_code"]) {
            Self::SortCode
        } else if has(&["account_number"]) {
            Self::BankAccount
        } else if has(&["iban"]) {
            Self::Iban
        } else if has(&["nationality"]) {
            Self::Nationality
        } else if has(&["country"]) {
            Self::Country
        } else if name == "city" || has(&["_city", "town"]) {
            Self::City
        } else if has(&["postcode", "post_code", "zip", "plz", "postal"]) {
            Self::Postcode
        } else if has(&["street", "address", "strasse"]) {
            Self::Street
        } else if has(&["number", "_id", "payroll"]) {
            Self::StaffNumber
        } else if has(&["language", "skill", "tags"]) {
            Self::Languages
        } else if has(&["level", "grade"]) {
            Self::Level
        } else if has(&["cost"]) {
            Self::CostCode
        } else if has(&["allowance", "amount", "salary", "pay", "percent"]) {
            Self::Amount
        } else if has(&["date", "since", "until"]) || name.ends_with("_on") || name.ends_with("_day") {
            Self::Date
        } else if name.starts_with("is_") || name.starts_with("has_") || has(&["eligible", "consent"]) {
            Self::YesNo
        } else if has(&["link", "url"]) {
            Self::Link
        } else if has(&["note", "comment", "about"]) {
            Self::Note
        } else {
            Self::StaffNumber
        }
    }

    /// Whether only people in the United Kingdom have it.
    pub(super) fn is_british(self) -> bool {
        matches!(self, Self::InsuranceCategory | Self::TaxCode | Self::SortCode)
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Birthday | Self::Date => "date",
            Self::Languages => "tags",
            Self::Level | Self::Country | Self::Nationality | Self::YesNo => "list",
            Self::Amount => "decimal",
            Self::Count => "integer",
            Self::Note => "multiline",
            Self::Link => "link",
            _ => "standard",
        }
    }

    fn universal_id(self) -> Option<&'static str> {
        match self {
            Self::Birthday => Some("date_of_birth"),
            Self::Iban => Some("iban"),
            Self::Nationality => Some("nationality"),
            _ => None,
        }
    }

    /// The value of an employee: always the same for the same attribute, employee and seed.
    pub(super) fn value(self, key: &str, person: &Person, company: &Company) -> Value {
        let (seed, is_british) = (company.seed, company.is_british);
        let salt = key.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)));
        let mut random = fastrand::Rng::with_seed(seed ^ salt.rotate_left(17) ^ person.id.wrapping_mul(0x9E37_79B9));
        // A few have not filled it in: numbers and dates are null then, everything else is a blank text.
        let blank = random.u8(..25) == 0 && !is_british;
        let office = person.office.as_ref().map_or("Berlin", |office| office.name.as_str());
        let position = OFFICES.iter().position(|(name, _, _)| *name == office).unwrap_or_default();
        let country = if is_british { 2 } else { [0, 0, 1, 2, 3, 4][position] };
        let dialling = ["49", "43", "44", "351", "48"][country];
        match self {
            Self::StaffNumber => json!(format!("A-{}", person.id)),
            Self::Birthday | Self::Date if blank => Value::Null,
            Self::Birthday => {
                let day = NaiveDate::from_yo_opt(1960 + random.i32(..45), random.u32(1..=365)).unwrap_or_default();
                json!(day.format("%Y-%m-%d").to_string())
            }
            Self::Date => {
                let days = Days::new(random.u64(..400));
                let day = person.hire_date.map(|hired| hired.checked_add_days(days).unwrap_or(hired));
                super::render::day_or_null(day)
            }
            Self::Amount | Self::Count if blank => Value::Null,
            Self::Amount if random.u8(..8) == 0 => json!(format!("{}.50", random.u32(1..400))),
            Self::Amount => json!(f64::from(random.u32(2..800)) / 2.0),
            Self::Count => json!(random.u32(1..900)),
            Self::Country => json!(COUNTRIES[country]),
            Self::CostCode => json!(format!("CC{}", 1000 + 100 * random.u32(..9))),
            Self::InsuranceNumber => {
                let letters = ["AB", "CE", "HJ", "JK", "MW"][random.usize(..5)];
                json!(format!("{letters}{:06}{}", random.u32(..1_000_000), ["A", "B", "C", "D"][random.usize(..4)]))
            }
            Self::InsuranceCategory => json!("A"),
            Self::TaxCode => json!("1257L"),
            Self::SortCode => json!(format!("00-00-{:02}", random.u32(..100))),
            Self::BankAccount => json!(format!("0000{:04}", random.u32(..10_000))),
            _ if blank => json!(""),
            // Germany and the United Kingdom set numbers aside for inventions; the others are only unlikely.
            Self::WorkPhone => json!(format!("+{dialling} 30 23125 {:03}", random.u32(..1000))),
            Self::MobilePhone if country == 2 => json!(format!("+44 7700 900{:03}", random.u32(..1000))),
            Self::MobilePhone => json!(format!("+{dialling} 171 39200{:02}", random.u32(..100))),
            Self::Languages => {
                let spoken: Vec<&str> = LANGUAGES.iter().copied().filter(|_| random.u8(..3) == 0).collect();
                match spoken.len() {
                    0 => json!(""),
                    // Newer accounts send a JSON list inside the text, older ones separate by commas.
                    _ if random.bool() => json!(json!(spoken).to_string()),
                    _ => json!(spoken.join(",")),
                }
            }
            Self::Level => json!(LEVELS[random.usize(..LEVELS.len())]),
            Self::YesNo => json!(["Yes", "No"][random.usize(..2)]),
            Self::Note => {
                json!(format!("Line one of {}'s note.\nSecond line with \"quotes\" & <angles>.", person.first_name))
            }
            Self::Link => json!(format!("https://intranet.example.com/people/{}", person.id)),
            Self::Iban => json!(format!("DE00 0000 0000 0000 {:04} 00", random.u32(..10_000))),
            Self::Nationality => json!(NATIONALITIES[random.usize(..NATIONALITIES.len())]),
            Self::City if is_british => json!("London"),
            Self::City => json!(office),
            Self::Postcode if country == 2 => json!(format!("EX{} {}AA", random.u32(1..9), random.u32(1..9))),
            Self::Postcode => json!(format!("{:05}", random.u32(10_000..99_999))),
            Self::Street => json!(format!("{} {}", STREETS[country], random.u32(1..200))),
        }
    }
}
