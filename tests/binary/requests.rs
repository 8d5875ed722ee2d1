//! Which requests a run makes that has nothing to change.

use super::conformance::subjects;
use super::scene::{DESK, Scene};
use personio_sync::targets::freshservice::simulated::Freshservice;
use serde_json::json;
use std::collections::BTreeSet;

/// What each type is asked for beside its list of accounts: what says whose token it is, what fields there are, and who
/// is in groups. Departments, locations, cost centres and forms are not among it: only a change needs them.
fn beside_the_accounts(name: &str) -> &'static [&'static str] {
    let system = name.split([' ', ',']).next().unwrap_or(name);
    match system {
        "scim" => &["/subject/ResourceTypes", "/subject/Schemas", "/subject/ServiceProviderConfig"],
        "travelperk" => &["/subject/scim/ResourceTypes", "/subject/scim/ServiceProviderConfig"],
        "slack" => &[
            "/subject/api/auth.test",
            "/subject/api/conversations.list",
            "/subject/api/conversations.members",
            "/subject/api/team.profile.get",
            "/subject/api/usergroups.list",
            "/subject/api/users.profile.get",
        ],
        "entra" => &[
            "/subject/login/acme.example.com/oauth2/v2.0/token",
            "/subject/v1.0/groups",
            "/subject/v1.0/groups/11111111-0000-4000-8000-000000000001/members",
            "/subject/v1.0/teams/11111111-0000-4000-8000-000000000002/members",
        ],
        _ => &[],
    }
}

fn accounts(name: &str) -> &'static [&'static str] {
    match name.split([' ', ',']).next().unwrap_or(name) {
        "freshservice" => &["/desk/api/v2/requesters"],
        "scim" => &["/subject/Users"],
        "travelperk" => &["/subject/scim/Users"],
        "http" => &["/subject/people"],
        "slack" => &["/subject/api/users.list"],
        "entra" if name.contains("changes") => &["/subject/v1.0/users/delta"],
        "entra" => &["/subject/v1.0/users"],
        _ => &[],
    }
}

/// Whether a line of the report counts.
type Counts = fn(&str) -> bool;

#[test]
fn a_run_without_changes_asks_for_accounts_and_little_else() {
    std::thread::scope(|scope| {
        for (name, targets, duplicates) in subjects() {
            let run = move || {
                // Among so many, some have no address, so that no account is to be made for them.
                let scene = Scene::new(60, &targets.replace("targets.desk", "targets.subject"));
                scene.sandbox.system(|desk: &mut Freshservice| desk.options.duplicates = duplicates);
                scene.run(&["check", "--sandbox", &scene.address()], 0);
                scene.try_run(&["sync", "--yes"]);
                scene.sync();
                let before = scene.sandbox.requests().len();
                scene.sync();
                let requests = scene.sandbox.requests();
                let (source, target): (Vec<_>, Vec<_>) =
                    requests[before..].iter().partition(|request| request.system == "personio");
                // Everybody is on one page.
                let of_source: Vec<&str> = source.iter().map(|request| &*request.path).collect();
                assert_eq!(of_source, ["/v1/auth", "/v1/company/employees"], "{name}");
                let of_target: BTreeSet<&str> = target.iter().map(|request| &*request.path).collect();
                let expected = accounts(name).iter().chain(beside_the_accounts(name)).copied();
                assert_eq!(of_target, expected.collect(), "{name}");
            };
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}

/// What was sent is counted as the service counts it, in the report and in the history.
#[test]
fn requests_are_counted_by_what_they_are_for() {
    let scene = Scene::new(30, DESK);
    let counted = |before: usize| {
        let sent = scene.sandbox.requests();
        let of = |system: &str, wanted: fn(&str) -> bool| {
            sent[before..].iter().filter(|request| request.system == system && wanted(request.method)).count()
        };
        let (reading, writing): (Counts, Counts) = (|method| method == "GET", |method| method != "GET");
        (of("personio", |_| true), of("freshservice", reading), of("freshservice", writing))
    };
    let (first, after) = (scene.sync(), scene.sandbox.requests().len());
    let requests = &first["requests"];
    let desk = &requests["targets"]["desk"];
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let (source, read, written) = counted(0);
    assert_eq!(requests["source"], json!({"reads": source, "looks": 0, "writes": 0}));
    assert_eq!((number(&desk["reads"]), number(&desk["reads"]) + number(&desk["looks"])), (1, read));
    assert_eq!(number(&desk["writes"]), written);
    assert!(written > 20, "{requests}");

    scene.sync();
    let before = scene.sandbox.requests().len();
    assert!(before > after);
    let idle = scene.sync();
    let desk = json!({"reads": 1, "looks": 0, "writes": 0});
    assert_eq!(idle["requests"]["targets"], json!({"desk": desk}), "the list of requesters, and nothing else");
    assert_eq!(counted(before), (2, 1, 0));

    let runs = scene.run(&["runs", "--format", "json"], 0).json();
    assert_eq!(runs["runs"][0]["source_requests"], idle["requests"]["source"]);
    assert_eq!(runs["runs"][0]["targets"][0]["requests"], desk);
    assert_eq!(runs["runs"][2]["targets"][0]["requests"], first["requests"]["targets"]["desk"]);
}
