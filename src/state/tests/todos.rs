use crate::state::{SeenTodo, State, StoredFact, Todo};

use super::{TestDatabase, ada, at, on_each_database};

on_each_database!(
    a_fact_keeps_its_number_and_is_counted,
    what_is_over_is_gone_and_comes_back_as_another,
    what_is_done_stays_done_until_the_fact_changes,
    what_no_run_saw_for_long_is_forgotten,
);

fn fact(target: &str, subject: &str) -> StoredFact {
    StoredFact { topic: "todo".into(), target: target.into(), code: "event_missed".into(), subject: subject.into() }
}

fn seen(state: &State, subject: &str, said: &str) -> SeenTodo {
    SeenTodo {
        fact: fact("desk", subject),
        name: None,
        detail: "too late".into(),
        fingerprint: state.hasher().fingerprint("todo", [said]),
    }
}

fn keep(state: &State, subjects: &[&str], minutes: i64) {
    let all: Vec<SeenTodo> = subjects.iter().map(|subject| seen(state, subject, "as before")).collect();
    let is_over = |known: &StoredFact| !subjects.contains(&&*known.subject);
    state.keep_todos(&all, is_over, at(minutes)).unwrap();
}

fn subjects(todos: &[Todo]) -> Vec<&str> {
    todos.iter().map(|todo| &*todo.fact.subject).collect()
}

fn a_fact_keeps_its_number_and_is_counted(database: &TestDatabase) {
    let state = database.open();
    keep(&state, &["1", "2"], 1);
    let before = state.todos().unwrap();
    keep(&state, &["1", "2", "3"], 5);
    let after = state.todos().unwrap();
    assert_eq!(subjects(&after), ["1", "2", "3"]);
    assert_eq!((before[0].number, before[0].times), (after[0].number, 1));
    assert_eq!((after[0].first_seen, after[0].last_seen, after[0].times), (at(1), at(5), 2));
    assert_eq!((after[2].first_seen, after[2].last_seen, after[2].times), (at(5), at(5), 1));
}

fn what_is_over_is_gone_and_comes_back_as_another(database: &TestDatabase) {
    let state = database.open();
    keep(&state, &["1", "2"], 1);
    let before = state.todos().unwrap();
    keep(&state, &["2"], 2);
    assert_eq!(subjects(&state.todos().unwrap()), ["2"]);
    // Who looks at nobody knows of nothing that is over.
    state.keep_todos(&[], |_| false, at(3)).unwrap();
    assert_eq!(subjects(&state.todos().unwrap()), ["2"]);
    keep(&state, &["1", "2"], 4);
    let after = state.todos().unwrap();
    assert_eq!(subjects(&after), ["2", "1"]);
    assert!(after[1].number > before[1].number && after[1].first_seen == at(4));
}

fn what_is_done_stays_done_until_the_fact_changes(database: &TestDatabase) {
    let state = database.open();
    keep(&state, &["1", "2"], 1);
    let number = state.todos().unwrap()[0].number;
    state.mark_done(&[number], at(2), &ada()).unwrap();
    keep(&state, &["1", "2"], 3);
    let done = |state: &State| state.todos().unwrap().into_iter().map(|todo| todo.done).collect::<Vec<_>>();
    assert_eq!(done(&state), [Some((at(2), ada())), None]);
    let moved = seen(&state, "1", "moved again");
    state.keep_todos(std::slice::from_ref(&moved), |_| false, at(4)).unwrap();
    let todos = state.todos().unwrap();
    assert_eq!(subjects(&todos), ["2", "1"]);
    assert!(todos[1].number > number && todos[1].first_seen == at(4) && todos[1].done.is_none());
    // What is open and changes goes on as it is.
    state.keep_todos(&[seen(&state, "1", "and again")], |_| false, at(5)).unwrap();
    assert_eq!(state.todos().unwrap()[1].number, todos[1].number);
}

fn what_no_run_saw_for_long_is_forgotten(database: &TestDatabase) {
    let state = database.open();
    keep(&state, &["1"], 1);
    state.keep_todos(&[seen(&state, "2", "")], |_| false, at(50)).unwrap();
    state.prune(at(20)).unwrap();
    assert_eq!(subjects(&state.todos().unwrap()), ["2"]);
}
