//! Accounts of people who come back with a new profile, and of people whose keys somebody else has now.

use super::*;
use crate::plan::Handover;

const NUMBERED: &str = "[personio.aliases]
staff_number = \"dynamic_7\"
birthday = \"dynamic_8\"";

/// Staff number and address are the keys; the birthday is read, too.
fn company(section: &str) -> Scene {
    mapped(&format!(
        "match = [\"email\", \"number\"]\n{section}\n[targets.desk.mapping]\nnumber = \"staff_number\"\nemail = \"email\"\n\
         name = \"first_name\"\nsince = \"birthday\"\n{NUMBERED}"
    ))
}

fn left(mut scene: Scene, id: u64, email: &'static str, number: &'static str, last_day: &'static str) -> Scene {
    let status = if last_day.is_empty() || last_day < TODAY { "inactive" } else { "active" };
    scene = scene.person(
        id,
        &[
            ("first_name", "Ines"),
            ("email", email),
            ("dynamic_7", number),
            ("dynamic_8", "1990-05-04"),
            ("status", status),
            ("hire_date", "2020-01-01"),
            ("termination_date", last_day),
        ],
    );
    scene
}

fn hired(scene: Scene, id: u64, email: &'static str, number: &'static str, hire_date: &'static str) -> Scene {
    scene.person(
        id,
        &[
            ("first_name", "Ines"),
            ("email", email),
            ("dynamic_7", number),
            ("status", "active"),
            ("hire_date", hire_date),
        ],
    )
}

fn desk(scene: Scene) -> Scene {
    scene.account("x", true, &[("email", "ines@example.com"), ("number", "S-1"), ("name", "Ines")]).link(1, "x")
}

/// The changes that are planned, with what holds them, and the skips.
fn decided(scene: &Scene) -> Vec<String> {
    let plan = scene.build().plan;
    let change = |change: &Change| {
        let who = change.employee.unwrap();
        let account = change.account.as_ref().map(|account| format!(" {account}")).unwrap_or_default();
        let from = change.handover.as_ref().map(|one| format!(" of {} by {}", one.from, one.keys.join("+")));
        let hold = change.hold.as_ref().map(|hold| format!(" held: {}", hold.code));
        format!("{} {who}{account}{}{}", change.op, from.unwrap_or_default(), hold.unwrap_or_default())
    };
    let skips = plan.skipped.iter().map(|skip| format!("skip {} {}", skip.employee, skip.reason));
    plan.changes.iter().map(change).chain(skips).collect()
}

const SUFFIXED: &str = "ines@example.com_4f2ac";

#[test]
fn a_rehire_gets_the_account_that_two_keys_point_to() {
    // The old profile has lost both keys, in the run in which it left or a later one.
    for active in [true, false] {
        let mut scene =
            hired(left(desk(company("")), 1, SUFFIXED, "", "2026-11-15"), 9, "ines@example.com", "S-1", "2026-11-20");
        scene.accounts[0].active = active;
        let built = scene.build();
        assert_eq!(decided(&scene), ["handover 9 x of 1 by email+number"]);
        let change = &built.plan.changes[0];
        assert_eq!(
            change.handover.as_deref(),
            Some(&Handover {
                from: EmployeeId(1),
                keys: vec!["email".into(), "number".into()],
                last_day: Some(day("2026-11-15")),
                hire_date: Some(day("2026-11-20")),
                brings_back: !active,
            })
        );
        assert_eq!(built.overview.owned, BTreeMap::from([(EmployeeId(9), "x".into())]));
        assert_eq!((built.plan.summary().handover, built.plan.summary().update), (1, 0));
    }
}

#[test]
fn keys_that_stand_on_both_profiles_count_as_well() {
    let scene = left(desk(company("")), 1, "ines@example.com", "S-1", "2026-11-15");
    assert_eq!(
        decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-12-06")),
        ["handover 9 x of 1 by email+number"]
    );
    // The day after the last one, and the last day itself.
    for day in ["2026-11-15", "2026-11-16"] {
        let scene = left(desk(company("")), 1, SUFFIXED, "S-1", "2026-11-15");
        assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", day)), ["handover 9 x of 1 by email+number"]);
    }
}

