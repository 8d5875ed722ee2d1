//! The target against the simulated Slack, over real sockets.

use super::super::{Target, TargetType, sandboxed};
use super::*;
use crate::field::Access;
use crate::sandbox::Sandbox;
use crate::targets::slack::simulated::Slack as Simulated;

const SECTION: &str = "token = 'xoxp-1'\nscim_token = 'xoxp-2'\n[groups.it]\nmembers = \"department == 'IT'\"\n\
                       [channels.'#help']\nmembers = \"true\"\nowned = true";
const FIELDS: &[&str] = &["email", "title", "fields.Start date", "groups.it", "channels.#help"];

fn sandbox() -> Sandbox {
    sandboxed::sandbox("slack", FIELDS)
}

fn settings(text: &str) -> Result<Box<dyn TargetType>, Vec<String>> {
    sandboxed::settings(parse, text)
}

fn open(sandbox: &Sandbox, section: &str, names: &[&str]) -> Box<dyn Target> {
    sandboxed::open(sandbox, parse, section, names)
}

fn change(index: u16, after: FieldValue) -> FieldChange {
    sandboxed::change(FIELDS, index, after)
}

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

/// An ordinary member of the sandbox: id and address.
fn somebody(sandbox: &Sandbox) -> (AccountId, String) {
    sandbox.system(|slack: &mut Simulated| {
        let workspace = slack.workspace("chat");
        let is_shared =
            |email: &str| workspace.members().iter().filter(|other| other.text("email") == email).count() > 1;
        let member = workspace
            .members()
            .iter()
            .find(|member| member.standing.is_none() && !is_shared(member.text("email")))
            .unwrap();
        (AccountId::from(member.id()), member.text("email").to_owned())
    })
}

#[test]
fn everybody_is_read_and_only_ordinary_people_may_be_changed() {
    let sandbox = sandbox();
    let chat = open(&sandbox, SECTION, FIELDS);
    let schema = chat.schema().unwrap();
    assert_eq!(schema.fields[2].kind, crate::field::FieldKind::Date, "as the workspace says");
    assert!(schema.fields.iter().all(|field| field.access == Access::ReadWrite));
    let snapshot = chat.accounts(&NoProgress).unwrap();
    assert_eq!(snapshot.incomplete, None);
    let protections: Vec<Protection> = snapshot.accounts.iter().filter_map(|account| account.protection).collect();
    assert_eq!(protections.len(), 3);
    assert!(protections.contains(&Protection::KeyOwner), "whose token it is");
    assert!(snapshot.accounts.iter().all(|account| account.active), "the deactivated duplicate is left out");
    assert_eq!(snapshot.notices[0].code, "deactivated_duplicates");
}

#[test]
fn what_is_written_is_read_again() {
    let sandbox = sandbox();
    let chat = open(&sandbox, SECTION, FIELDS);
    let (mira, email) = somebody(&sandbox);
    let date = FieldValue::Date(sandboxed::day());
    let all = [
        change(1, text("R&D <lead>")),
        change(2, date.clone()),
        change(3, FieldValue::Bool(true)),
        change(4, FieldValue::Bool(true)),
    ];
    sandbox.clear_requests();
    chat.update(&mira, &all).unwrap();
    let sent: Vec<String> =
        sandbox.requests().into_iter().filter(|request| request.method == "POST").map(|r| r.path).collect();
    assert_eq!(
        sent,
        ["users.profile.set", "usergroups.users.update", "conversations.invite"]
            .map(|name| format!("/chat/api/{name}"))
    );
    let account = chat.account(&mira).unwrap().unwrap();
    let yes = FieldValue::Bool(true);
    assert_eq!(account.fields(), [text(&email), text("R&D <lead>"), date, yes.clone(), yes]);
    chat.update(&mira, &all).unwrap();
    sandbox.clear_requests();
    chat.account(&mira).unwrap();
    chat.account(&mira).unwrap();
    let lists = sandbox.requests().iter().filter(|request| request.path.ends_with("usergroups.list")).count();
    assert_eq!(lists, 1, "once after the last write");
    assert_eq!(chat.lookup_limit(), 200);

    chat.update(&mira, &[change(3, FieldValue::Bool(false)), change(4, FieldValue::Bool(false))]).unwrap();
    chat.update(&mira, &[change(4, FieldValue::Bool(false))]).unwrap();
    let account = chat.find(FieldIndex(0), &text(&email)).unwrap().remove(0);
    assert_eq!(account.fields()[3..], [FieldValue::Bool(false), FieldValue::Bool(false)]);
}

