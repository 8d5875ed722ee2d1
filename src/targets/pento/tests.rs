use chrono::NaiveDate;

use super::*;
use crate::code::Code;
use crate::employee::{EmployeeId, Lifecycle};
use crate::field::{AccountId, FieldIndex, FieldKind, FieldValue, Schema};
use crate::plan::{Account, Change, FieldChange, Op};
use crate::targets::FieldLookup;
use crate::targets::testing::{self, Trial, load, loaded, shown};

const FILE_ROUTE: &str = "delivery = { type = 'file', path = 'payroll.csv' }\n";

const WHOLE: &[(&str, &str)] = &[
    ("employee_id", "UK-0042"),
    ("first_name", "Morwenna"),
    ("last_name", "Tregear"),
    ("gender", "female"),
    ("date_of_birth", "1991-11-05"),
    ("email", "m.tregear@example.org"),
    ("address_line_1", "1 Harbour Row"),
    ("city", "Truro"),
    ("post_code", "tr12ab"),
    ("country", "UK"),
    ("ni_number", "AB 12 34 56 C"),
    ("ni_category", "a"),
    ("tax_code", "1257l"),
    ("start_date", "2025-09-01"),
    ("sort_code", "11-11-11"),
    ("account_number", "12345678"),
    ("pay_schedule", "Monthly"),
    ("annual_salary", "41000"),
    ("pension_status", "Enrolled"),
];

const OTHERS: &[&str] = &["title", "starter_declaration", "termination_date", "previous_pay", "previous_tax"];

fn schema_of(target: &dyn TargetType) -> Schema {
    let names: Vec<&str> = WHOLE.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied()).collect();
    testing::schema(target, &names)
}

fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut values: Vec<(&str, &str)> =
        WHOLE.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name)).copied().collect();
    values.extend_from_slice(changes);
    values
}

#[test]
fn settings_are_checked_with_their_places() {
    for (text, message) in [
        (
            "",
            "1:1: error: `targets.t.delivery` is missing; for example `delivery = { type = \"file\", path = \"exports/people.csv\" }`",
        ),
        (
            "delivery = { type = 'api' }",
            "1:21: error: `targets.t.delivery.type` does not know `api`; known: `email`, `file`, `http`, `sftp`",
        ),
        (
            "delivery = { type = 'file' }",
            "1:1: error: `targets.t.delivery.path` is missing; for example `path = \"exports/payroll.csv\"`",
        ),
        (
            "DELIVERY ni_categories = 'a'",
            "2:17: error: `targets.t.ni_categories` must be capital letters without anything between, such as \"ABCDEFHIJKLMNSVXZ\"",
        ),
        ("DELIVERY post_codes = 'de'", "2:14: error: `targets.t.post_codes` does not know `de`; known: `any`, `uk`"),
        (
            "DELIVERY filters = [{ field = 'office', is = 'Rome', is_not = 'Bonn' }]",
            "2:12: error: a filter needs exactly one of `is`, `is_not` and `include`",
        ),
        (
            "DELIVERY filters = [{ is = 'Rome' }]",
            "2:12: error: `targets.t.filters.0.field` is missing; for example `field = \"office\"`",
        ),
        (
            "DELIVERY filters = [{ field = 'office', is_not = 'a' }, { field = 'team', is_not = 'b' }]",
            "2:75: error: a second `is_not` would exclude everybody, and Pento ignores all filters then; keep one, or say it with `include`",
        ),
        (
            "DELIVERY filters = [{ field = 'cost_centers', is = 'x' }]",
            "2:22: error: `cost_centers` holds several values; Pento cannot filter by it",
        ),
        (
            "DELIVERY filters = [{ field = 'office', is = 'Rome', include = ['Bonn'] }]",
            "2:12: error: a filter needs exactly one of `is`, `is_not` and `include`",
        ),
        (
            "DELIVERY filters = [{ field = 'office', include = [] }]",
            "2:42: error: the filter includes no value, so nobody would be meant",
        ),
        ("DELIVERY filters = [{ field = 'a b', is = 'x' }]", "2:22: error: `a b` is not the name of an attribute"),
        ("DELIVERY columns = { emial = 'E-Mail' }", "2:13: error: there is no field `emial`; did you mean `email`?"),
        (
            "DELIVERY columns = { email = 'First name' }",
            "2:1: error: `targets.t.columns` must give each column a name of its own",
        ),
        (
            "DELIVERY set_in_pento = ['salary']",
            "2:17: error: `salary` is not among the fields that Pento requires; known: `account_number`",
        ),
    ] {
        let toml = match text.strip_prefix("DELIVERY ") {
            Some(rest) => format!("{FILE_ROUTE}{rest}"),
            None => text.to_owned(),
        };
        let (_, problems) = load(&toml, parse);
        assert!(!problems.is_empty() && problems[0].starts_with(message), "{toml}\n{problems:#?}");
    }
}

