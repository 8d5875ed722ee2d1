//! Files from the outside: opened through their settings, planned, written, and planned again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use tempfile::TempDir;

use super::parse;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldValue, Schema};
use crate::plan::{FieldChange, Snapshot, same};
use crate::progress::NoProgress;
use crate::section::{Context, Problems, SecretMode, SecretReader, Table};
use crate::targets::{Connection, ErrorKind, FieldLookup, Target, TargetError};

const FORMATS: [&str; 6] = [
    "path = 'people.csv'",
    "path = 'people.csv'\ndelimiter = ';'\nbom = true\nnewline = 'crlf'\ndate_format = '%d.%m.%Y'",
    "path = 'people.csv'\nformula_cells = 'quote'\ndate_format = '%m/%d/%Y'",
    "path = 'people.tsv'\nformula_cells = 'quote'",
    "path = 'people.json'",
    "path = 'people.xlsx'",
];

struct TestFile {
    folder: TempDir,
    settings: String,
    columns: Vec<&'static str>,
}

type People = BTreeMap<u64, Vec<FieldValue>>;

impl TestFile {
    fn new(settings: &str, columns: &[&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, settings: settings.to_owned(), columns: columns.to_vec() }
    }

    fn path(&self) -> PathBuf {
        let name = self.settings.split('\'').nth(1).unwrap();
        self.folder.path().join(name)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn put(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    /// Opens the target as a run does; the first column is the key, the second is tried after it.
    fn open(&self) -> Box<dyn Target> {
        let problems = Problems::new(&self.settings);
        let environment = |_: &str| None;
        let secrets = SecretReader::new(&environment, self.folder.path(), SecretMode::Read);
        let entries = toml::de::DeTable::parse(&self.settings).unwrap();
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let table = Table::new("targets.payroll", 0..self.settings.len(), entries.get_ref(), context);
        let target = parse(&table).expect("settings without mistakes");
        let field = |name: &&str| match target.field(name) {
            FieldLookup::Known(spec) => spec,
            other => panic!("{other:?}"),
        };
        let fields: Vec<_> = self.columns.iter().map(field).collect();
        target
            .open(Connection {
                name: "payroll".into(),
                mapped: fields.len(),
                match_fields: (0..fields.len().min(2) as u16).map(FieldIndex).collect(),
                fields,
                create_missing: Vec::new(),
                today: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
            })
            .unwrap()
    }

    fn read(&self) -> Result<Snapshot, TargetError> {
        self.open().reader().accounts(&NoProgress)
    }

    /// What the next plan would change.
    fn plan(&self, target: &dyn Target, people: &People) -> Vec<(u64, Option<AccountId>, Vec<FieldChange>)> {
        let schema = target.reader().schema().unwrap();
        let snapshot = target.reader().accounts(&NoProgress).unwrap();
        let key = schema.field(FieldIndex(0));
        people
            .iter()
            .filter_map(|(employee, desired)| {
                let account = snapshot
                    .accounts
                    .iter()
                    .find(|account| key.written(account.field(FieldIndex(0))) == key.written(&desired[0]));
                let changes: Vec<FieldChange> = changes(&schema, desired)
                    .into_iter()
                    .map(|change| FieldChange {
                        before: account.map_or(FieldValue::Empty, |account| account.field(change.index).clone()),
                        ..change
                    })
                    .filter(|change| !same(&change.before, &change.after, schema.field(change.index)))
                    .collect();
                let account = account.map(|account| account.id.clone());
                (account.is_none() || !changes.is_empty()).then_some((*employee, account, changes))
            })
            .collect()
    }

    /// Applies the plan, finishes, and insists that a new run has nothing to do and touches nothing.
    fn sync(&self, people: &People) -> Result<(), TargetError> {
        let target = self.open();
        for (employee, account, changes) in self.plan(&*target, people) {
            match account {
                Some(account) => target.writer().update(&account, &changes)?,
                None => drop(target.writer().create(EmployeeId(employee), &changes)?),
            }
        }
        target.writer().finish()?;
        let written = fs::read(self.path()).unwrap();
        let again = self.open();
        assert_eq!(self.plan(&*again, people), [], "{}", self.settings);
        again.writer().finish()?;
        assert_eq!(fs::read(self.path()).unwrap(), written);
        Ok(())
    }
}

fn changes(schema: &Schema, values: &[FieldValue]) -> Vec<FieldChange> {
    schema
        .iter()
        .zip(values)
        .map(|((index, spec), value)| FieldChange {
            index,
            field: spec.name.clone(),
            before: FieldValue::Empty,
            after: value.clone(),
        })
        .collect()
}

fn text(value: &str) -> FieldValue {
    FieldValue::text(value)
}

fn people(rows: &[(u64, &[&str])]) -> People {
    rows.iter().map(|(employee, cells)| (*employee, cells.iter().map(|cell| text(cell)).collect())).collect()
}

#[test]
fn whatever_is_written_compares_equal_in_every_format() {
    let long = "ä\"\n;,".repeat(2_000);
    let day = NaiveDate::from_ymd_opt(1968, 2, 29).unwrap();
    let values = [
        FieldValue::Empty,
        FieldValue::Bool(true),
        FieldValue::Bool(false),
        FieldValue::Integer(0),
        FieldValue::Integer(-5),
        FieldValue::Integer(i64::MAX),
        FieldValue::Integer((1 << 53) + 1),
        FieldValue::Decimal(0.1),
        FieldValue::Decimal(5.0),
        FieldValue::Decimal(-0.0),
        FieldValue::Decimal(38.55),
        FieldValue::Decimal(f64::INFINITY),
        FieldValue::Date(day),
        FieldValue::Date(NaiveDate::from_ymd_opt(1900, 1, 31).unwrap()),
        FieldValue::Date(NaiveDate::from_ymd_opt(1899, 12, 31).unwrap()),
        FieldValue::list(["IT", "Sales, inside"]),
        text("2026-02-01"),
        text("2026-02-30"),
        text("01.02.2026"),
        text("02/01/2026"),
        text("1.2.2026"),
        text("0042"),
        text("1e5"),
        text("true"),
        text("null"),
        text("Müller-Lüdenscheidt, \"Ines\" ; | x"),
        text("two\nlines\r\nand\rthree"),
        text("a\tb"),
        text("\u{feff}mark"),
        text("_x0041_ and _x000D_"),
        text("<b>&amp;</b>"),
        text("'quoted'"),
        text("日本語 🙂"),
        text("a\u{1}b"),
        text(&long),
    ];
    for settings in FORMATS {
        let file = TestFile::new(settings, &["Key", "Value", "Last"]);
        let everyone: People = (1..)
            .zip(&values)
            .map(|(employee, value)| (employee, vec![FieldValue::Integer(employee as i64), value.clone(), text("end")]))
            .collect();
        file.sync(&everyone).unwrap();
        // From one value to the next, in place.
        let shifted: People = (1..)
            .zip(values.iter().cycle().skip(1))
            .take(values.len())
            .map(|(employee, value)| {
                (employee, vec![FieldValue::Integer(employee as i64), value.clone(), FieldValue::Empty])
            })
            .collect();
        file.sync(&shifted).unwrap();
    }
}

#[test]
fn a_csv_file_is_spelt_as_the_settings_say() {
    let columns = ["Personalnummer", "Name", "Eintritt"];
    let everyone = people(&[(1, &["0042", "Müller; Ines", "2026-02-01"]), (2, &["43", "", "01.03.2026"])]);
    let file = TestFile::new(FORMATS[1], &columns);
    file.sync(&everyone).unwrap();
    assert_eq!(
        file.text(),
        "\u{feff}Personalnummer;Name;Eintritt\r\n0042;\"Müller; Ines\";01.02.2026\r\n43;;01.03.2026\r\n"
    );
    let file = TestFile::new(FORMATS[0], &columns);
    file.sync(&everyone).unwrap();
    // Quoted for the semicolon too, at which a spreadsheet of another language would split.
    assert_eq!(file.text(), "Personalnummer,Name,Eintritt\n0042,\"Müller; Ines\",2026-02-01\n43,,01.03.2026\n");
}

#[test]
fn json_keeps_types_and_the_order_of_the_mapping() {
    let file = TestFile::new(FORMATS[4], &["id", "name", "hours", "external", "teams", "start", "phone"]);
    let ines = vec![
        FieldValue::Integer(7),
        text("Ines"),
        FieldValue::Decimal(38.5),
        FieldValue::Bool(false),
        FieldValue::list(["IT", "Data"]),
        FieldValue::Date(NaiveDate::from_ymd_opt(2026, 2, 1).unwrap()),
        FieldValue::Empty,
    ];
    file.sync(&People::from([(7, ines)])).unwrap();
    let expected = "[\n  {\n    \"id\": 7,\n    \"name\": \"Ines\",\n    \"hours\": 38.5,\n    \"external\": false,\n    \
                    \"teams\": [\n      \"IT\",\n      \"Data\"\n    ],\n    \"start\": \"2026-02-01\",\n    \"phone\": null\n  }\n]\n";
    assert_eq!(file.text(), expected);
}

#[test]
fn a_workbook_has_real_days_and_numbers_and_never_a_formula() {
    use calamine::{Data, Reader};
    let file = TestFile::new(FORMATS[5], &["Id", "Start", "Note", "Hours"]);
    let row = vec![text("0042"), text("2026-02-01"), text("=1+1"), FieldValue::Decimal(38.5)];
    file.sync(&People::from([(7, row)])).unwrap();
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(file.path()).unwrap();
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    let cells: Vec<&Data> = range.rows().nth(1).unwrap().iter().collect();
    assert_eq!(*cells[0], Data::String("0042".into()));
    assert!(matches!(cells[1], Data::DateTime(day) if day.to_ymd_hms_milli() == (2026, 2, 1, 0, 0, 0, 0)), "{cells:?}");
    assert_eq!(*cells[2], Data::String("=1+1".into()));
    assert_eq!(*cells[3], Data::Float(38.5));
    let name = workbook.sheet_names()[0].clone();
    assert_eq!(workbook.worksheet_formula(&name).unwrap().used_cells().count(), 0);
}

#[test]
fn a_formula_stops_its_own_record_only() {
    let file = TestFile::new(FORMATS[0], &["Id", "Phone"]);
    let target = file.open();
    let schema = target.reader().schema().unwrap();
    target.reader().accounts(&NoProgress).unwrap();
    let create = |employee: u64, phone: &str| {
        target.writer().create(EmployeeId(employee), &changes(&schema, &[text(&employee.to_string()), text(phone)]))
    };
    let refused = create(1, "=HYPERLINK(\"https://example.com\")").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Refused);
    assert!(refused.message.contains("`Phone`") && !refused.message.contains("HYPER"), "{}", refused.message);
    create(2, "+4930123456").unwrap();
    let refused = target.writer().update(&"2".into(), &changes(&schema, &[text("2"), text("+49 30 1")])).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Refused);
    target.writer().finish().unwrap();
    assert_eq!(file.text(), "Id,Phone\n2,+4930123456\n");

