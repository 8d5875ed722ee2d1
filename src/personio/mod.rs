//! The source: employees as Personio delivers them; and documents, the one thing written to it.

mod answer;
mod auth;
mod document_wire;
mod documents;
mod garbled;
mod requests;
pub mod simulated;
mod source;
#[cfg(test)]
mod tests;
mod v1;
mod value;
mod wire;

pub use answer::WHERE;
pub use documents::{
    DocumentCategory, FILE_TYPES, LARGEST_FILE, LONGEST_TITLE, StoredDocument, Upload, UploadError, UploadErrorKind,
};
pub use source::{Documents, Source, Sources};
pub use v1::Presence;
pub use wire::{CatalogueEntry, read_page};

use documents::PersonioDocuments;
use v1::PersonioSource;

use crate::employee::Employees;
use crate::plan::Notice;
use crate::section::Secret;

/// Where Personio's API is. Source: <https://developer.personio.de/docs/getting-started-with-the-personio-api>
pub const BASE_URL: &str = "https://api.personio.de";

/// What this tool calls itself in `X-Personio-App-ID` where the file gives no other name. Personio strongly recommends the
/// header: by it their support finds a tool's requests.
pub const APP_ID: &str = "PERSONIO_SYNC";

/// How to reach Personio.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Client id of the API credential.
    pub client_id: Secret,
    pub client_secret: Secret,
    /// `X-Personio-Partner-ID`, for partners of the marketplace.
    pub partner_id: Option<String>,
    /// `X-Personio-App-ID`.
    pub app_id: String,
    /// Base address without a trailing slash.
    pub base_url: String,
    /// The most pages read in any minute. Personio allows 300.
    pub requests_per_minute: u32,
    /// The most pages read in any second. Personio allows 15.
    pub requests_per_second: u32,
    /// How many pages are read at the same time. Each holds a page in memory; a few keep up with the pace, as an
    /// answer takes well under a second.
    pub readers: usize,
}

impl SourceSettings {
    /// The same place, signed in with another credential.
    pub fn with_credential(&self, client_id: Secret, client_secret: Secret) -> Self {
        Self { client_id, client_secret, ..self.clone() }
    }

    /// Personio itself, at the pace it allows.
    pub fn new(client_id: Secret, client_secret: Secret) -> Self {
        Self {
            client_id,
            client_secret,
            partner_id: None,
            app_id: APP_ID.into(),
            base_url: BASE_URL.into(),
            requests_per_minute: 300,
            requests_per_second: 15,
            readers: 4,
        }
    }
}

/// Everybody, with what an operator should know of the read.
#[derive(Clone, Debug)]
pub struct ReadResult {
    /// The employees, and whether they are proven to be all.
    pub employees: Employees,
    /// Values that could not be read, each for one employee; sorted.
    pub notices: Vec<Notice>,
    /// Records without an id: nobody can say whose they are.
    pub without_id: u64,
}

/// Why Personio could not be read; holds no value of an employee and no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What it means for the run.
    pub kind: SourceErrorKind,
    /// A lower-case fragment: what happened, and what to try.
    pub message: String,
}

/// What a [`SourceError`] means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceErrorKind {
    SignIn,
    /// The credential lacks a right.
    Rights,
    /// Personio cannot be reached, or is busy after all attempts.
    Unavailable,
    /// The request is longer than Personio takes, or what stands in between.
    TooLong,
    /// The answer is not what Personio is known to send.
    Unexpected,
}