#[test]
fn exclusion_filters_become_conditions() {
    let filters = "filters = [{ field = 'employment_type', is = 'external' }, { field = 'office', is = \"King's \\\\ Cross\" }, { field = 'country', is_not = 'UK' }]";
    let target = loaded(&format!("{FILE_ROUTE}{filters}"), parse);
    let sources: Vec<&str> = target.offers().exclude.iter().map(|condition| condition.source.as_str()).collect();
    assert_eq!(sources, ["employment_type == 'external'", r"office == 'King\'s \\ Cross'", "country != 'UK'"]);
    assert!(target.offers().include.is_empty());
}

#[test]
fn filters_that_include_must_all_hold_and_stand_beside_those_that_exclude() {
    let filters = "filters = [{ field = 'office', include = ['London', \"King's Lynn\"] }, { field = 'subcompany', \
                   include = ['Example Ltd'] }, { field = 'employment_type', is = 'external' }]";
    let target = loaded(&format!("{FILE_ROUTE}{filters}"), parse);
    let sources = |conditions: &[crate::targets::Condition]| -> Vec<String> {
        conditions.iter().map(|condition| condition.source.clone()).collect()
    };
    let offers = target.offers();
    assert_eq!(sources(offers.include), [r"office in ['London', 'King\'s Lynn']", "subcompany in ['Example Ltd']"]);
    assert_eq!(sources(offers.exclude), ["employment_type == 'external'"]);
    let vocabulary = crate::rules::Vocabulary::default();
    for source in sources(offers.include) {
        crate::rules::Expression::compile(&source, &vocabulary).unwrap_or_else(|error| panic!("{source}: {error}"));
    }
}

#[test]
fn what_the_type_says_of_itself() {
    let target = loaded(FILE_ROUTE, parse);
    assert_eq!(target.default_match(), ["employee_id"]);
    assert_eq!(target.policy().on_invalid, Some(OnInvalid::Keep));
    assert!(target.policy().includes_leavers && target.policy().unfiltered_note.is_some());
    assert_eq!(target.field("salary"), FieldLookup::Unknown);
    let FieldLookup::Known(spec) = target.field("ni_category") else { panic!("a field") };
    assert_eq!((spec.kind, spec.choices.len()), (FieldKind::Choice, 17));
    let FieldLookup::Known(spec) = target.field("missing") else { panic!("a field") };
    assert_eq!(spec.access, crate::field::Access::ReadOnly, "it is worked out");
    let said = target.describe().join("\n");
    assert!(said.contains("no public interface") && said.contains("salaries"), "{said}");

    let http = "[delivery]\ntype = 'http'\nbase_url = 'https://pay.example.com'\nauth = { bearer = { env = 'TOKEN' } }\nlist = { path = '/p' }\nfields = { employee_id = 'text', ni_number = 'text', status = 'text' }";
    let target = loaded(http, parse);
    assert!(matches!(target.field("ni_number"), FieldLookup::Known(_)));
    assert_eq!(target.field("email"), FieldLookup::Unknown, "the interface does not declare it");
    assert_eq!(target.offers().rules.unwrap().derived_fields().len(), 1);
    assert!(target.offers().declaration.is_some());
}

