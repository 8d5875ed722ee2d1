//! Runs for changes beside runs that read everything, over the same company.

mod world;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use self::world::{Company, World};
use crate::code::Code;
use crate::plan::{Op, Outcome};
use crate::sync::Finished;
use crate::targets::ErrorKind;

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// So many people, each the next one's manager.
fn company(people: u64) -> Mutex<Company> {
    let mut company = Company { now: moment("2026-11-20T09:00:00Z"), ..Company::default() };
    for id in 1..=people {
        let email = format!("p{id}@example.com");
        let supervisor = if id > 1 { (id - 1).to_string() } else { String::new() };
        let values = [("email", &*email), ("first_name", "Ines"), ("position", "Clerk"), ("supervisor", &supervisor)];
        company.set(id, &values);
        company.set(id, &[("status", "active"), ("hire_date", "2024-01-01")]);
    }
    Mutex::new(company)
}

/// Three days later, so that nothing of before comes any more; and a run that reads everything.
fn settled(company: &Mutex<Company>, world: &mut World) {
    pass(company, TimeDelta::days(3));
    world.run(company, false);
    pass(company, TimeDelta::minutes(5));
    world.calls();
    company.lock().asked.clear();
}

fn pass(company: &Mutex<Company>, time: TimeDelta) {
    company.lock().now += time;
}

fn asked(company: &Mutex<Company>) -> Vec<String> {
    std::mem::take(&mut company.lock().asked)
}

/// Why a run for changes read everything.
fn why(finished: &Finished<'_>) -> String {
    let notices = &finished.prepared.plan.notices;
    notices
        .iter()
        .find(|notice| notice.code == Code::EverythingRead)
        .map(|notice| notice.message.clone())
        .unwrap_or_default()
}

#[test]
fn a_run_without_changes_asks_personio_once_and_the_target_nothing() {
    for section in ["", "by_id = false"] {
        let (company, mut world) = (company(8), World::new(section));
        world.run(&company, false);
        settled(&company, &mut world);
        let finished = world.run(&company, true);
        assert_eq!(finished.reasons.code(), 0, "{:?}", finished.problems);
        let changes = finished.prepared.plan.source.changes.clone().expect("a run for changes");
        assert_eq!((changes.looked_at, finished.prepared.plan.source.employees), (0, 0));
        assert!(!finished.prepared.plan.source.complete);
        drop(finished);
        assert_eq!((asked(&company), world.calls()), (vec!["changes".to_owned()], Vec::<String>::new()));
    }
}

#[test]
fn who_changed_is_looked_at_once_by_the_stored_link() {
    for (section, looks) in [("", "look a3"), ("by_id = false", "list")] {
        let (company, mut world) = (company(8), World::new(section));
        world.run(&company, false);
        settled(&company, &mut world);
        company.lock().set(3, &[("position", "Lead")]);
        pass(&company, TimeDelta::minutes(5));
        let finished = world.run(&company, true);
        let changes = &finished.prepared.plan.targets[0].changes;
        let done: Vec<_> = changes.iter().map(|change| (change.op, change.outcome.clone())).collect();
        assert_eq!(done, [(Op::Update, Some(Outcome::Succeeded))]);
        drop(finished);
        let calls = world.calls();
        assert_eq!(calls[..2], [looks.to_owned(), "update a3".to_owned()], "{section}");
        assert!(world.accounts()["p3@example.com"].1.contains("Lead"));
        // Personio tells of it again for more than a day.
        pass(&company, TimeDelta::hours(3));
        let finished = world.run(&company, true);
        assert_eq!(finished.prepared.plan.source.employees, 1);
        drop(finished);
        assert_eq!(world.calls(), Vec::<String>::new());
        // And so it does when it is as it was before.
        company.lock().set(3, &[("position", "Clerk")]);
        pass(&company, TimeDelta::minutes(5));
        world.run(&company, true);
        assert!(world.accounts()["p3@example.com"].1.contains("Clerk"));
    }
}

#[test]
fn a_manager_who_did_not_change_is_referred_to_by_the_link() {
    let (company, mut world) = (company(8), World::new(""));
    world.run(&company, false);
    settled(&company, &mut world);
    company.lock().set(5, &[("supervisor", "1")]);
    world.run(&company, true);
    assert_eq!(asked(&company), ["changes"]);
    assert_eq!(world.accounts()["p5@example.com"].1, "Ines, Clerk, under p1@example.com");
}

/// Changes a company, or what is remembered of it.
type Event<'e> = &'e dyn Fn(&Mutex<Company>, &mut World);