#[test]
fn the_birthday_of_both_profiles_is_a_key() {
    let born = |id, number| {
        let values = [
            ("first_name", "Ines"),
            ("email", "ines@example.com"),
            ("dynamic_7", number),
            ("dynamic_8", "1990-05-04"),
            ("hire_date", "2026-11-20"),
        ];
        move |scene: Scene| scene.person(id, &values)
    };
    let scene = left(desk(company("")), 1, SUFFIXED, "S-1", "2026-11-15");
    assert_eq!(decided(&born(9, "S-2")(scene)), ["handover 9 x of 1 by email+birthday"]);
}

#[test]
fn one_attribute_is_one_key_however_many_fields_it_fills() {
    let section = "match = [\"email\", \"name\"]\n[targets.desk.mapping]\nnumber = \"employee_id\"\nemail = \"email\"\n\
                   name = \"email | lower\"";
    let scene = mapped(section)
        .account("x", true, &[("email", "ines@example.com"), ("name", "ines@example.com"), ("number", "1")])
        .link(1, "x")
        .person(1, &[("email", "ines@example.com"), ("status", "inactive"), ("termination_date", "2026-11-15")])
        .person(9, &[("email", "ines@example.com"), ("hire_date", "2026-11-20")]);
    assert_eq!(decided(&scene), ["handover 9 x of 1 by email held: handover"]);
}

#[test]
fn a_name_is_no_key() {
    let section = "match = [\"email\", \"name\"]\n[targets.desk.mapping]\nnumber = \"employee_id\"\nemail = \"email\"\n\
                   name = \"first_name ~ ' ' ~ last_name\"";
    let named = [("first_name", "Ines"), ("last_name", "Example"), ("email", "ines@example.com")];
    let with = |more: &[(&'static str, &'static str)]| [&named[..], more].concat();
    let scene = mapped(section)
        .account("x", true, &[("email", "ines@example.com"), ("name", "Ines Example"), ("number", "1")])
        .link(1, "x")
        .person(1, &with(&[("status", "inactive"), ("termination_date", "2026-11-15")]))
        .person(9, &with(&[("hire_date", "2026-11-20")]));
    assert_eq!(decided(&scene), ["handover 9 x of 1 by email held: handover"]);
}

#[test]
fn one_key_waits_for_somebody_to_decide_and_nobody_is_taken_out_of_use() {
    for grace in ["", "[targets.desk.leavers]\ngrace_days = 3", "[targets.desk.leavers]\ngrace_days = 30"] {
        let scene = hired(
            left(desk(company(grace)), 1, SUFFIXED, "S-1", "2026-11-15"),
            9,
            "ines@example.com",
            "S-2",
            "2026-11-20",
        );
        assert_eq!(decided(&scene), ["handover 9 x of 1 by email held: handover"]);
        let built = scene.build();
        assert_eq!(built.overview.owned, BTreeMap::from([(EmployeeId(1), "x".into())]));
        let detail = &built.plan.changes[0].hold.as_ref().unwrap().detail;
        assert!(detail.contains("who left on 2026-11-15") && detail.contains("link 9 desk x"), "{detail}");
        assert_eq!((built.plan.summary().handover, built.plan.summary().held), (0, 1));
    }
}

#[test]
fn dates_that_are_not_known_prove_no_rehire() {
    let scene = left(desk(company("")), 1, SUFFIXED, "", "");
    let held = "handover 9 x of 1 by email+number held: handover";
    assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-20")), [held]);
    let scene = left(desk(company("")), 1, SUFFIXED, "", "2026-11-15");
    assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", "")), [held]);
}