#[test]
fn ready_or_pending_with_what_is_missing() {
    let target = loaded(FILE_ROUTE, parse);
    let schema = schema_of(&*target);
    for (changes, missing) in [
        (&[][..], ""),
        (&[("gender", "")], "gender"),
        (&[("sort_code", ""), ("account_number", ""), ("city", "")], "city, sort code, account number"),
        (&[("annual_salary", "0")], "salary"),
        (
            &[("pay_schedule", ""), ("annual_salary", ""), ("pension_status", "")],
            "pay schedule, salary, pension status",
        ),
    ] {
        let (findings, desired) = Trial::default().run(&*target, &schema, &with(changes), None);
        let status = if missing.is_empty() { "Ready" } else { "Pending" };
        assert_eq!(shown(&schema, &desired, "status"), status, "{changes:?}");
        assert_eq!(shown(&schema, &desired, "missing"), missing);
        let messages: Vec<&str> = findings.notices.iter().map(|notice| notice.message.as_str()).collect();
        match missing {
            "" => assert_eq!(messages, [""; 0]),
            missing => assert_eq!(messages, [format!("Pending: {missing} missing")]),
        }
    }

    // What is kept counts with what the account has; what is filled in Pento counts as there.
    let target =
        loaded(&format!("{FILE_ROUTE}set_in_pento = ['pay_schedule', 'annual_salary', 'pension_status']"), parse);
    let schema = testing::schema(&*target, &WHOLE.iter().map(|(name, _)| *name).take(16).collect::<Vec<_>>());
    let wanted: Vec<_> = WHOLE[..15].to_vec();
    let (_, desired) = Trial::default().run(&*target, &schema, &wanted, Some(&[("account_number", "12345678")]));
    assert_eq!(shown(&schema, &desired, "status"), "Ready");
    let (_, desired) = Trial::default().run(&*target, &schema, &wanted, None);
    assert_eq!(shown(&schema, &desired, "missing"), "account number");
}

#[test]
fn the_required_fields_are_those_of_the_reference() {
    let Some(text) = crate::reference::spec_text("pento/required-fields.json") else { return };
    let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = |key: &str| reference[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_lowercase());
    let mut wanted: Vec<String> = ["hmrc_required", "payment_required", "payroll_required", "pension_required"]
        .into_iter()
        .flat_map(names)
        .collect();
    let plain = |words: &str| match words {
        "NI number" => "national insurance number".to_owned(),
        "NI category" => "national insurance category".to_owned(),
        "e-mail" => "email address".to_owned(),
        "employment start date" => "employee start date".to_owned(),
        other => other.to_lowercase(),
    };
    let mut ours: Vec<String> = fields::REQUIRED.iter().map(|(_, words)| plain(words)).collect();
    wanted.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, wanted);
    for (gender, titles) in reference["titles_by_gender"].as_object().unwrap() {
        for title in ["Mr", "Ms", "Miss", "Mrs", "Dr"] {
            let fits = titles.as_array().unwrap().iter().any(|known| known == title);
            assert_eq!(formats::title_fits(title, gender), fits, "{title} {gender}");
        }
    }
    let dummy = &reference["unpaid_dummy_bank_details"];
    assert!(formats::sort_code(dummy["sort_code"].as_str().unwrap()).is_ok());
    assert!(formats::account_number(dummy["account_number"].as_str().unwrap()).is_ok());
    for plan in reference["student_loan_options"].as_array().unwrap() {
        assert_eq!(formats::student_loan_plans(plan.as_str().unwrap()).as_deref(), Ok(plan.as_str().unwrap()));
    }
}

#[test]
fn tax_years_begin_on_the_sixth_of_april() {
    for (day, start) in [
        ("2026-04-05", "2025-04-06"),
        ("2026-04-06", "2026-04-06"),
        ("2026-12-31", "2026-04-06"),
        ("2027-01-01", "2026-04-06"),
        ("2024-02-29", "2023-04-06"),
    ] {
        assert_eq!(tax_year_start(day.parse().unwrap()), start.parse::<NaiveDate>().unwrap(), "{day}");
    }
}