    let file = TestFile::new(FORMATS[2], &["Id", "Phone"]);
    file.sync(&people(&[(1, &["1", "=1+1"]), (2, &["2", "'=1+1"]), (3, &["3", "+49 30 1"])])).unwrap();
    assert_eq!(file.text(), "Id,Phone\n1,'=1+1\n2,''=1+1\n3,'+49 30 1\n");
}

#[test]
fn columns_of_others_stay_as_they_are_after_ours() {
    let file = TestFile::new(FORMATS[0], &["Id", "Name"]);
    file.put("Note,Name,Id\n\" =1+1 \",Ines,1\nb,Jo,2\n");
    let snapshot = file.read().unwrap();
    assert_eq!(snapshot.notices.len(), 1);
    assert!(snapshot.notices[0].message.contains("`Note`"));
    file.sync(&people(&[(1, &["1", "Inés"]), (2, &["2", "Jo"]), (3, &["3", "Kim"])])).unwrap();
    assert_eq!(file.text(), "Id,Name,Note\n1,Inés,\" =1+1 \"\n2,Jo,b\n3,Kim,\n");

    let file = TestFile::new(FORMATS[4], &["id", "name"]);
    file.put(r#"[{"x": {"deep": [1.50, 12345678901234567890123]}, "id": 1, "name": "Ines"}, {"id": 2}]"#);
    file.sync(&people(&[(1, &["1", "Inés"])])).unwrap();
    let expected = r#"[
  {
    "id": 1,
    "name": "Inés",
    "x": {"deep": [1.50, 12345678901234567890123]}
  },
  {
    "id": 2,
    "name": null
  }
]
"#;
    assert_eq!(file.text(), expected);
}

