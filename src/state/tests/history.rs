use chrono::TimeDelta;

use crate::http::Requests;
use crate::plan::Op;
use crate::state::{Job, JobFilter, JobId, JobStatus, NewJob, RunEnd, RunId, State, Step, StepOutcome, TargetEnd};

use super::{SENT, TestDatabase, ada, at, employee, end_of, finish, intent, job, on_each_database, start, start_for};

on_each_database!(
    runs_of_the_same_instant_have_numbers_of_their_own,
    runs_keep_their_order_when_the_clock_is_set_back,
    a_run_remembers_what_came_of_it,
    jobs_are_found_by_each_filter_and_in_pages,
    a_job_comes_back_as_it_was_without_queries_and_addresses,
    jobs_of_the_first_version_are_still_there,
    a_message_with_a_nul_is_no_reason_to_lose_a_run,
    jobs_are_acknowledged,
    failures_are_outstanding_until_they_are_made_good,
    last_seen_follows_each_employee,
    names_that_are_kept_are_told_once,
    old_runs_go_and_open_intents_stay,
    what_happened_is_counted_since_a_moment,
);

fn what_happened_is_counted_since_a_moment(database: &TestDatabase) {
    let state = database.open();
    let step = StepOutcome {
        workflow: "welcome".into(),
        step: 0,
        action: "create_ticket".into(),
        status: JobStatus::Succeeded,
        error: None,
        calls: Some(2),
    };
    let with_step = NewJob { workflows: vec![step.clone()], ..job(1, JobStatus::Succeeded) };
    let runs = [0, 10, 20, 30].map(|minutes| start(&state, minutes));
    finish(&state, runs[0], 1, end_of(&state, "desk", &[]), &[job(2, JobStatus::Failed)]);
    finish(&state, runs[1], 11, TargetEnd { tasks: 7, ..end_of(&state, "desk", &[]) }, &[with_step]);
    finish(&state, runs[2], 21, end_of(&state, "desk", &[1]), &[]);

    let since = at(5);
    let numbers: Vec<RunId> = state.eventful_runs(since, 9).unwrap().iter().map(|run| run.id).collect();
    assert_eq!(numbers, [runs[3], runs[1]], "one is unfinished, and nothing came of another");
    assert_eq!((state.eventful_runs(since, 1).unwrap().len(), state.count_runs(since).unwrap()), (1, 3));
    let outcomes = state.outcomes(since).unwrap();
    assert_eq!(outcomes.iter().map(|one| (one.run, one.jobs["succeeded"])).collect::<Vec<_>>(), [(runs[1], 1)]);
    assert_eq!(state.workflow_steps(since).unwrap(), [("desk".into(), step)]);
    let jobs = state.jobs(&JobFilter { since: Some(since), ..JobFilter::default() }, 9).unwrap();
    assert_eq!(jobs.iter().map(|job| job.job.employee).collect::<Vec<_>>(), [employee(1)]);
    let tasks = |period| state.tasks_since(period).unwrap().iter().map(|one| one.tasks).collect::<Vec<_>>();
    assert_eq!((tasks("2026-11"), tasks("2026-12")), (vec![7], vec![]));
}

fn runs_of_the_same_instant_have_numbers_of_their_own(database: &TestDatabase) {
    let (one, other) = (database.open(), database.open());
    let ids = [start(&one, 0), start(&other, 0), start(&one, 0)];
    assert!(ids[0] < ids[1] && ids[1] < ids[2], "{ids:?}");
}

fn runs_keep_their_order_when_the_clock_is_set_back(database: &TestDatabase) {
    let state = database.open();
    let (first, second) = (start(&state, 60), start(&state, 0));
    finish(&state, first, 1, end_of(&state, "desk", &[1]), &[]);
    finish(&state, second, 2, end_of(&state, "desk", &[1]), &[]);
    let runs = state.runs(None, 10).unwrap();
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!(runs[1].finished_at, Some(at(60)), "no run ends before it begins");
    assert_eq!(state.memory("desk", at(2)).unwrap().record.unwrap().last.unwrap().run, second);
    assert_eq!(state.last_seen(employee(1)).unwrap()[0].run, second);
}