#[test]
fn who_is_dealt_with_at_all() {
    use Lifecycle::{Active, Leaving, Left, Upcoming};
    let target = loaded(FILE_ROUTE, parse);
    let schema = schema_of(&*target);
    let ended = |day: &'static str| with(&[("termination_date", day)]);
    // today, lifecycle, last day, existing termination date ("-": no account), skip
    for (today, lifecycle, last_day, existing, expected) in [
        ("2026-11-22", Active, "", "-", None),
        ("2026-11-22", Upcoming, "", "-", None),
        ("2026-11-22", Left, "2026-10-31", "-", None),
        ("2026-11-22", Left, "2026-04-06", "-", None),
        ("2026-11-22", Left, "2026-04-05", "-", Some(Code::TerminatedInPreviousTaxYear)),
        ("2026-11-22", Left, "2026-04-05", "2026-04-05", Some(Code::TerminatedInPreviousTaxYear)),
        ("2026-04-05", Left, "2025-04-06", "-", None),
        ("2026-04-06", Left, "2026-04-05", "-", Some(Code::TerminatedInPreviousTaxYear)),
        ("2026-11-22", Left, "", "-", Some(Code::InactiveWithoutLastDay)),
        ("2026-11-22", Left, "", "", Some(Code::InactiveWithoutLastDay)),
        ("2026-11-22", Left, "2026-10-31", "2026-10-31", None),
        ("2026-11-22", Leaving, "2026-12-31", "2026-12-31", None),
        ("2026-11-22", Active, "", "2026-11-22", None),
        ("2026-11-22", Active, "", "2026-11-21", Some(Code::RejoinerNeedsNewId)),
        ("2026-11-22", Active, "", "2025-08-31", Some(Code::RejoinerNeedsNewId)),
    ] {
        let trial = Trial { today, lifecycle, last_day, ..Trial::default() };
        let existing = (existing != "-").then(|| ended(existing));
        let (findings, _) = trial.run(&*target, &schema, WHOLE, existing.as_deref());
        assert_eq!(findings.skip.map(|skip| skip.reason), expected, "{today} {lifecycle:?} {last_day} {existing:?}");
    }
    // A new start after an end that is still ahead.
    let wanted = with(&[("start_date", "2027-02-01")]);
    let trial = Trial { lifecycle: Upcoming, ..Trial::default() };
    let (findings, _) = trial.run(&*target, &schema, &wanted, Some(&ended("2026-12-31")));
    assert_eq!(findings.skip.unwrap().reason, "rejoiner_needs_new_id");
}

#[test]
fn fields_that_contradict_each_other_stay_as_they_are() {
    let target = loaded(FILE_ROUTE, parse);
    let schema = schema_of(&*target);
    for (changes, field, expected) in [
        (&[("title", "Mrs")][..], "title", "Mrs"),
        (&[("title", "Mr")], "title", "= (title: it does not fit the gender)"),
        (&[("title", "")], "title", ""),
        (&[("title", "Dr"), ("gender", "")], "title", "Dr"),
        (&[("employee_id", "UK-0042")], "employee_id", "UK-0042"),
        (
            &[("date_of_birth", "2026-11-22")],
            "date_of_birth",
            "= (date_of_birth: it is not before today and the start date)",
        ),
        (
            &[("date_of_birth", "2025-09-01")],
            "date_of_birth",
            "= (date_of_birth: it is not before today and the start date)",
        ),
        (
            &[("tax_code", "1257L X"), ("previous_pay", "100")],
            "previous_pay",
            "= (previous_pay: it stays blank with a W1/M1 tax code)",
        ),
        (&[("tax_code", "1257L"), ("previous_pay", "100")], "previous_pay", "100"),
        (&[("tax_code", "1257L X"), ("previous_tax", "")], "previous_tax", ""),
    ] {
        let (findings, desired) = Trial::default().run(&*target, &schema, &with(changes), None);
        assert_eq!(findings.skip, None);
        assert_eq!(shown(&schema, &desired, field), expected, "{changes:?}");
    }
    let (_, desired) = Trial::default().run(
        &*target,
        &schema,
        &with(&[("employee_id", "UK-0043")]),
        Some(&[("employee_id", "UK-0042")]),
    );
    assert!(shown(&schema, &desired, "employee_id").starts_with("= (employee_id: it goes to HMRC"));
}

