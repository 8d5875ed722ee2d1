//! `[notify]`

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::code::Code;
use crate::mail::{self, MailSettings};
use crate::section::{Located, Secret, Table, check_url};

use super::facts::Topic;

/// The keys of `[notify]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Shape {
    /// What is told of
    #[serde(default = "everything")]
    on: Vec<Topic>,
    /// By e-mail: see below
    email: Option<mail::Shape>,
    /// The address of an incoming webhook of Slack
    #[schemars(example = json!({ "env": "SLACK_WEBHOOK" }))]
    slack: Option<Located<Secret>>,
    /// The address of a Teams workflow that posts what a webhook receives
    #[schemars(example = json!({ "env": "TEAMS_WORKFLOW" }))]
    teams: Option<Located<Secret>>,
    /// Any address: it is sent JSON
    webhook: Option<Located<Secret>>,
    /// A program with its arguments, which reads the message as text
    #[schemars(example = json!(["mail", "-s", "personio-sync", "it@example.com"]))]
    command: Option<Located<Vec<String>>>,
    /// An address that is called after each run, for a service that raises the alarm when no call comes
    #[schemars(example = json!({ "env": "HEARTBEAT" }))]
    heartbeat: Option<Located<Secret>>,
    /// The address to call instead after a run that did not end with status 0; left out: that of `heartbeat` with `/fail`
    heartbeat_fail: Option<Located<Secret>>,
    /// A file for Prometheus, written after each run, relative to the folder of the configuration
    #[schemars(example = &"/var/lib/node_exporter/personio-sync.prom")]
    metrics: Option<Located<String>>,
}

fn everything() -> Vec<Topic> {
    Topic::ALL.to_vec()
}

/// `[notify]`, settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySettings {
    pub on: Vec<Topic>,
    pub channels: Vec<Channel>,
    pub heartbeat: Option<Heartbeat>,
    pub metrics: Option<PathBuf>,
}

/// A way to reach people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    Email(MailSettings),
    Slack(Secret),
    Teams(Secret),
    Webhook(Secret),
    Command(Vec<String>),
}

impl Channel {
    /// Its key in the file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Webhook(_) => "webhook",
            Self::Command(_) => "command",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub success: Secret,
    pub failure: Secret,
}

/// Reads `[notify]`. Addresses are checked where secrets were read; `None` where there is no such section, or a mistake
/// in it.
pub fn read(root: &Table<'_>, folder: &Path, secrets_read: bool) -> Option<NotifySettings> {
    let section = root.table("notify")?;
    let shape: Option<Shape> = section.read();
    section.finish();
    let Shape { on, email, slack, teams, webhook, command, heartbeat, heartbeat_fail, metrics } = shape?;
    let problems = root.problems();
    let address = |key: &str, found: Option<Located<Secret>>| {
        let Located { value, span } = found?;
        if secrets_read && check_url(value.expose()).is_err() {
            // Nothing of it is shown: it is a secret.
            let message =
                format!("`notify.{key}` must be an address that begins with https:// (http:// to this machine)");
            problems.error(span, Code::WrongValue, message);
        }
        Some(value)
    };
    let mut channels = Vec::new();
    channels.extend(email.and_then(|email| email.settled("notify.email", problems)).map(Channel::Email));
    channels.extend(address("slack", slack).map(Channel::Slack));
    channels.extend(address("teams", teams).map(Channel::Teams));
    channels.extend(address("webhook", webhook).map(Channel::Webhook));
    if let Some(Located { value, span }) = command {
        if value.first().is_none_or(|program| program.trim().is_empty()) {
            problems.error(
                span,
                Code::WrongValue,
                "`notify.command` names no program; write [\"PROGRAM\", \"ARGUMENT\"]",
            );
        }
        channels.push(Channel::Command(value));
    }
    if heartbeat.is_none()
        && let Some(alone) = &heartbeat_fail
    {
        let message = "`notify.heartbeat_fail` needs `heartbeat`, the address for runs that end well";
        problems.error(alone.span.clone(), Code::MissingKey, message);
    }
    let failure = address("heartbeat_fail", heartbeat_fail);
    let heartbeat = address("heartbeat", heartbeat).map(|success| {
        let failure = failure.unwrap_or_else(|| Secret::new(below(success.expose(), "fail")));
        Heartbeat { success, failure }
    });
    let metrics = metrics.map(|Located { value, span }| {
        if value.trim().is_empty() {
            problems.error(span, Code::WrongValue, "`notify.metrics` is empty; it takes the path of a file");
        }
        folder.join(value)
    });
    Some(NotifySettings { on, channels, heartbeat, metrics })
}

/// An address with one more word in its path, before its query.
fn below(address: &str, word: &str) -> String {
    let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)));
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{word}{query}", path.trim_end_matches('/'))
}
