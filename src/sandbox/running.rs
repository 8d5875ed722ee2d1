//! Talks to a sandbox that runs, possibly in another process.

use std::time::Duration;

use super::{Happened, Happening, SandboxInfo};
use crate::http::{Auth, Client, ClientSettings, HttpError, Request};
use crate::simulation::Preparation;

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
///
/// # Errors
///
/// When it cannot be reached, or does not take the preparation.
pub fn prepare(base_url: &str, preparation: &Preparation) -> anyhow::Result<()> {
    let request = Request::new(crate::http::Method::Post, "/prepare").json(preparation);
    let response = client(base_url)?.send(&request)?;
    anyhow::ensure!(response.is_success(), "the sandbox refused the preparation (status {})", response.status);
    Ok(())
}

/// Has something happen to the people of a running sandbox.
///
/// # Errors
///
/// When it cannot be reached, or that cannot happen; it says why.
pub fn happen(base_url: &str, happening: &Happening) -> anyhow::Result<Result<Happened, String>> {
    let request = Request::new(crate::http::Method::Post, "/people").json(happening);
    let response = client(base_url)?.send(&request)?;
    if response.is_success() {
        return Ok(Ok(response.json()?));
    }
    let refusal: serde_json::Value = response.json()?;
    Ok(Err(refusal["error"].as_str().unwrap_or("it is refused").to_owned()))
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