#[test]
fn groups_are_written_whole_from_a_fresh_look() {
    let sandbox = sandbox();
    let chat = open(&sandbox, SECTION, FIELDS);
    chat.accounts(&NoProgress).unwrap();
    let (mira, _) = somebody(&sandbox);
    let by_hand = sandbox.system(|slack: &mut Simulated| {
        let id = slack.workspace("chat").add("By", "Hand", "by.hand@example.com").id().to_owned();
        slack.workspace("chat").group_mut("it").unwrap().insert(id.clone());
        id
    });
    chat.update(&mira, &[change(3, FieldValue::Bool(true))]).unwrap();
    sandbox.system(|slack: &mut Simulated| {
        let group = slack.workspace("chat").group_mut("it").unwrap();
        assert!(group.contains(&by_hand) && group.contains(&*mira.0) && group.len() == 3, "{group:?}");
        group.retain(|id| **id == *mira.0);
    });
    let error = chat.update(&mira, &[change(3, FieldValue::Bool(false))]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.message.contains("`groups.it`") && error.message.contains("by hand"), "{error}");

    sandbox.system(|slack: &mut Simulated| {
        slack.options.left_out = vec![by_hand.clone()];
        slack.workspace("chat").group_mut("it").unwrap().insert("U0OWNER0001".into());
    });
    let error = chat.update(&by_hand.as_str().into(), &[change(3, FieldValue::Bool(true))]).unwrap_err();
    assert!(error.message.contains("keeps others"), "{error}");
    chat.update(&mira, &[change(3, FieldValue::Bool(false))]).unwrap();
}

#[test]
fn accounts_are_made_and_taken_out_of_use_through_scim() {
    let sandbox = sandbox();
    let chat = open(&sandbox, SECTION, FIELDS);
    let fields = [change(0, text("ada.wood@example.com")), change(1, text("Pilot")), change(3, FieldValue::Bool(true))];
    let ada = chat.create(EmployeeId(7), &fields).unwrap();
    let account = chat.account(&ada).unwrap().unwrap();
    assert!(account.active && account.field(FieldIndex(1)) == &text("Pilot"));
    assert_eq!(account.field(FieldIndex(3)), &FieldValue::Bool(true));
    assert_eq!(chat.create(EmployeeId(7), &fields).unwrap_err().kind, ErrorKind::Exists);

    chat.deactivate(&ada).unwrap();
    chat.deactivate(&ada).unwrap();
    assert!(!chat.account(&ada).unwrap().unwrap().active);
    assert_eq!(chat.create(EmployeeId(7), &fields).unwrap_err().kind, ErrorKind::Exists, "the address stays taken");
    sandbox.clear_requests();
    let found = chat.find(FieldIndex(0), &text("ada.wood@example.com")).unwrap();
    let profiles = sandbox.requests().iter().filter(|request| request.path.ends_with("users.profile.get")).count();
    assert_eq!(profiles, 0, "nobody else's profile is read for that");
    assert_eq!((found.len(), &found[0].id, found[0].active), (1, &ada, false), "found although out of use");
    chat.reactivate(&ada).unwrap();
    assert!(chat.account(&ada).unwrap().unwrap().active);
}

#[test]
fn without_scim_accounts_are_left_to_people() {
    let sandbox = sandbox();
    let chat = open(&sandbox, "token = 'xoxp-1'", &["email", "title"]);
    let capabilities = chat.schema().unwrap().capabilities;
    assert!(!capabilities.create && !capabilities.deactivate && !capabilities.reactivate);
    assert!(chat.deactivate(&somebody(&sandbox).0).unwrap_err().message.contains("by hand"));
}

