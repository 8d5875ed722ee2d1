use crate::field::AccountId;
use crate::plan::Op;
use crate::state::{
    FilledSlot, Finished, InLine, Link, Once, OnceKind, OnceOnly, Origin, Settlement, State, StoredIntent, TargetEnd,
    TargetRecord, Written,
};

use super::{TestDatabase, at, employee, end_of, finish, intent, job, link, on_each_database, start};

on_each_database!(
    links_are_sorted_replaced_and_removed,
    a_handover_that_failed_gives_the_account_back,
    an_account_that_is_made_is_nobody_elses,
    an_account_that_is_handed_over_has_one_owner_at_every_moment,
    an_account_that_was_removed_is_nobodys,
    what_a_person_says_of_accounts_replaces_what_was_known,
    many_links_are_stored_at_once,
    the_first_run_ends_when_a_whole_run_ends_well,
    filters_stay_as_they_were_accepted,
    nothing_is_carried_over_to_another_account,
    writes_of_a_day_count_until_a_day_has_passed,
    a_clock_set_back_frees_nothing,
    repeated_writes_are_counted_until_the_field_settles,
    an_account_out_of_use_is_remembered_and_counts_once,
    success_is_a_run_that_left_nobody_out_of_line,
    a_run_for_some_says_nothing_of_the_others,
    fields_that_are_not_stored_are_remembered,
    what_is_done_once_is_never_done_twice,
    calls_add_up_within_a_period,
    confirmations_are_replaced,
    slots_that_had_their_run_are_remembered,
    the_key_of_a_state_stays_with_it,
    several_connections_write_at_the_same_time,
);

fn links_are_sorted_replaced_and_removed(database: &TestDatabase) {
    let state = database.open();
    state.store_links("desk", &[link(30, "c"), link(u64::MAX >> 1, "z"), link(4, "a"), link(200, "b")]).unwrap();
    state.store_links("other", &[link(4, "elsewhere")]).unwrap();
    // The same account: when it began and how stay. Another account: another beginning.
    let later = |id, account| crate::state::Link {
        origin: Origin::Created,
        created_at: at(60),
        verified_at: at(60),
        ..link(id, account)
    };
    state.store_links("desk", &[later(4, "a"), later(30, "c2"), later(30, "c3")]).unwrap();

    let memory = database.open().memory("desk", at(60)).unwrap();
    let ids: Vec<u64> = memory.links.iter().map(|link| link.employee.0).collect();
    assert_eq!(ids, [4, 30, 200, u64::MAX >> 1]);
    let verified = crate::state::Link { verified_at: at(60), ..link(4, "a") };
    assert_eq!(memory.links[0], verified);
    assert_eq!(memory.links[1], later(30, "c3"), "of two for one employee the last counts");
    assert_eq!(state.memory("other", at(60)).unwrap().links, [link(4, "elsewhere")]);
}

fn an_account_that_is_handed_over_has_one_owner_at_every_moment(database: &TestDatabase) {
    let state = database.open();
    state.store_links("desk", &[link(1, "x"), link(2, "y")]).unwrap();
    state.store_links("other", &[link(1, "x")]).unwrap();
    let run = start(&state, 0);
    let handover =
        StoredIntent { account: Some("x".into()), from: Some(employee(1)), ..intent(&state, Op::Handover, 9) };
    let ids = state.record(run, "desk", &[], &[handover], at(5)).unwrap();
    // Whatever becomes of the write: the link moved together with the intent.
    let moved = Link { origin: Origin::HandedOver, created_at: at(5), verified_at: at(5), ..link(9, "x") };
    let again = database.open();
    assert_eq!(again.memory("desk", at(6)).unwrap().links, [link(2, "y"), moved.clone()]);
    assert_eq!(again.memory("desk", at(6)).unwrap().open[0].intent.op, Op::Handover);
    assert_eq!(again.memory("other", at(6)).unwrap().links, [link(1, "x")], "another target is another account");
    assert_eq!(again.last_written("desk", employee(9)).unwrap(), None);
    let finished = Finished { id: ids[0], settlement: Settlement::Done, link: Some(moved.clone()) };
    again.settle("desk", &[finished], at(7)).unwrap();
    assert_eq!(again.memory("desk", at(8)).unwrap().links, [link(2, "y"), moved]);
    assert_eq!(again.last_written("desk", employee(9)).unwrap(), Some(at(7)));
    assert_eq!(again.last_written("other", employee(9)).unwrap(), None);
}

