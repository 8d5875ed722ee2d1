//! Servers of others that tests talk to, where they can be started.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with the test.
pub(crate) struct Ends(pub(crate) Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn await_port(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing listens at port {port}");
        std::thread::yield_now();
    }
}

/// What runs where it can, and on CI must.
pub(crate) fn found<T>(what: &str, found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "no {what} to test against: {why}");
            eprintln!("skipped: no {what} to test against: {why}");
            None
        }
    }
}

pub(crate) fn done(command: &mut Command) -> Result<(), String> {
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} cannot be run: {error}")),
    }
}

/// Python with `aiosmtpd`, in an environment of its own.
pub(crate) fn aiosmtpd() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd-1.4.6");
    let python = folder.join("bin/python");
    if !folder.join("bin/aiosmtpd").exists() {
        done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        done(Command::new(&python).args(["-m", "pip", "install", "--quiet", "aiosmtpd==1.4.6"]))?;
    }
    Ok(python)
}

/// Writes each mail to a file of the folder; refuses who is called `refused`. With a certificate it wants STARTTLS and
/// a sign-in.
pub(crate) const SERVER: &str = r#"
import asyncio, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

port, folder, certificate = int(sys.argv[1]), sys.argv[2], sys.argv[3:]

class Handler:
    count = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        with open(f"{folder}/{Handler.count}.eml", "wb") as file:
            file.write(f"Envelope: {envelope.rcpt_tos}\r\n".encode() + envelope.content)
        return "250 OK"

def sign_in(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"sync", b"papaya"), handled=False)

def server():
    if not certificate:
        return SMTP(Handler())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[0], certificate[1])
    return SMTP(Handler(), tls_context=context, require_starttls=True, authenticator=sign_in, auth_required=True)

async def main():
    async with await asyncio.get_running_loop().create_server(server, "0.0.0.0", port) as listening:
        await listening.serve_forever()

asyncio.run(main())
"#;

pub(crate) fn mails(folder: &Path) -> Vec<String> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "eml"));
    found.sort();
    found.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}
