use super::*;
use crate::code::Code;
use crate::employee::{Disagreement, EmployeeId, Lifecycle};
use crate::field::Access;
use crate::field::{FieldValue, Schema};
use crate::plan::FieldChange;
use crate::targets::FieldLookup;
use crate::targets::testing::{self, Trial, load, loaded, shown};

const FILE_ROUTE: &str = "delivery = { type = 'file', path = 'probonio.csv' }\n";
const MAPPED: &[&str] = &["email", "first_name", "status", "employment_date", "leaving_date"];

fn target(rest: &str) -> (Box<dyn TargetType>, Schema) {
    let target = loaded(&format!("{FILE_ROUTE}{rest}\nlanguage = 'en'"), parse);
    let schema = testing::schema(&*target, MAPPED);
    (target, schema)
}

#[test]
fn settings_are_checked_with_their_places() {
    for (text, message) in [
        (
            "company = {}",
            "2:1: error: `targets.t.company.domains` is missing; for example `company = { domains = [\"example.com\"] }`",
        ),
        ("company = { domains = [] }", "2:13: error: `targets.t.company.domains` names none, so nobody would be meant"),
        (
            "company = { domains = ['@example.com'] }",
            "2:24: error: `@example.com` is not the domain of an e-mail address, such as \"example.com\"",
        ),
        (
            "company = { attribute = 'Probonio Filter' }",
            "2:25: error: `Probonio Filter` is not the name of an attribute",
        ),
        ("company = { name = ['A'] }", "2:1: error: `targets.t.company.domains` is missing"),
        ("invite_first_import = true", "2:1: error: `targets.t.invite_first_import` needs `invite_new = true`"),
        (
            "month_format = '%m'",
            "2:16: error: `targets.t.month_format` does not keep a month and its year; for example \"%m.%Y\"",
        ),
        (
            "status_words = { leaving = 'Austritt geplant' }",
            "2:1: error: `targets.t.status_words` must give the two states two words",
        ),
    ] {
        let (_, problems) = load(&format!("{FILE_ROUTE}{text}"), parse);
        assert!(!problems.is_empty() && problems[0].starts_with(message), "{text}\n{problems:#?}");
    }
}

#[test]
fn company_filters_are_conditions_that_must_all_hold() {
    for (company, sources) in [
        (
            "{ domains = ['Nord.example.com', 'sued.example.com'] }",
            &["(email | domain) in ['nord.example.com', 'sued.example.com']"][..],
        ),
        (
            "{ names = [\"Beispiel Nord GmbH\", \"O'Neill & Co\"] }",
            &[r"subcompany in ['Beispiel Nord GmbH', 'O\'Neill & Co']"],
        ),
        ("{ attribute = 'dynamic_12' }", &["dynamic_12 | yes_no"]),
        (
            "{ domains = ['a.example'], attribute = 'dynamic_12' }",
            &["(email | domain) in ['a.example']", "dynamic_12 | yes_no"],
        ),
    ] {
        let (target, _) = target(&format!("company = {company}"));
        let found: Vec<&str> = target.offers().include.iter().map(|condition| condition.source.as_str()).collect();
        assert_eq!(found, sources, "{company}");
        let vocabulary = crate::rules::Vocabulary::default();
        for source in found {
            crate::rules::Expression::compile(source, &vocabulary).unwrap_or_else(|error| panic!("{source}: {error}"));
        }
    }
}

#[test]
fn what_the_type_says_of_itself() {
    let (target, schema) = target("invite_new = true");
    assert_eq!(target.default_match(), ["email"]);
    assert_eq!(target.policy().on_invalid, None);
    let names: Vec<&str> = schema.fields.iter().map(|field| &*field.name).collect();
    assert_eq!(names[5..], ["last_working_month", "invite"], "`status` is mapped");
    let FieldLookup::Known(spec) = target.field("invite") else { panic!("a field") };
    assert_eq!(spec.access, Access::ReadOnly);
    assert!(target.describe().join("\n").contains("no public interface"));
}