#[test]
fn workbook_cells_of_others_keep_their_types() {
    let file = TestFile::new(FORMATS[5], &["Id", "Name"]);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let moment = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let sheet = workbook.add_worksheet();
    for (at, name) in (0u16..).zip(["Flag", "When", "Id", "Name"]) {
        sheet.write(0, at, name).unwrap();
    }
    sheet.write(1, 0, true).unwrap();
    sheet.write_number_with_format(1, 1, 46_054.5, &moment).unwrap();
    sheet.write(1, 2, 1).unwrap();
    workbook.save(file.path()).unwrap();
    file.sync(&people(&[(1, &["1", "Ines"])])).unwrap();
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(file.path()).unwrap();
    use calamine::{Data, Reader};
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    let cells: Vec<&Data> = range.rows().nth(1).unwrap().iter().collect();
    assert_eq!((cells[0], cells[1], cells[2]), (&Data::Float(1.0), &Data::String("Ines".into()), &Data::Bool(true)));
    assert!(matches!(cells[3], Data::DateTime(moment) if moment.as_f64() == 46_054.5), "{cells:?}");
}

#[test]
fn what_is_not_the_file_it_should_be_is_never_replaced() {
    let latin = b"Id,Name\n1,M\xfcller\n";
    let many_sheets = {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        workbook.add_worksheet().write(0, 0, "Id").unwrap();
        workbook.add_worksheet().write(0, 0, "Id").unwrap();
        workbook.save_to_buffer().unwrap()
    };
    let formula = {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "Id").unwrap();
        sheet.write_formula(1, 1, "=1+1").unwrap();
        workbook.save_to_buffer().unwrap()
    };
    let cases: [(&str, &[u8], &str); 21] = [
        (FORMATS[0], b"", "is empty"),
        (FORMATS[0], b"\xef\xbb\xbf \n", "is empty"),
        (FORMATS[0], latin, "not UTF-8 (line 2)"),
        (FORMATS[0], b"Id;Name\n1;Ines\n", "`delimiter = \";\"` were right"),
        (FORMATS[1], b"Id\tName\n1\tInes\n", "`delimiter = \"tab\"` were right"),
        (FORMATS[0], b"Key,Other\n1,Ines\n", "has no column `Id` or `Name` to match by"),
        (FORMATS[0], b"Id,Name\n1\n", "has 1 cell in line 2 and 2 cells in its header"),
        (FORMATS[0], b"Id,Name\n1,\"Ines\n2,Jo\n", "never closed"),
        (FORMATS[0], b"Id,Name,Id\n1,Ines,2\n", "two columns named `Id`"),
        (FORMATS[0], b"<html><body>x</body></html>", "has no column"),
        (FORMATS[4], b"", "is empty"),
        (FORMATS[4], b"[{\"Id\": 1}", "is cut off (line 1"),
        (FORMATS[4], b"{\"people\": [{\"Id\": 1}]}", "is an object; a list of objects is expected"),
        (FORMATS[4], b"\xef\xbb\xbf[{\"key\": 1}]", "has no column"),
        (FORMATS[4], b"[1]", "is not an array of objects"),
        (FORMATS[4], b"[{\"Id\": 1, \"Id\": 2}]", "names a key twice in entry 1"),
        (FORMATS[4], b"[{\"key\": 1}]", "has no column"),
        (FORMATS[5], b"Id,Name\n", "is not an XLSX workbook"),
        (FORMATS[5], b"", "is not an XLSX workbook"),
        (FORMATS[5], &many_sheets, "has 2 sheets"),
        (FORMATS[5], &formula, "has a formula in B2"),
    ];
    for (settings, content, message) in cases {
        let file = TestFile::new(settings, &["Id", "Name"]);
        fs::write(file.path(), content).unwrap();
        let error = file.read().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unexpected);
        assert!(error.message.starts_with("payroll: `") && error.message.contains(message), "{}", error.message);
        assert!(!error.message.contains("Ines") && !error.message.contains("body"), "{}", error.message);
        let target = file.open();
        let fields = changes(&target.reader().schema().unwrap(), &[text("1"), text("Jo")]);
        assert!(target.writer().create(EmployeeId(1), &fields).is_err());
        assert!(target.writer().finish().is_ok());
        assert_eq!(fs::read(file.path()).unwrap(), content);
    }
}