fn a_run_remembers_what_came_of_it(database: &TestDatabase) {
    const WRITTEN: Requests = Requests { reads: 2, looks: 3, writes: 9 };
    let state = database.open();
    let run = start_for(&state, 0, &["desk", "books"]);
    let running = state.run(run).unwrap().unwrap();
    assert_eq!((running.finished_at, running.exit_code), (None, None));
    let statuses = [
        (JobStatus::Succeeded, 3),
        (JobStatus::Failed, 2),
        (JobStatus::Held, 1),
        (JobStatus::Skipped, 5),
        (JobStatus::NotAttempted, 4),
    ];
    let mut jobs = Vec::new();
    for (status, count) in statuses {
        for _ in 0..count {
            jobs.push(job(100 + jobs.len() as u64, status));
        }
    }
    jobs.push(NewJob { target: "books".into(), ..job(1, JobStatus::Failed) });
    let targets = [
        TargetEnd { tasks: 9, requests: Some(WRITTEN), ..end_of(&state, "desk", &[1, 2]) },
        TargetEnd { ok: false, whole: false, ..end_of(&state, "books", &[]) },
    ];
    let end = RunEnd {
        run,
        at: at(3),
        exit_code: 130,
        period: "2026-11",
        source_requests: SENT,
        targets: &targets,
        jobs: &jobs,
    };
    state.finish_run(&end).unwrap();

    let found = database.open().run(run).unwrap().unwrap();
    assert_eq!((found.started_at, found.finished_at, found.exit_code), (at(0), Some(at(3)), Some(130)));
    assert_eq!((&*found.command, &*found.tool, found.as_of.to_string()), ("sync --yes", "0.1.0", "2026-11-22".into()));
    let [books, desk] = &found.targets[..] else { panic!("two targets, sorted") };
    for (status, count) in statuses {
        assert_eq!(desk.jobs[status.as_str()], count, "{status:?}");
    }
    assert_eq!((desk.in_sync, desk.tasks, desk.ok, desk.whole), (2, 9, true, true));
    assert_eq!((found.source_requests, desk.requests, books.requests), (Some(SENT), Some(WRITTEN), None));
    assert_eq!((&*books.target, books.jobs["failed"], books.ok, books.whole), ("books", 1, false, false));
    assert_eq!(state.run(RunId(run.0 + 1)).unwrap(), None);
}

fn numbers(jobs: &[Job]) -> Vec<(i64, u64)> {
    jobs.iter().map(|job| (job.id.run.0, job.job.employee.0)).collect()
}

fn jobs_are_found_by_each_filter_and_in_pages(database: &TestDatabase) {
    let state = database.open();
    let mut runs = Vec::new();
    for minutes in 0..3 {
        let run = start(&state, minutes);
        let jobs = [
            job(1, JobStatus::Failed),
            job(2, JobStatus::Succeeded),
            NewJob { target: "books".into(), ..job(1, JobStatus::Held) },
        ];
        finish(&state, run, minutes, end_of(&state, "desk", &[]), &jobs);
        runs.push(run.0);
    }
    let find = |filter: JobFilter<'_>| numbers(&state.jobs(&filter, 100).unwrap());
    let [a, b, c] = runs[..] else { panic!("three runs") };
    assert_eq!(find(JobFilter::default()), [(c, 1), (c, 2), (c, 1), (b, 1), (b, 2), (b, 1), (a, 1), (a, 2), (a, 1)]);
    let status = |status| JobFilter { status: Some(status), ..JobFilter::default() };
    assert_eq!(find(status(JobStatus::Succeeded)), [(c, 2), (b, 2), (a, 2)]);
    assert_eq!(find(status(JobStatus::Skipped)), []);
    assert_eq!(find(JobFilter { target: Some("books"), ..status(JobStatus::Held) }), [(c, 1), (b, 1), (a, 1)]);
    assert_eq!(find(JobFilter { target: Some("desk"), ..status(JobStatus::Held) }), []);
    let of = JobFilter { run: Some(RunId(b)), employee: Some(employee(1)), ..JobFilter::default() };
    assert_eq!(find(of), [(b, 1), (b, 1)]);

    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = state.jobs(&JobFilter { before, ..JobFilter::default() }, 4).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        pages.push(numbers(&page));
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 1]);
    assert_eq!(pages.concat(), find(JobFilter::default()));
    assert_eq!(state.runs(Some(RunId(c)), 1).unwrap()[0].id, RunId(b));
}

fn a_job_comes_back_as_it_was_without_queries_and_addresses(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let step = |path: &str, status| Step { method: "GET".into(), path: path.into(), status };
    let outcome = |workflow: &str, step, status| StepOutcome {
        workflow: workflow.into(),
        step,
        action: "create_ticket".into(),
        status,
        error: (status == JobStatus::Failed).then(|| "there is no such group".into()),
        calls: Some(2),
    };
    let full = NewJob {
        name: Some("Ines Example".into()),
        ops: vec![Op::Reactivate, Op::Update],
        code: Some("refused".into()),
        error: Some("the service refuses `job_title`".into()),
        advice: Some("shorten it".into()),
        steps: vec![
            step("/users/ines@example.com/manager", Some(404)),
            step("/users/ines%40example.com", None),
            step("/requesters?query=ines", Some(200)),
        ],
        workflows: vec![outcome("onboarding", 0, JobStatus::Succeeded), outcome("onboarding", 1, JobStatus::Failed)],
        ..job(1, JobStatus::Failed)
    };
    finish(&state, run, 0, end_of(&state, "desk", &[]), &[job(2, JobStatus::Held), full.clone()]);
    let id = JobId { run, number: 2 };
    let found = database.open().job(id).unwrap().unwrap();
    assert_eq!(found.id, id);
    let steps = vec![step("/users/…/manager", Some(404)), step("/users/…", None), step("/requesters", Some(200))];
    assert_eq!(found.job, NewJob { steps, ..full });
    assert_eq!(state.job(JobId { run, number: 3 }).unwrap(), None);
    let of_workflows: Vec<JobId> = state.workflow_jobs("desk").unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(of_workflows, [id], "jobs that no step was part of are left out");
    assert_eq!(state.workflow_jobs("books").unwrap(), []);
}