fn a_handover_that_failed_gives_the_account_back(database: &TestDatabase) {
    let state = database.open();
    state.store_links("desk", &[link(1, "x"), link(2, "y"), link(3, "z")]).unwrap();
    let run = start(&state, 0);
    let handover = |from, account: &str, to| StoredIntent {
        account: Some(account.into()),
        from: Some(employee(from)),
        ..intent(&state, Op::Handover, to)
    };
    let intents = [handover(1, "x", 9), handover(2, "y", 10), handover(3, "z", 11)];
    let ids = state.record(run, "desk", &[], &intents, at(5)).unwrap();
    // The third one has an account of its own by now.
    state.store_links("desk", &[link(3, "z2")]).unwrap();
    let finished = |database: usize, settlement, link| Finished { id: ids[database], settlement, link };
    let failed = || Settlement::Failed { code: "refused".into() };
    let all = [
        finished(0, failed(), Some(link(1, "x"))),
        finished(1, Settlement::Unknown, None),
        finished(2, failed(), Some(link(3, "z"))),
    ];
    state.settle("desk", &all, at(6)).unwrap();
    let moved =
        |id, account| Link { origin: Origin::HandedOver, created_at: at(5), verified_at: at(5), ..link(id, account) };
    let links = database.open().memory("desk", at(7)).unwrap().links;
    assert_eq!(links, [link(1, "x"), link(3, "z2"), moved(10, "y"), moved(11, "z")]);
}

fn an_account_that_was_removed_is_nobodys(database: &TestDatabase) {
    let state = database.open();
    state.store_links("desk", &[link(1, "x"), link(2, "y"), link(3, "z")]).unwrap();
    state.store_links("other", &[link(1, "x")]).unwrap();
    let run = start(&state, 0);
    let removal =
        |id, account: &str| StoredIntent { account: Some(account.into()), ..intent(&state, Op::Deactivate, id) };
    let intents = [removal(1, "x"), removal(2, "y"), removal(3, "before")];
    let ids = state.record(run, "desk", &[], &intents, at(5)).unwrap();
    let settlements = [Settlement::Removed, Settlement::Done, Settlement::Removed];
    let finished = ids.into_iter().zip(settlements).map(|(id, settlement)| Finished { id, settlement, link: None });
    state.settle("desk", &finished.collect::<Vec<_>>(), at(6)).unwrap();
    let known = database.open().memory("desk", at(7)).unwrap();
    assert_eq!(known.links, [link(2, "y"), link(3, "z")], "one that is out of use is still somebody's");
    assert_eq!(known.open, []);
    assert_eq!(state.links_of("desk", &[employee(1), employee(3)]).unwrap(), [link(3, "z")]);
    assert_eq!(state.memory("other", at(7)).unwrap().links, [link(1, "x")], "another target is another account");
}

fn an_account_that_is_made_is_nobody_elses(database: &TestDatabase) {
    let state = database.open();
    // The row of somebody who left went, and the link stayed; somebody new has the same key.
    state.store_links("desk", &[link(1, "x"), link(2, "y")]).unwrap();
    state.store_links("other", &[link(1, "x")]).unwrap();
    let run = start(&state, 0);
    let intents = [intent(&state, Op::Create, 9), intent(&state, Op::Create, 10)];
    let ids = state.record(run, "desk", &[], &intents, at(5)).unwrap();
    let made =
        |id, account| Link { origin: Origin::Created, created_at: at(5), verified_at: at(5), ..link(id, account) };
    // One that was found is somebody's, and who that is told the plan.
    let found = link(10, "y");
    let finished = [(0, made(9, "x")), (1, found.clone())].map(|(database, link): (usize, Link)| Finished {
        id: ids[database],
        settlement: Settlement::Done,
        link: Some(link),
    });
    state.settle("desk", &finished, at(6)).unwrap();
    assert_eq!(database.open().memory("desk", at(7)).unwrap().links, [link(2, "y"), made(9, "x"), found]);
    assert_eq!(state.memory("other", at(7)).unwrap().links, [link(1, "x")], "another target is another account");
}