#[test]
fn a_header_without_rows_and_no_file_are_no_accounts() {
    for settings in FORMATS {
        let file = TestFile::new(settings, &["Id", "Name"]);
        assert_eq!(file.read().unwrap().accounts, []);
        file.sync(&people(&[(1, &["1", "Ines"])])).unwrap();
        let target = file.open();
        target.reader().accounts(&NoProgress).unwrap();
        target.writer().deactivate(&"1".into()).unwrap();
        target.writer().deactivate(&"1".into()).unwrap();
        assert_eq!(target.reader().account(&"1".into()).unwrap(), None);
        target.writer().finish().unwrap();
        assert_eq!(file.read().unwrap().accounts, [], "{settings}");
        file.sync(&people(&[(1, &["1", "Ines"])])).unwrap();
    }
    let file = TestFile::new("path = 'exports/people.csv'", &["Id"]);
    let error = file.read().unwrap_err();
    assert!(error.kind == ErrorKind::Unavailable && error.message.contains("make it first"), "{error:?}");
}

#[test]
fn a_file_that_changed_meanwhile_is_left_alone() {
    let file = TestFile::new(FORMATS[0], &["Id", "Name"]);
    file.put("Id,Name\n1,Ines\n");
    let ours = |target: &dyn Target| changes(&target.reader().schema().unwrap(), &[text("2"), text("Jo")]);

    // Between the plan and the first change.
    let target = file.open();
    target.reader().accounts(&NoProgress).unwrap();
    file.put("Id,Name\n1,Inés\n");
    let error = target.writer().create(EmployeeId(2), &ours(&*target)).unwrap_err();
    assert!(error.kind == ErrorKind::Refused && error.message.contains("run it again"), "{error:?}");

    // Between the first change and the end; also when it appears or goes.
    for (before, after) in
        [(Some("Id,Name\n1,Ines\n"), Some("Id,Name\n")), (Some("Id,Name\n"), None), (None, Some("Id\n"))]
    {
        let set = |content: Option<&str>| match content {
            Some(content) => file.put(content),
            None => fs::remove_file(file.path()).unwrap(),
        };
        if file.path().exists() || before.is_some() {
            set(before);
        }
        let target = file.open();
        target.reader().accounts(&NoProgress).unwrap();
        target.writer().create(EmployeeId(2), &ours(&*target)).unwrap();
        set(after);
        assert_eq!(target.writer().finish().unwrap_err().kind, ErrorKind::Refused);
        assert_eq!(fs::read_to_string(file.path()).ok().as_deref(), after);
        assert!(fs::read_dir(file.folder.path()).unwrap().count() <= 1, "nothing is left behind");
    }
}

