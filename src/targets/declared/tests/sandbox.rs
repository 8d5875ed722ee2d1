use std::path::Path;

use super::{WHOLE, changes, declared};
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldSpec, FieldValue};
use crate::progress::NoProgress;
use crate::targets::ErrorKind;
use crate::targets::declared::*;

/// The simulation is made of the same declaration; what one half writes, the other finds.
#[test]
fn what_is_written_is_read_again_in_every_form_of_auth_and_paging() {
    use crate::sandbox::{Sandbox, SandboxOptions};
    use crate::simulation::{Preparation, PreparedTarget, SECRET};
    let today = "2026-11-22".parse().unwrap();
    let sandbox = Sandbox::start(SandboxOptions::new(today)).unwrap();
    let oauth =
        "oauth = { token_url = 'https://login.example.com/t', client_id = 'a', client_secret = { env = 'TOKEN' } }";
    let key = "header = { name = 'X-Key', value = { env = 'TOKEN' } }";
    for (name, auth, paging) in [
        ("bearer", "bearer = { env = 'TOKEN' }", "by = 'page', parameter = 'p', first = 0"),
        ("basic", "basic = { user = 'u', password = { env = 'TOKEN' } }", "by = 'offset'"),
        ("header", key, "by = 'cursor', at = '/meta/next'"),
        ("oauth", oauth, "by = 'link'"),
        ("body", oauth, "by = 'link', at = '/meta/next'"),
    ] {
        let text = WHOLE
            .replace("auth     = { bearer = { env = \"TOKEN\" } }", &format!("auth = {{ {auth} }}"))
            .replace("paging = { by = \"page\", parameter = \"p\", first = 1 }", &format!("paging = {{ {paging} }}"));
        let declaration = declared(&text);
        let prepared = PreparedTarget {
            name: name.into(),
            kind: "http".into(),
            declaration: Some(declaration.sandbox_text(SECRET)),
            ..PreparedTarget::default()
        };
        let preparation = Preparation { targets: vec![prepared], ..Preparation::default() };
        sandbox.prepare(&preparation);

        let mut kind = DeclaredType { declaration };
        kind.redirect(&sandbox.info().addresses(name));
        let fields: Vec<FieldSpec> = kind.known_fields();
        let target = kind
            .open(Connection {
                name: name.into(),
                mapped: fields.len(),
                match_fields: vec![FieldIndex(0)],
                fields,
                create_missing: Vec::new(),
                today,
            })
            .unwrap();
        let all = || target.reader().accounts(&NoProgress).unwrap();
        let day = |day: &str| FieldValue::Date(day.parse().unwrap());
        for number in 1..=45_u64 {
            let set = changes(
                &declared(WHOLE),
                &[
                    ("number", FieldValue::text(&format!("{number:04}"))),
                    ("email", FieldValue::text(&format!("p{number}@example.com"))),
                    ("start", day("2026-02-28")),
                    ("hours", FieldValue::Decimal(38.5)),
                    ("remote", FieldValue::Bool(true)),
                    ("skills", FieldValue::list(["a", "b"])),
                    ("level", FieldValue::text("Senior")),
                ],
            );
            let id = target.writer().create(EmployeeId(number), &set).unwrap();
            assert_eq!(&*id.0, number.to_string(), "{name}");
            let again = target.writer().create(EmployeeId(number), &set).unwrap_err();
            assert_eq!(again.kind, ErrorKind::Exists, "{name}");
        }
        let snapshot = all();
        assert_eq!((snapshot.accounts.len(), snapshot.incomplete), (45, None), "{name}");
        let seventh = AccountId::from("7");
        let set = changes(&declared(WHOLE), &[("email", FieldValue::Empty), ("start", day("2024-02-29"))]);
        target.writer().update(&seventh, &set).unwrap();
        target.writer().deactivate(&seventh).unwrap();
        target.writer().deactivate(&seventh).unwrap();
        let account = target.reader().account(&seventh).unwrap().unwrap();
        assert!(!account.active, "{name}");
        assert_eq!(account.fields()[1..4], [FieldValue::Empty, day("2024-02-29"), FieldValue::Decimal(38.5)], "{name}");
        assert_eq!(account.field(FieldIndex(6)), &FieldValue::text("Senior"), "what was not changed is still there");
        target.writer().reactivate(&seventh).unwrap();
        assert!(target.reader().account(&seventh).unwrap().unwrap().active, "{name}");
        let found = target.reader().find(FieldIndex(0), &FieldValue::text("0007")).unwrap();
        assert_eq!(found.iter().map(|account| &*account.id.0).collect::<Vec<_>>(), ["7"], "{name}");
        if name == "oauth" {
            // A token that is refused is fetched anew.
            sandbox.set_faults("http:expire-token#1".parse().unwrap());
            assert_eq!(all().accounts.len(), 45);
        }
    }
}

#[test]
fn the_examples_are_files_without_mistakes() {
    use crate::config::{LoadOptions, load};
    use crate::section::SecretMode;
    let environment = |_: &str| None;
    let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&environment) };
    for (example, kinds) in [("http", &["http"][..]), ("pento", &["pento"]), ("probonio", &["probonio", "probonio"])] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{example}.toml"));
        let settings = load(&path, &options).unwrap_or_else(|error| panic!("{error}"));
        let found: Vec<&str> = settings.targets.iter().map(|target| target.target.kind()).collect();
        assert_eq!(found, kinds);
        assert_eq!(settings.warnings, []);
    }
}