fn what_a_person_says_of_accounts_replaces_what_was_known(database: &TestDatabase) {
    let state = database.open();
    state.store_links("desk", &[link(1, "x"), link(2, "y"), link(3, "z")]).unwrap();
    // It had an account, and somebody else had that one.
    let said = Link { origin: Origin::ByHand, created_at: at(5), verified_at: at(5), ..link(2, "x") };
    state.link_by_hand("desk", &said).unwrap();
    assert_eq!(database.open().memory("desk", at(6)).unwrap().links, [said.clone(), link(3, "z")]);
    // The account that was theirs already is said to be so, too; a later run leaves that as it is.
    state.link_by_hand("desk", &Link { employee: employee(3), account: "z".into(), ..said.clone() }).unwrap();
    state.store_links("desk", &[link(3, "z")]).unwrap();
    assert_eq!(state.memory("desk", at(6)).unwrap().links[1].origin, Origin::ByHand);
    assert!(state.unlink("desk", employee(2)).unwrap());
    assert!(!state.unlink("desk", employee(2)).unwrap(), "it is gone");
    assert!(!state.unlink("other", employee(3)).unwrap());
    assert_eq!(database.open().memory("desk", at(6)).unwrap().links.len(), 1);
    assert!(!state.knows(employee(2)).unwrap());
    let run = start(&state, 10);
    finish(&state, run, 10, end_of(&state, "desk", &[2]), &[]);
    assert!(state.knows(employee(2)).unwrap());
}

fn slots_that_had_their_run_are_remembered(database: &TestDatabase) {
    let state = database.open();
    let slot = |minutes, every: &str| FilledSlot { begins: at(minutes), every: every.into() };
    for minutes in [60, 0, 120, 120] {
        state.fill_slot("desk", &slot(minutes, "1h"), at(-60)).unwrap();
    }
    state.fill_slot("books", &slot(60, "24h"), at(-60)).unwrap();
    assert_eq!(
        database.open().slots("desk").unwrap(),
        [slot(0, "1h"), slot(120, "1h")],
        "60 was after 0: the clock went back"
    );
    state.fill_slot("desk", &slot(180, "6h"), at(100)).unwrap();
    assert_eq!(state.slots("desk").unwrap(), [slot(120, "1h"), slot(180, "6h")]);
    state.disconnect("desk").unwrap();
    assert_eq!(state.slots("desk").unwrap(), []);
    assert_eq!(state.slots("books").unwrap(), [slot(60, "24h")]);
}

fn many_links_are_stored_at_once(database: &TestDatabase) {
    let state = database.open();
    let links: Vec<_> = (1..=10_000).map(|id| link(id, &format!("account-{id}"))).collect();
    state.store_links("desk", &links).unwrap();
    state.store_links("desk", &links).unwrap();
    assert_eq!(state.memory("desk", at(0)).unwrap().links, links);
}

fn the_first_run_ends_when_a_whole_run_ends_well(database: &TestDatabase) {
    let state = database.open();
    assert!(state.memory("desk", at(0)).unwrap().is_first_run());
    type Change = fn(TargetEnd) -> TargetEnd;
    let steps: [(&str, Change, bool); 4] = [
        ("some employees", |end| TargetEnd { whole: false, ..end }, true),
        ("could not be read", |end| TargetEnd { ok: false, ..end }, true),
        ("ended well", |end| end, false),
        ("could not be read later", |end| TargetEnd { ok: false, ..end }, false),
    ];
    for (minutes, (what, change, expected)) in (0..).zip(steps) {
        let run = start(&state, minutes);
        assert_eq!(state.memory("desk", at(minutes)).unwrap().is_first_run(), minutes < 3, "while it runs: {what}");
        finish(&state, run, minutes, change(end_of(&state, "desk", &[1])), &[]);
        assert_eq!(state.memory("desk", at(minutes)).unwrap().is_first_run(), expected, "{what}");
    }
    let record = database.open().targets().unwrap().remove(0);
    assert_eq!(record.first_completed_at, Some(at(2)));
    assert_eq!(record.all_made_at, Some(at(2)));
    assert_eq!(record.last_ok, Some(at(2)));
    assert_eq!(record.last_started, Some(at(3)));
    assert_eq!(record.last_finished, Some(at(3)));
    assert_eq!(record.identity.as_deref(), Some("freshservice:acme.freshservice.com"));
    assert!(!record.last.unwrap().ok);
}