#[test]
fn the_end_of_an_earlier_employment_is_not_written() {
    let target = loaded(FILE_ROUTE, parse);
    let schema = schema_of(&*target);
    for (disagreement, kept) in [(None, false), (Some(crate::employee::Disagreement::LastDayBeforeHireDate), true)] {
        let trial = Trial { disagreement, ..Trial::default() };
        let (_, desired) = trial.run(&*target, &schema, &with(&[("termination_date", "2027-01-31")]), None);
        assert_eq!(
            shown(&schema, &desired, "termination_date").starts_with("= (termination_date: it lies before"),
            kept
        );
    }
}

#[test]
fn a_new_starters_tax_code_is_compared_with_the_declaration() {
    let target = loaded(FILE_ROUTE, parse);
    let schema = schema_of(&*target);
    for (declaration, tax_code, unusual) in [
        ("A", "1257L", false),
        ("A", "1257L M1", true),
        ("b", "1257L W1", false),
        ("B", "1257L", true),
        ("C", "SBR", false),
        ("C", "1257L", true),
        ("C", "", false),
        ("", "1257L M1", false),
    ] {
        let wanted = with(&[("starter_declaration", declaration), ("tax_code", tax_code)]);
        let says = |account| {
            let (findings, _) = Trial::default().run(&*target, &schema, &wanted, account);
            findings.notices.iter().any(|notice| notice.code == Code::TaxCodeUnusual)
        };
        assert_eq!(says(None), unusual, "{declaration} {tax_code}");
        assert!(!says(Some(WHOLE)), "only a new starter has a declaration");
    }
}

#[test]
fn the_holiday_pay_setting_is_carried_where_it_is_made() {
    for (setting, expected) in [
        ("", None),
        ("include_holiday_pay_in_pension = true", Some("true")),
        ("include_holiday_pay_in_pension = false", Some("false")),
    ] {
        let target = loaded(&format!("{FILE_ROUTE}{setting}"), parse);
        let schema = schema_of(&*target);
        let (_, desired) = Trial::default().run(&*target, &schema, WHOLE, None);
        let found = schema
            .index("include_holiday_pay_in_pension")
            .map(|_| shown(&schema, &desired, "include_holiday_pay_in_pension"));
        assert_eq!(found.as_deref(), expected, "{setting}");
    }
}

fn change(op: Op, employee: u64, account: Option<&str>, fields: &[(u16, &str)]) -> Change {
    Change {
        account: account.map(AccountId::from),
        fields: fields
            .iter()
            .map(|(index, value)| FieldChange {
                index: FieldIndex(*index),
                field: "f".into(),
                before: FieldValue::Empty,
                after: FieldValue::text(value),
            })
            .collect(),
        ..Change::new(op, Some(EmployeeId(employee)))
    }
}

