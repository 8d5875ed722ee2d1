use super::super::sandboxed::settings;
use super::*;

const SECTION: &str =
    "directory = 'chat'\nexperts = \"department == 'People'\"\nrequester_attributes = ['office', 'iban']\n";

#[test]
fn a_section_describes_what_is_to_be_set_up() {
    let text = format!(
        "{SECTION}[teams.Payroll]\nkind = 'HR'\nmembers = \"true\"\ncategories = ['Pay', 'Tax']\nslack_channels = ['#ask-pay']\n\
         working_hours = {{ from = '09:00', to = '17:00', timezone = 'Europe/Amsterdam' }}\n\
         goals.first = {{ categories = ['Pay'], respond_minutes = 120, resolve_minutes = 960 }}\n"
    );
    let found = settings(parse, &text).unwrap();
    assert_eq!(
        found.describe(),
        [
            "imports all contacts of `chat`, people outside the company included; nobody is notified",
            "to be readable under Settings > Integrations > API credentials > Conversations: office, iban",
            "`iban` is sensitive (bank account), and every expert would see it",
            "team Payroll of the type HR, public",
            "team Payroll: categories Pay, Tax",
            "team Payroll: Slack channels #ask-pay",
            "team Payroll: working hours Mon, Tue, Wed, Thu, Fri, 09:00 to 17:00 (Europe/Amsterdam)",
            "team Payroll: for Pay, respond within 120 minutes and resolve within 960 minutes",
        ]
    );
    let fields: Vec<&str> = found.memberships().iter().map(|rule| &*rule.field.name).collect();
    assert_eq!(fields, ["expert", "teams.Payroll"]);
    assert!(found.takes_everyone() && found.is_done_by_hand());
}

#[test]
fn teams_are_validated() {
    for (team, words) in [
        ("visibility = 'internal'", "no public team"),
        ("working_hours = { from = '17:00', to = '09:00', timezone = 'Europe/Berlin' }", "begin before they end"),
        ("working_hours = { from = '9', to = '17:00', timezone = 'Europe/Berlin' }", "a time such as"),
        ("working_hours = { from = '09:00', to = '17:00', timezone = 'Berlin' }", "IANA"),
        ("working_hours = { days = ['Mo'], from = '09:00', to = '17:00', timezone = 'UTC' }", "does not know `Mo`"),
        ("goals.a.respond_minutes = 1\ngoals.b.respond_minutes = 2", "only one"),
        ("goals.a.categories = ['x']\ngoals.a.respond_minutes = 1", "the category `x`"),
        ("goals.a.respond_minutes = 0", "positive"),
        ("goals.a = {}", "needs `respond_minutes`"),
        ("goals.a = { respond_minutes = 9, resolve_minutes = 3 }", "sooner"),
        ("slack_channels = ['Ask People']", "Slack channel"),
        ("visible = 'public'", "does not know `visible`"),
    ] {
        let text = format!("{SECTION}[teams.Payroll]\nmembers = \"true\"\n{team}");
        let problems = settings(parse, &text).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(words), "{team}: {problems:?}");
    }
    assert_eq!(settings(parse, "teams.x.visibility = 'public'").unwrap_err().len(), 3);
}
