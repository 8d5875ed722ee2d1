use crate::field::AccountId;
use crate::plan::Op;
use crate::state::{
    Finished, HeldChange, JobId, JobStatus, NewApproval, NewJob, Once, OnceKind, OnceOnly, RunStart, SeenTodo,
    Settlement, State, Step, StoredFact, StoredIntent, StoredTarget, TargetEnd, Written,
};

use super::{TestDatabase, ada, at, employee, end_of, finish, intent, job, link, on_each_database, start};

on_each_database!(
    a_forgotten_employee_leaves_no_trace,
    forgetting_makes_no_room_for_removals,
    a_disconnected_target_begins_anew,
);

/// Fills every table for employees 471147 and 471148, whose accounts are acct-471147x and acct-471148x.
fn lived_in(state: &State) {
    let as_of = at(0).date_naive();
    let command = "sync --employee 471147 --employee 471148 --yes";
    let start_of = RunStart { at: at(0), command, as_of, tool: "0.1.0", by: &ada(), targets: &["desk"] };
    let run = state.start_run(&start_of).unwrap();
    for target in ["desk", "books"] {
        state.store_links(target, &[link(471_147, "acct-one"), link(471_148, "acct-two")]).unwrap();
    }
    let update = |id| StoredIntent { account: Some(AccountId::from("acct-one")), ..intent(state, Op::Update, id) };
    let ids = state.record(run, "desk", &[], &[update(471_147), intent(state, Op::Create, 471_148)], at(0)).unwrap();
    state.settle("desk", &[Finished { id: ids[1], settlement: Settlement::Unknown, link: None }], at(0)).unwrap();
    for id in [471_147, 471_148] {
        let what = OnceOnly {
            target: "desk".into(),
            employee: employee(id),
            once: Once::Step { workflow: "welcome".into(), event: "onboarding".into(), step: 0 },
        };
        assert_eq!(state.open_once(&[what], at(0)).unwrap(), [true]);
    }
    state.confirm("team_plan", "desk", r#"{"leads":[471147]}"#, at(0)).unwrap();
    let people = r#"{"people":{"471147":["expert"],"471148":["teams.IT"]},"teams":{}}"#;
    state.confirm("by_hand", "desk", people, at(0)).unwrap();
    state.confirm("team_plan", "books", r#"{"leads":[471148]}"#, at(0)).unwrap();
    let step = |path: &str| Step { method: "PUT".into(), path: path.into(), status: Some(200) };
    let jobs = [
        NewJob { name: Some("Ines Example".into()), ..job(471_147, JobStatus::Failed) },
        NewJob {
            error: Some("shares a match key with 471147".into()),
            advice: Some("look at 471147, not at 4711471".into()),
            steps: vec![step("/accounts/acct-two/manager/acct-one"), step("/employees/471147"), step("/acct-one-b")],
            ..job(471_148, JobStatus::Failed)
        },
    ];
    let written = [471_147, 471_148].map(|id| Written {
        employee: employee(id),
        field: "job_title".into(),
        value: state.hasher().fingerprint("value", ["x"]),
        writes: 1,
    });
    let end = TargetEnd { written: written.into(), tasks: 3, ..end_of(state, "desk", &[471_146, 471_147, 471_148]) };
    finish(state, run, 1, end, &jobs);
    state.acknowledge(JobId { run, number: 2 }, at(9), "waits for 471147", at(1), &ada()).unwrap();
    // They leave the list of those in line, so that each has a row of their own.
    let next = start(state, 2);
    finish(state, next, 2, TargetEnd { written: written_again(state), ..end_of(state, "desk", &[471_146]) }, &[]);
    let overwritten = [("job_title", employee(471_147)), ("job_title", employee(471_148))].into();
    state.note_overwritten("desk", &overwritten, at(2)).unwrap();
    let held = [471_147, 471_148].map(|id| HeldChange {
        employee: Some(employee(id)),
        account: Some(AccountId::from(if id == 471_147 { "acct-one" } else { "acct-two" })),
        op: Op::Deactivate,
        reason: Some("left".into()),
        fields: Vec::new(),
        code: "handover".into(),
        detail: "as 471147".into(),
        fingerprint: state.hasher().fingerprint("change", [id.to_string().as_str()]),
    });
    state.show("desk", None, &held, at(2), &ada()).unwrap();
    let approval = NewApproval { at: at(2), by: &ada(), reason: Some("471147 is back"), expires_at: at(99) };
    state.approve(&state.held(None).unwrap(), &approval).unwrap();
    let todos = [471_147, 471_148].map(|id| SeenTodo {
        fact: StoredFact {
            topic: "todo".into(),
            target: "desk".into(),
            code: "event_missed".into(),
            subject: id.to_string().into(),
        },
        name: (id == 471_147).then(|| "Ines Example".into()),
        detail: "the manager is 471147".into(),
        fingerprint: state.hasher().fingerprint("todo", ["x"]),
    });
    state.keep_todos(&todos, |_| false, at(2)).unwrap();
    let last = start(state, 3);
    finish(state, last, 3, end_of(state, "books", &[471_147, 471_148]), &[]);
}

fn written_again(state: &State) -> Vec<Written> {
    let value = state.hasher().fingerprint("value", ["x"]);
    vec![Written { employee: employee(471_147), field: "job_title".into(), value, writes: 1 }]
}

/// Mentions of the employee, of the account and of the name, the longer numbers that only contain theirs left out.
fn mentions(database: &TestDatabase) -> Vec<String> {
    let dump = database.dump().replace("4711471", "").replace("acct-one-b", "");
    let traces = |line: &&str| ["471147", "acct-one", "Ines"].iter().any(|trace| line.contains(trace));
    dump.lines().filter(traces).map(String::from).collect()
}

fn a_forgotten_employee_leaves_no_trace(database: &TestDatabase) {
    let state = database.open();
    lived_in(&state);
    let before = mentions(database);
    for table in [
        "links",
        "journal",
        "jobs",
        "runs",
        "last_seen",
        "repeats",
        "ledger",
        "confirmed",
        "held",
        "approvals",
        "overwritten",
        "todos",
    ] {
        assert!(before.iter().any(|line| line.starts_with(&format!("{table}|"))), "{table} is not covered");
    }
    assert!(!state.last_seen(employee(471_147)).unwrap().is_empty());

    state.forget_employee(employee(471_147)).unwrap();
    assert_eq!(mentions(database), Vec::<String>::new());
    assert_eq!(state.last_seen(employee(471_147)).unwrap(), []);

    // Nobody else lost anything.
    let memory = state.memory("desk", at(3)).unwrap();
    assert_eq!(memory.links, [link(471_148, "acct-two")]);
    assert_eq!(memory.open.len(), 1);
    assert_eq!(state.last_seen(employee(471_146)).unwrap().len(), 1);
    assert_eq!(state.last_seen(employee(471_148)).unwrap().len(), 2);
    assert_eq!(state.ledger("desk", OnceKind::Steps("welcome")).unwrap().len(), 1);
    assert!(state.confirmed("team_plan", "desk").unwrap().is_none(), "to be confirmed afresh");
    assert!(state.confirmed("team_plan", "books").unwrap().is_some());
    let by_hand = state.confirmed("by_hand", "desk").unwrap().unwrap();
    assert_eq!(
        &*by_hand.content, r#"{"people":{"471148":["teams.IT"]},"teams":{}}"#,
        "nobody else is to be confirmed again"
    );
    let (held, approvals) = (state.held(None).unwrap(), state.open_approvals(None).unwrap());
    assert_eq!((held.len(), &*held[0].change.detail), (1, "as …"));
    assert_eq!((approvals.len(), approvals[0].why.as_deref()), (1, Some("… is back")));
    let todos = state.todos().unwrap();
    assert_eq!((todos.len(), &*todos[0].detail), (1, "the manager is …"));
    let left = state.jobs(&Default::default(), 10).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].job.error.as_deref(), Some("shares a match key with …"));
    assert_eq!(left[0].job.advice.as_deref(), Some("look at …, not at 4711471"));
    assert_eq!(left[0].acknowledged_reason.as_deref(), Some("waits for …"));
    let paths: Vec<&str> = left[0].job.steps.iter().map(|step| &*step.path).collect();
    assert_eq!(paths, ["/accounts/acct-two/manager/…", "/employees/…", "/acct-one-b"]);
    let commands: Vec<_> = state.runs(None, 10).unwrap().into_iter().map(|run| run.command).collect();
    assert_eq!(&*commands[2], "sync --employee … --employee 471148 --yes");
}