fn filters_stay_as_they_were_accepted(database: &TestDatabase) {
    let state = database.open();
    let scope = |filters: &str| Some(state.hasher().fingerprint("scope", [filters]));
    for (given, expected) in
        [(None, None), (scope("one"), scope("one")), (None, scope("one")), (scope("two"), scope("two"))]
    {
        let run = start(&state, 0);
        finish(&state, run, 0, TargetEnd { scope: given, ..end_of(&state, "desk", &[]) }, &[]);
        assert_eq!(state.memory("desk", at(0)).unwrap().scope(), expected.as_ref());
    }
}

fn nothing_is_carried_over_to_another_account(database: &TestDatabase) {
    let state = database.open();
    let known = "freshservice:acme.freshservice.com";
    state.bind("desk", known).unwrap();
    let run = start(&state, 0);
    state.store_links("desk", &[link(1, "a1"), link(2, "a2")]).unwrap();
    state.record(run, "desk", &[], &[intent(&state, Op::Update, 1)], at(0)).unwrap();
    finish(&state, run, 0, end_of(&state, "desk", &[1]), &[]);
    state.bind("desk", known).unwrap();
    let memory = state.memory("desk", at(1)).unwrap();
    assert_eq!((memory.links.len(), memory.open.len(), memory.is_first_run()), (2, 1, false));

    // A run that could not even read the other account leaves everything bound to the old one.
    let other = "freshservice:other.freshservice.com";
    let run = start(&state, 1);
    finish(&state, run, 1, TargetEnd { identity: other.into(), ok: false, ..end_of(&state, "desk", &[]) }, &[]);
    assert_eq!(state.memory("desk", at(1)).unwrap().record.unwrap().identity.as_deref(), Some(known));

    state.bind("desk", other).unwrap();
    let memory = database.open().memory("desk", at(1)).unwrap();
    assert_eq!((memory.links.len(), memory.open.len(), memory.is_first_run()), (0, 0, true));
    assert_eq!(memory.scope(), None);
    assert_eq!(state.last_seen(employee(1)).unwrap(), []);
    assert_eq!(memory.record.unwrap().identity.as_deref(), Some(other));
}

/// Records deactivations of these employees.
fn deactivate(state: &State, minutes: i64, ids: &[u64]) -> Vec<crate::state::JournalId> {
    let run = start(state, minutes);
    let intents: Vec<_> = ids.iter().map(|id| intent(state, Op::Deactivate, *id)).collect();
    state.record(run, "desk", &[], &intents, at(minutes)).unwrap()
}

fn removals(state: &State, minutes: i64) -> u64 {
    state.memory("desk", at(minutes)).unwrap().recent.get(&Op::Deactivate).copied().unwrap_or(0)
}

fn writes_of_a_day_count_until_a_day_has_passed(database: &TestDatabase) {
    let state = database.open();
    let ids = deactivate(&state, 0, &[1, 2, 3]);
    deactivate(&state, 60, &[4]);
    let state = database.open();
    assert_eq!(removals(&state, 60), 4, "counted from the intent on, so that a crash does not lose them");
    assert_eq!(state.memory("other", at(60)).unwrap().recent.len(), 0);
    // What certainly did not happen does not count, and is taken off once only.
    for _ in 0..2 {
        let failed = crate::state::Settlement::Failed { code: "refused".into() };
        let finished = crate::state::Finished { id: ids[1], settlement: failed, link: None };
        state.settle("desk", &[finished], at(61)).unwrap();
    }
    assert_eq!(removals(&state, 61), 3);
    assert_eq!(removals(&state, 24 * 60 - 1), 3);
    assert_eq!(removals(&state, 24 * 60), 1);
    assert_eq!(removals(&state, 25 * 60), 0);
}

