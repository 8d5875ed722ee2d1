use crate::personio::simulated::Personio;
use std::cell::Cell;
use std::collections::HashSet;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::code::Code;
use crate::documents::{Directory, FolderFile, Key, Pattern, Rules, TitleTemplate, assign};
use crate::employee::{Attributes, Completeness, Employee, EmployeeId, Employees};
use crate::exit::Reasons;
use crate::personio::{
    DocumentCategory, Documents, FILE_TYPES, LARGEST_FILE, SourceErrorKind, SourceSettings, Sources, StoredDocument,
};
use crate::progress::NoProgress;
use crate::sandbox::{Faults, Sandbox, SandboxOptions};
use crate::section::Secret;
use crate::state::State;
use crate::sync::uploads::{Common, Row, Status, Verdict, carry_out, find_category, look_for, plan, settle};

fn now() -> DateTime<Utc> {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// A company with a folder of payslips and a state that outlives its runs.
struct Office {
    sandbox: Sandbox,
    documents: Box<dyn Documents>,
    folder: tempfile::TempDir,
    state: State,
    ids: Vec<u64>,
    /// Runs end after their plan.
    stopped: Cell<bool>,
}

impl Office {
    fn new() -> Self {
        let options = SandboxOptions { employees: 5, ..SandboxOptions::new(now().date_naive()) };
        let sandbox = Sandbox::start(options).unwrap();
        let base_url = format!("{}/personio", sandbox.base_url());
        let secret = Secret::new(sandbox.info().secret.clone());
        let settings = SourceSettings { base_url, ..SourceSettings::new(Secret::new("someone"), secret) };
        let documents = Sources(&settings).documents().unwrap();
        let ids = sandbox
            .system(|personio: &mut Personio| personio.company().people().iter().map(|person| person.id).collect());
        let folder = tempfile::tempdir().unwrap();
        Self { sandbox, documents, folder, state: State::temporary().unwrap(), ids, stopped: Cell::new(false) }
    }

    fn faults(&self, text: &str) {
        self.sandbox.set_faults(text.parse::<Faults>().unwrap());
    }

    fn payslip(&self, number: usize, content: &str) -> String {
        let name = format!("{}_2026-11.pdf", self.ids[number]);
        std::fs::write(self.folder.path().join(&name), content).unwrap();
        name
    }

    fn run(&self, again: &[String]) -> (Vec<Row>, Reasons) {
        self.run_at(now(), again)
    }

    fn run_at(&self, now: DateTime<Utc>, again: &[String]) -> (Vec<Row>, Reasons) {
        let category = find_category(self.documents.categories().unwrap(), " payslips").unwrap();
        self.run_in(&category, now, again)
    }

    fn run_in(&self, category: &DocumentCategory, now: DateTime<Utc>, again: &[String]) -> (Vec<Row>, Reasons) {
        let title = TitleTemplate::new("{category} {period}").unwrap();
        let folder: &Path = self.folder.path();
        let common = Common { folder, category, title: &title, comment: None, date: None, state: &self.state, now };
        let files: Vec<FolderFile> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| FolderFile {
                name: entry.file_name().into_string().unwrap(),
                size: entry.metadata().unwrap().len(),
            })
            .collect();
        let list = self.ids.iter().map(|id| Employee::new(EmployeeId(*id), vec![])).collect();
        let employees = Employees::new(Attributes::new([""; 0]), list, Completeness::Proven);
        let pattern = Pattern::new("{employee_id}_{period}.pdf", |_| Ok(Key::EmployeeId)).unwrap();
        let directory = Directory::new(&employees, &pattern.keys());
        let mut rows = plan(&common, assign(&files, Rules::Names(&pattern), &directory, FILE_TYPES, LARGEST_FILE));
        let list = |employee, category| self.documents.of_employee(employee, category);
        settle(&common, &mut rows, again, true, &list).unwrap();
        let (reasons, error) =
            carry_out(&common, &*self.documents, &mut rows, &NoProgress, &mut || Ok(!self.stopped.get()));
        assert!(error.is_none());
        (rows, reasons)
    }

    fn stored(&self) -> Vec<(u64, String, Vec<u8>)> {
        self.sandbox.system(|personio: &mut Personio| {
            let stored = personio.documents().iter();
            stored.map(|one| (one.employee, one.title.clone(), one.content.clone())).collect()
        })
    }
}

