use crate::plan::Op;
use crate::state::{Finished, JournalId, JournalWriter, Settlement, State, StoredIntent};

use super::{TestDatabase, at, intent, link, on_each_database, start};

on_each_database!(
    an_intent_is_there_after_a_crash_at_once,
    outcomes_travel_with_the_next_batch,
    what_was_sent_without_an_answer_stays_open,
    what_a_target_carries_out_in_its_own_time_stays_open_as_such,
    settling_stores_the_link_with_the_outcome,
    a_named_thing_has_no_employee,
    threads_share_a_journal,
);

fn open(database: &TestDatabase) -> Vec<JournalId> {
    database.open().memory("desk", at(0)).unwrap().open.iter().map(|open| open.id).collect()
}

fn done(id: JournalId) -> Finished {
    Finished { id, settlement: Settlement::Done, link: None }
}

fn creates(state: &State, ids: &[u64]) -> Vec<StoredIntent> {
    ids.iter().map(|id| intent(state, Op::Create, *id)).collect()
}

fn an_intent_is_there_after_a_crash_at_once(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let journal = JournalWriter::new(&state, run, "desk");
    let intents = creates(&state, &[3, 1, 2]);
    let ids = journal.begin(&intents, at(5)).unwrap();
    let found = database.open().memory("desk", at(5)).unwrap().open;
    assert_eq!(found.iter().map(|open| open.id).collect::<Vec<_>>(), ids);
    assert_eq!(found.iter().map(|open| &open.intent).collect::<Vec<_>>(), intents.iter().collect::<Vec<_>>());
    assert!(found.iter().all(|open| !open.sent && open.at == at(5)));
    assert_eq!(database.open().memory("other", at(5)).unwrap().open, []);
}

fn outcomes_travel_with_the_next_batch(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let journal = JournalWriter::new(&state, run, "desk");
    let first = journal.begin(&creates(&state, &[1, 2]), at(0)).unwrap();
    journal.finish(done(first[0]));
    assert_eq!(open(database), first, "the outcome waits");
    let second = journal.begin(&creates(&state, &[3]), at(1)).unwrap();
    assert_eq!(open(database), [first[1], second[0]]);
    journal.finish(Finished { settlement: Settlement::Failed { code: "refused".into() }, ..done(first[1]) });
    journal.finish(done(second[0]));
    journal.flush(at(2)).unwrap();
    assert_eq!(open(database), []);
    journal.flush(at(3)).unwrap();
    // Lost with the process: the next run looks.
    let third = journal.begin(&creates(&state, &[4]), at(4)).unwrap();
    journal.finish(done(third[0]));
    drop(journal);
    assert_eq!(open(database), third);
}

fn what_was_sent_without_an_answer_stays_open(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let ids = state.record(run, "desk", &[], &creates(&state, &[1]), at(0)).unwrap();
    let unknown = Finished { settlement: Settlement::Unknown, ..done(ids[0]) };
    state.settle("desk", &[unknown], at(1)).unwrap();
    let found = database.open().memory("desk", at(1)).unwrap().open;
    assert_eq!(found.len(), 1);
    assert!(found[0].sent);
    // Another run settles it.
    let state = database.open();
    start(&state, 2);
    state.settle("desk", &[done(found[0].id)], at(2)).unwrap();
    assert_eq!(open(database), []);
}

fn what_a_target_carries_out_in_its_own_time_stays_open_as_such(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let ids = state.record(run, "desk", &[], &creates(&state, &[1, 2, 3]), at(0)).unwrap();
    let outcomes = [Settlement::Pending, Settlement::Unknown];
    let outcomes = outcomes.into_iter().zip(&ids).map(|(settlement, id)| Finished { settlement, ..done(*id) });
    state.settle("desk", &outcomes.collect::<Vec<_>>(), at(1)).unwrap();
    let open = database.open().memory("desk", at(1)).unwrap().open;
    assert_eq!(
        open.iter().map(|open| (open.sent, open.pending)).collect::<Vec<_>>(),
        [(true, true), (true, false), (false, false)]
    );
    state.settle("desk", &[done(ids[0])], at(2)).unwrap();
    assert!(database.open().memory("desk", at(2)).unwrap().open.iter().all(|open| !open.pending));
}

fn settling_stores_the_link_with_the_outcome(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let ids = state.record(run, "desk", &[], &creates(&state, &[1, 2]), at(0)).unwrap();
    let made = Finished { link: Some(link(1, "77")), ..done(ids[0]) };
    // Two outcomes for one write in one batch: the later one counts.
    let unknown = Finished { settlement: Settlement::Unknown, ..done(ids[0]) };
    state.record(run, "desk", &[unknown, made], &[], at(1)).unwrap();
    let memory = database.open().memory("desk", at(1)).unwrap();
    assert_eq!(memory.links, [link(1, "77")]);
    assert_eq!(memory.open.iter().map(|open| open.id).collect::<Vec<_>>(), [ids[1]]);
    // An outcome is not taken for another target's write.
    state.settle("other", &[done(ids[1])], at(1)).unwrap();
    assert_eq!(open(database), [ids[1]]);
}

fn a_named_thing_has_no_employee(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let reference = StoredIntent { employee: None, account: None, ..intent(&state, Op::Reference, 1) };
    state.record(run, "desk", &[], std::slice::from_ref(&reference), at(0)).unwrap();
    assert_eq!(database.open().memory("desk", at(0)).unwrap().open[0].intent, reference);
}

fn threads_share_a_journal(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let journal = JournalWriter::new(&state, run, "desk");
    std::thread::scope(|scope| {
        for number in 0..4u64 {
            let (journal, state) = (&journal, &state);
            scope.spawn(move || {
                for round in 0..5 {
                    let batch = creates(state, &[number * 100 + round * 2, number * 100 + round * 2 + 1]);
                    for id in journal.begin(&batch, at(0)).unwrap() {
                        journal.finish(done(id));
                    }
                }
            });
        }
    });
    journal.flush(at(1)).unwrap();
    let memory = database.open().memory("desk", at(1)).unwrap();
    assert_eq!(memory.open, []);
    assert_eq!(memory.recent[&Op::Create], 40);
}