fn a_clock_set_back_frees_nothing(database: &TestDatabase) {
    let state = database.open();
    deactivate(&state, 60, &[1, 2]);
    // The clock is set back an hour.
    assert_eq!(removals(&state, 0), 2);
    deactivate(&state, 1, &[3]);
    assert_eq!(removals(&state, 1), 3);
    assert_eq!(removals(&state, 24 * 60 + 1), 2, "nothing leaves the window early");
    assert_eq!(removals(&state, 25 * 60), 0);
}

fn repeated_writes_are_counted_until_the_field_settles(database: &TestDatabase) {
    let state = database.open();
    let written = |id, field: &str, value: &str| Written {
        employee: employee(id),
        field: field.into(),
        value: state.hasher().fingerprint("value", [value]),
        writes: 1,
    };
    let after = |minutes, written: Vec<Written>, unchanged: &[u64]| {
        let run = start(&state, minutes);
        finish(&state, run, minutes, TargetEnd { written, ..end_of(&state, "desk", unchanged) }, &[]);
        let repeats = state.memory("desk", at(minutes)).unwrap().repeats;
        repeats.iter().map(|repeat| (repeat.employee.0, repeat.field.to_string(), repeat.writes)).collect::<Vec<_>>()
    };
    let row = |id: u64, field: &str, writes: u64| (id, field.to_owned(), writes);
    assert_eq!(
        after(0, vec![written(2, "b", "x"), written(1, "b", "x"), written(1, "a", "x")], &[]),
        [row(1, "a", 1), row(1, "b", 1), row(2, "b", 1)]
    );
    // The other field of 1 was not planned again, and may come back in the run after; of 2 nothing is known in this run.
    assert_eq!(after(1, vec![written(1, "a", "x")], &[]), [row(1, "a", 2), row(1, "b", 1), row(2, "b", 1)]);
    // Now it has settled.
    assert_eq!(after(2, vec![written(1, "a", "x")], &[2]), [row(1, "a", 3)]);
    let repeat = state.memory("desk", at(2)).unwrap().repeats.remove(0);
    assert_eq!((repeat.first_at, repeat.last_at), (at(0), at(2)));
    assert_eq!(after(3, vec![written(1, "a", "y")], &[]), [row(1, "a", 1)], "another value begins anew");
    let repeat = state.memory("desk", at(3)).unwrap().repeats.remove(0);
    assert_eq!((repeat.first_at, repeat.last_at), (at(3), at(3)));
    assert_eq!(after(4, vec![], &[1]), [row(1, "a", 1)]);
    assert_eq!(after(5, vec![], &[1]), []);
    // Two fields that take each other's value away are written by turns.
    for turn in 0..3 {
        let counts = |other| [row(1, "a", turn + 1), row(1, "b", turn + other)];
        let first = after(10 + 2 * turn as i64, vec![written(1, "a", "x")], &[]);
        assert_eq!(first, if turn == 0 { vec![row(1, "a", 1)] } else { counts(0).to_vec() });
        assert_eq!(after(11 + 2 * turn as i64, vec![written(1, "b", "x")], &[]), counts(1));
    }
    // A section that changed begins anew.
    let run = start(&state, 20);
    let section = state.hasher().fingerprint("section", ["another"]);
    finish(&state, run, 20, TargetEnd { section, ..end_of(&state, "desk", &[]) }, &[]);
    assert_eq!(state.memory("desk", at(20)).unwrap().repeats, []);
}

fn an_account_out_of_use_is_remembered_and_counts_once(database: &TestDatabase) {
    let state = database.open();
    let done = |ids: Vec<crate::state::JournalId>| {
        let finished: Vec<_> = ids
            .into_iter()
            .map(|id| crate::state::Finished { id, settlement: crate::state::Settlement::Done, link: None })
            .collect();
        state.settle("desk", &finished, at(0)).unwrap();
    };
    done(deactivate(&state, 0, &[1, 2]));
    done(deactivate(&state, 5, &[1]));
    let memory = state.memory("desk", at(10)).unwrap();
    assert_eq!(memory.recent.get(&Op::Deactivate), Some(&3));
    assert_eq!(memory.removals.values().copied().collect::<Vec<_>>(), [2, 1]);
    assert_eq!(memory.removed.len(), 2);
    let tomorrow = state.memory("desk", at(24 * 60 + 1)).unwrap();
    assert_eq!((tomorrow.removals.len(), tomorrow.removed.len()), (1, 2));
    let run = start(&state, 11);
    let back = intent(&state, Op::Reactivate, 1);
    done(state.record(run, "desk", &[], &[back], at(11)).unwrap());
    assert_eq!(state.memory("desk", at(11)).unwrap().removed.len(), 1);
}