fn statuses(rows: &[Row]) -> Vec<Status> {
    rows.iter().map(|row| row.status).collect()
}

#[test]
fn each_content_is_uploaded_once_for_each_employee() {
    let office = Office::new();
    office.payslip(0, "first");
    office.payslip(1, "second");
    let (rows, reasons) = office.run(&[]);
    assert_eq!((statuses(&rows), reasons.code()), (vec![Status::Uploaded; 2], 0));
    let wanted =
        |number: usize, content: &str| (office.ids[number], "Payslips 2026-11".to_owned(), content.as_bytes().to_vec());
    assert_eq!(office.stored(), [wanted(0, "first"), wanted(1, "second")]);

    // The same content under another name of the same form, and a corrected payslip.
    let extra = format!("{}_202611.pdf", office.ids[0]);
    std::fs::write(office.folder.path().join(extra), "first").unwrap();
    office.payslip(1, "corrected");
    let (rows, _) = office.run(&[]);
    assert_eq!(statuses(&rows), [Status::AlreadyUploaded, Status::LeftOut, Status::Uploaded]);
    assert_eq!(rows[1].code, Some(crate::code::Code::Duplicate));
    assert_eq!(office.stored().len(), 3);
}

#[test]
fn a_lost_answer_is_settled_by_the_next_run_and_nothing_is_stored_twice() {
    let office = Office::new();
    for number in 0..3 {
        office.payslip(number, &format!("payslip {number}"));
    }
    office.faults("personio:POST:lost-answer#2");
    let (rows, _) = office.run(&[]);
    assert_eq!(statuses(&rows).iter().filter(|status| **status == Status::Unknown).count(), 1, "{rows:?}");
    assert_eq!(office.stored().len(), 3);
    office.faults("");
    let (rows, reasons) = office.run(&[]);
    assert_eq!((statuses(&rows), reasons.code()), (vec![Status::AlreadyUploaded; 3], 0));
    assert_eq!(rows.iter().filter(|row| row.code == Some(Code::Found)).count(), 1);
    // Now the ledger knows; nobody has to be asked any more.
    office.sandbox.system(|personio: &mut Personio| personio.options.without_documents_write = true);
    assert_eq!(statuses(&office.run(&[]).0), [Status::AlreadyUploaded; 3]);
    assert_eq!(office.stored().len(), 3);
}

#[test]
fn what_nobody_can_tell_stays_unknown_until_somebody_says_again() {
    let office = Office::new();
    let name = office.payslip(0, "payslip");
    // A web page instead of an answer, and the document was not stored.
    office.faults("personio:POST:html502#2");
    let (rows, _) = office.run(&[]);
    assert_eq!(statuses(&rows), [Status::Unknown]);
    assert_eq!(office.stored(), []);
    office.faults("");
    // Personio lists no document of the category at all: that proves nothing, however late it is.
    let late = now() + TimeDelta::hours(2);
    let (rows, _) = office.run_at(late, &[]);
    assert_eq!(statuses(&rows), [Status::Unknown]);
    assert!(rows[0].detail.contains("--again"), "{}", rows[0].detail);
    assert_eq!(office.stored(), []);
    // Saying so is worth nothing until it is carried out.
    office.stopped.set(true);
    assert_eq!(statuses(&office.run_at(late, std::slice::from_ref(&name)).0), [Status::NotAttempted]);
    office.stopped.set(false);
    assert_eq!(statuses(&office.run_at(late, &[]).0), [Status::Unknown]);
    let (rows, _) = office.run_at(late, &[name]);
    assert_eq!(statuses(&rows), [Status::Uploaded]);
    assert_eq!(office.stored().len(), 1);
}

