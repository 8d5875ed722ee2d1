//! Uploads of documents as a table: planned, settled with what earlier runs left open, carried out.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::documents::{FolderFile, Match, TitleTemplate};
use crate::employee::EmployeeId;
use crate::exit::{Failure, Reason, Reasons};
use crate::http::File;
use crate::personio::{
    DocumentCategory, Documents, LONGEST_TITLE, SourceError, StoredDocument, Upload, UploadError, UploadErrorKind,
};
use crate::progress::Progress;
use crate::state::{LedgerEntry, Once, OnceKind, OnceOnly, State, StateError};
use crate::words::{known, phrase};

use super::state_reason;

/// How long an upload may still be on its way, or be missing in the list, after it was begun.
const SETTLING: TimeDelta = TimeDelta::minutes(15);

/// So many uploads in a row without an answer, and the rest is not attempted.
const LOST_IN_A_ROW: usize = 3;

const TARGET: &str = "personio";

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Upload,
    /// Was uploaded in this run.
    Uploaded,
    /// Was uploaded before.
    AlreadyUploaded,
    /// Belongs to nobody, or cannot be uploaded.
    LeftOut,
    Failed,
    /// Was sent, and whether it was stored is not known.
    Unknown,
    /// Was not sent because of what happened before.
    NotAttempted,
}

impl Status {
    pub fn words(self) -> &'static str {
        match self {
            Self::Upload => "to upload",
            Self::Uploaded => "uploaded",
            Self::AlreadyUploaded => "already uploaded",
            Self::LeftOut => "left out",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotAttempted => "not attempted",
        }
    }

    /// Whether the file is where it should be, or on its way there.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Upload | Self::Uploaded | Self::AlreadyUploaded)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub file: String,
    #[serde(serialize_with = "id")]
    pub employee_id: Option<EmployeeId>,
    pub title: String,
    pub bytes: u64,
    pub status: Status,
    /// A stable code for the status, where one says more.
    pub code: Option<Code>,
    pub detail: String,
    /// What the ledger knows it by.
    #[serde(skip)]
    pub once: Option<OnceOnly>,
    /// Whether the ledger holds an earlier try that is to be given up for this one.
    #[serde(skip)]
    pub again: bool,
}

fn id<S: serde::Serializer>(id: &Option<EmployeeId>, to: S) -> Result<S::Ok, S::Error> {
    id.map(|id| id.0).serialize(to)
}

impl Row {
    fn set(&mut self, status: Status, code: Option<Code>, detail: impl Into<String>) {
        (self.status, self.code, self.detail) = (status, code, detail.into());
    }
}

/// What all uploads of a run have in common.
#[derive(Debug)]
pub struct Common<'a> {
    pub folder: &'a Path,
    pub category: &'a DocumentCategory,
    pub title: &'a TitleTemplate,
    pub comment: Option<String>,
    pub date: Option<NaiveDate>,
    pub state: &'a State,
    pub now: DateTime<Utc>,
}

/// The lock that keeps two runs from uploading to one Personio at the same time.
pub fn lock_name(base_url: &str) -> String {
    format!("personio-documents:{}", base_url.split_once("://").map_or(base_url, |(_, position)| position))
}

/// The category of a name; letter case does not count.
pub fn find_category(categories: Vec<DocumentCategory>, name: &str) -> Result<DocumentCategory, Failure> {
    let fail = |message: String| Failure::new(Reason::Usage, message);
    let names: Vec<String> = categories.iter().map(|category| category.name.clone()).collect();
    let folded = |name: &str| name.trim().to_lowercase();
    let mut found = categories.into_iter().filter(|category| folded(&category.name) == folded(name));
    match (found.next(), found.next()) {
        (Some(category), None) => Ok(category),
        (Some(_), Some(_)) => Err(fail(format!("Personio has more than one category of documents `{name}`"))),
        (None, _) => Err(fail(format!(
            "Personio has no category of documents `{name}`; {}",
            known(name, names.iter().map(String::as_str))
        ))),
    }
}

