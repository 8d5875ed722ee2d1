//! `fields`: what a target has today, held against what the file maps.

use personio_sync::simulation::{Preparation, PreparedField, PreparedTarget};
use serde_json::{Value, json};

use super::conformance::TRAVELPERK;
use super::scene::{DESK, ENTRA, LIST, SLACK, Scene};

/// The one field of this name.
fn field<'d>(document: &'d Value, name: &str) -> &'d Value {
    let fields = document["fields"].as_array().unwrap();
    let mut found = fields.iter().filter(|field| field["field"] == name);
    let field = found.next().unwrap_or_else(|| panic!("no field {name}: {document}"));
    assert!(found.next().is_none(), "{name} stands there twice");
    field
}

/// The account has a field that no file names.
fn has(scene: &Scene, (target, kind): (&str, &str), (field, of_kind): (&str, &str)) {
    let field = PreparedField { name: field.into(), kind: of_kind.into(), choices: vec!["A1".into(), "B2".into()] };
    let target = PreparedTarget { name: target.into(), kind: kind.into(), fields: vec![field], declaration: None };
    scene.sandbox.prepare(&Preparation { attributes: Vec::new(), targets: vec![target] });
}

fn listed(scene: &Scene, target: &str) -> Value {
    let document = scene.run(&["fields", target, "--format", "json"], 0).json();
    assert_eq!(document["kind"], "fields");
    document
}

#[test]
fn the_account_says_which_fields_it_has() {
    let scene = Scene::new(5, DESK);
    has(&scene, ("desk", "freshservice"), ("custom_fields.badge", "choice"));
    let document = listed(&scene, "desk");
    assert_eq!((&document["target"], &document["type"]), (&json!("desk"), &json!("freshservice")));
    assert_eq!(
        field(&document, "primary_email"),
        &json!({
            "field": "primary_email", "kind": "email", "required": false, "access": "read_write", "max_length": null,
            "choices": [], "listed": true, "derived": false,
            "mapped": {"from": "email | lower", "attributes": ["email"], "only_on_create": false},
        })
    );
    let badge = field(&document, "custom_fields.badge");
    assert_eq!((&badge["kind"], &badge["choices"]), (&json!("choice"), &json!(["A1", "B2"])));
    assert_eq!(badge["mapped"], json!(null));
    assert_eq!(field(&document, "first_name")["required"], true);
    assert_eq!(field(&document, "active")["access"], "read_only");
    assert_eq!(field(&document, "time_format")["choices"], json!(["12h", "24h"]));
    assert_eq!(scene.requests("freshservice"), ["GET /desk/api/v2/requester_fields?page=1&per_page=100"]);
    assert_eq!(scene.requests("personio"), [""; 0]);

    let ran = scene.run(&["fields", "desk"], 0);
    ran.shows(" Field ").shows("email | lower").shows("not mapped").shows("29 fields, 8 mapped");
    ran.shows("an account needs one of primary_email");
    scene.run(&["fields"], 0).shows("29 fields, 8 mapped");
    scene.run(&["fields", "desk", "--format", "markdown"], 0).shows("| Field | Kind | Required | Limits and choices |");
}

#[test]
fn each_type_lists_what_it_takes() {
    let scene = Scene::new(5, LIST);
    scene.configure(&SLACK.replace("\"fields.Department\"", "phone"));
    has(&scene, ("subject", "slack"), ("fields.Start date", "date"));
    let slack = listed(&scene, "subject");
    assert_eq!(field(&slack, "fields.Start date")["kind"], "date");
    assert_eq!(field(&slack, "phone")["mapped"]["attributes"], json!(["department"]));
    let group = field(&slack, "groups.sales");
    assert_eq!((&group["mapped"]["from"], &group["listed"]), (&json!("member if department == 'Sales'"), &json!(true)));
    assert_eq!(field(&slack, "pronouns")["mapped"], json!(null));
    scene.configure(TRAVELPERK);
    let travel = listed(&scene, "subject");
    assert_eq!(field(&travel, "gender")["choices"], json!(["M", "F"]));
    assert_eq!(field(&travel, "name.givenName")["required"], true);
    scene.configure(ENTRA);
    let entra = listed(&scene, "subject");
    assert_eq!(field(&entra, "jobTitle")["max_length"], 128);
    assert_eq!(field(&entra, "userPrincipalName")["required"], true);
    scene.configure(LIST);
    let names: Vec<Value> =
        listed(&scene, "list")["fields"].as_array().unwrap().iter().map(|field| field["field"].clone()).collect();
    assert_eq!(names, ["Employee", "Name", "E-mail", "Since"]);
}

#[test]
fn a_service_describes_its_own_schemas() {
    let scene = Scene::new(5, &DESK.replace("desk", "unused"));
    let wiki = r#"
[targets.wiki]
type = "scim"
base_url = "{base}/scim/wiki"
auth = { bearer = { env = "FRESHSERVICE_API_KEY" } }
[targets.wiki.mapping]
userName = "email | lower"
externalId = "employee_id"
displayName = { value = "x", when = "create" }
"#;
    scene.configure(wiki);
    let document = listed(&scene, "wiki");
    let manager = field(&document, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager");
    assert_eq!(manager["kind"], "account");
    assert_eq!(field(&document, "password")["access"], "create_only");
    assert_eq!(
        field(&document, "displayName")["mapped"],
        json!({"from": "the value x", "attributes": [], "only_on_create": true})
    );
    assert!(scene.requests("scim").iter().any(|request| request.starts_with("GET /wiki/Schemas")));
    assert!(!scene.requests("scim").iter().any(|request| request.contains("/Users")), "nobody's account is read");
    // A mistake in the mapping is said, and the rest is listed.
    scene.configure(&format!("{wiki}badge = \"position\"\n"));
    let document = listed(&scene, "wiki");
    assert_eq!(
        (&field(&document, "badge")["listed"], &field(&document, "title")["listed"]),
        (&json!(false), &json!(true))
    );
    scene.run(&["fields", "wiki"], 0).shows("the target does not list it");
    has(&scene, ("desk", "freshservice"), ("custom_fields.cost_center", "text"));
    scene.configure(&format!("{DESK}\"custom_fields.cost_centre\" = \"position\"\n"));
    let ran = scene.run(&["fields", "desk"], 0);
    ran.says("desk: there is no requester field `cost_centre`; did you mean `cost_center`?");
    ran.shows("custom_fields.cost_center ").shows("custom_fields.cost_centre ");
}

#[test]
fn rules_work_out_what_is_not_mapped() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/pento.toml");
    let scene = Scene::new(5, LIST);
    let run = ["fields", "--sandbox", "payroll", "--config", example, "--format", "json"];
    let document = scene.run(&run, 0).json();
    assert_eq!(field(&document, "missing")["derived"], true);
    assert_eq!(field(&document, "tax_code")["derived"], false);
    scene
        .run(&["fields", "payroll", "--sandbox", "--config", example], 0)
        .shows("worked out by the rules of the target");
}

#[test]
fn what_cannot_be_listed_says_why() {
    let scene = Scene::new(5, DESK);
    scene.run(&["fields", "shop"], 2).says("there is no target `shop`; the file has `desk`");
    scene.configure(&format!("{DESK}{LIST}"));
    for arguments in [&["fields"][..], &["fields", "--sandbox"]] {
        scene.run(arguments, 2).says("name the one target whose fields are meant; known: `desk`, `list`");
    }
    scene.configure(&DESK.replace("FRESHSERVICE_API_KEY", "WRONG_SECRET"));
    scene.run(&["fields", "desk"], 7).says("desk: ");
}