/// Nor in the pages of the file that rows have left, nor in the log beside it.
#[test]
fn a_forgotten_employee_is_overwritten_in_the_file() {
    let database = TestDatabase::sqlite();
    let state = database.open();
    lived_in(&state);
    let raw = || {
        let folder = database.path().parent().unwrap().to_owned();
        let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let text = files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect::<String>();
        text.replace("acct-one-b", "").replace("4711471", "")
    };
    assert!(raw().contains("acct-one") && raw().contains("Ines") && raw().contains("471147"));
    state.forget_employee(employee(471_147)).unwrap();
    for trace in ["acct-one", "Ines", "471147"] {
        assert!(!raw().contains(trace), "{trace}");
    }
    assert!(raw().contains("acct-two"));
}

fn forgetting_makes_no_room_for_removals(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    state.record(run, "desk", &[], &[intent(&state, Op::Deactivate, 1)], at(0)).unwrap();
    state.forget_employee(employee(1)).unwrap();
    assert_eq!(state.memory("desk", at(1)).unwrap().recent[&Op::Deactivate], 1);
}

fn a_disconnected_target_begins_anew(database: &TestDatabase) {
    let state = database.open();
    lived_in(&state);
    state.disconnect("desk").unwrap();
    let memory = state.memory("desk", at(3)).unwrap();
    assert!(memory.is_first_run());
    assert!(!memory.recent.is_empty(), "what was written to the account within a day still counts");
    let begun_anew = StoredTarget { recent: Default::default(), ..memory };
    assert_eq!(begun_anew, State::temporary().unwrap().memory("desk", at(3)).unwrap());
    assert_eq!(state.jobs(&Default::default(), 10).unwrap(), []);
    assert!(state.confirmed("team_plan", "desk").unwrap().is_none());
    let left: Vec<String> = database.dump().lines().filter(|line| line.contains("desk")).map(String::from).collect();
    let stays = ["ledger|", "budget|", "account_writes|", "overwritten|"];
    assert!(left.iter().all(|line| stays.iter().any(|table| line.starts_with(table))), "{left:?}");
    assert_eq!(state.ledger("desk", OnceKind::Steps("welcome")).unwrap().len(), 2, "nobody is invited twice");
    assert_eq!(state.memory("books", at(3)).unwrap().links.len(), 2);
}