#[test]
fn a_folder_that_went_away_fails_the_end_and_not_before() {
    let file = TestFile::new("path = 'exports/people.csv'", &["Id"]);
    fs::create_dir(file.folder.path().join("exports")).unwrap();
    let target = file.open();
    target.reader().accounts(&NoProgress).unwrap();
    let fields = changes(&target.reader().schema().unwrap(), &[text("1")]);
    target.writer().create(EmployeeId(1), &fields).unwrap();
    fs::remove_dir(file.folder.path().join("exports")).unwrap();
    assert_eq!(target.writer().finish().unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn a_column_says_who_is_out_of_use() {
    let settings = "path = 'people.csv'\ninactive = { column = 'Status', value = 'left' }";
    let file = TestFile::new(settings, &["Id", "Name"]);
    file.put("Id,Status,Name\n1,left,Ines\n2,,Jo\n3,away,Kim\n");
    let active =
        |file: &TestFile| -> Vec<bool> { file.read().unwrap().accounts.iter().map(|found| found.active).collect() };
    assert_eq!(active(&file), [false, true, true]);
    assert_eq!(file.read().unwrap().notices, []);
    let target = file.open();
    target.reader().accounts(&NoProgress).unwrap();
    target.writer().reactivate(&"1".into()).unwrap();
    target.writer().reactivate(&"3".into()).unwrap();
    target.writer().deactivate(&"2".into()).unwrap();
    assert_eq!(target.writer().reactivate(&"9".into()).unwrap_err().kind, ErrorKind::NotFound);
    target.writer().deactivate(&"9".into()).unwrap();
    target.writer().finish().unwrap();
    assert_eq!(file.text(), "Id,Name,Status\n1,Ines,\n2,Jo,left\n3,Kim,away\n");

    // Mapped, the column keeps its place, and its value comes from the mapping.
    let file = TestFile::new(settings, &["Id", "Status"]);
    file.put("Id,Status\n1,left\n");
    let target = file.open();
    target.reader().accounts(&NoProgress).unwrap();
    target.writer().reactivate(&"1".into()).unwrap();
    let fields = changes(&target.reader().schema().unwrap(), &[text("1"), text("active")]);
    target.writer().update(&"1".into(), &fields[1..]).unwrap();
    target.writer().finish().unwrap();
    assert_eq!(file.text(), "Id,Status\n1,active\n");
}

#[test]
fn rows_are_known_by_their_key_and_shared_keys_stay_two_accounts() {
    let file = TestFile::new(FORMATS[0], &["Id", "E-Mail"]);
    file.put("Id,E-Mail\n1,ines@example.com\n1,jo@example.com\n,kim@example.com\n,\n,\n 2 ,\n");
    let ids: Vec<String> = file.read().unwrap().accounts.iter().map(|account| account.id.to_string()).collect();
    assert_eq!(ids, ["1", "1#2", "E-Mail=kim@example.com", "2"]);

    let file = TestFile::new(FORMATS[0], &["Id"]);
    file.put("Id,Note\n1,\n,x\n,\n,y\n");
    let ids: Vec<String> = file.read().unwrap().accounts.iter().map(|account| account.id.to_string()).collect();
    assert_eq!(ids, ["1", "row 3", "row 5"]);
}

#[test]
fn a_corrected_key_is_a_new_id_for_the_same_row() {
    let file = TestFile::new(FORMATS[0], &["E-Mail", "Name"]);
    file.put("E-Mail,Name\nines@example.com,Ines\n");
    let target = file.open();
    target.reader().accounts(&NoProgress).unwrap();
    let schema = target.reader().schema().unwrap();
    let old = AccountId::from("ines@example.com");
    let key = &changes(&schema, &[text("ines.new@example.com")])[..1];
    let name = &changes(&schema, &[text("x"), text("Inés")])[1..];
    let new = AccountId::from("ines.new@example.com");
    assert_eq!(target.writer().id_after(&old, name), old);
    assert_eq!(target.writer().id_after(&old, key), new);
    target.writer().update(&old, key).unwrap();
    assert_eq!(target.writer().id_after(&old, key), new);
    target.writer().update(&old, name).unwrap();
    assert_eq!(target.reader().account(&new).unwrap().unwrap().id, new);
    let found = target.reader().find(FieldIndex(1), &text("Inés")).unwrap();
    assert_eq!(found.iter().map(|account| &account.id).collect::<Vec<_>>(), [&new]);
    // Who comes next may have the old key, although it goes on meaning this row until the file is written.
    let other = changes(&schema, &[text("ines@example.com"), text("Jo")]);
    assert_eq!(target.writer().create(EmployeeId(2), &other).unwrap(), old);
    assert_eq!(target.writer().create(EmployeeId(3), &other).unwrap_err().kind, ErrorKind::Exists);
    target.writer().update(&old, &changes(&schema, &[text("x"), text("Inês")])[1..]).unwrap();
    target.writer().finish().unwrap();
    assert_eq!(file.text(), "E-Mail,Name\nines.new@example.com,Inês\nines@example.com,Jo\n");
}

#[test]
fn keys_that_are_exchanged_are_the_ids_of_the_rows_that_have_them_now() {
    let file = TestFile::new(FORMATS[0], &["E-Mail", "Name"]);
    file.put("E-Mail,Name\nines@example.com,Ines\njo@example.com,Jo\n");
    let target = file.open();
    target.reader().accounts(&NoProgress).unwrap();
    let schema = target.reader().schema().unwrap();
    let (ines, jo) = (AccountId::from("ines@example.com"), AccountId::from("jo@example.com"));
    let key = |key: &str| changes(&schema, &[text(key), text("x")])[..1].to_vec();
    for (account, other) in [(&ines, &jo), (&jo, &ines)] {
        target.writer().update(account, &key(&other.to_string())).unwrap();
        assert_eq!(target.writer().id_after(account, &key(&other.to_string())), *other);
    }
    target.writer().finish().unwrap();
    assert_eq!(file.text(), "E-Mail,Name\njo@example.com,Ines\nines@example.com,Jo\n");
}

#[test]
fn the_order_of_threads_leaves_no_trace() {
    for settings in FORMATS {
        let write = |employees: &[u64]| {
            let file = TestFile::new(settings, &["Id", "Name"]);
            let target = file.open();
            target.reader().accounts(&NoProgress).unwrap();
            let schema = target.reader().schema().unwrap();
            let (first, second) = employees.split_at(employees.len() / 2);
            let (target, schema) = (&*target, &schema);
            std::thread::scope(|scope| {
                for half in [first, second] {
                    scope.spawn(move || {
                        for employee in half {
                            let fields = changes(schema, &[text(&employee.to_string()), text("Ines")]);
                            target.writer().create(EmployeeId(*employee), &fields).unwrap();
                        }
                    });
                }
            });
            target.writer().finish().unwrap();
            fs::read(file.path()).unwrap()
        };
        assert_eq!(write(&[3, 1, 20, 11, 2, 4]), write(&[11, 2, 1, 4, 20, 3]), "{settings}");
    }
}

#[test]
fn a_second_row_of_the_same_key_is_not_made() {
    let file = TestFile::new(FORMATS[0], &["Id", "Name"]);
    let target = file.open();
    let schema = target.reader().schema().unwrap();
    let fields = changes(&schema, &[text("1"), text("Ines")]);
    target.writer().create(EmployeeId(1), &fields).unwrap();
    assert_eq!(target.writer().create(EmployeeId(1), &fields).unwrap_err().kind, ErrorKind::Exists);
    let keyless = changes(&schema, &[FieldValue::Empty, FieldValue::Empty]);
    assert_eq!(target.writer().create(EmployeeId(2), &keyless).unwrap_err().kind, ErrorKind::Refused);
}

#[test]
fn in_the_sandbox_the_folder_is_made_on_the_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = TestFile::new(FORMATS[0], &["Id"]);
    let problems = Problems::new(&file.settings);
    let environment = |_: &str| None;
    let secrets = SecretReader::new(&environment, Path::new("/nowhere"), SecretMode::Invent);
    let entries = toml::de::DeTable::parse(&file.settings).unwrap();
    let table = Table::new(
        "t",
        0..1,
        entries.get_ref(),
        Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() },
    );
    let mut target = parse(&table).unwrap();
    target.redirect(&crate::targets::SandboxAddresses {
        base_url: "http://127.0.0.1:1".into(),
        folder: folder.path().to_owned(),
        target: "payroll".into(),
        secret: crate::section::Secret::new("invented"),
    });
    let FieldLookup::Known(spec) = target.field("Id") else { panic!("any name is a column") };
    let open = target
        .open(Connection {
            name: "payroll".into(),
            fields: vec![spec],
            mapped: 1,
            match_fields: vec![FieldIndex(0)],
            create_missing: Vec::new(),
            today: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
        })
        .unwrap();
    assert_eq!(open.reader().accounts(&NoProgress).unwrap().accounts, []);
    assert!(!folder.path().join("payroll").exists(), "a plan writes nothing");
    let fields = changes(&open.reader().schema().unwrap(), &[text("1")]);
    open.writer().create(EmployeeId(1), &fields).unwrap();
    open.writer().finish().unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("payroll/people.csv")).unwrap(), "Id\n1\n");
}