#[test]
fn two_jobs_at_once_are_no_handover() {
    // Started before the other one left.
    let scene = left(desk(company("")), 1, SUFFIXED, "", "2026-11-15");
    assert_eq!(
        decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-01")),
        ["skip 1 account_claimed", "skip 9 account_taken"]
    );
    // The other one is still there.
    let scene = left(desk(company("")), 1, "old@example.com", "S-0", "2026-12-31");
    let scene = scene.with(|scene| scene.people[0].1.push(("office", "Rome")));
    let outside = "include = [\"office != 'Rome'\"]\n[targets.desk.leavers]\nout_of_scope = \"deactivate\"";
    let mut elsewhere = desk(company(outside));
    elsewhere.people = scene.people;
    assert_eq!(
        decided(&hired(elsewhere, 9, "ines@example.com", "S-1", "2026-11-01")),
        ["skip 1 account_claimed", "skip 9 account_taken"]
    );
}

#[test]
fn somebody_whom_the_target_does_not_mean_keeps_nothing_in_use() {
    let scene = left(desk(company("exclude = [\"employee_id == 9\"]")), 1, SUFFIXED, "", "2026-11-15");
    assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-20")), ["deactivate 1 x"]);
}

#[test]
fn the_leaver_alone_is_not_taken_out_of_use_either() {
    let mut scene =
        hired(left(desk(company("")), 1, SUFFIXED, "", "2026-11-15"), 9, "ines@example.com", "S-1", "2026-11-20");
    scene.only = Some(EmployeeId(1));
    assert_eq!(decided(&scene), ["skip 1 account_claimed"]);
    scene.only = Some(EmployeeId(9));
    assert_eq!(decided(&scene), ["handover 9 x of 1 by email+number"]);
}

#[test]
fn the_account_of_somebody_who_is_not_delivered_waits_until_that_is_proven() {
    for missing in ["keep", "deactivate"] {
        let section = format!("[targets.desk.leavers]\nmissing = \"{missing}\"");
        let mut scene = hired(desk(company(&section)), 9, "ines@example.com", "S-1", "2026-11-20");
        assert_eq!(decided(&scene), ["handover 9 x of 1 by email+number held: handover"]);
        assert_eq!(scene.build().plan.notices[0].code, "employee_missing");
        scene.absences.insert(EmployeeId(1), "2026-11-20".parse().unwrap(), true);
        assert_eq!(decided(&scene), ["handover 9 x of 1 by email+number"]);
    }
    // Their new number does not tell a person from a namesake.
    let mut scene = hired(desk(company("")), 9, "ines@example.com", "S-2", "2026-11-20");
    scene.absences.insert(EmployeeId(1), "2026-11-20".parse().unwrap(), true);
    assert_eq!(decided(&scene), ["handover 9 x of 1 by email held: handover"]);
}

#[test]
fn the_file_says_whether_accounts_are_handed_over() {
    for (mode, expected) in [
        ("auto", vec!["handover 9 x of 1 by email+number"]),
        ("hold", vec!["handover 9 x of 1 by email+number held: handover"]),
        ("never", vec!["skip 1 account_claimed", "skip 9 account_taken"]),
    ] {
        let scene = left(desk(company(&format!("handover = \"{mode}\""))), 1, SUFFIXED, "", "2026-11-15");
        assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-20")), expected, "{mode}");
    }
}

#[test]
fn of_two_profiles_with_one_key_the_one_who_is_there_is_meant() {
    let account = |scene: Scene| scene.account("x", true, &[("email", "ines@example.com"), ("number", "S-1")]);
    let new = |scene| hired(scene, 9, "ines@example.com", "S-1", "2026-11-20");
    let first = left(account(company("")), 1, "ines@example.com", "S-1", "2026-11-15");
    assert_eq!(decided(&new(first)), ["update 9 x"]);
    // Of two who have left, the later one.
    let earlier = left(account(company("")), 1, SUFFIXED, "S-1", "2025-11-15");
    assert_eq!(decided(&left(earlier, 9, SUFFIXED, "S-1", "2026-11-15")), ["deactivate 9 x"]);
    // Two who are there, and two who left on one day, are not told apart.
    let there = hired(account(company("")), 1, "ines@example.com", "S-1", "2020-01-01");
    assert_eq!(decided(&new(there)), ["skip 1 match_key_shared", "skip 9 match_key_shared"]);
    let same = left(account(company("")), 1, SUFFIXED, "S-1", "2026-11-15");
    assert_eq!(
        decided(&left(same, 9, SUFFIXED, "S-1", "2026-11-15")),
        ["skip 1 match_key_shared", "skip 9 match_key_shared"]
    );
}

