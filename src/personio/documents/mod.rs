//! Documents: categories and uploads through API v1, the list of what is there through API v2.
//!
//! API v2 has no upload, and API v1 has no list.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::Value as Json;

use super::answer::{WHERE, error_of, refusal, unexpected};
use super::document_wire::{Categories, StoredDocuments, Uploaded};
use super::requests::{self, UPLOADS};
use super::wire::Envelope;
use super::{Documents, SourceError, SourceErrorKind, SourceSettings, auth};
use crate::employee::EmployeeId;
use crate::http::{Client, ClientSettings, Clock, File, HttpError, RealClock, Response, TokenAuth, UnexpectedBody};

/// The largest file that Personio takes, in bytes ("30 MB").
pub const LARGEST_FILE: u64 = 30_000_000;

/// The most characters of a title.
pub const LONGEST_TITLE: usize = 255;

/// The types that Personio takes, by the ending of the file's name, as its own refusal lists them.
pub const FILE_TYPES: &[&str] = &[
    "7z",
    "asc",
    "bmp",
    "csv",
    "doc",
    "docx",
    "dotx",
    "eps",
    "fax",
    "gif",
    "gz",
    "htm",
    "html",
    "ics",
    "jpeg",
    "jpg",
    "md",
    "msg",
    "numbers",
    "odg",
    "odp",
    "ods",
    "odt",
    "otf",
    "p7s",
    "pages",
    "pdf",
    "png",
    "ppt",
    "pptx",
    "rar",
    "rtf",
    "rtfd",
    "tif",
    "tiff",
    "txt",
    "txz",
    "vcf",
    "webarchive",
    "wps",
    "xls",
    "xlsx",
    "xml",
    "xps",
    "zip",
];

/// How long one upload may take: thirty megabytes on a slow line.
const PATIENCE: Duration = Duration::from_secs(300);

const UPLOADS_PER_MINUTE: u32 = 60;

const READ_RIGHT: &str = "Documents: Read";
const WRITE_RIGHT: &str = "Documents: Write";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentCategory {
    pub id: u64,
    pub name: String,
}

/// A document to be uploaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    pub employee: EmployeeId,
    pub category: u64,
    /// At most [`LONGEST_TITLE`] characters.
    pub title: String,
    pub comment: Option<String>,
    /// The day that the document is about.
    pub date: Option<NaiveDate>,
    /// At most [`LARGEST_FILE`] bytes, of one of the [`FILE_TYPES`].
    pub file: File,
}

/// A document that Personio has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    pub id: String,
    pub name: String,
    /// Number of the category, as text.
    pub category: Option<String>,
    /// Bytes, where it is told.
    pub size: Option<u64>,
    /// The day it was uploaded, as Personio tells it.
    pub created: Option<NaiveDate>,
}

/// Why an upload did not end well; holds no value of an employee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UploadError {
    pub kind: UploadErrorKind,
    /// A lower-case fragment: what happened, and what to try.
    pub message: String,
}

/// What an [`UploadError`] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadErrorKind {
    /// Personio does not take this document; others may go through.
    Refused,
    /// The credential is refused; none will go through.
    SignIn,
    /// The credential lacks a right; none will go through.
    Rights,
    /// Personio cannot be reached or is busy. Nothing was stored.
    Unavailable,
    /// Whether it was stored is not known.
    Unknown,
}

#[derive(Debug)]
pub(super) struct PersonioDocuments {
    v1: Client,
    v2: Client,
}

impl PersonioDocuments {
    /// Prepares; contacts nobody yet.
    ///
    /// # Errors
    ///
    /// When the base address is not usable or TLS cannot be set up.
    pub(super) fn new(settings: SourceSettings) -> anyhow::Result<Self> {
        Self::with_clock(settings, Arc::new(RealClock::new()))
    }

