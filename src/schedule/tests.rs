use chrono::NaiveTime;
use serde_norway::Value;

use super::*;
use crate::plan::Schedule;

fn job() -> Job {
    let every = Schedule::new(std::time::Duration::from_secs(45 * 60), NaiveTime::MIN).unwrap();
    Job {
        program: None,
        this_program: "/usr/bin/personio-sync".into(),
        config: "/etc/acme/personio-sync.toml".into(),
        folder: "/etc/acme".into(),
        in_repository: Some("personio-sync.toml".into()),
        user: "personio-sync".into(),
        image: Some("registry.example.com/personio-sync:0.1.0".into()),
        state: Some("/etc/acme/personio-sync.sqlite".into()),
        variables: vec!["DESK_KEY".into(), "PERSONIO_SECRET".into()],
        pace: Pace::of(&[Slots { every: Some(every), full: None }], "a seed"),
    }
}

fn text(job: &Job, scheduler: Scheduler, name: &str) -> String {
    let files = job.files(scheduler).unwrap();
    let file = files.iter().find(|file| file.name == name);
    file.unwrap_or_else(|| panic!("{name} is not in {files:?}")).text.clone()
}

/// The lines that are no comment.
fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    serde_norway::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// Five fields, of numbers, lists and `*` alone: what every reader of such lines takes alike. Schemas take `@daily`.
fn assert_plain_cron(line: &str) {
    let fields: Vec<&str> = line.split(' ').collect();
    assert_eq!(fields.len(), 5, "{line}");
    for (field, end) in fields.iter().zip([60, 24, 32, 13, 7]) {
        let fits = |number: &str| number.parse::<u32>().is_ok_and(|number| number < end);
        assert!(*field == "*" || field.split(',').all(fits), "{line}: {field}");
    }
}

#[test]
fn a_table_of_cron_says_something_only_after_a_failure() {
    let table = text(&job(), Scheduler::Cron, "personio-sync");
    let environment = "cd /etc/acme && set -a && . /etc/acme/personio-sync.env && set +a && ";
    let [minutes, alarm_minutes] = [job().pace.cron(), job().pace.alarm().cron()];
    assert_eq!(
        lines(&table),
        [
            "SHELL=/bin/sh",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "MAILTO=root",
            &format!(
                "{minutes} personio-sync {environment}said=$(/usr/bin/personio-sync sync --due --yes --config \
                 /etc/acme/personio-sync.toml 2>&1 >/dev/null) || echo \"$said\""
            ),
            &format!(
                "{alarm_minutes} personio-sync {environment}said=$(/usr/bin/personio-sync status --max-age 3h --config \
                 /etc/acme/personio-sync.toml 2>&1 >/dev/null) || echo \"$said\""
            ),
        ]
    );
    assert!(table.ends_with('\n'), "cron drops a file whose last line has no end");
    assert_plain_cron(&minutes);
    let without = Job { variables: Vec::new(), ..job() };
    assert_eq!(without.files(Scheduler::Cron).unwrap().len(), 1);
    assert!(!text(&without, Scheduler::Cron, "personio-sync").contains(".env"));
    let odd = Job { folder: "/srv/100% it's".into(), ..without };
    assert!(text(&odd, Scheduler::Cron, "personio-sync").contains("cd \"/srv/100\\% it's\" && said"));
}

#[test]
fn a_command_that_cron_would_cut_is_refused() {
    let long = Job { folder: format!("/{}", "x".repeat(990)), ..job() };
    assert!(long.files(Scheduler::Cron).unwrap_err().contains("999 letters"));
    long.files(Scheduler::Systemd).unwrap();
}