#[test]
fn ids_and_addresses_are_never_used_twice() {
    let target = loaded(FILE_ROUTE, parse);
    let schema = testing::schema(&*target, &["employee_id", "email"]);
    let account = |id: &str, active, number: &str, email: &str| {
        let mut fields = vec![FieldValue::text(number), FieldValue::text(email)];
        fields.resize(schema.fields.len(), FieldValue::Empty);
        Account::new(id, active, fields)
    };
    let accounts = [account("a", true, "UK-1", "one@example.org"), account("b", false, "UK-2", "two@example.org")];
    for (changes, expected) in [
        (vec![change(Op::Create, 1, None, &[(0, "UK-9"), (1, "new@example.org")])], vec![]),
        (vec![change(Op::Create, 1, None, &[(0, "UK-1"), (1, "new@example.org")])], vec![(1, Code::EmployeeIdUsed)]),
        (vec![change(Op::Create, 1, None, &[(0, "UK-2")])], vec![(1, Code::EmployeeIdUsed)]),
        (vec![change(Op::Create, 1, None, &[(0, "UK-9"), (1, "Two@Example.org")])], vec![(1, Code::EmailUsed)]),
        (
            vec![
                change(Op::Create, 1, None, &[(0, "UK-8"), (1, "same@example.org")]),
                change(Op::Create, 2, None, &[(0, "UK-9"), (1, "same@example.org")]),
                change(Op::Create, 3, None, &[(0, "UK-7"), (1, "other@example.org")]),
            ],
            vec![(1, Code::EmailUsed), (2, Code::EmailUsed)],
        ),
        (vec![change(Op::Update, 1, Some("a"), &[(1, "one@example.org")])], vec![]),
        (vec![change(Op::Update, 1, Some("a"), &[(1, "two@example.org")])], vec![(1, Code::EmailUsed)]),
        (vec![change(Op::Update, 1, Some("a"), &[(1, "")])], vec![]),
    ] {
        let skips = target.offers().rules.unwrap().review(&schema, &changes, &accounts);
        let found: Vec<(u64, Code)> = skips.iter().map(|skip| (skip.employee.0, skip.reason)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_words_of_the_log() {
    use crate::targets::LogEvent;
    use crate::targets::LogOutcome::{Failed, Held, Skipped, Succeeded};
    let target = loaded(FILE_ROUTE, parse);
    for (outcome, op, fields, code, error, expected) in [
        (Succeeded, Op::Create, 7, None, "", "Successful: Employee created"),
        (Succeeded, Op::Update, 1, None, "", "Successful: Updated 1 field"),
        (Succeeded, Op::Update, 2, None, "", "Successful: Updated 2 fields"),
        (
            Succeeded,
            Op::Update,
            2,
            Some(Code::FieldsLeftAlone),
            "left as they are: ni_number, title",
            "Incomplete: Updated 2 fields; left as they are: ni_number, title",
        ),
        (Failed, Op::Update, 1, Some(Code::Unavailable), "the file is locked", "Failed: the file is locked"),
        (Held, Op::Create, 9, Some(Code::MaxCreate), "3 are more than 2", "Skipped: 3 are more than 2"),
        (
            Skipped,
            Op::Create,
            0,
            Some(Code::TerminatedInPreviousTaxYear),
            "left",
            "Skipped: Terminated in previous tax year",
        ),
        (Skipped, Op::Create, 0, Some(Code::MatchKeyMissing), "email is empty", "Failed: email is empty"),
    ] {
        let line = (target.offers().sync_log.unwrap())(&LogEvent { outcome, ops: &[op], fields, code, error }).unwrap();
        assert_eq!(line.text, expected);
    }
}

#[test]
fn the_file_has_pentos_columns_in_their_order_and_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("{FILE_ROUTE}include_holiday_pay_in_pension = true\n[columns]\nemail = 'E-mail address'");
    let (target, problems) = testing::load_in(&toml, parse, folder.path());
    assert_eq!(problems, [""; 0]);
    let target = target.unwrap();
    // The order of the mapping is not that of the columns.
    let schema = testing::schema(&*target, &["employee_id", "start_date", "sort_code", "email", "last_name"]);
    let values = [
        FieldValue::text("UK-0042"),
        FieldValue::Date("2025-09-01".parse().unwrap()),
        FieldValue::text("001122"),
        FieldValue::text("m.tregear@example.org"),
        FieldValue::text("Tregear"),
        FieldValue::Bool(true),
        FieldValue::text("Pending"),
        FieldValue::text("city, country"),
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
    let id = open.writer().create(EmployeeId(1001), &changes).unwrap();
    open.writer().finish().unwrap();
    let text = std::fs::read_to_string(folder.path().join("payroll.csv")).unwrap();
    assert_eq!(
        text,
        "Employee ID,Last name,E-mail address,Employment start date,Sort code,Include holiday pay in pension,Status,Missing\r\n\
         UK-0042,Tregear,m.tregear@example.org,2025-09-01,001122,yes,Pending,\"city, country\"\r\n"
    );

    // By hand, people write things their own way; that is no difference.
    let by_hand = text.replace("001122", "00-11-22").replace("yes", "Yes").replace("m.tregear@", "M.Tregear@");
    std::fs::write(folder.path().join("payroll.csv"), by_hand).unwrap();
    let open = testing::open(&*target, &schema);
    let account = open.reader().account(&id).unwrap().unwrap();
    assert_eq!(account.fields(), values);
    let found = open.reader().find(schema.index("email").unwrap(), &values[3]).unwrap();
    assert_eq!(found, [account]);
    let can = open.reader().schema().unwrap().capabilities;
    assert!(can.create && can.clear && !can.deactivate && !can.reactivate && !can.delete);
    assert!(open.writer().deactivate(&id).is_err());
}