#[test]
fn what_needs_everybody_in_view_reads_everybody_and_says_why() {
    let hire = |company: &Mutex<Company>, _: &mut World| {
        company.lock().set(90, &[("email", "new@example.com"), ("status", "active"), ("hire_date", "2026-11-23")]);
    };
    let leave = |company: &Mutex<Company>, _: &mut World| {
        company.lock().set(4, &[("last_working_day", "2026-11-22"), ("status", "inactive")]);
    };
    let gone = |company: &Mutex<Company>, world: &mut World| {
        world.directory.lock().accounts.remove(&"a4".into());
        company.lock().set(4, &[("position", "Lead")]);
    };
    let all = |company: &Mutex<Company>, _: &mut World| {
        (1..=25).for_each(|id| company.lock().set(id, &[("position", "Lead")]));
    };
    let file = |_: &Mutex<Company>, world: &mut World| world.rewrite("include = [\"position != 'Boss'\"]");
    let day = |company: &Mutex<Company>, _: &mut World| pass(company, TimeDelta::hours(15));
    let unlink = |_: &Mutex<Company>, world: &mut World| {
        assert!(world.memory.state.unlink("desk", crate::employee::EmployeeId(2)).unwrap());
    };
    let events: [(Event<'_>, &str); 7] = [
        (&hire, "employee 90 is in scope of desk and has no account there that is known"),
        (&leave, "the account of employee 4 in desk is to be taken out of use"),
        (&gone, "the account of employee 4 is not there in desk"),
        (&all, "25 people with an account in desk changed, and reading everything costs less than looking at each"),
        (&file, "what the file says of desk is not what the last such run went by"),
        (&day, "desk was last read in full on 2026-11-23 09:00 UTC, and `full` makes it due again"),
        (&unlink, "somebody decided about its accounts since"),
    ];
    for (event, expected) in events {
        let (company, mut world) = (company(25), World::new(""));
        world.run(&company, false);
        settled(&company, &mut world);
        event(&company, &mut world);
        let finished = world.run(&company, true);
        let why = why(&finished);
        assert!(why.contains(expected), "{expected}: {why}");
        assert!(finished.prepared.plan.source.complete, "{expected}");
        drop(finished);
        assert!(asked(&company).contains(&"everybody".to_owned()));
        // Once is enough.
        pass(&company, TimeDelta::minutes(5));
        let finished = world.run(&company, true);
        assert!(finished.prepared.plan.source.changes.is_some(), "{expected}: {}", self::why(&finished));
        drop(finished);
        assert_eq!(asked(&company), ["changes"], "{expected}");
    }
    let (company, mut world) = (company(3), World::new(""));
    let finished = world.run(&company, true);
    assert!(why(&finished).contains("no run of desk has read everything"), "{}", why(&finished));
}

#[test]
fn what_everybody_in_view_did_not_settle_is_left_to_the_next_run_that_has() {
    // Held for good: the first of two who share an address keeps the account.
    let (company, mut world) = (company(8), World::new(""));
    world.run(&company, false);
    settled(&company, &mut world);
    company.lock().set(9, &[("email", "p3@example.com"), ("status", "active"), ("hire_date", "2026-11-23")]);
    let finished = world.run(&company, true);
    assert_eq!(finished.prepared.plan.targets[0].skipped.len(), 1);
    drop(finished);
    pass(&company, TimeDelta::minutes(5));
    asked(&company);
    world.run(&company, true);
    assert_eq!(asked(&company), ["changes"], "nothing new is known of employee 9");
    company.lock().set(9, &[("email", "p9@example.com")]);
    world.run(&company, true);
    assert!(world.accounts()["p9@example.com"].0);
}

#[test]
fn a_write_that_failed_is_tried_again_and_one_without_an_answer_is_looked_for_by_a_whole_run() {
    for (kind, expected) in
        [(ErrorKind::Refused, "changes"), (ErrorKind::Unavailable, "changes"), (ErrorKind::Unsettled, "everybody")]
    {
        let (company, mut world) = (company(8), World::new(""));
        world.run(&company, false);
        settled(&company, &mut world);
        company.lock().set(3, &[("position", "Lead")]);
        world.directory.lock().fails = Some(kind);
        world.run(&company, true);
        pass(&company, TimeDelta::minutes(5));
        asked(&company);
        world.run(&company, true);
        assert_eq!(asked(&company), [expected], "{kind:?}");
        assert!(world.accounts()["p3@example.com"].1.contains("Lead"), "{kind:?}");
        assert!(world.memory.state.memory("desk", moment("2026-11-24T00:00:00Z")).unwrap().open.is_empty(), "{kind:?}");
    }
}

#[test]
fn a_run_for_changes_leaves_what_only_whole_runs_may_set() {
    let (company, mut world) = (company(8), World::new(""));
    world.run(&company, false);
    settled(&company, &mut world);
    let record = |world: &World| world.memory.state.targets().unwrap().pop().unwrap();
    let (before, source) = (record(&world), world.memory.state.source().unwrap());
    company.lock().set(3, &[("position", "Lead")]);
    world.run(&company, true);
    let after = record(&world);
    assert!(after.last.as_ref().is_some_and(|last| !last.whole && last.ok));
    let kept = |record: &crate::state::TargetRecord| {
        (record.last_finished, record.last_ok, record.last_started, record.first_completed_at)
    };
    assert_eq!(kept(&after), kept(&before));
    assert_eq!(world.memory.state.source().unwrap(), source);
}

/// One more or less likely thing that happens to somebody.
fn happen(random: &mut fastrand::Rng, company: &mut Company, next: &mut u64) {
    let ids: Vec<u64> = company.people.keys().copied().collect();
    let id = ids[random.usize(..ids.len())];
    let (today, number) = (company.now.date_naive().to_string(), random.u32(..1_000).to_string());
    let yesterday = (company.now.date_naive() - TimeDelta::days(1)).to_string();
    match random.u32(..14) {
        0..=4 => company.set(id, &[("position", &number)]),
        5 => company.set(id, &[("first_name", &number)]),
        6 => company.set(id, &[("email", &format!("m{number}.{id}@example.com"))]),
        7 | 8 => {
            let manager = ids[random.usize(..ids.len())].to_string();
            company.set(id, &[("supervisor", &manager)]);
        }
        9 => company.set(id, &[("last_working_day", &yesterday), ("status", "inactive")]),
        10 => company.set(id, &[("last_working_day", &today)]),
        11 => company.set(id, &[("last_working_day", ""), ("status", "active")]),
        12 => {
            let email = format!("p{next}@example.com");
            company
                .set(*next, &[("email", &email), ("status", "active"), ("hire_date", &today), ("first_name", "Mira")]);
            *next += 1;
        }
        // Somebody who left comes back with a new profile and the old address.
        _ => {
            let left =
                company.people.values().find(|person| person.get("status").is_some_and(|status| status == "inactive"));
            let Some(email) = left.and_then(|person| person.get("email").cloned()) else { return };
            company
                .set(*next, &[("email", &email), ("status", "active"), ("hire_date", &today), ("first_name", "Mira")]);
            *next += 1;
        }
    }
}

fn removed(finished: &Finished<'_>) -> Vec<u64> {
    let changes = finished.prepared.plan.targets[0].changes.iter();
    changes.filter(|change| change.op == Op::Deactivate).filter_map(|change| Some(change.employee?.0)).collect()
}

#[test]
fn over_random_histories_both_kinds_of_runs_end_in_the_same_accounts() {
    let (mut whole_runs, mut runs) = (0, 0);
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let company = company(9);
        let (mut whole, mut changes) = (World::new(""), World::new(if seed % 3 == 0 { "by_id = false" } else { "" }));
        let mut next = 100;
        whole.run(&company, false);
        changes.run(&company, false);
        pass(&company, TimeDelta::days(3));
        company.lock().late = TimeDelta::minutes([0, 20, 45][seed as usize % 3]);
        company.lock().doubled = seed % 2 == 1;
        for _ in 0..30 {
            for _ in 0..random.u32(..3) {
                happen(&mut random, &mut company.lock(), &mut next);
            }
            pass(&company, TimeDelta::minutes(random.i64(5..240)));
            whole.run(&company, false);
            let finished = changes.run(&company, true);
            let of_changes = finished.prepared.is_of_changes();
            runs += 1;
            whole_runs += u32::from(!of_changes);
            assert!(
                !of_changes || removed(&finished).is_empty(),
                "seed {seed}: nobody is removed without everybody in view"
            );
            drop(finished);
            if !of_changes {
                assert_eq!(changes.accounts(), whole.accounts(), "seed {seed}: after a run that read everything");
            }
            if company.lock().late.is_zero() {
                let told = |world: &World| {
                    world.accounts().into_iter().map(|(email, (active, _))| (email, active)).collect::<Vec<_>>()
                };
                assert_eq!(told(&changes), told(&whole), "seed {seed}: at once, where nothing is late");
            }
        }
        pass(&company, TimeDelta::hours(24));
        whole.run(&company, false);
        changes.run(&company, true);
        assert_eq!(changes.accounts(), whole.accounts(), "seed {seed}: a day later");
        // Nothing is left for either.
        let finished = changes.run(&company, false);
        let mut left = finished.prepared.plan.targets[0].changes.iter().filter(|change| change.hold.is_none());
        assert_eq!(left.next(), None, "seed {seed}");
    }
    assert!(
        whole_runs * 10 < runs * 9 && whole_runs * 10 > runs,
        "both kinds of runs were tried: {whole_runs} of {runs}"
    );
}