#[test]
fn units_of_systemd_keep_words_together() {
    let job = Job {
        program: Some("/opt/100% sync/personio-sync".into()),
        folder: "/etc/100%".into(),
        config: "/etc/100%/a b.toml".into(),
        ..job()
    };
    let service = text(&job, Scheduler::Systemd, "personio-sync.service");
    for line in [
        "User=personio-sync",
        "Type=oneshot",
        "WorkingDirectory=/etc/100%%",
        "EnvironmentFile=/etc/100%%/personio-sync.env",
        "ExecStart=\"/opt/100%% sync/personio-sync\" sync --due --yes --config \"/etc/100%%/a b.toml\"",
    ] {
        assert!(lines(&service).contains(&line), "{line}: {service}");
    }
    let timer = text(&job, Scheduler::Systemd, "personio-sync.timer");
    assert!(lines(&timer).contains(&&*format!("OnCalendar={}", job.pace.calendar())), "{timer}");
    assert!(timer.contains(" UTC\nPersistent=yes\n"), "{timer}");
    let alarm = text(&job, Scheduler::Systemd, "personio-sync-alarm.service");
    assert!(alarm.contains("personio-sync\" status --max-age 3h --config"), "{alarm}");
}

#[test]
fn variables_are_named_and_their_values_left_to_the_owner() {
    let files = job().files(Scheduler::Systemd).unwrap();
    let file = files.iter().find(|file| file.is_filled_in).unwrap();
    assert_eq!((&*file.name, lines(&file.text)), ("personio-sync.env", vec!["DESK_KEY=''", "PERSONIO_SECRET=''"]));
    for wrong in ["1ST_KEY", "GITHUB_KEY"] {
        let job = Job { variables: vec![wrong.into()], ..job() };
        assert!(job.files(Scheduler::Github).unwrap_err().contains(wrong));
    }
    Job { variables: vec!["GITHUB_KEY".into()], ..job() }.files(Scheduler::Cron).unwrap();
}

#[test]
fn a_workflow_of_github_has_what_its_schema_does_not_ask_for() {
    let file = text(&job(), Scheduler::Github, ".github/workflows/personio-sync.yml");
    let [workflow] = &documents(&file)[..] else { panic!("{file}") };
    let call = &workflow["on"]["schedule"][0];
    assert_plain_cron(call["cron"].as_str().unwrap());
    assert_eq!(call["timezone"], Value::Null, "left out, it is UTC");
    let sync = &workflow["jobs"]["sync"];
    assert_eq!(sync["env"]["DESK_KEY"], "${{ secrets.DESK_KEY }}");
    assert_eq!(sync["container"]["image"], "registry.example.com/personio-sync:0.1.0");
    let steps: Vec<&str> = (1..=2).filter_map(|step| sync["steps"][step]["run"].as_str()).collect();
    let [call, alarm] = [
        "personio-sync sync --due --yes --config personio-sync.toml",
        "personio-sync status --max-age 3h --config personio-sync.toml",
    ];
    assert_eq!(steps, [call, alarm]);
    assert_eq!(workflow["concurrency"]["cancel-in-progress"], false, "a run is not cut off");
}

#[test]
fn jobs_of_gitlab_run_in_their_own_pipeline_schedule_alone() {
    let file = text(&job(), Scheduler::Gitlab, "personio-sync.gitlab-ci.yml");
    let [jobs] = &documents(&file)[..] else { panic!("{file}") };
    for (name, command) in [("personio-sync", "sync --due --yes"), ("personio-sync-alarm", "status --max-age 3h")] {
        let job = &jobs[name];
        assert_eq!(job["script"][0], format!("personio-sync {command} --config personio-sync.toml").as_str());
        assert_eq!(job["rules"][0]["if"], "$CI_PIPELINE_SOURCE == \"schedule\" && $PERSONIO_SYNC == \"due\"");
        assert_eq!(job["image"]["entrypoint"][0], "");
    }
    assert!(file.contains(&format!("#   interval pattern  {}\n", job().pace.cron())), "{file}");
}