/// A run that finds some employees in line, and leaves others out of line.
fn ends(state: &State, minutes: i64, whole: bool, people: &[u64], out: &[u64]) -> TargetRecord {
    let ids = |ids: &[u64]| ids.iter().copied().map(employee).collect();
    let in_line = Some(InLine { people: ids(people), out: ids(out), ..InLine::default() });
    let run = start(state, minutes);
    finish(state, run, minutes, TargetEnd { in_line, whole, ..end_of(state, "desk", people) }, &[]);
    state.memory("desk", at(minutes)).unwrap().record.unwrap()
}

fn success_is_a_run_that_left_nobody_out_of_line(database: &TestDatabase) {
    let state = database.open();
    for (minutes, out, last_ok) in [(0, &[2, 3, 4][..], None), (1, &[], Some(at(1))), (2, &[2], Some(at(1)))] {
        let record = ends(&state, minutes, true, &[1], out);
        assert_eq!((record.last_ok, record.not_in_line()), (last_ok, out.len() as u64));
        assert_eq!(record.first_completed_at, Some(at(0)), "it was worked through all the same");
    }
}

fn a_run_for_some_says_nothing_of_the_others(database: &TestDatabase) {
    let state = database.open();
    ends(&state, 0, true, &[1, 2, 3], &[4, 5]);
    // Whom it looks at, who is out of line then, how many are in line, and how many are not.
    for (minutes, people, out, in_line, not_in_line) in [
        (1, &[1][..], &[][..], 3, 2),
        (2, &[4], &[], 4, 1),
        (3, &[6], &[], 5, 1),
        (4, &[], &[1], 4, 2),
        (5, &[1, 5], &[], 6, 0),
        (6, &[2], &[], 6, 0),
    ] {
        let record = ends(&state, minutes, false, people, out);
        assert_eq!((record.in_line(), record.not_in_line()), (in_line, not_in_line), "{minutes}");
        // The last of those who were out of line are in line now; nobody else says anything of everybody.
        assert_eq!(record.last_ok, (minutes >= 5).then_some(at(5)), "{minutes}");
        assert_eq!(record.last_of_all().unwrap().in_sync, 3);
    }
    // Nor does a run that could not read the target.
    let run = start(&state, 7);
    finish(&state, run, 7, TargetEnd { in_line: None, ok: false, ..end_of(&state, "desk", &[]) }, &[]);
    let record = state.memory("desk", at(7)).unwrap().record.unwrap();
    assert_eq!((record.in_line(), record.not_in_line(), record.last_ok), (6, 0, Some(at(5))));
    state.forget_employee(employee(5)).unwrap();
    assert_eq!(ends(&state, 8, false, &[], &[]).in_line(), 5);
}