/// The attributes by which the last upload told apart whose a file is, for each category of documents. They are said on
/// the command line, and in no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadKeys(BTreeMap<String, BTreeSet<String>>);

impl UploadKeys {
    const KIND: &str = "upload keys";

    /// As the state has them.
    pub fn remembered(state: &State) -> Result<Self, StateError> {
        let known = state.confirmed(Self::KIND, TARGET)?;
        // One that a newer version wrote otherwise tells nothing.
        Ok(Self(known.and_then(|known| serde_json::from_str(&known.content).ok()).unwrap_or_default()))
    }

    /// Keeps those of an upload that is about to be made.
    pub fn remember(
        state: &State,
        category: &str,
        keys: BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StateError> {
        let mut known = Self::remembered(state)?;
        if known.0.get(category) == Some(&keys) {
            return Ok(());
        }
        known.0.insert(category.to_owned(), keys);
        let content = serde_json::to_string(&known.0).unwrap_or_default();
        state.confirm(Self::KIND, TARGET, &content, now)
    }

    /// The categories of which an upload told files apart by an attribute.
    pub fn categories(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(_, keys)| keys.contains(key)).map(|(category, _)| category.as_str())
    }

    /// All attributes, sorted.
    pub fn attributes(&self) -> BTreeSet<&str> {
        self.0.values().flatten().map(String::as_str).collect()
    }
}

/// The rows of all files, before anything is known of earlier runs.
pub fn plan(common: &Common<'_>, assigned: Vec<(FolderFile, Result<Match, Code>)>) -> Vec<Row> {
    let mut first: HashMap<OnceOnly, String> = HashMap::new();
    let mut rows = Vec::with_capacity(assigned.len());
    for (file, result) in assigned {
        let mut row = Row {
            file: file.name,
            employee_id: None,
            title: String::new(),
            bytes: file.size,
            status: Status::Upload,
            code: None,
            detail: String::new(),
            once: None,
            again: false,
        };
        match result {
            Err(code) => row.set(Status::LeftOut, Some(code), phrase(code.meaning())),
            Ok(found) => {
                row.employee_id = Some(found.employee);
                row.title = common.title.fill(&row.file, found.period.as_deref(), &common.category.name);
                identify(common, &mut row, found.employee, &mut first);
            }
        }
        rows.push(row);
    }
    rows
}

fn identify(common: &Common<'_>, row: &mut Row, employee: EmployeeId, first: &mut HashMap<OnceOnly, String>) {
    if row.title.is_empty() || row.title.chars().count() > LONGEST_TITLE {
        let detail = format!("the title is blank or has more than {LONGEST_TITLE} characters; see --title");
        return row.set(Status::LeftOut, Some(Code::TitleInvalid), detail);
    }
    let content = match std::fs::read(common.folder.join(&row.file)) {
        Ok(content) => content,
        Err(error) => return row.set(Status::LeftOut, Some(Code::Unreadable), format!("it cannot be read: {error}")),
    };
    let once = once(common, employee, &content);
    if let Some(other) = first.get(&once) {
        let detail = format!("it has the same content as {other}, for the same employee");
        return row.set(Status::LeftOut, Some(Code::Duplicate), detail);
    }
    first.insert(once.clone(), row.file.clone());
    row.once = Some(once);
}

/// What must happen once: this content, for this employee, in this category.
fn once(common: &Common<'_>, employee: EmployeeId, content: &[u8]) -> OnceOnly {
    use std::fmt::Write as _;
    let digest = Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let fingerprint = common.state.hasher().fingerprint("upload", [digest.as_str()]);
    OnceOnly {
        target: TARGET.into(),
        employee,
        once: Once::Upload(format!("{}:{fingerprint}", common.category.id).into()),
    }
}

/// What the list of documents says of an upload whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, with this id.
    Stored(String),
    /// It certainly is not.
    Absent,
    /// The list does not tell.
    Undecided,
}

