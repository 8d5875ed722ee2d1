//! To a program, which reads the message.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::message::Message;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is asked whether it has ended.
const STEP: Duration = Duration::from_millis(20);

/// Runs a program that reads the message as text; `PERSONIO_SYNC_TITLE` has its title.
///
/// # Errors
///
/// When it cannot be run, fails, or takes too long.
pub(super) fn run(command: &[String], message: &Message) -> Result<(), String> {
    let [program, arguments @ ..] = command else { return Err("names no program".into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .env("PERSONIO_SYNC_TITLE", &message.title)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    // A message is small enough for any pipe. A program that does not read it is none of our business.
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(message.text().as_bytes());
    }
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait().map_err(|error| format!("`{program}`: {error}"))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("`{program}` ended with {status}")),
            None if waited >= PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{program}` did not end within {} s", PATIENCE.as_secs()));
            }
            None => {
                std::thread::sleep(STEP);
                waited += STEP;
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).into()
    }

    #[test]
    fn a_program_reads_the_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message");
        let script = format!("(echo \"$PERSONIO_SYNC_TITLE\"; cat) > '{}'", path.display());
        run(&shell(&script), &Message::test()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("personio-sync: a test\nThis is a test"), "{text}");
    }

    #[test]
    fn a_program_that_fails_is_named() {
        assert!(run(&shell("exit 7"), &Message::test()).unwrap_err().contains("`sh` ended with exit status: 7"));
        let missing = ["no-such-program".to_owned()];
        assert!(run(&missing, &Message::test()).unwrap_err().starts_with("`no-such-program` cannot be run"));
    }
}
