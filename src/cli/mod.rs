//! The command line: one file per command. Only here is the clock read.

mod approve;
mod attribute_uses;
mod attributes;
mod check;
mod codes;
mod completion;
mod confirm;
mod diff;
mod documents;
mod expectations;
mod explain;
mod fields;
mod finding;
mod history;
mod init;
mod link;
mod neighbours;
mod notify;
mod options;
mod plan;
mod plan_file;
mod private_file;
mod replacing;
mod report;
mod running_sandbox;
mod sandbox;
mod schedule;
mod schema;
mod selection;
mod session;
mod signals;
mod status;
mod step_jobs;
mod switch;
mod sync;
mod telling;
mod todo;
mod upcoming;
mod version;
mod who;
mod widget;
mod workflows;

pub use codes::markdown as codes_in_markdown;
pub use options::{Global, SandboxChoice};
pub use schema::schema;
pub use session::Process;

pub use crate::exit::{Failure, Reason, Reasons};

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::employee::Sought;
use crate::exit::Problem;
use crate::output::mask::Masking;
use crate::output::{Format, Kind, json};

/// Keeps a company's other systems in line with its employee data in Personio
///
/// Reads one TOML file, fetches the employees from Personio, compares them with every target, shows the plan, and
/// applies it.
#[derive(Debug, Parser)]
#[command(name = "personio-sync", version, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
    /// With --version: also how old the time zones and the data on phone numbers are
    #[arg(long, requires = "version")]
    verbose: bool,
}

const EXIT_STATUS: &str = "\
Exit status:
  0 done                                   6 source or target unavailable
  1 internal error                         7 sign-in or rights refused
  2 usage or configuration, nothing        8 plan refused, or approval missing
    contacted                             10 changes pending (plan --detailed-exitcode)
  3 finished, some people failed          11 another run holds the lock
  4 a safety rail holds something        130 / 143 stopped by a signal
  5 source not trusted, no removals made

