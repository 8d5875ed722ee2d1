//! Being told: by e-mail, chat, webhook or a program, once for each change of how things stand; a sign of life; and
//! measures in a file.
//!
//! What is new is decided in `facts`, purely. Nothing here is ever in the way of a run: it has ended, and what goes
//! wrong is a warning.

mod command;
mod facts;
mod message;
mod metrics;
mod settings;
mod web;

pub use facts::{Entry, Fact, News, Observed, Topic, news};
pub use message::Message;
pub use metrics::{BudgetMetrics, Metrics, TargetMetrics};
pub use settings::{Channel, Heartbeat, NotifySettings, Shape, read};

use chrono::{DateTime, Utc};

pub use crate::mail::Undelivered;
use crate::mail::{self, Draft};

impl Channel {
    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Says who was not reached, and why. A service that keeps silent costs seconds.
    pub fn send(&self, message: &Message, now: DateTime<Utc>) -> Result<(), Undelivered> {
        let sent = match self {
            Self::Email(settings) => {
                let draft = Draft { subject: &message.title, text: message.text(), attachments: Vec::new() };
                return mail::send(settings, &draft, now);
            }
            Self::Slack(address) => web::post(address, &message.slack()),
            Self::Teams(address) => web::post(address, &message.teams()),
            Self::Webhook(address) => web::post(address, message.json()),
            Self::Command(command) => command::run(command, message),
        };
        sent.map_err(|why| Undelivered { reached_somebody: false, why })
    }
}

impl Heartbeat {
    /// Says that a run ended, well or not.
    ///
    /// # Errors
    ///
    /// When the service does not take it.
    pub fn beat(&self, well: bool) -> Result<(), String> {
        web::call(if well { &self.success } else { &self.failure })
    }
}