    pub(super) fn with_clock(settings: SourceSettings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let SourceSettings { client_id, client_secret, partner_id, app_id, base_url, .. } = settings;
        let names: Vec<(&'static str, String)> = (partner_id.map(|name| ("x-personio-partner-id", name)).into_iter())
            .chain([("x-personio-app-id", app_id)])
            .collect();
        let unsigned = || auth::client(&base_url, names.clone(), Arc::clone(&clock));
        let (first, second) = (unsigned()?, unsigned()?);
        let (id, secret) = (client_id.clone(), client_secret.clone());
        let v1 = TokenAuth::new(move || auth::sign_in(&first, &id, &secret), names.clone());
        let v2 = TokenAuth::new(move || auth::sign_in_v2(&second, &client_id, &client_secret), names.clone());
        let paced = ClientSettings { timeout: PATIENCE, ..ClientSettings::new(&*base_url) }.limit(
            UPLOADS,
            UPLOADS_PER_MINUTE,
            Duration::from_secs(60),
        );
        Ok(Self {
            v1: Client::with_clock(paced, Box::new(v1), Arc::clone(&clock))?,
            v2: Client::with_clock(ClientSettings::new(&*base_url), Box::new(v2), clock)?,
        })
    }
}

impl Documents for PersonioDocuments {
    /// All categories of documents.
    fn categories(&self) -> Result<Vec<DocumentCategory>, SourceError> {
        const WHAT: &str = "list the categories of documents";
        let answer = self.v1.reader().send(&requests::document_categories())?;
        if !answer.is_success() {
            return Err(refusal(WHAT, READ_RIGHT, answer.status, error_of(&answer).as_ref()));
        }
        match answer.json::<Envelope<Categories>>().map_err(|why| unexpected(WHAT, &why))? {
            Envelope { success: Some(false), error, .. } => Err(refusal(WHAT, READ_RIGHT, 200, error.as_ref())),
            Envelope { data: Some(Categories(categories)), .. } => Ok(categories),
            _ => Err(no_list(WHAT)),
        }
    }

    /// Uploads a document and returns Personio's number for it. Sent once: a second try could store it twice.
    fn upload(&self, upload: &Upload) -> Result<Option<String>, UploadError> {
        match self.v1.send(&requests::upload(upload)) {
            Ok(answer) => understand(&answer),
            Err(error) => {
                let kind = match &error {
                    HttpError::NotSent { .. } | HttpError::Busy(_) | HttpError::Interrupted { .. } => {
                        UploadErrorKind::Unavailable
                    }
                    HttpError::Lost { .. } | HttpError::TooLarge { .. } => UploadErrorKind::Unknown,
                    HttpError::SignIn(_) => UploadErrorKind::SignIn,
                    HttpError::ForeignLink(_) => UploadErrorKind::Refused,
                };
                Err(UploadError { kind, message: error.to_string() })
            }
        }
    }

