use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::field::AccountId;
use crate::mail::{self, Draft, MailSettings};
use crate::targets::file::{NamedFile, OpenFile};
use crate::targets::{Deliver, ErrorKind, TargetError};

use super::sftp::Sftp;

/// Brings files to whoever imports them.
#[derive(Debug)]
pub(super) enum Carrier {
    Sftp(Sftp),
    Mail(MailSettings),
}

impl Carrier {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Sftp(_) => format!("by SFTP to {}", self.destination()),
            Self::Mail(_) => format!("by e-mail to {}", self.destination()),
        }
    }

    fn destination(&self) -> String {
        match self {
            Self::Sftp(sftp) => sftp.destination(),
            Self::Mail(mail) => mail.to.join(", "),
        }
    }

    fn send(&self, files: &[NamedFile; 2], now: DateTime<Utc>) -> Result<(), TargetError> {
        match self {
            Self::Sftp(sftp) => sftp.send(files),
            Self::Mail(settings) => by_mail(settings, files, now),
        }
    }
}

fn by_mail(settings: &MailSettings, files: &[NamedFile; 2], now: DateTime<Utc>) -> Result<(), TargetError> {
    let [whole, changes] = files;
    let draft = Draft {
        subject: &format!("personio-sync: {}", whole.name),
        text: format!(
            "{} has everybody.\n{} has only who is new or changed since the last delivery that was confirmed.\n",
            whole.name, changes.name
        ),
        attachments: files.iter().map(|file| (&*file.name, &*file.bytes)).collect(),
    };
    mail::send(settings, &draft, now).map_err(|error| TargetError::new(ErrorKind::Unavailable, error.why))
}

/// The file of an open target, and who brings it away.
#[derive(Debug)]
pub(super) struct Parcels {
    pub(super) file: Arc<OpenFile>,
    pub(super) carrier: Option<Arc<Carrier>>,
}

impl Deliver for Parcels {
    fn pack(&self, changed: &BTreeSet<AccountId>) -> Result<Option<[NamedFile; 2]>, TargetError> {
        self.file.write_part(changed)
    }

    fn destination(&self) -> Option<String> {
        self.carrier.as_ref().map(|carrier| carrier.destination())
    }

    fn send(&self, packed: &[NamedFile; 2], now: DateTime<Utc>) -> Result<(), TargetError> {
        let Some(carrier) = &self.carrier else { return Ok(()) };
        carrier.send(packed, now)
    }
}