Try it without any account: personio-sync sync --sandbox --config examples/quickstart.toml";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Arguments),
    Check(check::Arguments),
    Attributes(attributes::Arguments),
    Fields(fields::Arguments),
    Plan(plan::Arguments),
    Sync(sync::Arguments),
    Upcoming(upcoming::Arguments),
    Diff(diff::Arguments),
    Confirm(confirm::Arguments),
    Held(approve::HeldArguments),
    Approve(approve::Arguments),
    Explain(explain::Arguments),
    Link(link::LinkArguments),
    Unlink(link::UnlinkArguments),
    Workflows(workflows::Arguments),
    Widget(widget::Arguments),
    Todo(todo::Arguments),
    Status(status::Arguments),
    Runs(history::RunsArguments),
    Jobs(history::JobsArguments),
    Retry(history::RetryArguments),
    Report(report::ReportArguments),
    Acknowledge(report::AcknowledgeArguments),
    Codes(codes::Arguments),
    Pause(switch::PauseArguments),
    Resume(switch::ResumeArguments),
    Disconnect(switch::DisconnectArguments),
    Forget(switch::ForgetArguments),
    #[command(subcommand)]
    Notify(notify::Notify),
    /// Documents such as payslips, stored with the employees in Personio
    #[command(subcommand)]
    Documents(documents::Documents),
    Schedule(schedule::Arguments),
    Sandbox(sandbox::Arguments),
    /// Print what a shell runs to complete commands, options, codes, and the targets and workflows of your file
    ///
    /// The shell asks the program at each completion; nobody is contacted, and a file that cannot be read has no names.
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Print a JSON Schema of the configuration file, for editors
    Schema,
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    completion::answer(Cli::command);
    let parsed =
        Cli::command().try_get_matches().and_then(|matches| Ok((people(&matches), Cli::from_arg_matches(&matches)?)));
    let (people, cli) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are answers, everything else is a mistake in the command line.
            let wrong = error.use_stderr();
            if wrong
                && let Some(kind) = document_of_a_mistake(
                    std::env::args_os().skip(1).filter_map(|argument| argument.into_string().ok()),
                )
            {
                let process =
                    Process::current(Global { config: None, format: Format::Json, all: false, mask: Masking::Auto });
                return process.fail(&usage(&error), kind);
            }
            if error.kind() == ErrorKind::DisplayVersion && std::env::args_os().any(|argument| argument == "--verbose")
            {
                version::print();
                return ExitCode::SUCCESS;
            }
            let _ = error.print();
            return if wrong { ExitCode::from(Reason::Usage.code()) } else { ExitCode::SUCCESS };
        }
    };
    let process = Process::current(cli.global).calling(people);
    let kind = match &cli.command {
        Command::Plan(_) => Kind::Plan,
        Command::Sync(arguments) if arguments.is_preview() => Kind::Plan,
        _ => Kind::Report,
    };
    let result = match cli.command {
        Command::Init(arguments) => init::run(&process, &arguments),
        Command::Check(arguments) => check::run(&process, &arguments),
        Command::Attributes(arguments) => attributes::run(&process, &arguments),
        Command::Fields(arguments) => fields::run(&process, &arguments),
        Command::Plan(arguments) => plan::run(&process, &arguments),
        Command::Upcoming(arguments) => upcoming::run(&process, &arguments),
        Command::Diff(arguments) => diff::run(&process, &arguments),
        Command::Confirm(arguments) => confirm::run(&process, &arguments),
        Command::Held(arguments) => approve::held(&process, &arguments),
        Command::Approve(arguments) => approve::run(&process, &arguments),
        Command::Sync(arguments) => sync::run(&process, &arguments),
        Command::Explain(arguments) => explain::run(&process, &arguments),
        Command::Link(arguments) => link::link(&process, &arguments),
        Command::Unlink(arguments) => link::unlink(&process, &arguments),
        Command::Workflows(arguments) => workflows::run(&process, &arguments),
        Command::Widget(arguments) => widget::run(&process, &arguments),
        Command::Todo(arguments) => todo::run(&process, &arguments),
        Command::Status(arguments) => status::run(&process, &arguments),
        Command::Runs(arguments) => history::runs(&process, &arguments),
        Command::Jobs(arguments) => history::jobs(&process, &arguments),
        Command::Retry(arguments) => history::retry(&process, &arguments),
        Command::Report(arguments) => report::report(&process, &arguments),
        Command::Acknowledge(arguments) => report::acknowledge(&process, &arguments),
        Command::Codes(arguments) => codes::run(&process, &arguments),
        Command::Pause(arguments) => switch::pause(&process, &arguments),
        Command::Resume(arguments) => switch::resume(&process, &arguments),
        Command::Disconnect(arguments) => switch::disconnect(&process, &arguments),
        Command::Forget(arguments) => switch::forget(&process, &arguments),
        Command::Documents(documents::Documents::Upload(arguments)) => documents::upload(&process, &arguments),
        Command::Notify(notify::Notify::Test(arguments)) => notify::test(&process, &arguments),
        Command::Schedule(arguments) => schedule::run(&process, &arguments),
        Command::Sandbox(arguments) => sandbox::run(&process, &arguments),
        Command::Completions { shell } => {
            let script = completion::script(shell, "personio-sync");
            script.map_err(|error| Failure::new(Reason::Internal, error.to_string())).map(|script| {
                process.print(&String::from_utf8_lossy(&script));
                Reasons::default()
            })
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| Failure::new(Reason::Internal, error.to_string()))
                .map(|()| {
                    process.print(&String::from_utf8_lossy(&page));
                    Reasons::default()
                })
        }
        Command::Schema => {
            process.print(&json::render_value(&schema::schema()));
            Ok(Reasons::default())
        }
    };
    match result {
        Ok(reasons) => reasons.exit_code(),
        Err(failure) => process.fail(&failure, kind),
    }
}

/// What people are called by on the command line, other than ids.
fn people(matches: &ArgMatches) -> Vec<String> {
    let names = |argument: &clap::Id| {
        let sought = matches.try_get_many::<Sought>(argument.as_str()).ok().flatten()?;
        let raw = matches.get_raw(argument.as_str())?;
        let named = sought.zip(raw).filter(|(sought, _)| !matches!(sought, Sought::Id(_)));
        Some(named.map(|(_, text)| text.to_string_lossy().into_owned()).collect::<Vec<_>>())
    };
    let below = matches.subcommand().map(|(_, below)| people(below)).unwrap_or_default();
    matches.ids().filter_map(names).flatten().chain(below).collect()
}

/// The document that a command line with a mistake in it asked for, if it asked for JSON.
fn document_of_a_mistake(arguments: impl Iterator<Item = String>) -> Option<Kind> {
    let arguments: Vec<String> = arguments.collect();
    let json = arguments.iter().any(|argument| argument == "--format=json")
        || arguments.windows(2).any(|pair| pair == ["--format", "json"]);
    let plan = arguments.iter().any(|argument| argument == "plan" || argument == "--dry-run");
    json.then_some(if plan { Kind::Plan } else { Kind::Report })
}

/// What clap says, with its first line as the message.
fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Failure {
        reason: Reason::Usage,
        problems: vec![Problem::new(Reason::Usage.word(), first)],
        text: text.trim_end().to_owned(),
    }
}

/// The names of all commands.
pub fn commands() -> Vec<String> {
    Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Whether a command line is one that the program takes, its name first.
pub fn parses<S: Into<std::ffi::OsString> + Clone>(arguments: impl IntoIterator<Item = S>) -> Result<(), String> {
    match Cli::try_parse_from(arguments) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
