//! Plans carried out on a target that takes several changes at once.

use super::*;

/// In use, numbered from 1, all of them bakers.
fn bakers(batch: usize, count: u64) -> Directory {
    (1..=count).fold(Directory { batch, ..Directory::default() }, |target, number| {
        target.account(&format!("a{number}"), true, &number.to_string(), "", "Baker")
    })
}

fn movers(count: u64) -> Vec<Change> {
    (1..=count).map(|number| mover(number, &format!("a{number}"))).collect()
}

fn batches(target: &Directory) -> Vec<String> {
    target.calls().into_iter().filter(|call| call.starts_with("batch")).collect()
}

fn count(target: &Directory, call: &str) -> usize {
    target.calls().iter().filter(|made| made.starts_with(call)).count()
}

#[test]
fn what_goes_together_is_recorded_first_and_sent_in_batches() {
    let target = bakers(3, 4);
    let mut changes = movers(4);
    changes.push(joiner(5, ""));
    changes.push(change(Op::Reference, 0, None, vec![field(JOB, "", "Cook")]));
    let done = Run::on(&target).apply(changes);
    assert_eq!(
        target.calls(),
        [
            "reference Cook",
            "batch of 3",
            "update a1 job=Cook",
            "update a2 job=Cook",
            "update a3 job=Cook",
            "batch of 2",
            "update a4 job=Cook",
            "create 5 number=5 email=p5@example.com",
            "finish"
        ]
    );
    assert!(done.plan.changes.iter().all(|change| change.outcome == Some(Outcome::Succeeded)));
    assert_eq!(done.lines[4], "create 5@new5 succeeded");
    assert_eq!(done.applied.made, BTreeMap::from([(EmployeeId(5), "new5".into())]));
    let begun = done.journal.iter().filter(|line| line.starts_with("begin update") || line.starts_with("begin create"));
    assert_eq!(begun.count(), 5);
    let first_end = done.journal.iter().position(|line| line.starts_with("end update")).unwrap();
    assert!(done.journal[first_end..].iter().all(|line| line.starts_with("end")), "{:?}", done.journal);
}

#[test]
fn what_a_target_does_not_take_together_goes_alone() {
    let target = Directory { alone: Some(Op::Update), ..bakers(50, 2) };
    let mut changes = movers(2);
    changes.extend([joiner(3, ""), joiner(4, "")]);
    let done = Run::on(&target).apply(changes);
    assert_eq!(batches(&target), ["batch of 2"]);
    assert!(done.lines.iter().all(|line| line.ends_with("succeeded")), "{:?}", done.lines);
    // One is no batch, and one that cannot be sent is none either.
    let target = bakers(50, 1);
    Run::on(&target).apply(movers(1));
    assert_eq!(target.calls(), ["update a1 job=Cook", "finish"]);
    let target = bakers(50, 2).fails("batch", ErrorKind::Unexpected);
    Run::on(&target).apply(movers(2));
    assert_eq!(target.calls(), ["batch of 2", "update a1 job=Cook", "update a2 job=Cook", "finish"]);
}

#[test]
fn each_of_a_batch_has_an_outcome_of_its_own() {
    let target = bakers(10, 3).fails("update a2", ErrorKind::Refused).fails("create 9", ErrorKind::Exists);
    let target = target.account("old", true, "9", "", "");
    let mut changes = movers(3);
    changes.push(joiner(9, ""));
    changes.push(change(Op::Reactivate, 3, Some("a3"), vec![field(NUMBER, "3", "33")]));
    let done = Run::on(&target).apply(changes);
    assert_eq!(
        done.lines,
        [
            "update 1@a1 succeeded",
            "update 2@a2 failed: Refused",
            "update 3@a3 succeeded",
            "create 9@old succeeded",
            "reactivate 3@a3 succeeded"
        ]
    );
    let calls = target.calls();
    assert!(calls.contains(&"find number=9".to_owned()), "who exists already is looked up: {calls:?}");
    assert!(calls.contains(&"update old email=p9@example.com".to_owned()), "{calls:?}");
    assert!(calls.contains(&"update a3 number=33".to_owned()), "fields follow: {calls:?}");
}

