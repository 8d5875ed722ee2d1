use chrono::{DateTime, Utc};

use super::{
    CatalogueEntry, DocumentCategory, PersonioDocuments, PersonioSource, Presence, ReadResult, SourceError,
    SourceSettings, StoredDocument, Upload, UploadError,
};
use crate::employee::{Attributes, EmployeeId};
use crate::http::Requests;
use crate::progress::Progress;
use crate::section::Secret;

/// Where employees are read: an API in one of its versions, or a report.
pub trait Source: Send + Sync {
    /// All employees, whatever their status. A value that cannot be understood is no error but a notice, and hidden.
    fn employees(&self, attributes: &Attributes, progress: &dyn Progress) -> Result<ReadResult, SourceError>;

    /// Those who were changed since a moment, in one of the attributes; late, or twice, as Personio has it. Of nobody else
    /// anything is said. `None` when the attributes do not fit into one request, and whoever changed in one portion of
    /// them would not come with the others.
    fn changed(
        &self,
        attributes: &Attributes,
        since: DateTime<Utc>,
        progress: &dyn Progress,
    ) -> Result<Option<ReadResult>, SourceError>;

    /// Whether there is an employee with this id, whatever the list says.
    fn presence(&self, employee: EmployeeId) -> Result<Presence, SourceError>;

    /// What was sent so far.
    fn requests(&self) -> Requests {
        Requests::default()
    }

    /// The attributes that the credential may read. Some credentials read employees and are refused this list
    /// ([`SourceErrorKind::Rights`](super::SourceErrorKind::Rights)).
    fn catalogue(&self) -> Result<Vec<CatalogueEntry>, SourceError>;
}

/// Documents of employees, such as payslips: the one thing that is written to a source.
pub trait Documents {
    /// All categories of documents.
    fn categories(&self) -> Result<Vec<DocumentCategory>, SourceError>;

    /// Uploads a document and returns the source's number for it. Sent once: a second try could store it twice.
    fn upload(&self, upload: &Upload) -> Result<Option<String>, UploadError>;

    /// The documents of an employee in a category, as far as they are listed.
    fn of_employee(&self, employee: EmployeeId, category: u64) -> Result<Vec<StoredDocument>, SourceError>;
}

/// Opens what the file names as its source; contacts nobody yet. The only place that knows which kinds there are.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'s>(pub &'s SourceSettings);

impl Sources<'_> {
    /// The source, signed in with the file's credential.
    ///
    /// # Errors
    ///
    /// When the base address is not usable or TLS cannot be set up; so for the others.
    pub fn employees(&self) -> anyhow::Result<Box<dyn Source>> {
        Ok(Box::new(PersonioSource::new(self.0.clone())?))
    }

    /// The same source, signed in with another credential.
    pub fn with_credential(&self, client_id: &Secret, client_secret: &Secret) -> anyhow::Result<Box<dyn Source>> {
        let settings = self.0.with_credential(client_id.clone(), client_secret.clone());
        Ok(Box::new(PersonioSource::new(settings)?))
    }

    pub fn documents(&self) -> anyhow::Result<Box<dyn Documents>> {
        Ok(Box::new(PersonioDocuments::new(self.0.clone())?))
    }
}