fn fields_that_are_not_stored_are_remembered(database: &TestDatabase) {
    let state = database.open();
    let after = |whole, fields: &[&str]| {
        let run = start(&state, 0);
        let unstored = fields.iter().map(|field| Box::from(*field)).collect();
        finish(&state, run, 0, TargetEnd { whole, unstored, ..end_of(&state, "desk", &[]) }, &[]);
        state.memory("desk", at(0)).unwrap().unstored.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(after(true, &["b", "a", "b"]), ["a", "b"]);
    assert_eq!(after(false, &["c"]), ["a", "b", "c"], "a run for some employees only adds");
    assert_eq!(after(true, &["c"]), ["c"]);
}

fn what_is_done_once_is_never_done_twice(database: &TestDatabase) {
    let state = database.open();
    let what = |id, step| OnceOnly {
        target: "desk".into(),
        employee: employee(id),
        once: Once::Step { workflow: "welcome".into(), event: "onboarding/2026-12-01".into(), step },
    };
    let all = [what(1, 10), what(1, 2), what(2, 0)];
    assert_eq!(state.open_once(&all[..2], at(0)).unwrap(), [true, true]);
    // The next run knows, whether it was done or only begun.
    let state = database.open();
    assert_eq!(state.open_once(&all, at(1)).unwrap(), [false, false, true]);
    state.close_once(&all[0], Some("req-77"), at(2)).unwrap();
    state.release_once(&all[0]).unwrap();
    state.release_once(&all[1]).unwrap();
    assert_eq!(state.open_once(&all, at(3)).unwrap(), [false, true, false], "only what was not done is free again");
    let ledger = state.ledger("desk", OnceKind::Steps("welcome")).unwrap();
    assert_eq!(ledger.iter().map(|entry| &entry.what).collect::<Vec<_>>(), [&all[1], &all[0], &all[2]]);
    assert_eq!((ledger[1].closed_at, ledger[1].external_id.as_deref()), (Some(at(2)), Some("req-77")));
    assert_eq!((ledger[2].opened_at, ledger[2].closed_at), (at(1), None));
    assert_eq!(state.ledger("desk", OnceKind::Uploads).unwrap(), []);
}

fn calls_add_up_within_a_period(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    finish(&state, run, 0, TargetEnd { tasks: 12, ..end_of(&state, "desk", &[]) }, &[]);
    state.add_tasks("2026-11", "desk", 3).unwrap();
    state.add_tasks("2026-11", "books", 5).unwrap();
    state.add_tasks("2026-12", "desk", 7).unwrap();
    state.add_tasks("2027-02-03", "desk", 1).unwrap();
    state.add_tasks("2027-02-28", "desk", 2).unwrap();
    let state = database.open();
    assert_eq!(state.tasks("2026-11").unwrap(), [("books".into(), 5), ("desk".into(), 15)]);
    assert_eq!(state.tasks("2026-12").unwrap(), [("desk".into(), 7)]);
    assert_eq!(state.tasks("2027-01").unwrap(), []);
    assert_eq!(state.tasks("2027-02").unwrap(), [("desk".into(), 3)]);
    assert_eq!(state.tasks("2027-02-03").unwrap(), [("desk".into(), 1)]);
}

fn confirmations_are_replaced(database: &TestDatabase) {
    let state = database.open();
    assert_eq!(state.confirmed("team_plan", "desk").unwrap(), None);
    state.confirm("team_plan", "desk", "{\"hash\":\"1\"}", at(0)).unwrap();
    state.confirm("team_plan", "desk", "{\"hash\":\"2\"}", at(1)).unwrap();
    let confirmed = database.open().confirmed("team_plan", "desk").unwrap().unwrap();
    assert_eq!((&*confirmed.content, confirmed.at), ("{\"hash\":\"2\"}", at(1)));
    assert_eq!(state.confirmed("team_plan", "other").unwrap(), None);
}

fn the_key_of_a_state_stays_with_it(database: &TestDatabase) {
    let fingerprint = |state: &State| state.hasher().fingerprint("value", ["ines@example.com"]);
    let first = fingerprint(&database.open());
    assert_eq!(first, fingerprint(&database.open()));
    assert_ne!(first, fingerprint(&State::temporary().unwrap()));
    assert_eq!(first.as_str().len(), 32);
}

fn several_connections_write_at_the_same_time(database: &TestDatabase) {
    // Also the very first opening, which makes the tables.
    std::thread::scope(|scope| {
        for number in 0..4u64 {
            scope.spawn(move || {
                let state = database.open();
                state.bind("desk", "freshservice:acme.freshservice.com").unwrap();
                let run = start(&state, 0);
                for round in 0..10 {
                    let id = number * 100 + round;
                    let recorded = state.record(run, "desk", &[], &[intent(&state, Op::Update, id)], at(0)).unwrap();
                    let link = Some(link(id, &AccountId::from(format!("a{id}")).0));
                    let settlement = crate::state::Settlement::Done;
                    let finished = crate::state::Finished { id: recorded[0], settlement, link };
                    state.settle("desk", &[finished], at(0)).unwrap();
                }
                finish(&state, run, 0, end_of(&state, "desk", &[]), &[job(number, super::JobStatus::Succeeded)]);
            });
        }
    });
    let memory = database.open().memory("desk", at(0)).unwrap();
    assert_eq!(memory.links.len(), 40);
    assert_eq!(memory.open, []);
    assert_eq!(memory.recent[&Op::Update], 40);
}