#[test]
fn a_lost_answer_to_a_batch_is_looked_into_for_each() {
    let target = bakers(10, 2).fate("batch", Fate::Lost);
    let mut changes = movers(2);
    changes.push(joiner(3, ""));
    let done = Run::on(&target).apply(changes);
    assert_eq!(done.lines, ["update 1@a1 succeeded", "update 2@a2 succeeded", "create 3@new3 succeeded"]);
    assert_eq!((count(&target, "create"), count(&target, "update")), (1, 2), "nothing is sent twice");
    // What a look does not find stays open, for the next run to settle.
    let target = bakers(10, 1).fails("create", ErrorKind::Unsettled).fails("update", ErrorKind::Unsettled);
    let done = Run::on(&target).apply(vec![mover(1, "a1"), joiner(3, "")]);
    assert_eq!(done.lines, ["update 1@a1 failed: Unsettled", "create 3 failed: Unsettled"]);
    assert!(done.journal[2..].iter().all(|line| line.ends_with("failed, open")), "{:?}", done.journal);
    // Leavers, too.
    let target = bakers(10, 2).fate("batch", Fate::Lost);
    let leavers = |number: u64| change(Op::Deactivate, number, Some(&format!("a{number}")), Vec::new());
    let done = Run::on(&target).apply(vec![leavers(1), leavers(2)]);
    assert_eq!(done.lines, ["deactivate 1@a1 succeeded", "deactivate 2@a2 succeeded"]);
    assert_eq!(count(&target, "deactivate"), 2);
}

#[test]
fn after_a_batch_that_was_refused_there_may_be_no_second_one() {
    let target = bakers(4, 9).fails("batch", ErrorKind::Refused).fails("batch", ErrorKind::Refused);
    let done = Run { max_failures: 3, ..Run::on(&target) }.apply(movers(9));
    assert_eq!(batches(&target), ["batch of 4"]);
    assert_eq!(count(&target, "update"), 0);
    assert_eq!(done.lines[3], "update 4@a4 failed: Refused");
    assert_eq!(done.lines[8], "update 9@a9 not_attempted: the target refused 3 changes in a row (max_failures)");
    // A success in between begins anew.
    let target = bakers(2, 6).fails("update a1", ErrorKind::Refused).fails("update a3", ErrorKind::Refused);
    let done = Run { max_failures: 2, ..Run::on(&target) }.apply(movers(6));
    assert_eq!(batches(&target), ["batch of 2", "batch of 2", "batch of 2"]);
    assert_eq!(done.lines.iter().filter(|line| line.ends_with("succeeded")).count(), 4);
}

#[test]
fn a_request_that_fails_as_a_whole_is_one_failure() {
    let trouble = || bakers(4, 9).fails("update", ErrorKind::Unavailable);
    let whole = |kind| (0..4).fold(bakers(4, 9), |target, _| target.fate("batch", Fate::Error(kind)));
    let done = |target: &Directory| Run { max_failures: 3, ..Run::on(target) }.apply(movers(9)).lines;
    let target = whole(ErrorKind::Unavailable);
    let lines = done(&target);
    assert_eq!(batches(&target), ["batch of 4", "batch of 4"], "twice in trouble is not three times");
    assert_eq!(lines[7], "update 8@a8 failed: Unavailable");
    assert_eq!(lines[8], "update 9@a9 succeeded", "the last goes alone");
    // One of them in trouble is one failure, as ever.
    assert_eq!(done(&trouble()).iter().filter(|line| line.ends_with("succeeded")).count(), 8);
}

#[test]
fn a_refused_sign_in_or_a_stop_ends_the_batches() {
    let target = bakers(2, 4).fails("batch", ErrorKind::SignIn);
    let done = Run::on(&target).apply(movers(4));
    assert!(done.applied.sign_in_refused);
    assert_eq!(target.calls(), ["batch of 2", "finish"]);
    assert_eq!(done.lines[3], "update 4@a4 not_attempted: the target refused the sign-in");

    let target = Directory { stop_at: Some("update a2"), ..bakers(2, 4) };
    let done = Run::on(&target).apply(movers(4));
    assert_eq!(batches(&target), ["batch of 2"]);
    assert_eq!(done.lines[1..3], ["update 2@a2 succeeded", "update 3@a3 not_attempted: the run was stopped"]);

    let target = bakers(5, 2);
    let journal = Notebook { works: Some(0), ..Notebook::default() };
    Run { journal, ..Run::on(&target) }.apply(movers(2));
    assert_eq!(target.calls(), ["finish"], "nothing is sent that was not recorded");
}

#[test]
fn several_batches_with_several_workers_come_to_the_same() {
    let target = Directory { batch: 7, ..Directory::default() };
    let target = target.fails("create 7 ", ErrorKind::Refused).fails("create 70 ", ErrorKind::Exists);
    let changes = (1..=300).map(|number| joiner(number, if number > 1 { "1" } else { "" })).collect();
    let done = Run { workers: 8, ..Run::on(&target) }.apply(changes);
    assert_eq!(done.applied.made.len(), 298);
    assert_eq!(count(&target, "create"), 300, "each once");
    assert!(batches(&target).len() < 50);
}