#[test]
fn an_account_that_a_leaver_has_one_key_of_and_a_new_hire_the_other_waits() {
    let account = company("").account("x", true, &[("email", "ines@example.com"), ("number", "S-1")]);
    let scene = hired(left(account, 1, SUFFIXED, "S-1", "2026-11-15"), 9, "ines@example.com", "S-2", "2026-11-20");
    assert_eq!(decided(&scene), ["handover 9 x of 1 by email held: handover"]);
}

#[test]
fn two_who_each_have_a_key_of_a_leavers_account_are_not_told_apart() {
    let scene = left(desk(company("")), 1, SUFFIXED, "", "2026-11-15");
    let scene = hired(scene, 9, "ines@example.com", "S-9", "2026-11-20");
    assert_eq!(
        decided(&hired(scene, 10, "other@example.com", "S-1", "2026-11-20")),
        ["skip 1 account_claimed", "skip 9 match_key_shared", "skip 10 match_key_shared"]
    );
}

#[test]
fn an_agent_is_never_handed_over() {
    let scene = left(desk(company("")).protected(Protection::Agent), 1, SUFFIXED, "", "2026-11-15");
    assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-20")), ["skip 9 account_is_agent"]);
}

#[test]
fn whoever_reports_to_the_new_profile_is_told_its_account() {
    let section = "match = [\"email\", \"number\"]\n[targets.desk.mapping]\nnumber = \"dynamic_7\"\nemail = \"email\"\n\
                   name = \"first_name\"\nmanager = \"supervisor\"";
    let scene = left(mapped(section), 1, SUFFIXED, "", "2026-11-15");
    let scene = hired(desk(scene), 9, "ines@example.com", "S-1", "2026-11-20")
        .account("y", true, &[("email", "tom@example.com"), ("name", "Tom"), ("manager", "x")])
        .person(2, &[("first_name", "Tom"), ("email", "tom@example.com"), ("supervisor", "9"), ("status", "active")]);
    assert_eq!(decided(&scene), ["handover 9 x of 1 by email+number"]);
}

#[test]
fn a_change_of_legal_entity_is_a_handover_once_the_old_profile_has_ended() {
    let scene = |last_day| {
        let scene = left(desk(company("")), 1, "ines@example.com", "S-1", last_day);
        hired(scene, 9, "ines@example.com", "S-1", "2026-12-01")
    };
    let ahead = scene("2026-11-30").build().plan;
    assert_eq!(
        (ahead.skipped[0].reason, &*ahead.skipped[0].detail),
        (
            crate::code::Code::AccountTaken,
            "the account with the same email belongs to employee 1, whose last day is 2026-11-30"
        )
    );
    assert_eq!(decided(&scene("2026-11-21")), ["handover 9 x of 1 by email+number"]);
}

const LEAVERS_ARE_KEPT: &str = "takes_everyone = true";

