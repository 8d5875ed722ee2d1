//! `codes`: what the codes of JSON, the history and reports mean, and what to do about them.

use std::ffi::OsStr;

use clap::Args;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use serde::Serialize;

use crate::code::{Code, UnknownCode};
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::words::nearest;

use super::{Failure, Process, Reasons};

/// Say what the codes of tables, JSON and reports mean, and what to do about them
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only these
    #[arg(value_name = "CODE", value_parser = KnownCode, hide_possible_values = true)]
    codes: Vec<Code>,
}

/// Shells complete the codes; a mistake names the nearest and not all of them.
#[derive(Clone)]
struct KnownCode;

impl TypedValueParser for KnownCode {
    type Value = Code;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let text = value.to_string_lossy();
        text.parse().map_err(|UnknownCode| {
            let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
            let hint = nearest(&text, &known).map_or_else(
                || "`personio-sync codes` lists them all".to_owned(),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            clap::Error::raw(ErrorKind::InvalidValue, format!("there is no code `{text}`; {hint}\n")).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Code::ALL.iter().map(|code| PossibleValue::new(code.as_str()).help(code.meaning()))))
    }
}

#[derive(Serialize)]
struct CodesDocument {
    codes: Vec<CodeOut>,
}

#[derive(Serialize)]
struct CodeOut {
    code: Code,
    group: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let asked = |code: &Code| arguments.codes.is_empty() || arguments.codes.contains(code);
    let codes: Vec<Code> = Code::ALL.iter().copied().filter(asked).collect();
    let shown = Shown::default().either(table(&codes), markdown(&codes));
    let out = |code: Code| CodeOut { code, group: code.group(), meaning: code.meaning(), remedy: code.remedy() };
    let document = CodesDocument { codes: codes.into_iter().map(out).collect() };
    process.answer(&Answer::new("codes", document, shown));
    Ok(Reasons::default())
}

fn groups(codes: &[Code]) -> impl Iterator<Item = &[Code]> {
    codes.chunk_by(|one, other| one.group() == other.group())
}

/// A table for each group, with an empty line between them.
fn table(codes: &[Code]) -> Shown {
    groups(codes).enumerate().fold(Shown::default(), |shown, (position, codes)| {
        let mut table = Listing::new(["Code", codes[0].group()]);
        for code in codes {
            table.row([code.as_str(), &format!("{} {}", code.meaning(), code.remedy())]);
        }
        if position > 0 { shown.words("\n").rows(table) } else { shown.rows(table) }
    })
}

/// For `--format markdown`, and the page of the reference: the texts are Markdown themselves.
pub fn markdown(codes: &[Code]) -> String {
    let page = |codes: &[Code]| {
        let row = |code: &Code| format!("| `{code}` | {} | {} |\n", code.meaning(), code.remedy());
        let rows: String = codes.iter().map(row).collect();
        format!("## {}\n\n| code | meaning | what to do |\n|---|---|---|\n{rows}", codes[0].group())
    };
    groups(codes).map(page).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;
    use crate::output::table::TableStyle;

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_code_is_broken() {
        let style = TableStyle { width: Some(80), ..TableStyle::default() };
        let text = table(Code::ALL).render(Format::Table, style);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for code in Code::ALL {
            assert!(text.contains(&format!("\n {code} ")), "{code}: {text}");
        }
    }
}