#[test]
fn cron_jobs_of_kubernetes_have_what_its_server_asks_for_beyond_the_schema() {
    let file = text(&job(), Scheduler::Kubernetes, "personio-sync.yml");
    let documents = documents(&file);
    let kinds: Vec<&str> = documents.iter().filter_map(|document| document["kind"].as_str()).collect();
    assert_eq!(kinds, ["PersistentVolumeClaim", "CronJob", "CronJob"]);
    for job in &documents[1..] {
        let spec = &job["spec"];
        assert_plain_cron(spec["schedule"].as_str().unwrap());
        assert!(crate::zone::Zones::compiled().get(spec["timeZone"].as_str().unwrap()).is_some());
        assert_eq!(spec["concurrencyPolicy"], "Forbid");
        assert!(job["metadata"]["name"].as_str().unwrap().len() <= 52);
        let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "Never");
        let container = &pod["containers"][0];
        assert_eq!(container["command"][5], "/var/lib/personio-sync/personio-sync.toml");
        assert_eq!(container["env"][1]["valueFrom"]["secretKeyRef"]["key"], "PERSONIO_SECRET");
        assert_eq!(container["volumeMounts"][0]["mountPath"], "/var/lib/personio-sync");
    }
    let server = Job { state: None, variables: Vec::new(), ..job() };
    let text = text(&server, Scheduler::Kubernetes, "personio-sync.yml");
    assert!(!text.contains("PersistentVolumeClaim") && !text.contains("secret"), "{text}");
}

#[test]
fn a_pod_keeps_its_state_or_is_refused() {
    for lost in ["/var/lib/elsewhere.sqlite", "/etc/acme-two/state.sqlite", "/etc/acme/../state.sqlite"] {
        let job = Job { state: Some(lost.into()), ..job() };
        assert!(job.files(Scheduler::Kubernetes).unwrap_err().contains(lost));
        job.files(Scheduler::Systemd).unwrap();
    }
}

#[test]
fn tasks_of_windows_are_xml_that_keeps_every_letter() {
    let paths = [(None, "/etc/acme"), (Some(r"D:\R&D <1>\personio-sync.exe"), r"D:\R&D <1>")];
    for (program, folder) in paths {
        let job = Job { program: program.map(str::to_owned), folder: folder.into(), ..job() };
        for name in ["personio-sync", "personio-sync-alarm"] {
            let xml = text(&job, Scheduler::Windows, &format!("{name}.xml"));
            let mut reader = quick_xml::Reader::from_str(&xml);
            while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
            let command =
                program.map_or(WINDOWS_PROGRAM.to_owned(), |_| r"D:\R&amp;D &lt;1&gt;\personio-sync.exe".into());
            assert!(xml.contains(&format!("<Command>{command}</Command>")), "{xml}");
        }
    }
    let xml = text(&job(), Scheduler::Windows, "personio-sync.xml");
    assert!(xml.contains("<Interval>PT15M</Interval>") && xml.contains(":00Z</StartBoundary>"), "{xml}");
    assert!(xml.contains(r"--config C:\ProgramData\personio-sync\personio-sync.toml</Arguments>"), "{xml}");
}

#[test]
fn what_a_scheduler_needs_and_does_not_get_is_asked_for() {
    let without_image = Job { image: None, ..job() };
    let elsewhere = Job { in_repository: None, ..job() };
    for scheduler in [Scheduler::Github, Scheduler::Gitlab] {
        assert!(without_image.files(scheduler).unwrap_err().contains("needs --image"));
        assert!(elsewhere.files(scheduler).unwrap_err().contains("outside of the working folder"));
    }
    for user in ["", "root root", "-x", "a\nb"] {
        let job = Job { user: user.into(), ..job() };
        assert!(job.files(Scheduler::Cron).unwrap_err().contains("--user"), "{user}");
    }
    for config in ["/etc/a\n* * * * * root rm", "/etc/${{ github.token }}"] {
        let job = Job { config: config.into(), ..job() };
        assert!(job.files(Scheduler::Cron).unwrap_err().contains("no scheduler takes the name"), "{config}");
    }
}
