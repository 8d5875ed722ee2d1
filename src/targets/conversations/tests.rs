use super::super::sandboxed::settings;
use super::*;
use crate::plan::Op;
use crate::targets::testing;

const SECTION: &str =
    "directory = 'chat'\nexperts = \"department == 'People'\"\nrequester_attributes = ['office', 'iban']\n";

#[test]
fn by_e_mail_alone_no_directory_is_needed() {
    let found = testing::loaded("experts = 'true'\n[teams.Payroll]\nmembers = 'true'\n", parse);
    assert!(found.offers().directory.is_none());
    assert!(found.describe()[0].starts_with("no `directory`: people write by e-mail only"), "{:?}", found.describe());
}

#[test]
fn a_section_describes_what_is_to_be_set_up() {
    let text = format!(
        "{SECTION}[teams.Payroll]\nkind = 'HR'\nmembers = \"true\"\ncategories = ['Pay', 'Tax']\nslack_channels = ['#ask-pay']\n\
         working_hours = [{{ from = '09:00', to = '17:00', timezone = 'Europe/Amsterdam' }},\n\
         {{ days = ['Sat', 'Mon'], from = '07:00', to = '09:00', timezone = 'Europe/Amsterdam' }}]\n\
         goals.first = {{ categories = ['Pay'], respond_minutes = 120, resolve_minutes = 960 }}\n\
         goals.rest = {{ respond_minutes = 1 }}\n"
    );
    let found = settings(parse, &text).unwrap();
    assert_eq!(
        found.describe(),
        [
            "imports all contacts of `chat`, people outside the company included; nobody is notified",
            "to be readable under Settings > Integrations > API credentials > Conversations: office, iban",
            "`iban` is sensitive (bank account), and every expert would see it",
            "team Payroll: categories: Pay, Tax",
            "team Payroll: goals for Pay: respond within 120 minutes and resolve within 960 minutes",
            "team Payroll: goals for all categories: respond within 1 minute",
            "team Payroll: kind: HR",
            "team Payroll: slack channels: #ask-pay",
            "team Payroll: visibility: public",
            "team Payroll: working hours: Mon to Fri, 09:00 to 17:00 (Europe/Amsterdam), Mon, Sat, 07:00 to 09:00 \
             (Europe/Amsterdam)",
        ]
    );
    let fields: Vec<&str> = found.offers().memberships.iter().map(|rule| &*rule.field.name).collect();
    assert_eq!(fields, ["experts", "teams.Payroll"]);
    assert!(found.policy().includes_leavers && found.policy().manual && found.offers().by_hand.is_some());
}

#[test]
fn teams_are_validated() {
    const HOURS: &str = "from = '09:00', to = '17:00', timezone = 'UTC'";
    let hours = |text: &str| format!("working_hours = {{ {text} }}");
    let two = |one: &str, other: &str| format!("working_hours = [{{ {one} }}, {{ {other} }}]");
    for (team, position, words) in [
        ("visibility = 'internal'".to_owned(), "4:2", "no public team"),
        ("visibility = 'private'".to_owned(), "6:14", "does not know `private`"),
        (hours("from = '17:00', to = '09:00', timezone = 'UTC'"), "6:40", "over midnight"),
        (hours("from = '09:00', to = '09:00', timezone = 'UTC'"), "6:40", "later than `from`"),
        (hours("from = '9', to = '17:00', timezone = 'UTC'"), "6:26", "a time in 24 hours such as \"09:00\""),
        (hours("from = '9:00', to = '17:00', timezone = 'UTC'"), "6:26", "a time in 24 hours"),
        (hours("from = '09:00', to = '24:00', timezone = 'UTC'"), "6:40", "a time in 24 hours"),
        (hours("from = '09:00', to = '17:00', timezone = 'Berlin'"), "6:60", "IANA"),
        (hours("from = '09:00', to = '17:00'"), "6:17", "`targets.chat.teams.Payroll.working_hours.timezone` is missing"),
        (hours(&format!("days = ['Mo'], {HOURS}")), "6:27", "does not know `Mo`; did you mean `Mon`? known: `Fri`,"),
        (hours(&format!("days = ['Mon', 'Mon'], {HOURS}")), "6:34", "names `Mon` twice"),
        (hours(&format!("days = [], {HOURS}")), "6:19", "at least one day"),
        (hours(&format!("{HOURS}, lunch = 'no'")), "6:67", "does not know `lunch`"),
        (two(HOURS, HOURS), "6:70", "overlap on Mon"),
        ("working_hours = '9 to 5'".to_owned(), "6:17", "must be a table with `from`"),
        ("goals.a.respond_minutes = 1\ngoals.b.respond_minutes = 2".to_owned(), "7:7", "only one"),
        ("goals.a.categories = ['x']\ngoals.a.respond_minutes = 1".to_owned(), "6:23", "the category `x`"),
        ("categories = ['x']\ngoals.a = { categories = ['x'], resolve_minutes = 1 }\ngoals.b = { categories = ['x'], resolve_minutes = 2 }"
            .to_owned(), "8:27", "two of the `goals` are for the category `x`"),
        ("goals.a.respond_minutes = 0".to_owned(), "6:27", "positive"),
        ("goals.a.respond_minutes = -5".to_owned(), "6:27", "a negative number"),
        ("goals.a = {}".to_owned(), "6:7", "needs `respond_minutes` or"),
        ("goals.a = { respond_minutes = 9, resolve_minutes = 3 }".to_owned(), "6:52", "sooner"),
        ("slack_channels = ['Ask People']".to_owned(), "6:19", "did you mean `ask-people`?"),
        ("slack_channels = ['ask', '#ask']".to_owned(), "6:26", "names `ask` twice"),
        ("categories = ['Pay', ' ']".to_owned(), "6:22", "blank"),
        ("statuses = ['Done', 'done']".to_owned(), "6:21", "names `done` twice"),
        ("kind = ' '".to_owned(), "6:8", "such as \"HR\""),
        ("visible = 'public'".to_owned(), "6:1", "does not know `visible`"),
    ] {
        let text = format!("{SECTION}[teams.Payroll]\nmembers = \"true\"\n{team}");
        let problems = settings(parse, &text).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(words), "{team}: {problems:?}");
        assert!(problems[0].starts_with(&format!("{position}: ")), "{position}: {problems:?}");
    }
    assert_eq!(settings(parse, "teams.x.visibility = 'public'").unwrap_err().len(), 2);
}

