//! Services that do not bear what is sent to them side by side.

use super::*;

fn crowd(status: u16) -> Crowd {
    Crowd { bears: 1, status, ..Crowd::default() }
}

fn joiners(number: u64) -> Vec<Change> {
    (1..=number).map(|employee| joiner(employee, "")).collect()
}

fn eight(target: &Directory, changes: Vec<Change>) -> Done {
    Run { workers: 8, ..Run::on(target) }.apply(changes)
}

fn succeeded(done: &Done) -> usize {
    done.plan.changes.iter().filter(|change| change.outcome == Some(Outcome::Succeeded)).count()
}

#[test]
fn a_service_that_takes_one_change_at_a_time_has_everybody_after_one_run() {
    for status in [429, 500, 503] {
        let target = Directory { crowd: crowd(status), ..Directory::default() };
        let done = eight(&target, joiners(12));
        let memory = target.memory.lock();
        assert_eq!((succeeded(&done), memory.made, memory.accounts.len()), (12, 12, 12), "{status}: {:?}", done.lines);
        assert!(!done.applied.unavailable && done.journal.len() == 24, "{status}");
    }
}

#[test]
fn an_error_after_which_the_account_is_there_makes_no_second_one() {
    let target = Directory { crowd: Crowd { carries_out: true, ..crowd(500) }, ..Directory::default() };
    let done = eight(&target, joiners(12));
    assert_eq!((succeeded(&done), target.memory.lock().made), (12, 12), "{:?}", done.lines);
}

#[test]
fn nothing_is_sent_again_where_a_look_up_does_not_see_what_was_made_last() {
    for carries_out in [false, true] {
        let target = Directory { crowd: Crowd { lags: true, carries_out, ..crowd(500) }, ..Directory::default() };
        let done = eight(&target, joiners(12));
        let creates = target.calls().iter().filter(|call| call.starts_with("create")).count();
        assert_eq!(creates, 12, "each is sent once: {:?}", done.lines);
        assert!(succeeded(&done) < 12 && done.journal.iter().any(|line| line.ends_with("failed, open")));
    }
}

#[test]
fn whoever_was_alone_is_not_sent_again() {
    // Somebody else keeps it busy, whatever this run does.
    let target = Directory { crowd: crowd(500), ..Directory::default() };
    target.crowd.under_way.store(1, Ordering::SeqCst);
    let done = Run::on(&target).apply(joiners(3));
    assert_eq!(succeeded(&done), 0);
    assert_eq!(target.calls().iter().filter(|call| call.starts_with("create")).count(), 3);
}

#[test]
fn updates_and_removals_are_sent_again_as_long_as_the_account_is_as_planned() {
    let ids: Vec<String> = (1..=9).map(|number| format!("a{number}")).collect();
    let desk = |crowd| {
        let target = Directory { crowd, ..Directory::default() };
        ids.iter().fold(target, |target, id| target.account(id, true, &id[1..], "", "Baker"))
    };
    for status in [500, 503] {
        let target = desk(crowd(status));
        let done = eight(&target, (1..).zip(&ids).map(|(number, id)| mover(number, id)).collect());
        assert_eq!(succeeded(&done), 9, "{status}: {:?}", done.lines);
        assert!(ids.iter().all(|id| target.job(id) == "Cook"), "{status}");
        let target = desk(crowd(status));
        let leavers = (1..).zip(&ids).map(|(number, id)| change(Op::Deactivate, number, Some(id), Vec::new()));
        assert_eq!(succeeded(&eight(&target, leavers.collect())), 9, "{status}");
    }
}
