//! What a user's file expects of the simulated systems, so that they can offer it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SandboxInfo;
use crate::http::{Auth, Client, ClientSettings, HttpError, Request};

/// What the simulated systems should offer beside what they have anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// Attributes the file names; values are invented for those that the source does not have.
    #[serde(default)]
    pub attributes: Vec<PreparedAttribute>,
    #[serde(default)]
    pub targets: Vec<PreparedTarget>,
}

/// An attribute that the file names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PreparedAttribute {
    Key(String),
    /// Its key with the readable name that the file gives it, which says what kind of value to invent.
    Named {
        /// `dynamic_4711`.
        key: String,
        /// `ni_number`.
        name: String,
    },
}

impl PreparedAttribute {
    pub fn key(&self) -> &str {
        match self {
            Self::Key(key) | Self::Named { key, .. } => key,
        }
    }

    /// What says most about its meaning: the readable name, else the key.
    pub fn hint(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Named { name, .. } => name,
        }
    }
}

/// A target of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedTarget {
    /// As the file names it; each name has accounts of its own.
    pub name: String,
    /// The word after `type =`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The fields the file fills.
    #[serde(default)]
    pub fields: Vec<PreparedField>,
    /// The interface that the file declares for it, as `Declaration::sandbox_text` gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
}

/// A field that the file fills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedField {
    /// As the file names it (`custom_fields.cost_center`).
    pub name: String,
    /// `text`, `number`, `date`, `bool` or `choice`; anything else counts as text.
    pub kind: String,
    /// The values of a choice; none means that every value is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

#[derive(Debug)]
struct NoAuth;

impl Auth for NoAuth {
    fn headers(&self) -> Result<Vec<(&'static str, String)>, HttpError> {
        Ok(Vec::new())
    }
}

fn client(base_url: &str) -> anyhow::Result<Client> {
    let base_url = base_url.trim_end_matches('/').to_owned();
    Client::new(ClientSettings { timeout: Duration::from_secs(30), ..ClientSettings::new(base_url) }, Box::new(NoAuth))
}

/// Tells a running sandbox, possibly in another process, what a file expects.
pub fn prepare(base_url: &str, preparation: &Preparation) -> anyhow::Result<()> {
    let request = Request::new(crate::http::Method::Post, "/prepare").json(preparation);
    let response = client(base_url)?.send(&request)?;
    anyhow::ensure!(response.is_success(), "the sandbox refused the preparation (status {})", response.status);
    Ok(())
}

/// What a running sandbox says of itself. `address` is `127.0.0.1:7070` or `http://127.0.0.1:7070`.
///
/// # Errors
///
/// When the address is not a loopback one, nothing answers there, or what answers is no sandbox.
pub fn find(address: &str) -> anyhow::Result<SandboxInfo> {
    let base_url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = url::Url::parse(&base_url)?;
    let loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    anyhow::ensure!(
        loopback && url.scheme() == "http",
        "a sandbox is on this machine only; try 127.0.0.1 and its port"
    );
    let response = client(&base_url)?.send(&Request::get("/sandbox.json"))?;
    let info: SandboxInfo =
        response.json().map_err(|error| anyhow::anyhow!("what answers there is no personio-sync sandbox: {error}"))?;
    anyhow::ensure!(info.schema == super::SCHEMA, "the sandbox there is of another version of personio-sync");
    Ok(info)
}