#[test]
fn rights_and_refusals() {
    let sandbox = sandbox();
    let (mira, _) = somebody(&sandbox);
    let chat = open(&sandbox, SECTION, FIELDS);
    let fails = |kind, words: &str, error: TargetError| {
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    };
    sandbox.system(|slack: &mut Simulated| slack.options.missing_scopes = vec!["users:read.email".into()]);
    fails(ErrorKind::Rights, "users:read.email", chat.accounts(&NoProgress).unwrap_err());
    sandbox.system(|slack: &mut Simulated| slack.options.missing_scopes.clear());
    sandbox.system(|slack: &mut Simulated| slack.options.not_admin = true);
    fails(ErrorKind::Rights, "not_admin", chat.update(&mira, &[change(1, text("x"))]).unwrap_err());
    sandbox.system(|slack: &mut Simulated| slack.options.not_admin = false);
    let refuse = |method: &str, code: &str| {
        sandbox.system(|slack: &mut Simulated| slack.options.refuse_once = vec![(method.into(), code.into())]);
    };
    refuse("users.list", "fatal_error");
    assert_eq!(chat.accounts(&NoProgress).unwrap().incomplete, None, "read again");
    refuse("users.profile.set", "fatal_error");
    fails(ErrorKind::Unsettled, "fatal_error", chat.update(&mira, &[change(1, text("x"))]).unwrap_err());
    refuse("users.profile.set", "token_revoked");
    fails(ErrorKind::SignIn, "token_revoked", chat.update(&mira, &[change(1, text("x"))]).unwrap_err());
    refuse("usergroups.users.update", "permission_denied");
    let both = [change(1, text("Pilot")), change(3, FieldValue::Bool(true))];
    fails(ErrorKind::Rights, "`groups.it`", chat.update(&mira, &both).unwrap_err());
    assert_eq!(chat.account(&mira).unwrap().unwrap().field(FieldIndex(1)), &text("Pilot"), "the profile was written");
}

#[test]
fn lists_that_shift_or_break_off_prove_nothing() {
    let sandbox = sandbox();
    sandbox.system(|slack: &mut Simulated| {
        for number in 0..2_000 {
            slack.workspace("chat").add("Nobody", "Much", &format!("nobody.{number}@example.org"));
        }
    });
    let chat = open(&sandbox, SECTION, &["email", "title"]);
    for faults in ["slack:insert-while-paging#1", "slack:html502#2", "slack:429=0#2"] {
        sandbox.set_faults(faults.parse().unwrap());
        assert_eq!(chat.accounts(&NoProgress).unwrap().incomplete, None, "{faults}: looked at again");
    }
    sandbox.set_faults("slack:insert-while-paging@100%".parse().unwrap());
    assert!(chat.accounts(&NoProgress).unwrap().incomplete.is_some_and(|why| why.contains("shifted")));
    sandbox.set_faults("slack:get:truncated@100%".parse().unwrap());
    assert_eq!(chat.accounts(&NoProgress).unwrap_err().kind, ErrorKind::Unexpected);
}

#[test]
fn a_lost_answer_leaves_a_write_open() {
    let sandbox = sandbox();
    let (mira, _) = somebody(&sandbox);
    let chat = open(&sandbox, SECTION, FIELDS);
    chat.schema().unwrap();
    sandbox.set_faults("slack:post:lost-answer#1".parse().unwrap());
    assert_eq!(chat.update(&mira, &[change(1, text("Pilot"))]).unwrap_err().kind, ErrorKind::Unsettled);
    assert_eq!(chat.account(&mira).unwrap().unwrap().field(FieldIndex(1)), &text("Pilot"));
}

#[test]
fn a_member_who_is_out_of_use_does_not_keep_others_out_of_a_group() {
    let sandbox = sandbox();
    sandbox.system(|slack: &mut Simulated| {
        let workspace = slack.workspace("chat");
        let gone = workspace.add("Gone", "Long", "gone.long@example.com");
        gone.deleted = true;
        let id = gone.id().to_owned();
        workspace.group_mut("it").unwrap().insert(id);
    });
    let chat = open(&sandbox, SECTION, FIELDS);
    chat.accounts(&NoProgress).unwrap();
    let (mira, _) = somebody(&sandbox);
    chat.update(&mira, &[change(3, FieldValue::Bool(true))]).unwrap();
    let group = sandbox.system(|slack: &mut Simulated| slack.workspace("chat").group_mut("it").cloned()).unwrap();
    assert!(group.contains(&*mira.0), "{group:?}");
}