/// A workbook with some text in one of its parts put in the place of another.
fn patched(workbook: &[u8], part: &str, from: &str, to: &str) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut old = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in old.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>() {
        let mut content = String::new();
        old.by_name(&name).unwrap().read_to_string(&mut content).unwrap();
        if name == part {
            assert!(content.contains(from), "{content}");
            content = content.replace(from, to);
        }
        new.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        new.write_all(content.as_bytes()).unwrap();
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_keeps_its_formats_widths_and_name() {
    let file = TestFile::new(FORMATS[5], &["Id", "Name"]);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Team").unwrap();
    let kept = [
        ("Id", 123.0, "00000"),
        ("Share", 0.5, "0%"),
        ("Pay", 1200.5, "#,##0.00 \"EUR\""),
        ("Hours", 38.5 / 24.0, "[h]:mm"),
        ("Start", 46_113.0, "yyyy-mm-dd"),
    ];
    for (at, (name, number, format)) in (0u16..).zip(kept) {
        let format = rust_xlsxwriter::Format::new().set_num_format(format);
        sheet.write(0, at, name).unwrap();
        sheet.write_number_with_format(1, at, number, &format).unwrap();
    }
    sheet.write(0, 5, "Name").unwrap();
    sheet.set_column_width(2, 40).unwrap();
    workbook.save(file.path()).unwrap();

    // As it is shown, the number is the text that Personio has.
    let snapshot = file.read().unwrap();
    assert_eq!(snapshot.accounts[0].field(FieldIndex(0)), &text("00123"));
    file.sync(&people(&[(1, &["00123", "Ines"])])).unwrap();

    use calamine::Reader;
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(file.path()).unwrap();
    assert_eq!(workbook.sheet_names(), ["Team"]);
    let styles = workbook.worksheet_style("Team").unwrap();
    let code = |column| styles.get((1, column)).unwrap().number_format.as_ref().unwrap().format_code.clone();
    let codes: Vec<String> = [0, 2, 3, 4, 5].into_iter().map(code).collect();
    assert_eq!(codes, kept.map(|(_, _, format)| format));
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    let numbers: Vec<f64> = [0, 2, 3, 4, 5]
        .into_iter()
        .map(|column| match range.get((1, column)).unwrap() {
            calamine::Data::Float(number) => *number,
            calamine::Data::DateTime(moment) => moment.as_f64(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, kept.map(|(_, number, _)| number));
    let bytes = fs::read(file.path()).unwrap();
    patched(&bytes, "xl/worksheets/sheet1.xml", "<col min=\"4\" max=\"4\" width=\"40.7109375\"", "");
}

#[test]
fn what_a_workbook_would_lose_is_told_before() {
    use rust_xlsxwriter::{Color, Format, Note, Workbook};
    type Change = fn(&mut rust_xlsxwriter::Worksheet);
    let cases: [(Change, &str); 6] = [
        (|_| (), ""),
        // As this program writes it.
        (|sheet| drop(sheet.write_with_format(0, 0, "Id", &Format::new().set_bold())), ""),
        (|sheet| drop(sheet.write_with_format(1, 1, "Ines", &Format::new().set_bold())), "colours or fonts"),
        (
            |sheet| drop(sheet.write_with_format(0, 1, "Name", &Format::new().set_background_color(Color::Yellow))),
            "colours or fonts",
        ),
        (|sheet| drop(sheet.insert_note(1, 1, &Note::new("on loan"))), "comments"),
        (
            |sheet| {
                drop(sheet.write_with_format(1, 1, "Ines", &Format::new().set_font_color(Color::Red)));
                drop(sheet.insert_note(1, 1, &Note::new("on loan")));
            },
            "colours or fonts, comments",
        ),
    ];
    for (change, lost) in cases {
        let file = TestFile::new(FORMATS[5], &["Id", "Name"]);
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, column, text) in [(0, 0, "Id"), (0, 1, "Name"), (1, 0, "1"), (1, 1, "Ines")] {
            sheet.write(row, column, text).unwrap();
        }
        change(sheet);
        workbook.save(file.path()).unwrap();
        let told: Vec<String> = file
            .read()
            .unwrap()
            .notices
            .into_iter()
            .map(|notice| format!("{}: {}", notice.code, notice.message))
            .collect();
        match lost {
            "" => assert_eq!(told, [""; 0]),
            lost => assert!(told[0].starts_with(&format!("look_not_kept: the workbook has {lost}, which")), "{told:?}"),
        }
        file.sync(&people(&[(1, &["1", "Inés"])])).unwrap();
        assert_eq!(file.read().unwrap().notices, [], "what was lost is not told of again");
    }
}

/// Excel for old Macs counts days from 1904, LibreOffice writes booleans as formulas.
#[test]
fn workbooks_of_other_programs_mean_the_same() {
    let file = TestFile::new(FORMATS[5], &["Id", "Name"]);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let moment = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let hours = rust_xlsxwriter::Format::new().set_num_format("[h]:mm");
    let sheet = workbook.add_worksheet();
    for (at, name) in (0u16..).zip(["Id", "Name", "Checked", "Day", "Hours", "Flag"]) {
        sheet.write(0, at, name).unwrap();
    }
    sheet.write(1, 0, "1").unwrap();
    sheet.write_number_with_format(1, 2, 44_620.375, &moment).unwrap();
    sheet.write_number_with_format(1, 3, 44_620.0, &moment).unwrap();
    sheet.write_number_with_format(1, 4, 1.5, &hours).unwrap();
    sheet.write(1, 5, true).unwrap();
    let old = workbook.save_to_buffer().unwrap();
    let old = patched(&old, "xl/workbook.xml", "<workbookPr ", "<workbookPr date1904=\"1\" ");
    let old = patched(&old, "xl/worksheets/sheet1.xml", "t=\"b\"><v>1", "t=\"b\"><f aca=\"false\">TRUE()</f><v>1");
    fs::write(file.path(), old).unwrap();
    file.sync(&people(&[(1, &["1", "Ines"])])).unwrap();

    use calamine::{Data, Reader};
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(file.path()).unwrap();
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    let moment = |column| match range.get((1, column)).unwrap() {
        Data::DateTime(moment) => moment.to_ymd_hms_milli(),
        other => panic!("{other:?}"),
    };
    assert_eq!(moment(2), (2026, 3, 1, 9, 0, 0, 0));
    assert_eq!(moment(3), (2026, 3, 1, 0, 0, 0, 0));
    assert!(matches!(range.get((1, 4)), Some(Data::DateTime(hours)) if hours.is_duration() && hours.as_f64() == 1.5));
    assert_eq!(range.get((1, 5)), Some(&Data::Bool(true)));
}