/// A state of the first version, with a job in it.
fn jobs_of_the_first_version_are_still_there(database: &TestDatabase) {
    database.make_version(1);
    database.sql(
        r#"INSERT INTO jobs (run, number, target, employee, ops, fields, status, steps)
           VALUES (7, 1, 'desk', 1, '["update"]', '["job_title"]', 'failed', '[]')"#,
    );
    database.sql("INSERT INTO runs (started_at, command, as_of, tool) VALUES (0, 'sync', '2026-11-22', '0.1.0')");
    database.sql(
        "INSERT INTO run_targets (run, target, finished_at, ok, whole, in_sync, succeeded, failed, held, skipped,
            not_attempted, tasks) VALUES (1, 'desk', 0, 1, 1, 0, 0, 1, 0, 0, 0, 0)",
    );
    let run = database.open().run(RunId(1)).unwrap().unwrap();
    assert_eq!((run.source_requests, run.targets[0].requests), (None, None), "nobody counted");
    let found = database.open().job(JobId { run: RunId(7), number: 1 }).unwrap().unwrap();
    assert_eq!(found.job, NewJob { steps: Vec::new(), ..job(1, JobStatus::Failed) });
    assert_eq!(found.acknowledged_by, None);
}

fn a_message_with_a_nul_is_no_reason_to_lose_a_run(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let error = Some("the service answered `\0\0`".into());
    finish(&state, run, 0, end_of(&state, "desk", &[]), &[NewJob { error, ..job(1, JobStatus::Failed) }]);
    let found = state.job(JobId { run, number: 1 }).unwrap().unwrap().job.error.unwrap();
    assert_eq!(found.replace('\0', ""), "the service answered ``");
}

fn jobs_are_acknowledged(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    finish(&state, run, 0, end_of(&state, "desk", &[]), &[job(1, JobStatus::Failed)]);
    let id = JobId { run, number: 1 };
    assert!(state.acknowledge(id, at(60), "the licence comes on Monday", at(1), &ada()).unwrap());
    assert!(!state.acknowledge(JobId { run, number: 2 }, at(60), "no such job", at(1), &ada()).unwrap());
    let found = database.open().job(id).unwrap().unwrap();
    assert_eq!(found.acknowledged_until, Some(at(60)));
    assert_eq!(found.acknowledged_reason.as_deref(), Some("the licence comes on Monday"));
}

fn failures_are_outstanding_until_they_are_made_good(database: &TestDatabase) {
    let state = database.open();
    let after = |minutes, unchanged: &[u64], jobs: &[NewJob]| {
        let run = start(&state, minutes);
        finish(&state, run, minutes, end_of(&state, "desk", unchanged), jobs);
        let found = numbers(&state.outstanding(Some("desk")).unwrap());
        assert_eq!(found, numbers(&state.outstanding(None).unwrap()));
        found.into_iter().map(|(found, employee)| (found - run.0, employee)).collect::<Vec<_>>()
    };
    let failed: Vec<NewJob> = (1..=4).map(|id| job(id, JobStatus::Failed)).collect();
    assert_eq!(after(60, &[], &failed), [(0, 1), (0, 2), (0, 3), (0, 4)]);
    // 1 was put right elsewhere, 2 succeeded, 3 failed again, 4 had no turn. The clock was set back meanwhile.
    let jobs = [job(2, JobStatus::Succeeded), job(3, JobStatus::Failed), job(4, JobStatus::NotAttempted)];
    assert_eq!(after(0, &[1], &jobs), [(0, 3), (-1, 4)]);
    assert_eq!(after(1, &[1, 2, 3, 4], &[]), []);
    assert_eq!(after(2, &[1, 2, 3], &[job(4, JobStatus::Failed)]), [(0, 4)], "it failed after it was in line");
    assert_eq!(state.outstanding(Some("other")).unwrap(), []);
}

