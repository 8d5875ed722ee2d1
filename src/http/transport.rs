use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::blocking::Client;
use url::{Host, Url};

/// Longer idle connections are often closed by the service in the very moment a request is sent on them,
/// which leaves a write's outcome unknown.
const IDLE: Duration = Duration::from_secs(20);

/// Unreachable services should be reported well before a slow answer is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection pools of the process. Every pool has a thread of its own and reads the system's
/// certificates, so that all services share one.
static POOLS: Mutex<BTreeMap<(bool, bool), Client>> = Mutex::new(BTreeMap::new());

/// The pool to reach an address with.
///
/// Loopback addresses are reached directly, whatever proxy the environment names.
pub(super) fn pool(base: &Url) -> reqwest::Result<Client> {
    let (loopback, tls) = (is_loopback(base), base.scheme() == "https");
    let mut pools = POOLS.lock();
    if let Some(pool) = pools.get(&(loopback, tls)) {
        return Ok(pool.clone());
    }
    // Refused only when a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("personio-sync/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .timeout(None);
    if loopback {
        builder = builder.no_proxy();
    }
    if !tls {
        builder = builder.tls_certs_only([]);
    }
    let pool = builder.build()?;
    pools.insert((loopback, tls), pool.clone());
    Ok(pool)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What went wrong on the way, in words that name no address, header or body.
pub(super) fn explain(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return if error.is_connect() {
            format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())
        } else {
            format!("nothing came within {} s", timeout.as_secs())
        };
    }
    if error.is_body() || error.is_decode() {
        return "the answer was cut off".into();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    // The outermost error prints the address, with its query.
    if std::ptr::eq(std::ptr::from_ref(cause).cast::<()>(), std::ptr::from_ref(error).cast::<()>()) {
        return "the request could not be sent".into();
    }
    cause.to_string()
}