/// One person on one day: what Personio says, what Probonio holds, what comes of it.
struct Row {
    today: &'static str,
    leaving: &'static str,
    /// Leaving date, status and last month in Probonio; `None` for somebody new.
    held: Option<(&'static str, &'static str, &'static str)>,
    /// Status and last month; `=` for kept.
    status: &'static str,
    month: &'static str,
    notice: Option<Code>,
}

#[test]
fn leaving_on_every_kind_of_day() {
    let (target, schema) = target("");
    let planned = |date, month| Some((date, "Leaving planned", month));
    let plain = Some(("", "active", ""));
    let row = |today, leaving, held, status, month, notice| Row { today, leaving, held, status, month, notice };
    let withdrawn = Some(Code::LeavingDateWithdrawn);
    let late = Some(Code::LateLeavingDate);
    for row in [
        // Nobody leaves.
        row("2026-11-22", "", plain, "active", "=", None),
        row("2026-11-22", "", None, "active", "=", None),
        // Ahead, and in this month.
        row("2026-11-22", "2027-01-31", plain, "Leaving planned", "01.2027", None),
        row("2026-11-22", "2026-11-30", plain, "Leaving planned", "11.2026", None),
        row("2026-11-30", "2026-11-30", plain, "Leaving planned", "11.2026", None),
        row("2026-11-22", "2026-11-01", plain, "Leaving planned", "11.2026", None),
        row("2026-11-22", "2026-12-31", None, "Leaving planned", "12.2026", None),
        // Both sides of the end of the month.
        row("2026-11-30", "2026-11-15", planned("2026-11-15", "11.2026"), "Leaving planned", "11.2026", None),
        row("2026-12-01", "2026-11-15", planned("2026-11-15", "11.2026"), "Leaving", "11.2026", None),
        row("2024-02-29", "2024-02-29", planned("2024-02-29", "02.2024"), "Leaving planned", "02.2024", None),
        row("2024-03-01", "2024-02-29", planned("2024-02-29", "02.2024"), "Leaving", "02.2024", None),
        row("2023-02-28", "2023-02-28", planned("2023-02-28", "02.2023"), "Leaving planned", "02.2023", None),
        row("2027-01-01", "2026-12-31", planned("2026-12-31", "12.2026"), "Leaving", "12.2026", None),
        row("2027-01-01", "2026-12-31", Some(("2026-12-31", "Leaving", "12.2026")), "Leaving", "12.2026", None),
        // Entered late: this month, said until it is over, and not put off again.
        row("2025-06-02", "2025-03-14", plain, "Leaving planned", "06.2025", late),
        row("2025-06-03", "2025-03-14", planned("2025-03-14", "06.2025"), "Leaving planned", "06.2025", late),
        row("2025-06-30", "2025-03-14", planned("2025-03-14", "06.2025"), "Leaving planned", "06.2025", late),
        row("2025-07-01", "2025-03-14", planned("2025-03-14", "06.2025"), "Leaving", "06.2025", None),
        row("2025-09-01", "2025-03-14", Some(("2025-03-14", "Leaving", "06.2025")), "Leaving", "06.2025", None),
        // Late by a day, over the end of a month and of a year.
        row("2026-12-01", "2026-11-30", plain, "Leaving planned", "12.2026", late),
        row("2027-01-01", "2026-12-31", plain, "Leaving planned", "01.2027", late),
        // Moved while there is time.
        row("2026-11-22", "2027-02-28", planned("2026-12-31", "12.2026"), "Leaving planned", "02.2027", None),
        row("2026-11-22", "2026-11-30", planned("2026-12-31", "12.2026"), "Leaving planned", "11.2026", None),
        row("2026-11-22", "2026-09-30", planned("2026-12-31", "12.2026"), "Leaving planned", "11.2026", late),
        // Corrected after leaving: nothing is taken back, and a later day is for a person to decide.
        row("2026-11-22", "2026-08-31", Some(("2026-09-30", "Leaving", "09.2026")), "Leaving", "09.2026", None),
        row(
            "2026-11-22",
            "2027-03-31",
            Some(("2026-09-30", "Leaving", "09.2026")),
            "=",
            "=",
            Some(Code::LeavingDateMovedAfterLeaving),
        ),
        row(
            "2026-11-22",
            "2026-10-31",
            Some(("2026-09-30", "Leaving", "09.2026")),
            "=",
            "=",
            Some(Code::LeavingDateMovedAfterLeaving),
        ),
        // Withdrawn.
        row("2026-11-22", "", planned("2026-12-31", "12.2026"), "=", "=", withdrawn),
        row("2026-11-22", "", Some(("2026-09-30", "Leaving", "09.2026")), "=", "=", withdrawn),
        row("2026-11-22", "", Some(("2026-12-31", "active", "")), "=", "=", withdrawn),
        // Not readable: what is held stays.
        row("2026-11-22", "?", planned("2026-12-31", "12.2026"), "=", "=", None),
        row("2026-11-22", "?", plain, "active", "=", None),
    ] {
        let passed =
            testing::day(row.leaving.trim_start_matches('?')).is_some_and(|day| day < testing::day(row.today).unwrap());
        let trial = Trial {
            today: row.today,
            lifecycle: if passed { Lifecycle::Left } else { Lifecycle::Active },
            last_day: row.leaving.trim_start_matches('?'),
            ..Trial::default()
        };
        let mut wanted = vec![("email", "jasper@beispiel.example"), ("status", "active")];
        if row.leaving != "?" {
            wanted.push(("leaving_date", row.leaving));
        }
        let held = row
            .held
            .map(|(date, status, month)| [("leaving_date", date), ("status", status), ("last_working_month", month)]);
        let (findings, desired) = trial.run(&*target, &schema, &wanted, held.as_ref().map(|held| &held[..]));
        let place = format!("on {} leaving {:?}, held {:?}", row.today, row.leaving, row.held);
        assert_eq!(findings.skip, None, "{place}");
        assert_eq!(shown(&schema, &desired, "status"), row.status, "{place}");
        assert_eq!(shown(&schema, &desired, "last_working_month"), row.month, "{place}");
        let codes: Vec<Code> = findings.notices.iter().map(|notice| notice.code).collect();
        assert_eq!(codes, row.notice.into_iter().collect::<Vec<_>>(), "{place}");
        let kept = row.status == "=" || row.leaving == "?";
        assert_eq!(shown(&schema, &desired, "leaving_date"), if kept { "=" } else { row.leaving }, "{place}");
    }
}

#[test]
fn applying_and_looking_again_finds_nothing_until_the_month_turns() {
    let (target, schema) = target("");
    // From the day it is entered to long after, one sync a day: the states follow each other once.
    let mut held =
        [("leaving_date", String::new()), ("status", "active".to_owned()), ("last_working_month", String::new())];
    let mut states = Vec::new();
    let first = testing::day("2025-05-30").unwrap();
    for day in first.iter_days().take(70) {
        let today: &'static str = Box::leak(day.to_string().into_boxed_str());
        let entered = day >= testing::day("2025-06-02").unwrap();
        let leaving = if entered { "2025-03-14" } else { "" };
        let trial = Trial {
            today,
            lifecycle: if entered { Lifecycle::Left } else { Lifecycle::Active },
            last_day: leaving,
            ..Trial::default()
        };
        let now: Vec<(&str, &str)> = held.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (_, desired) = trial.run(&*target, &schema, &[("status", "active"), ("leaving_date", leaving)], Some(&now));
        for (name, value) in &mut held {
            let found = shown(&schema, &desired, name);
            if found != "=" {
                *value = found;
            }
        }
        let state = format!("{} {}", held[1].1, held[2].1);
        if states.last().is_none_or(|(_, last)| *last != state) {
            states.push((today, state));
        }
    }
    let states: Vec<(&str, &str)> = states.iter().map(|(day, state)| (*day, state.as_str())).collect();
    assert_eq!(
        states,
        [("2025-05-30", "active "), ("2025-06-02", "Leaving planned 06.2025"), ("2025-07-01", "Leaving 06.2025")]
    );
}

#[test]
fn nobody_is_guessed_about() {
    use Lifecycle::{Active, Leaving, Left};
    let (target, schema) = target("");
    let held: &[(&str, &str)] = &[("status", "active")];
    // lifecycle, last day, account, skip
    for (lifecycle, last_day, account, expected) in [
        (Left, "", None, Some(Code::InactiveWithoutLeavingDate)),
        (Left, "", Some(held), Some(Code::InactiveWithoutLeavingDate)),
        (Left, "2026-10-31", None, Some(Code::LeftBeforeImport)),
        (Left, "2026-11-21", None, Some(Code::LeftBeforeImport)),
        (Left, "2026-10-31", Some(held), None),
        (Leaving, "2026-11-22", None, None),
        (Active, "", None, None),
    ] {
        let trial = Trial { lifecycle, last_day, ..Trial::default() };
        let (findings, _) = trial.run(&*target, &schema, &[("leaving_date", last_day)], account);
        assert_eq!(findings.skip.map(|skip| skip.reason), expected, "{lifecycle:?} {last_day} {account:?}");
    }
    // A leaving date before the employment date belongs to an earlier employment.
    let trial = Trial { disagreement: Some(Disagreement::LastDayBeforeHireDate), ..Trial::default() };
    let (findings, desired) =
        trial.run(&*target, &schema, &[("status", "active"), ("leaving_date", "2020-01-31")], Some(held));
    assert_eq!(findings, Default::default());
    assert_eq!(shown(&schema, &desired, "status"), "active");
    assert_eq!(shown(&schema, &desired, "leaving_date"), "= (leaving_date: it lies before the employment date)");
}

#[test]
fn an_invitation_goes_out_once_and_not_to_those_who_were_there_first() {
    for (settings, account, linked, first_import, leaving, expected) in [
        ("invite_new = true", false, false, false, "", "true"),
        ("invite_new = true", false, false, true, "", "="),
        ("invite_new = true\ninvite_first_import = true", false, false, true, "", "true"),
        ("invite_new = true", true, false, false, "", "="),
        ("invite_new = true", true, true, false, "", "="),
        ("invite_new = true", false, true, false, "", "="),
        ("invite_new = true", false, false, false, "2026-12-31", "="),
    ] {
        let (target, schema) = target(settings);
        let trial = Trial { linked, first_import, ..Trial::default() };
        let held: &[(&str, &str)] = &[("status", "active")];
        let (_, desired) = trial.run(&*target, &schema, &[("leaving_date", leaving)], account.then_some(held));
        assert_eq!(shown(&schema, &desired, "invite"), expected, "{settings} {account} {linked} {first_import}");
    }
    let (_, schema) = target("");
    assert_eq!(schema.index("invite"), None);
}

#[test]
fn an_invitation_is_taken_out_once_the_row_was_confirmed() {
    let (target, schema) = target("invite_new = true");
    for (delivered, invite, expected) in
        [(false, "true", "="), (true, "true", "false"), (true, "false", "="), (true, "", "=")]
    {
        let trial = Trial { linked: true, delivered, ..Trial::default() };
        let held: &[(&str, &str)] = &[("status", "active"), ("invite", invite)];
        let (_, desired) = trial.run(&*target, &schema, &[("leaving_date", "")], Some(held));
        assert_eq!(shown(&schema, &desired, "invite"), expected, "{delivered} {invite}");
    }
}

#[test]
fn words_and_form_of_the_month_are_the_users() {
    let (target, schema) =
        target("month_format = '%Y-%m'\nstatus_words = { leaving_planned = 'Scheidet aus', leaving = 'Gegangen' }");
    let trial = Trial { lifecycle: Lifecycle::Leaving, last_day: "2026-12-31", ..Trial::default() };
    let (_, desired) = trial.run(&*target, &schema, &[("leaving_date", "2026-12-31")], None);
    assert_eq!(shown(&schema, &desired, "status"), "Scheidet aus");
    assert_eq!(shown(&schema, &desired, "last_working_month"), "2026-12");
}

#[test]
fn a_delivery_speaks_one_language() {
    let http = "delivery = { type = 'http', base_url = 'https://benefits.example.com', list = { path = '/p' }, auth = \
                { bearer = { env = 'TOKEN' } }, fields = { email = 'text', status = 'text', gender = 'text', \
                last_working_month = 'text' } }";
    let german = format!("{FILE_ROUTE}language = 'de'");
    let english = format!("{FILE_ROUTE}language = 'en'");
    let leaver = ("2026-12-31", Lifecycle::Leaving);
    for (section, status, gender, (last_day, lifecycle), expected) in [
        (FILE_ROUTE, "active", "female", ("", Lifecycle::Active), ["Aktiv", "weiblich"]),
        (FILE_ROUTE, "Onboarding", "diverse", ("", Lifecycle::Active), ["Onboarding", "divers"]),
        // What is a word of the company's own stays.
        (FILE_ROUTE, "Sabbatical", "f", ("", Lifecycle::Active), ["Sabbatical", "f"]),
        (&german, "active", "male", leaver, ["Austritt geplant", "männlich"]),
        (&english, "active", "male", leaver, ["Leaving planned", "male"]),
        (http, "active", "male", leaver, ["Leaving planned", "male"]),
    ] {
        let target = loaded(section, parse);
        let by_file = section != http;
        let mapped = if by_file { &["email", "status", "gender", "leaving_date"][..] } else { &["email", "gender"] };
        let schema = testing::schema(&*target, mapped);
        let mut wanted = vec![("email", "jasper@beispiel.example"), ("status", status), ("gender", gender)];
        wanted.extend(by_file.then_some(("leaving_date", last_day)));
        let trial = Trial { lifecycle, last_day, ..Trial::default() };
        let (_, desired) = trial.run(&*target, &schema, &wanted, None);
        let expected = if by_file { expected } else { ["active", "male"] };
        assert_eq!(["status", "gender"].map(|name| shown(&schema, &desired, name)), expected, "{section}");
    }
    let FieldLookup::Known(_) = loaded(&english, parse).field("company") else { panic!("a field in any language") };
}

#[test]
fn the_file_is_what_german_spreadsheets_open() {
    let folder = tempfile::tempdir().unwrap();
    let (target, problems) = testing::load_in(&format!("{FILE_ROUTE}invite_new = true"), parse, folder.path());
    assert_eq!(problems, [""; 0]);
    let target = target.unwrap();
    let schema =
        testing::schema(&*target, &["email", "last_name", "first_name", "employment_date", "leaving_date", "married"]);
    let date = |day: &str| FieldValue::Date(day.parse().unwrap());
    let values = [
        FieldValue::text("jasper.kolbe@beispiel.example"),
        FieldValue::text("Kolbe"),
        FieldValue::text("Jürgen"),
        date("2020-02-29"),
        date("2026-12-31"),
        FieldValue::Bool(true),
        FieldValue::text("Austritt geplant"),
        FieldValue::text("12.2026"),
        FieldValue::Bool(true),
    ];
    let changes: Vec<FieldChange> = schema
        .iter()
        .zip(&values)
        .map(|((index, spec), after)| FieldChange {
            index,
            field: spec.name.clone(),
            before: FieldValue::Empty,
            after: after.clone(),
        })
        .collect();
    let open = testing::open(&*target, &schema);
    let id = open.writer().create(EmployeeId(1187), &changes).unwrap();
    open.writer().finish().unwrap();
    let text = std::fs::read_to_string(folder.path().join("probonio.csv")).unwrap();
    assert_eq!(
        text,
        "\u{feff}Vorname;Nachname;E-Mail;Status;Eintrittsdatum;Austrittsdatum;Letzter Arbeitsmonat;Verheiratet;Einladen\r\n\
         Jürgen;Kolbe;jasper.kolbe@beispiel.example;Austritt geplant;29.02.2020;31.12.2026;12.2026;ja;ja\r\n"
    );
    let open = testing::open(&*target, &schema);
    assert_eq!(open.reader().account(&id).unwrap().unwrap().fields(), values);
}