fn names_that_are_kept_are_told_once(database: &TestDatabase) {
    let state = database.open();
    let called = |id, name: &str| NewJob { name: Some(name.into()), ..job(id, JobStatus::Succeeded) };
    for (minute, name) in [(0, "Ada Finch"), (1, "Ada Finch"), (2, "Ada Kestrel")] {
        let run = start(&state, minute);
        let jobs = [called(2, name), called(1, "Bo Heron"), job(3, JobStatus::Succeeded)];
        finish(&state, run, minute, end_of(&state, "desk", &[]), &jobs);
    }
    let names = state.kept_names().unwrap();
    let names: Vec<(u64, &str)> = names.iter().map(|(employee, name)| (employee.0, &**name)).collect();
    assert_eq!(names, [(1, "Bo Heron"), (2, "Ada Finch"), (2, "Ada Kestrel")]);
    state.forget_employee(employee(2)).unwrap();
    assert_eq!(state.kept_names().unwrap().len(), 1);
}

fn last_seen_follows_each_employee(database: &TestDatabase) {
    let state = database.open();
    let seen = |state: &State, id| state.last_seen(employee(id)).unwrap().first().map(|seen| seen.at);
    let first = start(&state, 0);
    finish(&state, first, 0, end_of(&state, "desk", &[1, 2, 3]), &[job(4, JobStatus::Succeeded)]);
    for (id, expected) in [(1, Some(at(0))), (4, Some(at(0))), (5, None)] {
        assert_eq!(seen(&state, id), expected, "{id}");
    }
    // 2 fails, 3 is no longer there.
    let second = start(&state, 1);
    finish(&state, second, 1, end_of(&state, "desk", &[1, 4]), &[job(2, JobStatus::Failed)]);
    // A run for one employee says nothing about the others.
    let third = start_for(&state, 2, &[]);
    let some = TargetEnd { whole: false, ..end_of(&state, "desk", &[]) };
    finish(&state, third, 2, some, &[job(2, JobStatus::Succeeded)]);
    // The target cannot be read: nor does that.
    let fourth = start(&state, 3);
    finish(&state, fourth, 3, TargetEnd { ok: false, ..end_of(&state, "desk", &[]) }, &[]);
    let state = database.open();
    for (id, expected) in [(1, Some(at(1))), (2, Some(at(2))), (3, Some(at(0))), (4, Some(at(1))), (5, None)] {
        assert_eq!(seen(&state, id), expected, "{id}");
    }
    // 4 is looked at alone, and is not in line in the next whole run: what counts is the later of the two.
    let fifth = start_for(&state, 4, &[]);
    finish(&state, fifth, 4, TargetEnd { whole: false, ..end_of(&state, "desk", &[4]) }, &[]);
    assert_eq!(seen(&state, 4), Some(at(4)));
    let sixth = start(&state, 5);
    finish(&state, sixth, 5, end_of(&state, "desk", &[3]), &[]);
    for (id, expected) in [(1, Some(at(1))), (2, Some(at(2))), (3, Some(at(5))), (4, Some(at(4)))] {
        assert_eq!(seen(&state, id), expected, "{id}");
    }
}

fn old_runs_go_and_open_intents_stay(database: &TestDatabase) {
    let state = database.open();
    let mut runs = Vec::new();
    for day in 0..4 {
        let minutes = day * 24 * 60;
        let run = start(&state, minutes);
        let ids = state.record(run, "desk", &[], &[intent(&state, Op::Update, 1)], at(minutes)).unwrap();
        if day != 1 {
            let settlement = crate::state::Settlement::Done;
            state
                .settle("desk", &[crate::state::Finished { id: ids[0], settlement, link: None }], at(minutes))
                .unwrap();
        }
        finish(&state, run, minutes, end_of(&state, "desk", &[1]), &[job(2, JobStatus::Failed)]);
        runs.push(run);
    }
    assert_eq!(state.prune(at(0) + TimeDelta::days(3)).unwrap(), 2, "one of three has an open intent");
    let left: Vec<RunId> = state.runs(None, 10).unwrap().iter().map(|run| run.id).collect();
    assert_eq!(left, [runs[3], runs[1]]);
    let jobs = state.jobs(&JobFilter::default(), 10).unwrap();
    assert_eq!(jobs.iter().map(|job| job.id.run).collect::<Vec<_>>(), [runs[3], runs[1]]);
    let memory = state.memory("desk", at(3 * 24 * 60)).unwrap();
    assert_eq!(memory.open.len(), 1);
    assert!(!memory.is_first_run());
    let journal: Vec<String> =
        database.dump().lines().filter(|line| line.starts_with("journal|")).map(String::from).collect();
    assert_eq!(journal.len(), 2, "{journal:?}");
    // Numbers of runs that went are not given again, also when the newest went.
    assert_eq!(state.prune(at(0) + TimeDelta::days(9)).unwrap(), 1);
    assert!(start(&state, 9000) > runs[3]);
}