#[test]
fn groups_and_channels_that_are_not_there_are_a_problem_of_theirs_alone() {
    let sandbox = sandbox();
    let section = "token = 'xoxp-1'\n[groups.people-opps]\nmembers = \"true\"\n[channels.nowhere]\nmembers = \"true\"";
    let names = ["email", "title", "groups.people-opps", "channels.nowhere"];
    let chat = open(&sandbox, section, &names);
    let snapshot = chat.accounts(&NoProgress).unwrap();
    assert!(snapshot.accounts.len() > 20, "everybody is read all the same");
    for (index, words) in [(2, "no user group `people-opps`"), (3, "no channel `nowhere`")] {
        let problem = &snapshot.groups[&FieldIndex(index)];
        assert!(problem.why.contains(words) && problem.make.is_none(), "{problem:?}");
    }
    let (mira, _) = somebody(&sandbox);
    let changes = [(1, text("Pilot")), (2, FieldValue::Bool(true))];
    let changes = changes.map(|(index, after)| sandboxed::change(&names, index, after));
    let error = chat.update(&mira, &changes).unwrap_err();
    assert!(error.message.contains("no user group"), "nothing is said to be done that was not: {error}");
    assert_eq!(chat.account(&mira).unwrap().unwrap().field(FieldIndex(1)), &text("Pilot"));
}

#[test]
fn user_groups_are_made_when_asked_for() {
    let sandbox = sandbox();
    let section = "token = 'xoxp-1'\n[groups.'Night Shift']\nmembers = \"true\"\n[groups.chat]\nmembers = \"true\"";
    let names = ["email", "groups.Night Shift", "groups.chat"];
    let chat = sandboxed::open_making(&sandbox, parse, section, &names, vec![FieldIndex(1), FieldIndex(2)]);
    let problem = &chat.accounts(&NoProgress).unwrap().groups[&FieldIndex(1)];
    assert_eq!(problem.make.as_deref(), Some("Night Shift"));
    let (mira, _) = somebody(&sandbox);
    let join = sandboxed::change(&names, 1, FieldValue::Bool(true));
    assert!(chat.update(&mira, std::slice::from_ref(&join)).is_err(), "not before it is made");

    sandbox.set_faults("slack:post:lost-answer#1".parse().unwrap());
    chat.create_reference(FieldIndex(1), "Night Shift").unwrap();
    assert_eq!(chat.create_reference(FieldIndex(1), "Night Shift").unwrap_err().kind, ErrorKind::Refused, "made once");
    chat.update(&mira, &[join]).unwrap();
    let group = sandbox.system(|slack: &mut Simulated| slack.workspace("chat").group_mut("night-shift").cloned());
    assert_eq!(group, Some([mira.0.to_string()].into()));
    assert!(!chat.accounts(&NoProgress).unwrap().groups.contains_key(&FieldIndex(1)));

    // A handle that a person has.
    sandbox
        .system(|slack: &mut Simulated| slack.workspace("chat").add("Chat", "Ty", "chat@example.org").id().to_owned());
    let error = chat.create_reference(FieldIndex(2), "chat").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    assert!(error.message.contains("in use"), "{error}");
}

#[test]
fn too_many_requests_said_inside_a_success_are_waited_for() {
    let sandbox = sandbox();
    let (mira, _) = somebody(&sandbox);
    let chat = open(&sandbox, SECTION, FIELDS);
    for method in ["users.list", "users.profile.set", "usergroups.users.update"] {
        sandbox.system(|slack: &mut Simulated| slack.options.refuse_once.push((method.into(), "ratelimited".into())));
    }
    assert_eq!(chat.accounts(&NoProgress).unwrap().incomplete, None);
    chat.update(&mira, &[change(1, text("Pilot")), change(3, FieldValue::Bool(true))]).unwrap();
    assert!(sandbox.system(|slack: &mut Simulated| slack.options.refuse_once.is_empty()));
}

#[test]
fn sections_are_read_with_all_their_problems() {
    assert!(settings(SECTION).is_ok());
    assert_eq!(
        settings("token = 'x'\nworkspace = 'https://Acme.slack.com/'").unwrap().identity(),
        "slack:slack.com/api:acme"
    );
    let problems = settings("base_url = 'http://example.com'\n[groups.it]\nowned = 7\nmember = 'x'").unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert!(!format!("{:?}", settings(SECTION).unwrap()).contains("xoxp"));
}