#[test]
fn a_missing_right_ends_the_run_and_leaves_nothing_open() {
    let office = Office::new();
    office.payslip(0, "first");
    office.payslip(1, "second");
    office.sandbox.system(|personio: &mut Personio| personio.options.without_documents_write = true);
    let (rows, reasons) = office.run(&[]);
    assert_eq!((statuses(&rows), reasons.code()), (vec![Status::Failed, Status::NotAttempted], 7));
    assert!(rows[0].detail.contains("Documents: Write"), "{}", rows[0].detail);
    office.sandbox.system(|personio: &mut Personio| personio.options.without_documents_write = false);
    assert_eq!(statuses(&office.run(&[]).0), [Status::Uploaded; 2]);
}

#[test]
fn a_category_is_found_by_its_name_or_the_nearest_is_named() {
    let all =
        || vec![DocumentCategory { id: 3, name: "Payslips".into() }, DocumentCategory { id: 4, name: "Other".into() }];
    assert_eq!(find_category(all(), "PAYSLIPS ").unwrap().id, 3);
    let failure = find_category(all(), "Payslip").unwrap_err();
    assert_eq!(failure.reason.code(), 2);
    assert!(failure.text.contains("did you mean `Payslips`?") && failure.text.contains("`Other`"), "{}", failure.text);
    let twice = [all(), all()].concat();
    assert!(find_category(twice, "Payslips").unwrap_err().text.contains("more than one"));
}

#[test]
fn the_list_of_documents_is_believed_as_far_as_it_goes() {
    let row = Row {
        file: "1_2026-11.pdf".into(),
        employee_id: Some(EmployeeId(1)),
        title: "Payslip".into(),
        bytes: 7,
        status: Status::Upload,
        code: None,
        detail: String::new(),
        once: None,
        again: false,
    };
    let document = |name: &str, size: Option<u64>, day: &str| StoredDocument {
        id: "d1".into(),
        name: name.into(),
        category: Some("3".into()),
        size,
        created: day.parse().ok(),
    };
    let stored = || Verdict::Stored("d1".into());
    // documents, minutes since it was begun, verdict
    let table = [
        (vec![document("Payslip", Some(7), "2026-11-22")], 1, stored()),
        (vec![document("1_2026-11.pdf", None, "")], 1, stored()),
        (vec![document("1_2026-11", Some(7), "2026-11-21")], 1, stored()),
        (vec![document("Payslip", Some(8), "2026-11-22")], 1, Verdict::Undecided),
        (vec![document("Payslip", Some(8), "2026-11-22")], 20, Verdict::Absent),
        (vec![document("Payslip", Some(7), "2026-10-22")], 20, Verdict::Absent),
        (vec![document("Renamed", Some(7), "2026-11-22")], 20, Verdict::Undecided),
        (
            vec![StoredDocument { category: Some("9".into()), ..document("Payslip", Some(7), "") }],
            20,
            Verdict::Undecided,
        ),
        (vec![], 20, Verdict::Undecided),
    ];
    let nobody = HashSet::new();
    for (documents, minutes, wanted) in table {
        let later = now() + TimeDelta::minutes(minutes);
        assert_eq!(look_for(&row, now(), later, 3, &documents, &nobody), wanted, "{documents:?}");
    }
    let taken = HashSet::from(["d1".to_owned()]);
    let documents = [document("Payslip", Some(7), "2026-11-22")];
    assert_eq!(look_for(&row, now(), now(), 3, &documents, &taken), Verdict::Undecided);
}

#[test]
fn a_list_that_is_refused_leaves_an_upload_unknown() {
    let office = Office::new();
    office.payslip(0, "payslip");
    // The first is the sign-in.
    office.faults("personio:POST:lost-answer#2");
    assert_eq!(statuses(&office.run(&[]).0), [Status::Unknown]);
    office.faults("");
    let category = find_category(office.documents.categories().unwrap(), "Payslips").unwrap();
    office.sandbox.system(|personio: &mut Personio| personio.options.without_documents_read = true);
    let (rows, _) = office.run_in(&category, now() + TimeDelta::hours(2), &[]);
    assert_eq!(statuses(&rows), [Status::Unknown]);
    assert!(rows[0].detail.contains("Documents: Read"), "{}", rows[0].detail);
    assert_eq!(office.stored().len(), 1);
    assert_eq!(office.documents.categories().unwrap_err().kind, SourceErrorKind::Rights);
}