    /// The documents of an employee in a category, as far as Personio lists them: those that payroll
    /// software delivers are left out.
    fn of_employee(&self, employee: EmployeeId, category: u64) -> Result<Vec<StoredDocument>, SourceError> {
        const WHAT: &str = "list the documents of an employee";
        let (mut documents, mut seen) = (Vec::new(), HashSet::new());
        let mut request = requests::documents(employee, category);
        loop {
            let answer = self.v2.reader().send(&request)?;
            if !answer.is_success() {
                return Err(no_list_of_employee(WHAT, &answer));
            }
            let page: StoredDocuments = answer.json().map_err(|why| unexpected(WHAT, &why))?;
            let Some(list) = page.documents else { return Err(no_list(WHAT)) };
            let came = list.len();
            documents.extend(list);
            match page.next {
                Some(link) if came > 0 && !seen.insert(link.clone()) => {
                    let message = format!("Personio was asked to {WHAT}, and its pages lead in a circle");
                    return Err(SourceError::new(SourceErrorKind::Unexpected, message));
                }
                Some(link) if came > 0 => request = requests::next_documents(&link),
                _ => return Ok(documents),
            }
        }
    }
}

/// Why API v2 does not list the documents of an employee.
fn no_list_of_employee(what: &str, answer: &Response) -> SourceError {
    let error = answer.json_or_none().map(|body| body["errors"][0].clone());
    let answered = error.as_ref().is_some_and(Json::is_object);
    match answer.status {
        // API v2 has been seen to answer so to whoever lacks a right, and the sign-in went well just before.
        401 => SourceError::new(
            SourceErrorKind::Rights,
            format!(
                "Personio refuses to {what} (HTTP 401), also with a new token: most likely the right is missing; tick \
                 {READ_RIGHT} for the credential, {WHERE}, and compare the credential if it is ticked"
            ),
        ),
        404 if answered => SourceError::new(
            SourceErrorKind::Unexpected,
            format!("Personio was asked to {what}: it does not know this employee or the category (any more)"),
        ),
        status => refusal(what, READ_RIGHT, status, error.as_ref()),
    }
}

fn no_list(what: &str) -> SourceError {
    SourceError::new(SourceErrorKind::Unexpected, format!("Personio was asked to {what} and sent no list"))
}

/// What the answer to an upload means.
fn understand(answer: &Response) -> Result<Option<String>, UploadError> {
    let fail = |kind, message: String| Err(UploadError { kind, message });
    let error = error_of(answer);
    let status = answer.status;
    let code = match (status, &error) {
        // Business errors come with HTTP 200 and tell their status in the body, or 0.
        (200..=299, Some(error)) if !error.is_null() => {
            let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
            code.filter(|code| (400..600).contains(code)).unwrap_or(422)
        }
        _ => status,
    };
    match code {
        200..=299 => match answer.json::<Envelope<Uploaded>>() {
            Ok(Envelope { success: Some(false), .. }) => {
                fail(UploadErrorKind::Refused, "Personio refuses the document without a reason".into())
            }
            Ok(Envelope { data: Some(Uploaded { id }), .. }) => Ok(id),
            Ok(_) => fail(UploadErrorKind::Unknown, "the upload was answered without a document".into()),
            Err(UnexpectedBody(why)) => fail(UploadErrorKind::Unknown, format!("the upload was sent, and {why}")),
        },
        401 => fail(UploadErrorKind::SignIn, "Personio refuses the upload, also with a new token".into()),
        403 => fail(UploadErrorKind::Rights, refusal("store documents", WRITE_RIGHT, 403, None).message),
        404 => {
            let missing = match error.as_ref().and_then(|error| error["message"].as_str()) {
                Some(message) if message.contains("DocumentCategory") => "the category",
                Some(message) if message.contains("Employee") => "this employee",
                _ => "this employee or the category",
            };
            fail(UploadErrorKind::Refused, format!("Personio does not know {missing} (any more)"))
        }
        413 => fail(UploadErrorKind::Refused, "Personio finds the file too large".into()),
        429 => fail(UploadErrorKind::Unavailable, format!("Personio is {}", answer.too_busy())),
        500..=599 | 408 => {
            fail(UploadErrorKind::Unknown, format!("Personio broke down over the upload (HTTP {status})"))
        }
        400..=499 => {
            let fields = error.as_ref().map(refused_fields).unwrap_or_default();
            let about = if fields.is_empty() { String::new() } else { format!(" because of {}", fields.join(", ")) };
            fail(UploadErrorKind::Refused, format!("Personio refuses the document{about} (HTTP {code})"))
        }
        _ => fail(
            UploadErrorKind::Refused,
            format!("the upload was answered with HTTP {status}; check `personio.base_url`"),
        ),
    }
}

/// The fields that Personio complains about, by name; what it says of them may quote a value.
fn refused_fields(error: &Json) -> Vec<String> {
    const FIELDS: [&str; 6] = ["title", "comment", "employee_id", "category_id", "date", "file"];
    let details = ["error_data", "errors"].into_iter().find_map(|key| error[key].as_object());
    let told = |field: &&&str| details.is_some_and(|details| details.contains_key(**field));
    FIELDS.iter().filter(told).map(|field| format!("`{field}`")).collect()
}