/// Finds an upload in the list of the employee's documents.
///
/// That it is not in the list proves something only when the list shows documents of the category at all
/// (payroll documents are left out of it) and the upload had the time to appear. `taken` are documents that
/// other uploads are known by.
pub fn look_for(
    row: &Row,
    begun: DateTime<Utc>,
    now: DateTime<Utc>,
    category: u64,
    documents: &[StoredDocument],
    taken: &HashSet<String>,
) -> Verdict {
    // A day earlier, because Personio's day may not have begun yet.
    let earliest = begun.date_naive().checked_sub_days(Days::new(1));
    let category = category.to_string();
    let in_category = |document: &&StoredDocument| document.category.as_ref().is_none_or(|known| *known == category);
    let could_be = |document: &&StoredDocument| {
        document.size.is_none_or(|size| size == row.bytes)
            && document.created.is_none_or(|day| earliest.is_none_or(|earliest| day >= earliest))
            && !taken.contains(&document.id)
    };
    let stem = row.file.rsplit_once('.').map_or(&*row.file, |(stem, _)| stem);
    let called = |document: &&StoredDocument| [&*row.title, &*row.file, stem].contains(&&*document.name);
    let candidates: Vec<&StoredDocument> = documents.iter().filter(in_category).filter(could_be).collect();
    match candidates.iter().copied().find(|document| called(document)) {
        Some(document) => Verdict::Stored(document.id.clone()),
        None if candidates.is_empty() && documents.iter().any(|one| in_category(&one)) && now - begun > SETTLING => {
            Verdict::Absent
        }
        None => Verdict::Undecided,
    }
}

/// Takes out what earlier runs uploaded, and settles what they left open. `again` names files to be sent although
/// nobody knows whether they are stored. With `keep`, what is found out is written to the state.
pub fn settle(
    common: &Common<'_>,
    rows: &mut [Row],
    again: &[String],
    keep: bool,
    list: &dyn Fn(EmployeeId, u64) -> Result<Vec<StoredDocument>, SourceError>,
) -> Result<(), StateError> {
    let entries = common.state.ledger(TARGET, OnceKind::Uploads)?;
    let mut taken: HashSet<String> =
        entries.iter().filter_map(|entry| entry.external_id.as_deref().map(str::to_owned)).collect();
    let ledger: HashMap<&OnceOnly, &LedgerEntry> = entries.iter().map(|entry| (&entry.what, entry)).collect();
    let mut lists: BTreeMap<EmployeeId, Result<Vec<StoredDocument>, SourceError>> = BTreeMap::new();
    for row in rows.iter_mut().filter(|row| row.status == Status::Upload) {
        let Some(once) = row.once.clone() else { continue };
        let Some(entry) = ledger.get(&once) else { continue };
        if let Some(closed) = entry.closed_at {
            row.set(Status::AlreadyUploaded, None, format!("on {}", closed.date_naive()));
            continue;
        }
        let category = common.category.id;
        let documents = lists.entry(once.employee).or_insert_with(|| list(once.employee, category));
        let (verdict, why) = match documents {
            Ok(documents) => (
                look_for(row, entry.opened_at, common.now, category, documents, &taken),
                "Personio's list of documents does not tell".to_owned(),
            ),
            Err(error) => (Verdict::Undecided, error.to_string()),
        };
        match verdict {
            Verdict::Stored(id) => {
                if keep {
                    common.state.close_once(&once, Some(&id), common.now)?;
                }
                taken.insert(id);
                row.set(Status::AlreadyUploaded, Some(Code::Found), "found in Personio");
            }
            Verdict::Undecided if !again.contains(&row.file) => {
                let detail = format!(
                    "an earlier run began this upload and does not know whether it was stored ({why}); look in \
                     Personio, and use --again \"{}\" if it is not there",
                    row.file
                );
                row.set(Status::Unknown, Some(Code::OutcomeUnknown), detail);
            }
            // The earlier try is given up when this one is sent, not before: somebody may still say no.
            Verdict::Absent | Verdict::Undecided => {
                row.again = true;
                row.detail = "again: an earlier upload did not arrive".into();
            }
        }
    }
    Ok(())
}