/// With keys that a run in the sandbox does without.
fn open_with(sandbox: &Sandbox, keys: &str) -> Box<dyn Target> {
    let (home, secret) = (format!("{}/slack/chat", sandbox.base_url()), crate::simulation::SECRET);
    let section = format!(
        "base_url = '{home}/api'\nscim_url = '{home}/scim/v2'\npace = 'none'\n{keys}\n{}",
        SECTION.replace("xoxp-1", secret).replace("xoxp-2", secret)
    );
    sandboxed::open_as_is(&*settings(&section).unwrap(), FIELDS, vec![FieldIndex(3)])
}

#[test]
fn a_token_of_an_organisation_says_which_workspace_is_meant() {
    let of = |workspaces: &[&str], keys: &str| {
        let sandbox = sandbox();
        let workspaces = workspaces.iter().map(|id| (*id).to_owned()).collect();
        sandbox.system(|slack: &mut Simulated| slack.options.organisation = workspaces);
        let chat = open_with(&sandbox, keys);
        (sandbox, chat)
    };
    // workspaces of the organisation, keys of the section
    for (workspaces, keys) in
        [(&["T1"][..], ""), (&["T1", "T2"], "team_id = 'T2'"), (&["T1", "T2"], "workspace = 't2'")]
    {
        let (sandbox, chat) = of(workspaces, keys);
        let (mira, _) = somebody(&sandbox);
        assert!(chat.accounts(&NoProgress).unwrap().accounts.len() > 20, "{keys}");
        chat.update(&mira, &[change(1, text("Pilot")), change(3, FieldValue::Bool(true))]).unwrap();
        assert_eq!(chat.account(&mira).unwrap().unwrap().field(FieldIndex(3)), &FieldValue::Bool(true), "{keys}");
        assert!(chat.read_offers().channels.unwrap().channel_names().unwrap().iter().any(|name| &**name == "help"));
        let asked = sandbox.requests().iter().filter(|request| request.path.ends_with("auth.test")).count();
        assert_eq!(asked, 1, "{keys}");
    }
    let (sandbox, _) = of(&["T1"], "");
    let section = "token = 'xoxp-1'\n[groups.Night]\nmembers = \"true\"";
    let making = sandboxed::open_making(&sandbox, parse, section, &["email", "groups.Night"], vec![FieldIndex(1)]);
    making.create_reference(FieldIndex(1), "Night").unwrap();
    for (workspaces, keys, kind, words) in [
        (&["T1", "T2"][..], "", ErrorKind::SignIn, "`team_id` which is meant: T1 (Workspace T1), T2"),
        (&["T1", "T2"], "workspace = 'acme'", ErrorKind::Refused, "no workspace of this name"),
        (&["T1", "T2"], "team_id = 'T3'", ErrorKind::Refused, "no workspace that the token sees"),
    ] {
        let error = of(workspaces, keys).1.accounts(&NoProgress).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn a_token_of_one_workspace_writes_to_no_other() {
    for (keys, fits) in [
        ("team_id = 'T0SANDBOX1'", true),
        ("workspace = 'sandbox'", true),
        ("team_id = 'T2'", false),
        ("workspace = 'acme'", false),
    ] {
        let sandbox = sandbox();
        let chat = open_with(&sandbox, keys);
        let looked_at = chat.schema().map(drop);
        assert_eq!(looked_at.is_ok(), fits, "{keys}");
        assert!(looked_at.err().is_none_or(|error| error.kind == ErrorKind::SignIn), "{keys}");
    }
}

#[test]
fn what_only_looks_like_a_workspace_is_told_at_once() {
    for (keys, why) in [
        ("workspace = ''", "must be the NAME of NAME.slack.com"),
        ("workspace = 'Acme Inc.'", "must be the NAME of NAME.slack.com"),
        ("team_id = 'acme'", "must be the id of a workspace, such as T0123ABCD; its name belongs in `workspace`"),
        ("team_id = ' T0123ABCD '", ""),
        ("workspace = 'acme.enterprise'", ""),
    ] {
        let problems = settings(&format!("token = 'x'\n{keys}")).err().unwrap_or_default();
        assert_eq!(problems.len(), usize::from(!why.is_empty()), "{keys}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.contains(why)), "{keys}: {problems:?}");
    }
}