#[test]
fn settings_are_validated() {
    for (line, position, words) in [
        ("requester_attributes = ['first name']", "3:25", "did you mean `first_name`?"),
        ("requester_attributes = ['status', 'status']", "3:35", "names `status` twice"),
        (
            "requester_attributes = ['departement']",
            "3:25",
            "warning: unknown attribute `departement`; did you mean `department`?",
        ),
        ("outsiders = ['guest']", "3:14", "\"@example.org\""),
        ("outsiders = ['@localhost']", "3:14", "\"@example.org\""),
        ("experts_file = ''", "3:16", "must name a CSV file"),
        ("credential = { client_id = 'x' }", "3:1", "`targets.chat.credential.client_secret` is missing"),
        ("credential = { client_id = 'x', client_secret = 'y', scope = 'z' }", "3:54", "does not know `scope`"),
        ("path = 'desk.json'", "3:1", "does not know `path`"),
        ("teams = {}", "3:1", "has no team"),
        ("teams = { ' ' = { members = 'true' } }", "3:11", "must not be blank"),
        ("teams = { IT = { members = 'true' }, it = { members = 'true' } }", "3:38", "two teams called `it`"),
    ] {
        let text = format!("directory = 'chat'\nexperts = 'true'\n{line}\n");
        let problems = settings(parse, &text).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(words), "{line}: {problems:?}");
        assert!(problems[0].starts_with(&format!("{position}: ")), "{position}: {problems:?}");
    }
}

fn change(op: Op, employee: Option<u64>, account: &str, fields: &[(&str, FieldValue, FieldValue)]) -> Change {
    let field = |(field, before, after): &(&str, FieldValue, FieldValue)| FieldChange {
        index: FieldIndex(0),
        field: (*field).into(),
        before: before.clone(),
        after: after.clone(),
    };
    Change {
        account: Some(account.into()),
        fields: fields.iter().map(field).collect(),
        ..Change::new(op, employee.map(EmployeeId))
    }
}

#[test]
fn changes_become_steps() {
    let text = |text: &str| FieldValue::text(text);
    let list = |items: &[&str]| FieldValue::List(items.iter().map(|item| Box::from(*item)).collect());
    let (yes, no, none) = (FieldValue::Bool(true), FieldValue::Bool(false), FieldValue::Empty);
    let changes = [
        change(
            Op::Create,
            None,
            "team Pay",
            &[
                ("kind", none.clone(), text("HR")),
                ("visibility", none.clone(), text("public")),
                ("categories", none.clone(), list(&["Tax"])),
            ],
        ),
        change(
            Op::Update,
            None,
            "team IT",
            &[
                ("categories", list(&["Old", "Same"]), list(&["Same", "New"])),
                ("goals for New", none.clone(), text("respond within 5 minutes")),
                ("goals for Old", text("respond within 9 minutes"), none.clone()),
                ("kind", text("IT"), none.clone()),
                ("slack_channels", none.clone(), list(&["#ask-it"])),
                ("statuses", list(&["Parked"]), none.clone()),
                ("visibility", text("internal only"), text("public")),
                ("working_hours", list(&["Mon"]), list(&["Mon", "Tue"])),
            ],
        ),
        change(Op::Deactivate, None, "team Fax", &[]),
        Change {
            detail: Some("left on 2026-10-31".into()),
            ..change(
                Op::Update,
                Some(1),
                "1",
                &[("experts", yes.clone(), no.clone()), ("teams.IT", yes.clone(), no.clone())],
            )
        },
        change(Op::Update, Some(2), "2", &[("experts", no.clone(), yes.clone()), ("teams.Pay", no, yes)]),
    ];
    let groups = steps::groups(&changes.iter().collect::<Vec<_>>(), &|id| format!("No. {id}"));
    let all: Vec<(&str, Vec<&str>)> =
        groups.iter().map(|group| (&*group.title, group.steps.iter().map(String::as_str).collect())).collect();
    assert_eq!(
        all,
        [
            ("Role of an expert", vec!["Give it to No. 2", "Take it from No. 1: left on 2026-10-31"]),
            ("Team Fax", vec!["Archive the team: the file no longer has it"]),
            (
                "Team IT",
                vec![
                    "Add the category New",
                    "Remove the category Old",
                    "The type IT is no longer asked for; set another one if need be",
                    "Add the associated Slack channel #ask-it",
                    "Remove the request status Parked, in the settings of request statuses",
                    "Set the visibility to public (was internal only)",
                    "Set the working hours to Mon; Tue (was Mon)",
                    "Take out No. 1: left on 2026-10-31",
                    "Set the SLA for New: respond within 5 minutes, as a member of the team",
                    "Remove the SLA for Old (was respond within 9 minutes), as a member of the team",
                ]
            ),
            ("Team Pay", vec!["Make the team of the type HR, public", "Add the category Tax", "Add No. 2"]),
        ]
    );
    assert_eq!(groups[2].position, "Conversations > Settings > Organization > Teams > IT > Edit team");
    assert_eq!(groups[3].position, "Conversations > Settings > Organization > Teams");
}