/// Carries the uploads out, one after the other at Personio's pace. `go_on` is asked before each.
pub fn carry_out(
    common: &Common<'_>,
    documents: &dyn Documents,
    rows: &mut [Row],
    progress: &dyn Progress,
    go_on: &mut dyn FnMut() -> Result<bool, StateError>,
) -> (Reasons, Option<StateError>) {
    let (mut reasons, mut lost, mut over) = (Reasons::default(), 0, None);
    for row in rows.iter_mut().filter(|row| row.status == Status::Upload) {
        if over.is_none() {
            match go_on() {
                Ok(true) => {}
                Ok(false) => over = Some("the run was stopped".to_owned()),
                Err(error) => return give_up(rows, reasons, error),
            }
        }
        if let Some(why) = &over {
            row.set(Status::NotAttempted, None, why.clone());
            continue;
        }
        let failed = match send(common, documents, row) {
            Ok(failed) => failed,
            Err(error) => return give_up(rows, reasons, error),
        };
        progress.advance(1);
        lost = if row.status == Status::Unknown { lost + 1 } else { 0 };
        match failed {
            Some(UploadErrorKind::SignIn | UploadErrorKind::Rights) => {
                reasons.add(Reason::Refused);
                over = Some("the credential was refused before".into());
            }
            Some(UploadErrorKind::Unavailable) => {
                reasons.add(Reason::Unavailable);
                over = Some("Personio could not be reached before".into());
            }
            _ if lost >= LOST_IN_A_ROW => {
                reasons.add(Reason::Unavailable);
                over = Some("too many uploads in a row had no answer".into());
            }
            _ => {}
        }
    }
    (reasons, None)
}

/// Without a state nothing may be sent.
fn give_up(rows: &mut [Row], mut reasons: Reasons, error: StateError) -> (Reasons, Option<StateError>) {
    for row in rows.iter_mut().filter(|row| row.status == Status::Upload) {
        row.set(Status::NotAttempted, None, "the state cannot be written");
    }
    reasons.add(state_reason(&error));
    (reasons, Some(error))
}

fn send(common: &Common<'_>, documents: &dyn Documents, row: &mut Row) -> Result<Option<UploadErrorKind>, StateError> {
    let (Some(employee), Some(planned)) = (row.employee_id, row.once.clone()) else { return Ok(None) };
    let content = match std::fs::read(common.folder.join(&row.file)) {
        Ok(content) if once(common, employee, &content) == planned => content,
        Ok(_) => {
            row.set(Status::Failed, Some(Code::Changed), "the file changed after the plan was made");
            return Ok(None);
        }
        Err(error) => {
            row.set(Status::Failed, Some(Code::Unreadable), format!("it cannot be read: {error}"));
            return Ok(None);
        }
    };
    if row.again {
        common.state.release_once(&planned)?;
    }
    if common.state.open_once(std::slice::from_ref(&planned), common.now)? != [true] {
        row.set(Status::Unknown, Some(Code::OutcomeUnknown), "another run began this upload");
        return Ok(None);
    }
    let upload = Upload {
        employee,
        category: common.category.id,
        title: row.title.clone(),
        comment: common.comment.clone(),
        date: common.date,
        file: File { name: row.file.clone(), bytes: content.into() },
    };
    match documents.upload(&upload) {
        Ok(id) => {
            row.set(Status::Uploaded, None, "");
            common.state.close_once(&planned, id.as_deref(), common.now)?;
            Ok(None)
        }
        Err(UploadError { kind: kind @ UploadErrorKind::Unknown, message }) => {
            let detail = format!("{message}; it may have been stored, and the next run looks whether it was");
            row.set(Status::Unknown, Some(Code::OutcomeUnknown), detail);
            Ok(Some(kind))
        }
        Err(UploadError { kind, message }) => {
            row.set(Status::Failed, Some(Code::Refused), message);
            common.state.release_once(&planned)?;
            Ok(Some(kind))
        }
    }
}
