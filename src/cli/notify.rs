//! `notify test`: whether messages arrive.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::code::Code;
use crate::exit::Problem;
use crate::notify::Message;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};

use super::{Failure, Process, Reason, Reasons, SandboxChoice};

/// Messages by mail, chat, webhook or a program; see `[notify]` in the file
#[derive(Debug, Subcommand)]
pub(super) enum Notify {
    Test(TestArguments),
}

/// Send a test message by every way that `[notify]` names, and call the heartbeat address
///
/// The heartbeat counts it as a run that ended well. Ends with status 6 when something does not arrive.
#[derive(Debug, Args)]
pub(super) struct TestArguments {}

#[derive(Serialize)]
struct TestDocument {
    problems: Vec<Problem>,
    channels: Vec<Tried>,
}

#[derive(Serialize)]
struct Tried {
    channel: &'static str,
    sent: bool,
    error: Option<String>,
}

pub(super) fn test(process: &Process, _arguments: &TestArguments) -> Result<Reasons, Failure> {
    let session = process.open_telling(&SandboxChoice::default(), &[])?;
    let Some(settings) = &session.settings.notify else {
        let message = "the file has no [notify], so nobody is told; docs/configuration.md lists its keys";
        return Err(Failure::new(Reason::Usage, message));
    };
    let message = Message::test();
    let mut channels: Vec<Tried> = (settings.channels.iter())
        .map(|channel| {
            process.remark(&format!("trying {} …", channel.as_str()));
            let sent = channel.send(&message, process.now).map_err(|undelivered| undelivered.why);
            Tried { channel: channel.as_str(), sent: sent.is_ok(), error: sent.err() }
        })
        .collect();
    if let Some(heartbeat) = &settings.heartbeat {
        process.remark("trying heartbeat …");
        let sent = heartbeat.beat(true);
        channels.push(Tried { channel: "heartbeat", sent: sent.is_ok(), error: sent.err() });
    }
    let (mut reasons, mut problems) = (Reasons::default(), Vec::new());
    for tried in &channels {
        if let Some(why) = &tried.error {
            reasons.add(Reason::Unavailable);
            problems.push(Problem::new(Code::NotDelivered, format!("notify.{}: {why}", tried.channel)));
        }
    }
    let mut listing = Listing::new(["Channel", "Sent", "Why not"]);
    for Tried { channel, sent, error } in &channels {
        let sent = if *sent { "yes" } else { "no" };
        listing.row([(*channel).to_owned(), sent.to_owned(), error.clone().unwrap_or_default()]);
    }
    let shown = match channels.is_empty() {
        true => Shown::default().words("[notify] names nobody to tell.\n"),
        false => Shown::default().rows(listing),
    };
    process.answer(&Answer::new("notify_test", TestDocument { problems, channels }, shown).exit_code(reasons.code()));
    Ok(reasons)
}