#[test]
fn a_target_that_keeps_leavers_hands_over_as_well() {
    let section = LEAVERS_ARE_KEPT;
    let scene = |section: &str, email, old, number| {
        let scene = left(desk(company(section)), 1, email, old, "2026-11-15");
        hired(scene, 9, "ines@example.com", number, "2026-11-20")
    };
    // Whose keys the new profile has gets no account of their own beside it, in this run or the next.
    let both = scene(section, "ines@example.com", "S-1", "S-1");
    assert_eq!(decided(&both), ["handover 9 x of 1 by email+number", "skip 1 account_taken"]);
    assert_eq!(both.build().overview.owned, BTreeMap::from([(EmployeeId(9), "x".into())]));
    let mut after = scene(section, "ines@example.com", "S-1", "S-1");
    after.links = BTreeMap::from([(EmployeeId(9), "x".into())]);
    assert_eq!(decided(&after), ["skip 1 account_taken"]);
    // With an address of its own the old one is like any leaver whom the target keeps.
    let suffixed = scene(section, SUFFIXED, "", "S-1");
    assert_eq!(decided(&suffixed), ["create 1", "handover 9 x of 1 by email+number"]);
    assert!(suffixed.build().plan.notices.is_empty());
    // A key that is not readable may be the new one's, too.
    let hidden = scene(section, SUFFIXED, "?", "S-1");
    assert_eq!(decided(&hidden), ["handover 9 x of 1 by email+number", "skip 1 account_taken"]);
    // While one key waits for somebody to decide, the account keeps the keys that tell.
    let one = scene(section, SUFFIXED, "S-1", "S-2");
    assert_eq!(decided(&one), ["handover 9 x of 1 by email held: handover", "skip 1 account_claimed"]);
    let one = scene(section, "ines@example.com", "S-1", "S-2");
    assert_eq!(decided(&one), ["handover 9 x of 1 by email held: handover", "update 1 x"]);
}

#[test]
fn where_nothing_is_handed_over_a_leaver_who_is_kept_keeps_the_account() {
    let section = LEAVERS_ARE_KEPT;
    let section = format!("handover = \"never\"\n{section}");
    let scene = left(desk(company(&section)), 1, "ines@example.com", "S-1", "2026-11-15");
    assert_eq!(
        decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-20")),
        ["update 1 x", "skip 9 account_taken"]
    );
    // Keys that the old profile gives up are free.
    let scene = left(desk(company(&section)), 1, SUFFIXED, "S-0", "2026-11-15");
    assert_eq!(decided(&hired(scene, 9, "ines@example.com", "S-1", "2026-11-20")), ["create 9", "update 1 x"]);
}

#[test]
fn of_profiles_with_one_key_the_latest_is_made_where_leavers_are_kept() {
    let section = LEAVERS_ARE_KEPT;
    let earlier = || left(company(section), 1, "ines@example.com", "S-1", "2025-11-15");
    let later = |scene| left(scene, 2, "ines@example.com", "S-1", "2026-11-15");
    let there = |scene| hired(scene, 9, "ines@example.com", "S-1", "2026-11-20");
    let alone = |id: u64| vec![format!("create {id}")];
    assert_eq!(decided(&earlier()), alone(1));
    let taken = |id: u64| format!("skip {id} account_taken");
    assert_eq!(decided(&later(earlier())), [alone(2), vec![taken(1)]].concat());
    assert_eq!(decided(&there(later(earlier()))), [alone(9), vec![taken(1), taken(2)]].concat());
    let account = [("email", "ines@example.com"), ("number", "S-1"), ("name", "Ines")];
    let scene = there(later(earlier())).account("x", true, &account);
    assert_eq!(decided(&scene), [taken(1), taken(2)]);
    // Somebody with the same key whom the target does not mean takes nothing from anybody.
    let section = format!("exclude = [\"employee_id == 9\"]\n{section}");
    assert_eq!(decided(&there(left(company(&section), 1, "ines@example.com", "S-1", "2026-11-15"))), alone(1));
}

#[test]
fn of_two_with_a_link_to_one_account_the_one_who_is_there_has_it() {
    let scene = left(desk(company("")), 1, SUFFIXED, "S-1", "2026-11-15");
    let scene = hired(scene, 9, "ines@example.com", "S-1", "2026-11-20").link(9, "x");
    assert_eq!(decided(&scene), [""; 0]);
    assert_eq!(scene.build().overview.owned, BTreeMap::from([(EmployeeId(9), "x".into())]));
}
